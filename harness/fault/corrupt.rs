//! `corrupt`: flipped bits.

use std::io;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::{After, Cx, Direction, FLOWS, Fault, passes};
use crate::scenario::{Problem, Size, seen};
use crate::stage::Stage;

/// Flips one bit in some of the passing bytes; which ones comes from the seed.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Corrupt {
    /// The chance of each byte, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0, "maximum" = 1))]
    pub chance: Option<f64>,
    /// The offsets, from the start of the flow, of bytes that are hit for certain.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub at: Vec<Size>,
    /// In which direction. Default: downstream, to the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
}

fn no_chance(word: &str) -> Problem {
    Problem::new(format!("{} is not a chance above 0 and up to 1", seen(word)))
        .help("write e.g. `corrupt: 0.01`, for one byte in a hundred")
}

impl Fault for Corrupt {
    const AT: &'static [Stage] = FLOWS;
    const ABOUT: &'static str = "Flips one bit in some of the passing bytes";
    const EXAMPLE: &'static str = "{at: body, do: {corrupt: {at: [17B]}}}";

    fn from_word(word: &str) -> Result<Self, Problem> {
        let chance = word.parse().map_err(|_| no_chance(word))?;
        Ok(Corrupt { chance: Some(chance), ..Corrupt::default() })
    }

    fn word_schema(_: &mut SchemaGenerator) -> Option<Schema> {
        Some(json_schema!({"type": "number", "exclusiveMinimum": 0, "maximum": 1}))
    }

    fn check(&self, stage: Stage) -> Result<(), Problem> {
        match self.chance {
            None if self.at.is_empty() => Err(Problem::new("`corrupt` does not say which bytes")
                .help(
                    "write `{chance: 0.01}` for some of them, or `{at: [17B]}` for certain ones",
                )),
            Some(p) if !(p > 0.0 && p <= 1.0) => Err(no_chance(&p.to_string()).about("chance")),
            _ => passes(self.direction, stage),
        }
    }

    async fn act(&self, cx: &mut Cx<'_, '_>) -> io::Result<After> {
        let direction = cx.direction(self.direction);
        // Met by the first byte that it hits: what ends before, or has luck, is not damaged.
        let hits = cx.later("flips bits from here on", true);
        if let Some(pipe) = cx.flow.pipe(direction) {
            pipe.shape.corrupt = self.chance.unwrap_or(0.0);
            pipe.shape.corrupt_at = self.at.iter().map(|s| s.0).collect();
            pipe.on_damage(hits);
        }
        cx.passed("would flip bits from here on");
        Ok(After::Go)
    }
}
