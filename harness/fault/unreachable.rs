//! `unreachable`: no route to the proxy.

use std::io;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{After, Cx, Fault};
use crate::scenario::{Problem, seen};
use crate::stage::Stage;

/// No route leads to the proxy's address: connecting fails at once with EHOSTUNREACH, before a SYN
/// is sent. Only in the sandbox.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Unreachable {}

impl Fault for Unreachable {
    const AT: &'static [Stage] = &[Stage::Syn];
    const ABOUT: &'static str = "Has no route to the proxy: connect fails at once (sandbox)";
    const EXAMPLE: &'static str = "{at: syn, do: unreachable}";
    const TIER: u8 = 1;

    fn bare() -> Option<Self> {
        Some(Unreachable::default())
    }

    fn from_word(word: &str) -> Result<Self, Problem> {
        Err(Problem::new(format!("`unreachable` cannot be {}", seen(word)))
            .help("write only `unreachable`"))
    }

    async fn act(&self, _: &mut Cx<'_, '_>) -> io::Result<After> {
        // Played by the routing table: there is no connection to act on.
        Ok(After::Go)
    }
}
