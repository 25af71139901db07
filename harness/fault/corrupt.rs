//! `corrupt`: flipped bits.

use std::io;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::{After, Cx, Direction, FLOWS, Fault};
use crate::scenario::Size;
use crate::stage::Stage;

/// Flips one bit in some of the passing bytes; which ones comes from the seed.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Corrupt {
    /// The chance of each byte, 0 to 1.
    #[serde(default)]
    pub chance: Option<f64>,
    /// The offsets, from the start of the flow, of bytes that are hit for certain.
    #[serde(default)]
    pub at: Vec<Size>,
    /// In which direction. Default: downstream, to the client.
    #[serde(default)]
    pub direction: Option<Direction>,
}

impl Fault for Corrupt {
    const AT: &'static [Stage] = FLOWS;
    const ABOUT: &'static str = "Flips one bit in some of the passing bytes";
    const EXAMPLE: &'static str = "{at: body, do: {corrupt: {at: [17B]}}}";

    fn from_word(word: &str) -> Result<Self, String> {
        let chance = word.parse().map_err(|_| format!("`{word}` is not a chance from 0 to 1"))?;
        Ok(Corrupt { chance: Some(chance), ..Corrupt::default() })
    }

    fn word_schema(_: &mut SchemaGenerator) -> Option<Schema> {
        Some(json_schema!({"type": "number", "exclusiveMinimum": 0, "maximum": 1}))
    }

    fn check(&self, _: Stage) -> Result<(), String> {
        match self.chance {
            None if self.at.is_empty() => Err("`corrupt` needs `chance` or `at`".to_owned()),
            Some(p) if !(p > 0.0 && p <= 1.0) => {
                Err(format!("`chance: {p}` is not above 0 and up to 1"))
            }
            _ => Ok(()),
        }
    }

    async fn act(&self, cx: &mut Cx<'_, '_>) -> io::Result<After> {
        let direction = cx.direction(self.direction);
        if let Some(shape) = cx.flow.shape(direction) {
            shape.corrupt = self.chance.unwrap_or(0.0);
            shape.corrupt_at = self.at.iter().map(|s| s.0).collect();
        }
        cx.did("flips bits from here on", true);
        Ok(After::Go)
    }
}
