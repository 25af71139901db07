//! `limit`: no more than n bytes.

use std::io;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use super::{After, Cx, Direction, FLOWS, Fault, Until, close, passes};
use crate::scenario::{Problem, Size, Word};
use crate::stage::Stage;

/// Lets that many bytes pass, then closes with a FIN.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Limit {
    /// How many.
    pub bytes: Size,
    /// In which direction they are counted. Default: downstream, to the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
}

impl Fault for Limit {
    const AT: &'static [Stage] = FLOWS;
    const ABOUT: &'static str = "Lets n bytes pass, then closes with a FIN";
    const EXAMPLE: &'static str = "{at: body, do: {limit: 600B}}";

    fn from_word(word: &str) -> Result<Self, Problem> {
        Ok(Limit { bytes: Size::parse(word)?, direction: None })
    }

    fn word_schema(with: &mut SchemaGenerator) -> Option<Schema> {
        Some(with.subschema_for::<Size>())
    }

    fn ends(&self) -> bool {
        true
    }

    fn check(&self, stage: Stage) -> Result<(), Problem> {
        passes(self.direction, stage)
    }

    async fn act(&self, cx: &mut Cx<'_, '_>) -> io::Result<After> {
        let direction = cx.direction(self.direction);
        let until = Until { bytes: Some((direction, self.bytes.0)), ..Until::default() };
        if let Err(after) = cx.pass(until).await {
            return Ok(after);
        }
        close::whole(cx, true, &format!("FIN after {} bytes", self.bytes.0)).await
    }
}
