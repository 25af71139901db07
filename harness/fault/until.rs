//! `until`: lets bytes pass for a while.

use std::io;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{After, Cx, Direction, FLOWS, Fault, Until};
use crate::scenario::{Length, Size};
use crate::stage::Stage;

/// Lets the stage's bytes pass until one of these holds; then the next step comes.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UntilStep {
    /// That many bytes have passed.
    #[serde(default)]
    pub bytes: Option<Size>,
    /// Nothing has passed in either direction for that long.
    #[serde(default)]
    pub idle: Option<Length>,
    /// That much time has passed.
    #[serde(default)]
    pub elapsed: Option<Length>,
    /// The direction that `bytes` counts. Default: downstream, to the client.
    #[serde(default)]
    pub direction: Option<Direction>,
}

impl Fault for UntilStep {
    const AT: &'static [Stage] = FLOWS;
    const ABOUT: &'static str = "Lets bytes pass until n bytes, an idle time or an elapsed time";
    const EXAMPLE: &'static str = "{at: tunnel, do: [until: {idle: 350s}, reset]}";
    const CONDITION: bool = true;

    fn check(&self, stage: Stage) -> Result<(), String> {
        if self.bytes.is_none() && self.idle.is_none() && self.elapsed.is_none() {
            return Err("`until` needs `bytes`, `idle` or `elapsed`".to_owned());
        }
        if self.direction == Some(Direction::Upstream) && stage != Stage::Tunnel {
            return Err(format!("only downstream bytes pass at `{stage}`"));
        }
        Ok(())
    }

    async fn act(&self, cx: &mut Cx<'_, '_>) -> io::Result<After> {
        let until = Until {
            bytes: self.bytes.map(|Size(n)| (cx.direction(self.direction), n)),
            idle: self.idle.map(|t| cx.conn.scaled(t.0)),
            elapsed: self.elapsed.map(|t| cx.conn.scaled(t.0)),
        };
        if let Err(after) = cx.pass(until).await {
            return Ok(after);
        }
        let (up, down) = cx.flow.passed();
        cx.did(format!("{down} bytes have passed to the client, {up} from it"), false);
        Ok(After::Go)
    }
}
