//! `lose`: packets that get lost.

use std::io;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{After, Cx, Fault};
use crate::scenario::{Problem, seen};
use crate::stage::Stage;

/// Loses packets from the client to the proxy, SYNs and acknowledgements included, each with this
/// chance. The kernel throws the dice (a packet filter on the socket), so they do not come from
/// the seed. Nothing that goes to the client is lost. Only in the sandbox.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Lose {
    /// The chance, above 0 and below 1.
    #[schemars(extend("exclusiveMinimum" = 0, "exclusiveMaximum" = 1))]
    pub chance: f64,
}

impl Fault for Lose {
    const AT: &'static [Stage] = &[Stage::Syn];
    const ABOUT: &'static str = "Loses some of the client's packets (sandbox)";
    const EXAMPLE: &'static str = "{at: syn, do: {lose: {chance: 0.3}}}";
    const TIER: u8 = 1;

    fn from_word(word: &str) -> Result<Self, Problem> {
        Err(Problem::new(format!("`lose` cannot be {}", seen(word)))
            .help("write a chance, e.g. `lose: {chance: 0.3}`"))
    }

    fn check(&self, _: Stage) -> Result<(), Problem> {
        if self.chance > 0.0 && self.chance < 1.0 {
            return Ok(());
        }
        let problem = Problem::new(format!("`{}` is not a chance above 0 and below 1", self.chance));
        Err(match self.chance {
            c if c > 1.0 && c < 100.0 => {
                problem.about("chance").help(format!("for {c} in a hundred write `{}`", c / 100.0))
            }
            1.0 => problem.about("chance").help("to lose every packet, write `blackhole`"),
            _ => problem.about("chance"),
        })
    }

    async fn act(&self, _: &mut Cx<'_, '_>) -> io::Result<After> {
        // Played by the listener: there is no connection to act on.
        Ok(After::Go)
    }
}
