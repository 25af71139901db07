//! `lose`: packets that get lost.

use std::io;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{After, Cx, Direction, Fault};
use crate::rng::Rng;
use crate::scenario::{Problem, seen};
use crate::stage::Stage;

/// Loses packets between client and proxy, SYNs, SYN-ACKs and acknowledgements included: the first
/// ones of each connection, one in so many, or each with a chance, for which the seed throws the
/// dice. Counted for each connection and direction; what a kernel sends again counts again. Each
/// loss is written down; where there was none, the rule was not met. Only in the sandbox.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [
    {"required": ["first"]}, {"required": ["every"]}, {"required": ["chance"]}
]))]
#[non_exhaustive]
pub struct Lose {
    /// So many, from the first on: the SYN of the client's, the SYN-ACK of the proxy's. Linux
    /// repeats a SYN after 1 s, 3 s, 7 s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("minimum" = 1))]
    pub first: Option<u32>,
    /// One in so many: the fifth, the tenth and so on where it is 5. At least 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("minimum" = 2))]
    pub every: Option<u32>,
    /// The chance of each packet, above 0 and below 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0, "exclusiveMaximum" = 1))]
    pub chance: Option<f64>,
    /// In which direction. Default: both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
}

impl Lose {
    /// Whether the packet with this number, from 1, of its connection and direction is lost.
    pub(crate) fn loses(&self, direction: Direction, number: u32, dice: &mut Rng) -> bool {
        self.direction.is_none_or(|only| only == direction)
            && (self.first.is_some_and(|first| number <= first)
                || self.every.is_some_and(|every| number.is_multiple_of(every))
                || self.chance.is_some_and(|chance| dice.chance(chance)))
    }
}

/// What a wrong chance probably stands for.
fn chance(chance: f64) -> Problem {
    let problem =
        Problem::new(format!("`{chance}` is not a chance above 0 and below 1")).about("chance");
    match chance {
        c if c > 1.0 && c < 100.0 => problem.help(format!("for {c} in a hundred write `{}`", c / 100.0)),
        1.0 => problem.help("to lose every packet, write `blackhole`"),
        _ => problem,
    }
}

impl Fault for Lose {
    const AT: &'static [Stage] = &[Stage::Syn];
    const ABOUT: &'static str = "Loses some packets (sandbox)";
    const EXAMPLE: &'static str = "{at: syn, do: {lose: {every: 5, direction: upstream}}}";
    const TIER: u8 = 1;

    fn from_word(word: &str) -> Result<Self, Problem> {
        let which = match word.parse() {
            Ok(chance) if 0.0 < chance && chance < 1.0 => format!("chance: {chance}"),
            _ => "every: 5".to_owned(),
        };
        Err(Problem::new(format!("`lose` cannot be {}", seen(word)))
            .help(format!("write which packets, e.g. `lose: {{{which}}}`")))
    }

    fn check(&self, _: Stage) -> Result<(), Problem> {
        let zero = |name| Problem::new("`0` is no number of packets").about(name);
        match (self.first, self.every, self.chance) {
            (Some(0), None, None) => Err(zero("first").help("for the SYN write `1`")),
            (None, Some(0), None) => Err(zero("every").help("for one packet in five write `5`")),
            (None, Some(1), None) => Err(Problem::new("one packet in `1` is every packet")
                .about("every")
                .help("to lose every packet, write `blackhole`")),
            (None, None, Some(c)) if !(c > 0.0 && c < 1.0) => Err(chance(c)),
            (Some(_), None, None) | (None, Some(_), None) | (None, None, Some(_)) => Ok(()),
            (None, None, None) => Err(Problem::new("`lose` does not say which packets").help(
                "write `{first: 1}` for the SYN, `{every: 5}` for one in five, `{chance: 0.2}` for the dice",
            )),
            _ => Err(Problem::new("`lose` says which packets in more than one way")
                .help("keep one of `first`, `every` and `chance`")),
        }
    }

    async fn act(&self, _: &mut Cx<'_, '_>) -> io::Result<After> {
        // Played by the listener and between the sockets: there is no connection to act on.
        Ok(After::Go)
    }
}
