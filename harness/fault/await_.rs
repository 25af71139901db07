//! `await`: waits for the client.

use std::io;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::{After, Cx, Fault};
use crate::scenario::{Problem, Size, seen};
use crate::stage::Stage;
use crate::tls::hello::{self, Hello};

/// Waits until the client has sent something; what it sent is kept for the stage's good work.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Await {
    /// How many bytes. Default: 1B.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<Size>,
    /// The whole TLS ClientHello, however many segments it comes in; or so much of what comes that
    /// it cannot be one. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub client_hello: bool,
}

impl Fault for Await {
    const AT: &'static [Stage] = &[Stage::Accept, Stage::ProxyTls, Stage::Tunnel, Stage::Tls];
    const ABOUT: &'static str = "Waits for the client's first byte, for n bytes, or for its ClientHello";
    const EXAMPLE: &'static str = "{at: tunnel, do: [await: client_hello, close]}";
    const CONDITION: bool = true;

    fn from_word(word: &str) -> Result<Self, Problem> {
        match word {
            "first_byte" => Ok(Await { bytes: Some(Size(1)), client_hello: false }),
            "client_hello" => Ok(Await { bytes: None, client_hello: true }),
            _ => Err(Problem::new(format!("{} is nothing to wait for", seen(word)))
                .known("there are", word, &["first_byte", "client_hello"])
                .help("for a number of bytes write e.g. `await: {bytes: 10B}`")),
        }
    }

    fn word_schema(_: &mut SchemaGenerator) -> Option<Schema> {
        Some(json_schema!({"type": "string", "enum": ["first_byte", "client_hello"]}))
    }

    fn check(&self, _: Stage) -> Result<(), Problem> {
        match self.bytes {
            Some(_) if self.client_hello => {
                Err(Problem::new("`client_hello` leaves no room for `bytes`").about("bytes"))
            }
            Some(Size(0)) => Err(Problem::new("`0B` is nothing to wait for").about("bytes")),
            Some(Size(n)) if n > 1024 * 1024 => {
                Err(Problem::new("at most 1MiB can be awaited").about("bytes"))
            }
            _ => Ok(()),
        }
    }

    async fn act(&self, cx: &mut Cx<'_, '_>) -> io::Result<After> {
        if self.client_hello {
            if !cx.await_hello().await? {
                return Ok(After::Stop);
            }
            let what = match hello::parse(cx.inbox) {
                Hello::Whole(_) => "its ClientHello,",
                Hello::More | Hello::Bad(_) => "what is no ClientHello,",
            };
            cx.did(format!("the client has sent {what} {} bytes", cx.inbox.len()), false);
            return Ok(After::Go);
        }
        let bytes = self.bytes.map_or(1, |s| s.0.max(1)) as usize;
        if !cx.await_bytes(bytes).await? {
            return Ok(After::Stop);
        }
        cx.did(format!("the client has sent {} bytes", cx.inbox.len()), false);
        Ok(After::Go)
    }
}
