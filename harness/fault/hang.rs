//! `hang`: accepted, then silent.

use std::io;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ANYWHERE, After, Cx, Fault};
use crate::dns::Transport;
use crate::event::{How, What, Who};
use crate::scenario::{Problem, seen};
use crate::stage::Stage;
use crate::wire::{End, departed};

/// How long the silence goes on after the client's FIN, which may be half a close: nothing tells
/// a client that still reads from one that is gone, and sockets of those have to be let go.
pub(super) const HALF_CLOSED: Duration = Duration::from_secs(600);

/// Says nothing more, and keeps the connection open: neither FIN nor RST, and for ten minutes
/// more when the client has closed its side.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Hang {
    /// Goes on reading and throws away what it reads, so that the client's writes succeed.
    /// Default: false, it stops reading and the client's window fills.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub discard: bool,
}

impl Fault for Hang {
    const AT: &'static [Stage] = ANYWHERE;
    const ABOUT: &'static str = "Says nothing more and keeps the connection open";
    const EXAMPLE: &'static str = "{at: reply, do: hang}";

    fn bare() -> Option<Self> {
        Some(Hang::default())
    }

    fn from_word(word: &str) -> Result<Self, Problem> {
        Err(Problem::new(format!("`hang` cannot be {}", seen(word)))
            .help("it lasts until the client leaves; to go on after a time, use e.g. `delay: 3s`")
            .help("write only `hang`, or `hang: {discard: true}`"))
    }

    fn ends(&self) -> bool {
        true
    }

    async fn act(&self, cx: &mut Cx<'_, '_>) -> io::Result<After> {
        let asked = cx.facts.dns.as_ref().filter(|asked| asked.question.is_some());
        if let Some(Transport::Udp | Transport::Tcp | Transport::Dot) = asked.and_then(|asked| asked.transport) {
            // A datagram has no connection to keep open, and on one of TCP the other queries are answered.
            cx.did("no answer", false);
            let reads = asked.is_some_and(|asked| asked.transport != Some(Transport::Udp));
            cx.conn.note(What::Silence { who: Who::Us, at: cx.stage, reads });
            return Ok(After::Replaced);
        }
        if cx.stage == Stage::Accept {
            cx.conn.wait_for_ever();
        }
        let reads = self.discard;
        cx.did(if reads { "silent, reads on" } else { "silent, stops reading" }, false);
        cx.conn.note(What::Silence { who: Who::Us, at: cx.stage, reads });
        let stream = cx.conn.stream.is_some();
        let (how, bytes) = match reads {
            true if stream => {
                let (_, bytes) = cx.linger().await;
                departed(cx.wire()).await;
                (How::Rst, bytes)
            }
            true => match cx.linger().await {
                (End::Fin, bytes) => (How::Fin, bytes),
                (End::Reset, bytes) => (How::Rst, bytes),
            },
            false => {
                departed(cx.wire()).await;
                if stream {
                    cx.conn.note(What::SilenceEnded { bytes: 0 });
                    cx.closed(Who::Client, How::Rst);
                    return Ok(After::Stop);
                }
                // It can send no more: reading now opens no window, and tells how it left.
                match cx.linger().await {
                    (End::Fin, bytes) => (How::Fin, bytes),
                    (End::Reset, bytes) => (How::Rst, bytes),
                }
            }
        };
        cx.conn.note(What::SilenceEnded { bytes });
        cx.closed(Who::Client, how);
        if how == How::Fin {
            cx.conn.clock().sleep(HALF_CLOSED).await;
        }
        Ok(After::Stop)
    }
}
