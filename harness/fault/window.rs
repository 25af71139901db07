//! `window`: a small receive window.

use std::io;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use super::{After, Cx, Fault};
use crate::scenario::{Problem, Size, Word};
use crate::stage::Stage;

/// The proxy's receive buffer (SO_RCVBUF) has about this size from the SYN-ACK on, so that its
/// window closes soon after it stops reading (`hang`), and the client's writes block: without it,
/// some megabytes go into the buffers of both sides first.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Window {
    /// How much. Linux doubles it for its own book-keeping and takes no less than 2304B.
    pub bytes: Size,
}

impl Fault for Window {
    const AT: &'static [Stage] = &[Stage::Syn];
    const ABOUT: &'static str = "Gives the proxy a small receive window";
    const EXAMPLE: &'static str = "{at: syn, do: {window: 4KiB}}";

    fn from_word(word: &str) -> Result<Self, Problem> {
        Ok(Window { bytes: Size::parse(word)? })
    }

    fn word_schema(with: &mut SchemaGenerator) -> Option<Schema> {
        Some(with.subschema_for::<Size>())
    }

    fn check(&self, _: Stage) -> Result<(), Problem> {
        match self.bytes.0 {
            1..=1_048_576 => Ok(()),
            bytes => Err(Problem::new(format!("a window of {bytes} bytes is not a small one"))
                .about("bytes")
                .help("write a size from `1B` to `1MiB`, e.g. `4KiB`")),
        }
    }

    async fn act(&self, _: &mut Cx<'_, '_>) -> io::Result<After> {
        // Played by the listener: there is no connection to act on.
        Ok(After::Go)
    }
}
