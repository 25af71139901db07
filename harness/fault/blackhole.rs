//! `blackhole`: a SYN that nobody answers.

use std::io;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{After, Cx, Fault};
use crate::scenario::{Length, Problem, seen};
use crate::stage::Stage;

/// Leaves every SYN unanswered, as a firewall that drops does. The port listens with a full
/// accept queue, for which Linux and macOS drop SYNs; no privilege is needed.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Blackhole {
    /// Only for this long from the start. Clients repeat their SYN after 1 s, 3 s, 7 s ... (Linux
    /// from 6.5 on: each second at first), and the first one after this time is answered. Default: for ever.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub time: Option<Length>,
}

impl Fault for Blackhole {
    const AT: &'static [Stage] = &[Stage::Syn];
    const ABOUT: &'static str = "Leaves the SYN unanswered: connect times out";
    const EXAMPLE: &'static str = "{at: syn, do: blackhole}";

    fn bare() -> Option<Self> {
        Some(Blackhole::default())
    }

    fn from_word(word: &str) -> Result<Self, Problem> {
        Err(Problem::new(format!("`blackhole` cannot be {}", seen(word)))
            .help("for a time, write e.g. `blackhole: {for: 3s}`; for ever, only `blackhole`"))
    }

    async fn act(&self, _: &mut Cx<'_, '_>) -> io::Result<After> {
        // Played by the listener: there is no connection to act on.
        Ok(After::Go)
    }
}
