//! `goaway`: the end of an HTTP/2 connection, announced.

use std::io;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{After, Cx, Fault, H2_STAGES};
use crate::event::{How, Who};
pub use crate::http2::frame::Code;
use crate::scenario::{Problem, seen, word};
use crate::stage::Stage;
use crate::wire::departed;

/// Sends GOAWAY (RFC 9113, section 6.8). Streams up to the last one that it names are served;
/// later ones, this one among them if it is later, are neither answered nor reset.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Goaway {
    /// The last stream that is served: `this`, `before` or a number. Default: `this`.
    #[serde(default, deserialize_with = "last", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "last_schema")]
    pub last_stream: Option<Last>,
    /// The error code. Default: no_error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
    /// The debug data, e.g. too_many_pings. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub debug: Option<String>,
    /// Whether the connection is closed right behind it, whatever streams are open. Default:
    /// false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub close: Option<bool>,
}

/// The last stream that is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Last {
    /// The one of this request.
    This,
    /// The one before it.
    Before,
    /// This number.
    Number(u32),
}

impl Goaway {
    /// Whether it says nothing that the request could fail on.
    pub(crate) fn is_polite(&self) -> bool {
        self.close != Some(true)
            && self.code.unwrap_or_default() == Code::default()
            && self.last_stream != Some(Last::Before)
    }
}

impl Serialize for Last {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Last::This => to.serialize_str("this"),
            Last::Before => to.serialize_str("before"),
            Last::Number(n) => to.serialize_u32(*n),
        }
    }
}

fn last<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Last>, D::Error> {
    word(from, |text| match (text, text.parse::<u32>()) {
        ("this", _) => Ok(Some(Last::This)),
        ("before", _) => Ok(Some(Last::Before)),
        (_, Ok(number)) if number < 1 << 31 => Ok(Some(Last::Number(number))),
        _ => Err(Problem::new(format!("{} is no stream", seen(text)))
            .help("write `this`, `before`, or a number of 31 bits: 0 is none")),
    })
}

fn last_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "description": "The last stream that is served. Default: `this`.",
        "anyOf": [{"enum": ["this", "before"]}, {"type": "integer", "minimum": 0, "maximum": 2_147_483_647}],
    })
}

impl Fault for Goaway {
    const AT: &'static [Stage] = H2_STAGES;
    const ABOUT: &'static str = "HTTP/2: sends GOAWAY, with a last stream and an error code";
    const EXAMPLE: &'static str = "{at: response, do: {goaway: {last_stream: before}}}";

    fn bare() -> Option<Self> {
        Some(Goaway::default())
    }

    fn from_word(word: &str) -> Result<Self, Problem> {
        Ok(Goaway { code: Some(Code::parse(word)?), ..Goaway::default() })
    }

    fn word_schema(with: &mut SchemaGenerator) -> Option<Schema> {
        Some(with.subschema_for::<Code>())
    }

    fn ends(&self) -> bool {
        self.close == Some(true) || self.last_stream == Some(Last::Before)
    }

    async fn act(&self, cx: &mut Cx<'_, '_>) -> io::Result<After> {
        let Some(stream) = cx.wire().http2() else { return Ok(cx.not_http2()) };
        let (id, handle) = (stream.id(), stream.handle.clone());
        let last = match self.last_stream.unwrap_or(Last::This) {
            Last::This => handle.no_later(id),
            Last::Before => handle.no_later(id.saturating_sub(2)),
            Last::Number(n) => n,
        };
        let code = self.code.unwrap_or_default();
        let debug = self.debug.as_deref().unwrap_or_default();
        let close = self.close == Some(true);
        if !handle.goaway(last, code, debug, close).await {
            return Ok(After::Stop);
        }
        let mut did = format!("GOAWAY {code}, last stream {last}");
        if !debug.is_empty() {
            did += &format!(", \"{debug}\"");
        }
        if close {
            did += ", and FIN";
        }
        // A polite one says nothing that the client could fail on.
        let audible = close || code != Code::default() || last < id;
        cx.did(did, audible);
        if close {
            return Ok(After::Stop);
        }
        if last < id {
            departed(cx.wire()).await;
            cx.closed(Who::Client, How::Rst);
            return Ok(After::Stop);
        }
        Ok(After::Go)
    }
}
