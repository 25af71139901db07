//! `bandwidth`: slow bytes.

use std::io;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use super::{After, Cx, Direction, FLOWS, Fault, passes};
use crate::scenario::{Problem, Rate, Word};
use crate::stage::Stage;

/// Lets bytes pass no faster than this, in even pieces.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Bandwidth {
    /// How fast.
    pub rate: Rate,
    /// In which direction. Default: downstream, to the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
}

impl Fault for Bandwidth {
    const AT: &'static [Stage] = FLOWS;
    const ABOUT: &'static str = "Lets bytes pass no faster than a rate";
    const EXAMPLE: &'static str = "{at: body, do: {bandwidth: 10kB/s}}";

    fn from_word(word: &str) -> Result<Self, Problem> {
        Ok(Bandwidth { rate: Rate::parse(word)?, direction: None })
    }

    fn word_schema(with: &mut SchemaGenerator) -> Option<Schema> {
        Some(with.subschema_for::<Rate>())
    }

    fn check(&self, stage: Stage) -> Result<(), Problem> {
        passes(self.direction, stage)
    }

    async fn act(&self, cx: &mut Cx<'_, '_>) -> io::Result<After> {
        let direction = cx.direction(self.direction);
        if let Some(shape) = cx.flow.shape(direction) {
            shape.bandwidth = Some(self.rate.0.max(1));
        }
        cx.did(format!("{} from here on", self.rate), false);
        Ok(After::Go)
    }
}
