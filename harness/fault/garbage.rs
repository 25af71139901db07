//! `garbage`: bytes that mean nothing.

use std::io;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use super::{After, BEFORE_CLOSE, Cx, Fault, send};
use crate::scenario::{Problem, Size, Word};
use crate::stage::Stage;

/// Sends random bytes, the same for the same seed and connection. The first has its top bit set,
/// so that they are neither HTTP nor a TLS record.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Garbage {
    /// How many. Default: 64B.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<Size>,
}

impl Fault for Garbage {
    const AT: &'static [Stage] = BEFORE_CLOSE;
    const ABOUT: &'static str = "Sends random bytes, the same for the same seed";
    const EXAMPLE: &'static str = "{at: reply, do: {garbage: 64B, then: close}}";

    fn bare() -> Option<Self> {
        Some(Garbage::default())
    }

    fn from_word(word: &str) -> Result<Self, Problem> {
        Ok(Garbage { bytes: Some(Size::parse(word)?) })
    }

    fn word_schema(with: &mut SchemaGenerator) -> Option<Schema> {
        Some(with.subschema_for::<Size>())
    }

    fn check(&self, _: Stage) -> Result<(), Problem> {
        match self.bytes {
            Some(Size(n)) if n > 16 * 1024 * 1024 => {
                Err(Problem::new("there is at most 16MiB of garbage").about("bytes"))
            }
            Some(Size(0)) => Err(Problem::new("`0B` of garbage is none")
                .about("bytes")
                .help("write e.g. `64B`, or take the step out")),
            _ => Ok(()),
        }
    }

    async fn act(&self, cx: &mut Cx<'_, '_>) -> io::Result<After> {
        let mut bytes = vec![0; self.bytes.map_or(64, |s| s.0) as usize];
        cx.rng.fill(&mut bytes);
        bytes[0] |= 0x80;
        let result = cx.send(&bytes).await;
        cx.did(format!("sent {} random bytes", bytes.len()), true);
        result.map(|()| send::after(cx.stage))
    }
}
