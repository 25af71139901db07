//! `until`: lets bytes pass for a while.

use std::io;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{After, Cx, Direction, FLOWS, Fault, Until, passes};
use crate::scenario::{Length, Problem, Size, seen};
use crate::stage::Stage;
use crate::verdict::words::{in_ms, time};

/// Lets the stage's bytes pass until one of these holds; then the next step comes.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct UntilStep {
    /// That many bytes have passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<Size>,
    /// Nothing has passed in either direction for that long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle: Option<Length>,
    /// That much time has passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elapsed: Option<Length>,
    /// A side has sent its FIN, which is not passed on: the client's with `upstream`, the target's
    /// with `downstream`. At `tunnel`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Direction>,
    /// With `end: upstream`: only where the target has given no whole answer yet. A FIN after one
    /// passes as it always does, and the rest of the rule is not met.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unanswered: Option<bool>,
    /// The direction that `bytes` and `idle` look at. Default: `bytes` those to the client, `idle`
    /// both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
}

impl UntilStep {
    /// Which of the conditions it was that took `ms`, where that is one of time.
    fn met(&self, cx: &Cx<'_, '_>, ms: f64) -> String {
        let conn = cx.conn;
        let told = |what: &str, asked: Length| {
            let length = conn.scaled(asked.0);
            let scaled = if length == asked.0 { String::new() } else { format!(" ({asked}, scaled)") };
            format!("{what} {}{scaled}: ", time(length))
        };
        let other = self.bytes.is_some() || self.end.is_some();
        let over = |t: &Length| ms >= in_ms(conn.scaled(t.0)) || (!other && self.idle.is_none());
        match (self.elapsed.filter(over), self.idle) {
            (Some(asked), _) => told("open for", asked),
            (None, Some(asked)) if !other => told("idle for", asked),
            _ => String::new(),
        }
    }
}

impl Fault for UntilStep {
    const AT: &'static [Stage] = FLOWS;
    const ABOUT: &'static str = "Lets bytes pass until n bytes, an idle or elapsed time, or a FIN";
    const EXAMPLE: &'static str = "{at: tunnel, do: [until: {idle: 350s}, reset]}";
    const CONDITION: bool = true;

    fn from_word(word: &str) -> Result<Self, Problem> {
        Err(Problem::new(format!("`until` cannot be {}", seen(word)))
            .help("write `{bytes: 600B}`, `{idle: 350s}`, `{elapsed: 3s}` or `{end: upstream}`"))
    }

    fn check(&self, stage: Stage) -> Result<(), Problem> {
        let timed = self.idle.is_some() || self.elapsed.is_some();
        if self.bytes.is_none() && !timed && self.end.is_none() {
            return Err(Problem::new("`until` does not say until when").help(
                "write `{bytes: 600B}`, `{idle: 350s}`, `{elapsed: 3s}` or `{end: upstream}`",
            ));
        }
        if self.end.is_some() && stage != Stage::Tunnel {
            return Err(Problem::new(format!("no side can send its FIN at `{stage}`"))
                .about("end")
                .help("`end` can be used at `tunnel`"));
        }
        if self.unanswered.is_some() && self.end != Some(Direction::Upstream) {
            return Err(Problem::new("`unanswered` is about the client's FIN")
                .about("unanswered")
                .help("write `until: {end: upstream, unanswered: true}`"));
        }
        passes(self.direction, stage)
    }

    async fn act(&self, cx: &mut Cx<'_, '_>) -> io::Result<After> {
        let until = Until {
            bytes: self.bytes.map(|Size(n)| (cx.direction(self.direction), n)),
            idle: self.idle.map(|t| cx.conn.scaled(t.0)),
            idle_in: cx.asked(self.direction),
            end: self.end,
            elapsed: self.elapsed.map(|t| cx.conn.scaled(t.0)),
            ..Until::default()
        };
        let start = cx.conn.log().now_ms();
        if let Err(after) = cx.pass(until).await {
            return Ok(after);
        }
        if self.unanswered == Some(true) && cx.conn.is_answered() {
            // The client has what it came for, and ends: as a healthy proxy lets it.
            return Ok(cx.pass(Until::default()).await.err().unwrap_or(After::Stop));
        }
        let (up, down) = cx.flow.passed();
        let why = self.met(cx, cx.conn.log().now_ms() - start);
        cx.did(format!("{why}{down} bytes have passed to the client, {up} from it"), false);
        Ok(After::Go)
    }
}
