//! `respond`: an HTTP response of the proxy or the origin.

use std::io;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::{After, Cx, Fault};
use crate::plan::Facts;
use crate::scenario::{Problem, seen};
use crate::stage::Stage;

/// Answers with an HTTP response. For bytes that no type allows, use `send`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Respond {
    /// The status code.
    #[schemars(range(min = 100, max = 999))]
    pub status: u16,
    /// The reason phrase. Default: the usual one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Header lines, e.g. `"Retry-After: 2"`: sent in this order, as they stand.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<String>,
    /// The body. Default: none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub body: String,
    /// The version in the status line: 1.0 or 1.1. Default: 1.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// Whether `Content-Length` is added when no header line has one. Default: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_length: Option<bool>,
}

/// A version of HTTP/1, as it stands in a status line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[non_exhaustive]
pub enum Version {
    /// HTTP/1.0.
    #[serde(rename = "1.0")]
    Http10,
    /// HTTP/1.1.
    #[serde(rename = "1.1")]
    Http11,
}

impl JsonSchema for Version {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Version".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"description": "A version of HTTP/1.", "enum": ["1.0", "1.1", 1.0, 1.1]})
    }
}

/// The usual reason phrase of a status; empty when there is none.
pub fn reason(status: u16) -> &'static str {
    match status {
        407 => "Proxy Authentication Required",
        _ => {
            http::StatusCode::from_u16(status).ok().and_then(|s| s.canonical_reason()).unwrap_or("")
        }
    }
}

impl Respond {
    /// The bytes on the wire. `closing`: the connection is closed after it.
    pub fn bytes(&self, closing: bool) -> Vec<u8> {
        let has = |name: &str| {
            self.headers.iter().any(|line| {
                line.split_once(':').is_some_and(|(n, _)| n.trim().eq_ignore_ascii_case(name))
            })
        };
        let reason = self.reason.as_deref().unwrap_or_else(|| reason(self.status));
        let version = if self.version == Some(Version::Http10) { "1.0" } else { "1.1" };
        let mut out = format!("HTTP/{version} {} {reason}\r\n", self.status);
        for line in &self.headers {
            out += line;
            out += "\r\n";
        }
        let bodyless = self.status < 200 || self.status == 204 || self.status == 304;
        let framed = has("content-length") || has("transfer-encoding") || bodyless;
        if self.content_length.unwrap_or(true) && !framed {
            out += &format!("Content-Length: {}\r\n", self.body.len());
        }
        if closing && !has("connection") {
            out += "Connection: close\r\n";
        }
        out += "\r\n";
        out += &self.body;
        out.into_bytes()
    }
}

impl Respond {
    /// The bytes that answer this request. Behind an answer to HEAD there is no body (RFC 9110, section
    /// 9.3.2): on a connection that stays, it would be taken for the next answer.
    pub(crate) fn answer(&self, facts: &Facts, closing: bool) -> Vec<u8> {
        let mut bytes = self.bytes(closing);
        if facts.bodyless {
            bytes.truncate(bytes.len() - self.body.len());
        }
        bytes
    }
}

/// A status that no type of ours can hold, or no status at all.
pub(super) fn no_status(word: &str) -> Problem {
    Problem::new(format!("{} is not a status of three digits", seen(word)))
        .help("write 100 to 999; for anything else there is `send`")
}

/// A text that goes into a header line.
pub(super) fn line(what: &str, text: Option<&str>) -> Result<(), Problem> {
    match text {
        Some(text) if text.contains(['\r', '\n']) => Err(line_end(what)),
        _ => Ok(()),
    }
}

/// Header lines are one line each.
pub(super) fn lines(headers: &[String]) -> Result<(), Problem> {
    match headers.iter().position(|line| line.contains(['\r', '\n'])) {
        Some(index) => Err(line_end("this header line").about(format!("headers.{index}"))),
        None => Ok(()),
    }
}

fn line_end(what: &str) -> Problem {
    Problem::new(format!("{what} has a line end in it"))
        .help("each header is a line of its own; for other bytes there is `send`")
}

impl Fault for Respond {
    const AT: &'static [Stage] =
        &[Stage::Pac, Stage::Dns, Stage::Request, Stage::Auth, Stage::Resolve, Stage::Dial, Stage::Reply, Stage::Response];
    const ABOUT: &'static str = "Answers with an HTTP response: status, header lines, body";
    const EXAMPLE: &'static str = r#"{at: reply, do: {respond: {status: 502, body: "no"}}}"#;

    fn from_word(word: &str) -> Result<Self, Problem> {
        let status = word.parse().map_err(|_| no_status(word))?;
        Ok(Respond { status, ..Respond::default() })
    }

    fn word_schema(_: &mut SchemaGenerator) -> Option<Schema> {
        Some(json_schema!({"type": "integer", "minimum": 100, "maximum": 999}))
    }

    fn check(&self, _: Stage) -> Result<(), Problem> {
        if !(100..=999).contains(&self.status) {
            return Err(no_status(&self.status.to_string()).about("status"));
        }
        if self.reason.as_ref().is_some_and(|reason| reason.contains(['\r', '\n'])) {
            return Err(line_end("the reason").about("reason"));
        }
        lines(&self.headers)
    }

    async fn act(&self, cx: &mut Cx<'_, '_>) -> io::Result<After> {
        let tunnel = cx.stage == Stage::Reply && (200..300).contains(&self.status);
        let stays = tunnel || self.status < 200;
        let bytes = self.answer(cx.facts, if stays { cx.then_close } else { cx.closing() });
        let result = cx.send(&bytes).await;
        // HTTP/2 has no phrase.
        let own = self.reason.as_deref().unwrap_or_else(|| reason(self.status));
        let phrase = if cx.conn.stream.is_some() { "" } else { own };
        cx.did(format!("answered {} {phrase}", self.status).trim_end(), true);
        result.map(|()| if tunnel { After::Replaced } else { After::Answered })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_lines_stand_as_written() {
        let r = Respond {
            status: 503,
            headers: vec!["x-A: 1".into(), "X-a:2".into()],
            body: "no".into(),
            ..Respond::default()
        };
        assert_eq!(
            String::from_utf8(r.bytes(true)).unwrap(),
            "HTTP/1.1 503 Service Unavailable\r\nx-A: 1\r\nX-a:2\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"
        );
    }

    #[test]
    fn a_204_has_no_length() {
        let r = Respond { status: 204, ..Respond::default() };
        assert_eq!(r.bytes(false), b"HTTP/1.1 204 No Content\r\n\r\n");
    }
}
