//! `duplicate`: segments that come twice.

use std::io;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{After, Cx, Direction, Fault};
use crate::scenario::{Problem, seen};
use crate::stage::Stage;

/// Sends TCP segments with data between client and proxy a second time, right behind the first:
/// same sequence number, same bytes. Which ones is a matter of counting, not of chance. Only in
/// the sandbox.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Duplicate {
    /// One in so many, counted for each connection and direction. Default: 1, all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("minimum" = 1))]
    pub every: Option<u32>,
    /// In which direction. Default: both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
}

impl Fault for Duplicate {
    const AT: &'static [Stage] = &[Stage::Syn];
    const ABOUT: &'static str = "Sends TCP segments twice (sandbox)";
    const EXAMPLE: &'static str = "{at: syn, do: {duplicate: {every: 3, direction: upstream}}}";
    const TIER: u8 = 1;

    fn bare() -> Option<Self> {
        Some(Duplicate::default())
    }

    fn from_word(word: &str) -> Result<Self, Problem> {
        Err(Problem::new(format!("`duplicate` cannot be {}", seen(word)))
            .help("write only `duplicate`, or one segment in so many: `duplicate: {every: 3}`"))
    }

    fn check(&self, _: Stage) -> Result<(), Problem> {
        match self.every {
            Some(0) => Err(Problem::new("`0` is no number of segments")
                .about("every")
                .help("for each segment write `1`, for one in three `3`")),
            _ => Ok(()),
        }
    }

    async fn act(&self, _: &mut Cx<'_, '_>) -> io::Result<After> {
        // Played between the sockets: there is no connection to act on.
        Ok(After::Go)
    }
}
