//! `mtu`: a path on which long packets get lost.

use std::io;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use super::{After, Cx, Direction, Fault, Until};
use crate::scenario::{Problem, Size, Word};
use crate::stage::Stage;

/// What comes in bursts of at most this many bytes passes; the first longer burst is lost, and so
/// is everything after it in that direction, while the connection stays open. It is what a path
/// does whose MTU is smaller than its ends believe and whose ICMP is filtered (RFC 2923, 2.1): the
/// long segment never arrives, and TCP gives nothing after it to the reader. A burst is what one
/// write of the sender gives to be read. The client hears nothing more of the target, its FIN or
/// RST neither: silence, for ten minutes more when the client has closed its side.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Mtu {
    /// The longest burst that passes.
    pub bytes: Size,
    /// In which direction. Default: downstream, to the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
}

impl Fault for Mtu {
    const AT: &'static [Stage] = &[Stage::Tunnel];
    const ABOUT: &'static str = "Loses the first burst longer than n bytes and all after it";
    const EXAMPLE: &'static str = "{at: tunnel, do: {mtu: 1300B}}";

    fn from_word(word: &str) -> Result<Self, Problem> {
        Ok(Mtu { bytes: Size::parse(word)?, direction: None })
    }

    fn word_schema(with: &mut SchemaGenerator) -> Option<Schema> {
        Some(with.subschema_for::<Size>())
    }

    async fn act(&self, cx: &mut Cx<'_, '_>) -> io::Result<After> {
        let direction = cx.direction(self.direction);
        let until = Until { burst: Some((direction, self.bytes.0)), ..Until::default() };
        if let Err(after) = cx.pass(until).await {
            return Ok(after);
        }
        cx.flow.lose(direction);
        cx.did(format!("a burst of more than {} is lost, and all after it", self.bytes), false);
        Ok(After::Go)
    }
}
