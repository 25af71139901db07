//! `reset`: a RST.

use std::io;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ANYWHERE, After, Cx, Direction, FLOWS, Fault, Until};
use crate::event::{How, Who};
use crate::scenario::{Length, Problem, Size, seen};
use crate::stage::Stage;

/// Sends a RST: the client's next read or write fails with "connection reset".
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Reset {
    /// Only after this time; meanwhile bytes pass. Default: now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Length>,
    /// Only after this many bytes to the client. Default: now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_bytes: Option<Size>,
}

impl Fault for Reset {
    const AT: &'static [Stage] = ANYWHERE;
    const ABOUT: &'static str = "Sends a RST: now, after n bytes, or after a time";
    const EXAMPLE: &'static str = "{at: reply, do: reset}";

    fn bare() -> Option<Self> {
        Some(Reset::default())
    }

    fn ends(&self) -> bool {
        true
    }

    fn from_word(word: &str) -> Result<Self, Problem> {
        Err(Problem::new(format!("`reset` cannot be {}", seen(word)))
            .help("write e.g. `{after: 3s}` or `{after_bytes: 600B}`; at once, only `reset`"))
    }

    fn check(&self, stage: Stage) -> Result<(), Problem> {
        if self.after.is_some() && self.after_bytes.is_some() {
            return Err(Problem::new("`after` and `after_bytes` exclude each other")
                .about("after_bytes")
                .help("take one of them out; for the first of both, use `until`, then `reset`"));
        }
        if self.after_bytes.is_some() && !FLOWS.contains(&stage) {
            return Err(Problem::new(format!(
                "no bytes pass at `{stage}`: `after_bytes` can never be reached"
            ))
            .about("after_bytes")
            .help("bytes pass at: pac, reply, tunnel, response, body"));
        }
        Ok(())
    }

    async fn act(&self, cx: &mut Cx<'_, '_>) -> io::Result<After> {
        if let Some(Size(bytes)) = self.after_bytes {
            let until = Until { bytes: Some((Direction::Downstream, bytes)), ..Until::default() };
            if let Err(after) = cx.pass(until).await {
                return Ok(after);
            }
        }
        if let Some(after) = self.after {
            let time = cx.conn.scaled(after.0);
            if FLOWS.contains(&cx.stage) {
                let until = Until { elapsed: Some(time), ..Until::default() };
                if let Err(after) = cx.pass(until).await {
                    return Ok(after);
                }
            } else {
                cx.conn.clock().sleep(time).await;
            }
        }
        cx.conn.settle(cx.flow.client()).await;
        cx.wire().arm_reset();
        if let Some(upstream) = cx.flow.upstream() {
            upstream.arm_reset();
        }
        let did = if cx.conn.stream.is_some() { "RST_STREAM" } else { "RST" };
        cx.did(did, true);
        cx.closed(Who::Us, How::Rst);
        Ok(After::Stop)
    }
}
