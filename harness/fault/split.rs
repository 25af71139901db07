//! `split`: one segment a part.

use std::io;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{After, Cx, FLOWS, Fault, send};
use crate::scenario::{Length, Problem, Size, seen};
use crate::stage::Stage;

/// Sends in parts, each a segment of its own with a pause after it: either its own parts, or what
/// the stage sends, cut up.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Split {
    /// The parts, as text: they take the place of what the stage would have sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<String>,
    /// Where to cut what the stage sends to the client.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub at: Vec<Size>,
    /// The pause between parts. Not scaled: it only has to be long enough to make segments.
    /// Default: 20ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<Length>,
}

const HOW: &str = "write `{at: [10B]}` to cut what the stage sends after 10 bytes, or \
                   `{parts: [one, two]}` to send these in its place";

impl Fault for Split {
    const AT: &'static [Stage] = FLOWS;
    const ABOUT: &'static str = "Sends in parts, each a segment of its own, with gaps between";
    const EXAMPLE: &'static str = "{at: reply, do: {split: {at: [10B], gap: 50ms}}}";

    fn from_word(word: &str) -> Result<Self, Problem> {
        Err(Problem::new(format!("`split` cannot be {}", seen(word))).help(HOW))
    }

    fn check(&self, _: Stage) -> Result<(), Problem> {
        if self.gap.is_some_and(|gap| gap.0.is_zero()) {
            return Err(Problem::new("without a pause the parts are one segment")
                .about("gap")
                .help("20ms is the default, and enough"));
        }
        match (self.parts.is_empty(), self.at.is_empty()) {
            (true, true) => Err(Problem::new("`split` does not say how").help(HOW)),
            (false, false) => {
                Err(Problem::new("`at` and `parts` exclude each other").about("parts").help(HOW))
            }
            _ => match self.at.iter().position(|at| *at == Size(0)) {
                Some(index) => Err(Problem::new("a cut at `0B` cuts nothing")
                    .about(format!("at.{index}"))
                    .help("the first that does is at `1B`")),
                None => Ok(()),
            },
        }
    }

    async fn act(&self, cx: &mut Cx<'_, '_>) -> io::Result<After> {
        let gap = self.gap.map_or(Duration::from_millis(20), |g| g.0);
        if self.parts.is_empty() {
            let direction = cx.direction(None);
            if let Some(shape) = cx.flow.shape(direction) {
                shape.cuts = self.at.iter().map(|s| s.0).collect();
                shape.cuts.sort_unstable();
                shape.gap = gap;
            }
            cx.did(format!("cuts into {} parts", self.at.len() + 1), true);
            return Ok(After::Go);
        }
        for (index, part) in self.parts.iter().enumerate() {
            if index > 0 {
                cx.conn.clock().sleep(gap).await;
            }
            cx.send(part.as_bytes()).await?;
        }
        cx.did(format!("sent {} parts", self.parts.len()), true);
        Ok(send::after(cx.stage))
    }
}
