//! `frame`: a frame of HTTP/2 by hand, or bytes where one is due.

use std::io;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::send::{shown, unhex};
use super::{After, Cx, Fault, H2_STAGES};
use crate::http2::frame::{TYPES, block, frame};
use crate::scenario::{Problem, name_of, number, number_schema, seen, word};
use crate::stage::Stage;

/// Sends a frame (RFC 9113, section 4.1) between those of the stage, as it stands: whatever the
/// stream's state is. Without `type` the bytes stand alone where a frame is due.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Frame {
    /// Its type, by name or number. Default: no frame head is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#type: Option<Kind>,
    /// The byte of its flags: 1 END_STREAM or ACK, 4 END_HEADERS, 8 PADDED, 32 PRIORITY.
    /// Default: 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flags: Option<u8>,
    /// Its stream. Default: the one of this request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<u32>,
    /// The length that its head names. Default: the payload's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 16_777_215))]
    pub length: Option<u32>,
    /// The payload begins with this stream: the one that a push_promise promises.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promised: Option<u32>,
    /// Then a header block with these fields, e.g. `":status: 200"`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// Then this text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Then these bytes, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hex: Option<String>,
    /// Whether the connection is closed right behind it, whatever streams are open. Default:
    /// false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub close: Option<bool>,
    /// How often it is sent. From 1 to 100000. Default: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100_000))]
    pub repeat: Option<u32>,
}

/// A type of frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(clippy::exhaustive_structs, reason = "one value, and nothing else")]
pub struct Kind(pub u8);

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        word(from, |text| {
            let wrong = format!("HTTP/2 has no frame {}", seen(text));
            number(text, TYPES, wrong, "its frames").map(Kind)
        })
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match name_of(TYPES, self.0) {
            Some(name) => to.serialize_str(name),
            None => to.serialize_u8(self.0),
        }
    }
}

impl JsonSchema for Kind {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "FrameType".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        number_schema(TYPES)
    }
}

impl Frame {
    fn payload(&self) -> Result<Vec<u8>, Problem> {
        let mut out = Vec::new();
        out.extend(self.promised.iter().flat_map(|stream| stream.to_be_bytes()));
        if !self.fields.is_empty() {
            out.extend(block(self.fields.iter().filter_map(|field| split(field))));
        }
        out.extend_from_slice(self.text.as_deref().unwrap_or_default().as_bytes());
        out.extend(unhex(self.hex.as_deref().unwrap_or_default())?);
        Ok(out)
    }

    /// The bytes on the wire, once.
    fn bytes(&self, this: u32) -> Result<Vec<u8>, Problem> {
        let payload = self.payload()?;
        let Some(Kind(kind)) = self.r#type else { return Ok(payload) };
        let stream = self.stream.unwrap_or(this);
        let mut out = frame(kind, self.flags.unwrap_or(0), stream, &payload);
        if let Some(length) = self.length {
            out[..3].copy_from_slice(&length.to_be_bytes()[1..]);
        }
        Ok(out)
    }

    fn words(&self, this: u32) -> String {
        let payload = self.payload().unwrap_or_default();
        let Some(Kind(kind)) = self.r#type else {
            return format!("{} bytes that are no frame: {}", payload.len(), shown(&payload));
        };
        let name = name_of(TYPES, kind).map_or(format!("frame {kind}"), str::to_uppercase);
        let length = self.length.map_or(payload.len() as u64, u64::from);
        let stream = self.stream.unwrap_or(this);
        format!("{name} on stream {stream}, length {length}, flags {}", self.flags.unwrap_or(0))
    }
}

/// Name and value; the colon in front of a pseudo-header is part of its name.
fn split(field: &str) -> Option<(&str, &str)> {
    let at = field.get(1..)?.find(':')? + 1;
    Some((field[..at].trim(), field[at + 1..].trim()))
}

impl Fault for Frame {
    const AT: &'static [Stage] = H2_STAGES;
    const ABOUT: &'static str = "HTTP/2: sends a frame by hand, or bytes where a frame is due";
    const EXAMPLE: &'static str =
        r#"{at: response, do: {frame: {type: data, length: 16777215, text: "x"}}}"#;

    fn ends(&self) -> bool {
        self.close == Some(true)
    }

    fn check(&self, _: Stage) -> Result<(), Problem> {
        let payload = self.payload().map_err(|problem| problem.about("hex"))?;
        if self.r#type.is_none() {
            let head = [
                (self.flags.is_some(), "flags"),
                (self.stream.is_some(), "stream"),
                (self.length.is_some(), "length"),
            ];
            if let Some((_, key)) = head.iter().find(|(named, _)| *named) {
                return Err(Problem::new(format!("`{key}` is in the head of a frame"))
                    .about(*key)
                    .help("write its `type`, too"));
            }
            if payload.is_empty() {
                return Err(Problem::new("this frame has neither a type nor bytes")
                    .help("write e.g. `{type: ping, stream: 0, hex: \"00 00 00 00 00 00 00 00\"}`"));
            }
        }
        if let Some(index) = self.fields.iter().position(|field| split(field).is_none()) {
            return Err(Problem::new("this field has no name and value")
                .about(format!("fields.{index}"))
                .help("write e.g. `\":status: 200\"` or `\"x-a: b\"`"));
        }
        let wide = |n: &u32| *n > 0x00ff_ffff;
        if let Some(length) = self.length.filter(wide) {
            return Err(Problem::new(format!("a length of {length}"))
                .about("length")
                .help("it has 24 bits: at most 16777215"));
        }
        if self.repeat.is_some_and(|n| !(1..=100_000).contains(&n)) {
            return Err(Problem::new("a frame can be sent 1 to 100000 times").about("repeat"));
        }
        Ok(())
    }

    async fn act(&self, cx: &mut Cx<'_, '_>) -> io::Result<After> {
        let Some(stream) = cx.wire().http2() else { return Ok(cx.not_http2()) };
        let (id, handle) = (stream.id(), stream.handle.clone());
        let times = self.repeat.unwrap_or(1);
        let once = self.bytes(id).unwrap_or_default();
        let bytes = once.repeat(times as usize);
        let close = self.close == Some(true);
        if !close {
            handle.inject(&bytes).await;
        } else if !handle.inject_last(&bytes).await {
            return Ok(After::Stop);
        }
        let times = if times > 1 { format!(", {times} times") } else { String::new() };
        let fin = if close { ", and FIN" } else { "" };
        cx.did(format!("{}{times}{fin}", self.words(id)), true);
        Ok(if close { After::Stop } else { After::Go })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_as_they_stand() {
        let push = Frame {
            r#type: Some(Kind(5)),
            flags: Some(4),
            promised: Some(2),
            fields: vec![":authority: a.test:443".to_owned()],
            ..Frame::default()
        };
        let want = b"\0\0\x1c\x05\x04\0\0\0\x01\0\0\0\x02\x20\0\x0a:authority\x0aa.test:443";
        assert_eq!(push.bytes(1).unwrap(), want);
        let lie = Frame { r#type: Some(Kind(0)), length: Some(0x00ff_ffff), ..Frame::default() };
        assert_eq!(lie.bytes(1).unwrap(), b"\xff\xff\xff\0\0\0\0\0\x01");
        let text = Frame { text: Some("HTTP/1.1 400".to_owned()), ..Frame::default() };
        assert_eq!(text.bytes(1).unwrap(), b"HTTP/1.1 400");
    }
}
