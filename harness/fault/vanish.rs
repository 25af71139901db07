//! `vanish`: the peer is gone without a word.

use std::io;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AT_PROXY, After, Cx, Fault};
use crate::event::{What, Who};
use crate::scenario::{Problem, seen};
use crate::stage::Stage;

/// From here on nothing that the client sends is acknowledged, and nothing comes from the proxy:
/// neither FIN nor RST, as when its machine has lost power or a firewall has forgotten the
/// connection. The client's kernel repeats what it sent until it gives up. Only in the sandbox.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Vanish {}

impl Fault for Vanish {
    const AT: &'static [Stage] = AT_PROXY;
    const ABOUT: &'static str = "Acknowledges nothing more: no FIN, no RST, no ACK (sandbox)";
    const EXAMPLE: &'static str = "{at: tunnel, do: [until: {idle: 350s}, vanish]}";
    const TIER: u8 = 1;

    fn bare() -> Option<Self> {
        Some(Vanish::default())
    }

    fn from_word(word: &str) -> Result<Self, Problem> {
        Err(Problem::new(format!("`vanish` cannot be {}", seen(word)))
            .help("write only `vanish`; where the kernel still acknowledges, it is `hang`"))
    }

    fn ends(&self) -> bool {
        true
    }

    async fn act(&self, cx: &mut Cx<'_, '_>) -> io::Result<After> {
        if let Err(error) = cx.wire().vanish() {
            let text = format!("`vanish` could not be played, only `hang`: {error}");
            cx.conn.note(What::Trouble { text });
        }
        cx.did("silent, acknowledges nothing", false);
        cx.conn.note(What::Silence { who: Who::Us, at: cx.stage, reads: false });
        // Whatever the client does, it is not seen any more. Closing the socket would send a FIN.
        std::future::pending().await
    }
}
