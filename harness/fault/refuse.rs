//! `refuse`: a RST to the SYN.

use std::io;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{After, Cx, Fault};
use crate::scenario::{Length, Problem, seen};
use crate::stage::Stage;

/// Answers every SYN with a RST, as a port does where nobody listens: the port is bound, so that
/// nobody else gets it, but does not listen.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Refuse {
    /// Only for this long from the start; then the port listens. Default: for ever.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub time: Option<Length>,
}

impl Fault for Refuse {
    const AT: &'static [Stage] = &[Stage::Syn];
    const ABOUT: &'static str = "Answers the SYN with a RST: connection refused";
    const EXAMPLE: &'static str = "{at: syn, do: refuse}";

    fn bare() -> Option<Self> {
        Some(Refuse::default())
    }

    fn from_word(word: &str) -> Result<Self, Problem> {
        Err(Problem::new(format!("`refuse` cannot be {}", seen(word)))
            .help("for a time, write e.g. `refuse: {for: 3s}`; for ever, only `refuse`"))
    }

    async fn act(&self, _: &mut Cx<'_, '_>) -> io::Result<After> {
        // Played by the listener: there is no connection to act on.
        Ok(After::Go)
    }
}
