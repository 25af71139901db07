//! Frames of HTTP/2, written by hand (RFC 9113, sections 4 and 6), and header blocks in which
//! every field is a literal (RFC 7541, section 6.2.2): no compressor's state is touched.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::scenario::{Problem, seen, word};

/// The types of frames, by their names in RFC 9113, section 6.
pub const TYPES: &[(&str, u8)] = &[
    ("data", 0),
    ("headers", 1),
    ("priority", 2),
    ("rst_stream", 3),
    ("settings", 4),
    ("push_promise", 5),
    ("ping", 6),
    ("goaway", 7),
    ("window_update", 8),
    ("continuation", 9),
];

/// Error codes, by their names in RFC 9113, section 7.
pub const CODES: &[(&str, u32)] = &[
    ("no_error", 0),
    ("protocol_error", 1),
    ("internal_error", 2),
    ("flow_control_error", 3),
    ("settings_timeout", 4),
    ("stream_closed", 5),
    ("frame_size_error", 6),
    ("refused_stream", 7),
    ("cancel", 8),
    ("compression_error", 9),
    ("connect_error", 10),
    ("enhance_your_calm", 11),
    ("inadequate_security", 12),
    ("http_1_1_required", 13),
];

/// DATA, HEADERS: the last frame of the stream in this direction.
pub const END_STREAM: u8 = 0x1;
/// SETTINGS, PING: an answer.
pub const ACK: u8 = 0x1;
/// HEADERS, PUSH_PROMISE, CONTINUATION: the header block is whole.
pub const END_HEADERS: u8 = 0x4;
/// The most bytes of a payload that every peer takes.
pub const MOST: usize = 16_384;

/// An error code: its name or any number of 32 bits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Code(pub u32);

impl Code {
    /// Reads a name or a number.
    pub(crate) fn parse(word: &str) -> Result<Self, Problem> {
        if let Some((_, number)) = CODES.iter().find(|(name, _)| *name == word) {
            return Ok(Code(*number));
        }
        let known: Vec<&str> = CODES.iter().map(|(name, _)| *name).collect();
        word.parse().map(Code).map_err(|_| {
            Problem::new(format!("HTTP/2 has no error code {}", seen(word)))
                .known("its codes", word, &known)
                .help("any other is a number from 0 to 4294967295")
        })
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match CODES.iter().find(|(_, number)| *number == self.0) {
            Some((name, _)) => f.write_str(&name.to_uppercase()),
            None => write!(f, "{:#x}", self.0),
        }
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        word(from, Code::parse)
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match CODES.iter().find(|(_, number)| *number == self.0) {
            Some((name, _)) => to.serialize_str(name),
            None => to.serialize_u32(self.0),
        }
    }
}

impl JsonSchema for Code {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ErrorCode".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<&str> = CODES.iter().map(|(name, _)| *name).collect();
        json_schema!({
            "description": "An error code of HTTP/2, by name or number.",
            "anyOf": [{"enum": names}, {"type": "integer", "minimum": 0, "maximum": 4_294_967_295_u32}],
        })
    }
}

/// A frame: its nine bytes of head, and its payload as it stands.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut out = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    out.extend([kind, flags]);
    out.extend((stream & 0x7fff_ffff).to_be_bytes());
    out.extend_from_slice(payload);
    out
}

/// GOAWAY (section 6.8).
pub fn goaway(last: u32, code: Code, debug: &str) -> Vec<u8> {
    let mut payload = last.to_be_bytes().to_vec();
    payload.extend(code.0.to_be_bytes());
    payload.extend_from_slice(debug.as_bytes());
    frame(7, 0, 0, &payload)
}

/// HEADERS of a whole block, and CONTINUATION for what of it is longer than a frame.
pub fn headers(stream: u32, block: &[u8], flags: u8) -> Vec<u8> {
    let mut out = Vec::new();
    let mut parts = block.chunks(MOST).peekable();
    let mut kind = 1;
    while let Some(part) = parts.next() {
        let end = if parts.peek().is_none() { END_HEADERS } else { 0 };
        let first = if kind == 1 { flags & END_STREAM } else { 0 };
        out.extend(frame(kind, end | first, stream, part));
        kind = 9;
    }
    out
}

/// A header block: the decoder's table is emptied, and each field is a literal that is not put
/// into it, in plain bytes.
pub fn block<'f>(fields: impl IntoIterator<Item = (&'f str, &'f str)>) -> Vec<u8> {
    let mut out = vec![0x20];
    for (name, value) in fields {
        out.push(0);
        string(&mut out, name.as_bytes());
        string(&mut out, value.as_bytes());
    }
    out
}

/// A string (RFC 7541, section 5.2): its length with a prefix of seven bits, then itself.
fn string(out: &mut Vec<u8>, text: &[u8]) {
    let mut left = text.len();
    if left < 127 {
        out.push(left as u8);
    } else {
        out.push(127);
        left -= 127;
        while left >= 128 {
            out.push((left % 128) as u8 | 128);
            left /= 128;
        }
        out.push(left as u8);
    }
    out.extend_from_slice(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_frames() {
        assert_eq!(
            goaway(1, Code(11), "too_many_pings"),
            b"\0\0\x16\x07\0\0\0\0\0\0\0\0\x01\0\0\0\x0btoo_many_pings"
        );
        assert_eq!(block([(":status", "200")]), b"\x20\0\x07:status\x03200");
        // RFC 7541, C.1.2 has 1337 behind a prefix of five bits; behind one of seven it is this.
        let mut long = Vec::new();
        string(&mut long, &[b'x'; 1337]);
        assert_eq!(&long[..3], [127, 1210u16 as u8 & 127 | 128, 9]);
        assert_eq!(long.len(), 1337 + 3);
    }

    #[test]
    fn a_long_block_goes_on_in_continuation() {
        let out = headers(3, &[7; MOST + 1], END_STREAM);
        assert_eq!(&out[..9], [0, 0x40, 0, 1, END_STREAM, 0, 0, 0, 3]);
        assert_eq!(&out[9 + MOST..], [0, 0, 1, 9, END_HEADERS, 0, 0, 0, 3, 7]);
    }

    #[test]
    fn codes_by_name_and_number() {
        assert_eq!(Code::parse("enhance_your_calm").unwrap(), Code(11));
        assert_eq!(Code::parse("4294967295").unwrap().to_string(), "0xffffffff");
        assert!(Code::parse("calm").is_err() && Code::parse("4294967296").is_err());
        assert_eq!(Code(7).to_string(), "REFUSED_STREAM");
    }
}
