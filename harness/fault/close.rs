//! `close`: a FIN.

use std::io;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncWriteExt;

use super::{ANYWHERE, After, Cx, Direction, Fault};
use crate::event::{How, Who};
use crate::scenario::{Problem, seen};
use crate::stage::Stage;
use crate::wire::fin;

/// Sends a FIN: never a RST, also when the client has sent bytes that were not read.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Close {
    /// Which direction. Default: both.
    #[serde(default, skip_serializing_if = "crate::scenario::is_default")]
    pub direction: Which,
    /// Whether TLS says goodbye first. Default: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub close_notify: Option<bool>,
}

/// Which direction of a connection is closed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Which {
    /// The whole connection.
    #[default]
    Both,
    /// From the proxy to the client: the client reads an end of file, its bytes still pass.
    Downstream,
    /// From the proxy to the target, in a tunnel.
    Upstream,
}

/// Closes the whole connection; shared with `limit`.
pub(super) async fn whole(cx: &mut Cx<'_, '_>, goodbye: bool, did: &str) -> io::Result<After> {
    let result = fin(cx.wire(), goodbye).await;
    cx.did(did, true);
    cx.closed(Who::Us, How::Fin);
    if let Some(upstream) = cx.flow.upstream() {
        let _ = upstream.shutdown().await;
    }
    if result.is_ok() {
        // Until the client has closed its side, too: closing the socket earlier would answer late
        // bytes with a RST, and lose what a slow reader has not read. `limits.time` ends it.
        cx.linger().await;
    }
    Ok(After::Stop)
}

impl Fault for Close {
    const AT: &'static [Stage] = ANYWHERE;
    const ABOUT: &'static str = "Sends a FIN: whole, one direction, or without TLS close_notify";
    const EXAMPLE: &'static str = "{at: reply, do: close}";

    fn bare() -> Option<Self> {
        Some(Close::default())
    }

    fn from_word(word: &str) -> Result<Self, Problem> {
        let direction = match word {
            "both" => Which::Both,
            "downstream" => Which::Downstream,
            "upstream" => Which::Upstream,
            _ => {
                return Err(Problem::new(format!("`close` cannot be {}", seen(word))).known(
                    "it can be",
                    word,
                    &["both", "downstream", "upstream"],
                ));
            }
        };
        Ok(Close { direction, close_notify: None })
    }

    fn word_schema(with: &mut SchemaGenerator) -> Option<Schema> {
        Some(with.subschema_for::<Which>())
    }

    fn ends(&self) -> bool {
        self.direction == Which::Both
    }

    fn check(&self, stage: Stage) -> Result<(), Problem> {
        if self.direction == Which::Upstream && stage != Stage::Tunnel {
            return Err(Problem::new(format!("nothing goes upstream at `{stage}`"))
                .about("direction")
                .help("there is an upstream direction at `tunnel`"));
        }
        if self.close_notify.is_some() && stage < Stage::Request {
            return Err(Problem::new(format!("there is no TLS to say goodbye at `{stage}`"))
                .about("close_notify")
                .help("`close_notify` can be used at: response, body"));
        }
        Ok(())
    }

    async fn act(&self, cx: &mut Cx<'_, '_>) -> io::Result<After> {
        let goodbye = self.close_notify.unwrap_or(true);
        match self.direction {
            Which::Both => {
                let did = match goodbye {
                    _ if cx.conn.stream.is_some() => "END_STREAM",
                    true => "FIN",
                    false => "FIN without close_notify",
                };
                whole(cx, goodbye, did).await
            }
            Which::Downstream => {
                fin(cx.wire(), goodbye).await?;
                cx.flow.half(Direction::Downstream);
                let fin = if cx.conn.stream.is_some() { "END_STREAM" } else { "FIN" };
                cx.did(format!("{fin} towards the client only"), true);
                Ok(After::Go)
            }
            Which::Upstream => {
                if let Some(upstream) = cx.flow.upstream() {
                    let _ = upstream.shutdown().await;
                }
                cx.flow.half(Direction::Upstream);
                cx.did("FIN towards the target only", false);
                Ok(After::Go)
            }
        }
    }
}
