//! `reorder`: segments that come in the wrong order.

use std::io;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{After, Cx, Direction, Fault};
use crate::scenario::{Problem, seen};
use crate::stage::Stage;

/// Swaps TCP segments with data between client and proxy in pairs: the second comes before the
/// first. One that is not followed by another within 50 ms, or that is followed by a FIN or a RST,
/// goes on as it is. What makes several segments of little data is `mss`. Only in the sandbox.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Reorder {
    /// In which direction. Default: both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
}

impl Fault for Reorder {
    const AT: &'static [Stage] = &[Stage::Syn];
    const ABOUT: &'static str = "Swaps TCP segments in pairs (sandbox)";
    const EXAMPLE: &'static str = "{at: syn, do: [mss: 536B, reorder]}";
    const TIER: u8 = 1;

    fn bare() -> Option<Self> {
        Some(Reorder::default())
    }

    fn from_word(word: &str) -> Result<Self, Problem> {
        Err(Problem::new(format!("`reorder` cannot be {}", seen(word)))
            .help("write only `reorder`, or in which direction: `reorder: {direction: upstream}`"))
    }

    async fn act(&self, _: &mut Cx<'_, '_>) -> io::Result<After> {
        // Played between the sockets: there is no connection to act on.
        Ok(After::Go)
    }
}
