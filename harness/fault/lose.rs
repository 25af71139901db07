//! `lose`: packets that get lost.

use std::io;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{After, Cx, Direction, Fault};
use crate::scenario::{Problem, seen};
use crate::stage::Stage;

/// Loses packets between client and proxy, SYNs, SYN-ACKs and acknowledgements included, each with
/// this chance. The seed throws the dice, one packet after the other. Each loss is written down;
/// where there was none, the rule was not met. Only in the sandbox.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Lose {
    /// The chance, above 0 and below 1.
    #[schemars(extend("exclusiveMinimum" = 0, "exclusiveMaximum" = 1))]
    pub chance: f64,
    /// In which direction. Default: both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
}

impl Lose {
    /// The chance that a packet in this direction is lost, if any is.
    pub fn on_the_way(&self, direction: Direction) -> Option<f64> {
        self.direction.is_none_or(|only| only == direction).then_some(self.chance)
    }
}

impl Fault for Lose {
    const AT: &'static [Stage] = &[Stage::Syn];
    const ABOUT: &'static str = "Loses some packets (sandbox)";
    const EXAMPLE: &'static str = "{at: syn, do: {lose: {chance: 0.3, direction: upstream}}}";
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
        // Played by the listener and between the sockets: there is no connection to act on.
        Ok(After::Go)
    }
}
