//! `mss`: small segments.

use std::io;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use super::{After, Cx, Fault};
use crate::scenario::{Problem, Size, Word};
use crate::stage::Stage;

/// The proxy's SYN-ACK announces this maximum segment size (RFC 9293, 3.7.1), so that the client
/// sends no longer segments, and the proxy sends none either. Linux and macOS. Outside the sandbox
/// Linux's loopback passes several segments on as one packet.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Mss {
    /// Bytes of data in a segment, at most; TCP options count.
    pub bytes: Size,
}

/// What Linux takes for TCP_MAXSEG.
const LEAST: u64 = 88;
const MOST: u64 = 32767;

impl Fault for Mss {
    const AT: &'static [Stage] = &[Stage::Syn];
    const ABOUT: &'static str = "Announces a small maximum segment size: many small segments";
    const EXAMPLE: &'static str = "{at: syn, do: {mss: 88B}}";

    fn from_word(word: &str) -> Result<Self, Problem> {
        Ok(Mss { bytes: Size::parse(word)? })
    }

    fn word_schema(with: &mut SchemaGenerator) -> Option<Schema> {
        Some(with.subschema_for::<Size>())
    }

    fn check(&self, _: Stage) -> Result<(), Problem> {
        match self.bytes.0 {
            LEAST..=MOST => Ok(()),
            bytes => Err(Problem::new(format!("a segment of {bytes} bytes cannot be announced"))
                .about("bytes")
                .help(format!("write a size from `{LEAST}B` to `{MOST}B`"))),
        }
    }

    async fn act(&self, _: &mut Cx<'_, '_>) -> io::Result<After> {
        // Played by the listener: there is no connection to act on.
        Ok(After::Go)
    }
}
