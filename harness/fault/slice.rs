//! `slice`: small writes.

use std::io;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use super::{After, Cx, Direction, FLOWS, Fault, passes};
use crate::scenario::{Length, Problem, Size, Word};
use crate::stage::Stage;

/// Cuts passing bytes into pieces of at most this size, each a write of its own.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Slice {
    /// The largest piece.
    pub bytes: Size,
    /// The pause after each piece. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<Length>,
    /// In which direction. Default: downstream, to the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
}

impl Fault for Slice {
    const AT: &'static [Stage] = FLOWS;
    const ABOUT: &'static str = "Cuts passing bytes into small writes";
    const EXAMPLE: &'static str = "{at: reply, do: {slice: {bytes: 1B, gap: 5ms}}}";

    fn from_word(word: &str) -> Result<Self, Problem> {
        Ok(Slice { bytes: Size::parse(word)?, ..Slice::default() })
    }

    fn word_schema(with: &mut SchemaGenerator) -> Option<Schema> {
        Some(with.subschema_for::<Size>())
    }

    fn check(&self, stage: Stage) -> Result<(), Problem> {
        match self.bytes {
            Size(0) => Err(Problem::new("pieces of `0B` never send anything")
                .about("bytes")
                .help("for that there is `hang`")),
            _ => passes(self.direction, stage),
        }
    }

    async fn act(&self, cx: &mut Cx<'_, '_>) -> io::Result<After> {
        let direction = cx.direction(self.direction);
        let gap = self.gap.map_or(Duration::ZERO, |gap| cx.conn.scaled(gap.0));
        if let Some(shape) = cx.flow.shape(direction) {
            shape.slice = Some((self.bytes.0 as usize, gap));
        }
        cx.did(format!("{} at a time from here on", self.bytes), false);
        Ok(After::Go)
    }
}
