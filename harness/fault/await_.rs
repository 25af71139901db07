//! `await`: waits for the client.

use std::io;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::{After, Cx, Fault};
use crate::scenario::{Problem, Size, seen};
use crate::stage::Stage;

/// Waits until the client has sent something; what it sent is kept for the stage's good work.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Await {
    /// How many bytes. Default: 1B.
    #[serde(default)]
    pub bytes: Option<Size>,
}

impl Fault for Await {
    const AT: &'static [Stage] = &[Stage::Accept, Stage::ProxyTls, Stage::Tunnel, Stage::Tls];
    const ABOUT: &'static str = "Waits for the client's first byte, or for n bytes";
    const EXAMPLE: &'static str = "{at: tunnel, do: [await: first_byte, close]}";
    const CONDITION: bool = true;

    fn from_word(word: &str) -> Result<Self, Problem> {
        match word {
            "first_byte" => Ok(Await { bytes: Some(Size(1)) }),
            _ => Err(Problem::new(format!("{} is nothing to wait for", seen(word)))
                .help("write `await: first_byte`, or e.g. `await: {bytes: 10B}`")),
        }
    }

    fn word_schema(_: &mut SchemaGenerator) -> Option<Schema> {
        Some(json_schema!({"type": "string", "enum": ["first_byte"]}))
    }

    fn check(&self, _: Stage) -> Result<(), Problem> {
        match self.bytes {
            Some(Size(0)) => Err(Problem::new("`0B` is nothing to wait for").about("bytes")),
            Some(Size(n)) if n > 1024 * 1024 => {
                Err(Problem::new("at most 1MiB can be awaited").about("bytes"))
            }
            _ => Ok(()),
        }
    }

    async fn act(&self, cx: &mut Cx<'_, '_>) -> io::Result<After> {
        let bytes = self.bytes.map_or(1, |s| s.0.max(1)) as usize;
        if !cx.await_bytes(bytes).await? {
            return Ok(After::Stop);
        }
        cx.did(format!("the client has sent {} bytes", cx.inbox.len()), false);
        Ok(After::Go)
    }
}
