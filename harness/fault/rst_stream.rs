//! `rst_stream`: the end of one HTTP/2 stream.

use std::io;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use super::{After, Cx, Fault, H2_STAGES};
use crate::event::{How, Who};
use crate::http2::frame::Code;
use crate::scenario::Problem;
use crate::stage::Stage;

/// Ends the stream of this request with RST_STREAM (RFC 9113, section 6.4); the connection and
/// its other streams go on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RstStream {
    /// The error code. Default: internal_error; for a tunnel connect_error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
}

impl Fault for RstStream {
    const AT: &'static [Stage] = H2_STAGES;
    const ABOUT: &'static str = "HTTP/2: ends one stream with RST_STREAM and an error code";
    const EXAMPLE: &'static str = "{at: response, do: {rst_stream: refused_stream}}";

    fn bare() -> Option<Self> {
        Some(RstStream::default())
    }

    fn from_word(word: &str) -> Result<Self, Problem> {
        Ok(RstStream { code: Some(Code::parse(word)?) })
    }

    fn word_schema(with: &mut SchemaGenerator) -> Option<Schema> {
        Some(with.subschema_for::<Code>())
    }

    fn ends(&self) -> bool {
        true
    }

    async fn act(&self, cx: &mut Cx<'_, '_>) -> io::Result<After> {
        let Some(stream) = cx.wire().http2() else { return Ok(cx.not_http2()) };
        let (id, code) = (stream.id(), self.code.unwrap_or(stream.usual()));
        stream.arm(code);
        stream.handle.clone().settle().await;
        if let Some(upstream) = cx.flow.upstream() {
            upstream.arm_reset();
        }
        cx.did(format!("RST_STREAM {code} on stream {id}"), true);
        cx.closed(Who::Us, How::Rst);
        Ok(After::Stop)
    }
}
