//! HTTP/2 by hand (RFC 9113), for test clients: frames written and read without any library.

/// What a client sends first.
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A frame as it came.
pub struct Got {
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
    pub payload: Vec<u8>,
}

/// A frame as it is sent.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = payload.len();
    let mut out = vec![(length >> 16) as u8, (length >> 8) as u8, length as u8, kind, flags];
    out.extend(stream.to_be_bytes());
    out.extend_from_slice(payload);
    out
}

/// A field that is put into no table, in plain bytes.
fn field(name: &str, value: &str) -> Vec<u8> {
    let mut out = vec![0, name.len() as u8];
    out.extend(name.as_bytes());
    out.push(value.len() as u8);
    out.extend(value.as_bytes());
    out
}

/// HEADERS of a request, which ends the stream where it has no body.
pub fn request(stream: u32, method: &str, host: &str, path: &str, end: bool) -> Vec<u8> {
    let block = [
        field(":method", method),
        field(":scheme", "https"),
        field(":authority", host),
        field(":path", path),
    ]
    .concat();
    frame(1, if end { 5 } else { 4 }, stream, &block)
}

/// HEADERS of a CONNECT (section 8.5), with more fields.
pub fn connect(stream: u32, authority: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let mut block = [field(":method", "CONNECT"), field(":authority", authority)].concat();
    block.extend(more.iter().flat_map(|(name, value)| field(name, value)));
    frame(1, 4, stream, &block)
}

/// The next whole frame, taken off the front.
pub fn take(bytes: &mut Vec<u8>) -> Option<Got> {
    let length = usize::from(*bytes.first()?) << 16
        | usize::from(*bytes.get(1)?) << 8
        | usize::from(*bytes.get(2)?);
    if bytes.len() < 9 + length {
        return None;
    }
    let whole: Vec<u8> = bytes.drain(..9 + length).collect();
    let stream = u32::from_be_bytes([whole[5], whole[6], whole[7], whole[8]]);
    Some(Got { kind: whole[3], flags: whole[4], stream, payload: whole[9..].to_vec() })
}

fn number(payload: &[u8], at: usize) -> u32 {
    payload.get(at..at + 4).map_or(0, |b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]))
}

/// A header block of literals in plain bytes, the only kind that a client of these tests reads.
pub fn fields(mut block: &[u8]) -> Vec<(String, String)> {
    let mut out = Vec::new();
    while let Some((first, mut rest)) = block.split_first() {
        if *first == 0 {
            let mut string = || {
                let mut n = usize::from(rest[0]);
                let mut at = 1;
                if n == 127 {
                    let mut shift = 0;
                    loop {
                        n += usize::from(rest[at] & 127) << shift;
                        shift += 7;
                        at += 1;
                        if rest[at - 1] < 128 {
                            break;
                        }
                    }
                }
                let text = String::from_utf8_lossy(&rest[at..at + n]).into_owned();
                rest = &rest[at + n..];
                text
            };
            out.push((string(), string()));
        } else {
            assert_eq!(first & 0xe0, 0x20, "neither a literal nor a table size: {block:?}");
        }
        block = rest;
    }
    out
}

/// What a frame says, on one line.
pub fn shown(got: &Got) -> String {
    let Got { kind, flags, stream, payload } = got;
    let end = if flags & 1 != 0 { ", END_STREAM" } else { "" };
    match kind {
        0 => format!("DATA on {stream}, {} bytes{end}", payload.len()),
        1 => {
            let list: Vec<String> =
                fields(payload).iter().map(|(name, value)| format!("{name}: {value}")).collect();
            format!("HEADERS on {stream}, {}{end}", list.join("; "))
        }
        3 => format!("RST_STREAM on {stream}, code {}", number(payload, 0)),
        4 if flags & 1 != 0 => "SETTINGS ACK".to_owned(),
        4 => {
            let list: Vec<String> = payload
                .chunks(6)
                .map(|s| format!("{} = {}", u16::from_be_bytes([s[0], s[1]]), number(s, 2)))
                .collect();
            format!("SETTINGS {}", list.join(", ")).trim_end().to_owned()
        }
        5 => {
            let list: Vec<String> = fields(&payload[4..])
                .iter()
                .map(|(name, value)| format!("{name}: {value}"))
                .collect();
            format!("PUSH_PROMISE on {stream} of {}, {}", number(payload, 0), list.join("; "))
        }
        6 => format!("PING{}", if flags & 1 != 0 { " ACK" } else { "" }),
        7 => {
            let debug = String::from_utf8_lossy(&payload[8..]).into_owned();
            let (last, code) = (number(payload, 0), number(payload, 4));
            format!("GOAWAY last {last}, code {code}, {debug:?}")
        }
        8 => format!("WINDOW_UPDATE on {stream}, {}", number(payload, 0)),
        _ => format!("frame {kind} on {stream}, {} bytes", payload.len()),
    }
}
