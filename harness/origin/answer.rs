//! What the origin answers to which path. HTTP/1 and HTTP/2 share it.

use std::time::Duration;

use bytes::Bytes;

use super::body::{Body, Piece};
use super::range::{self, Part};
use super::websocket::VERSION;
use crate::clock::Clock;
use crate::scenario::{Length, Ranges, Word};

/// The endpoints, for help texts.
pub const ENDPOINTS: &[(&str, &str)] = &[
    ("/", "the run's nonce, as for every path not named here"),
    ("/bytes/N", "N bytes with Content-Length and an ETag; ranges of them"),
    ("/drip/N/T", "N bytes, one every T (e.g. /drip/10/100ms)"),
    ("/pause/T", "a body that stops for T in the middle"),
    ("/delay/T", "nothing for T, then the nonce"),
    ("/status/N", "an empty answer with status N"),
    ("/headers", "the request's headers, as JSON"),
    ("/echo", "the request's body"),
    ("/upload", "reads the body, says how long it was"),
    ("/redirect/N", "N redirects, then the nonce; /redirect?to=URL goes there"),
    ("/ws", "a WebSocket that echoes frames of up to 1 MiB"),
];

/// The header line that carries the nonce on every answer of the origin.
pub const NONCE: &str = "badproxy-nonce";

/// A request, however it was framed.
pub struct Asked<'a> {
    /// The method.
    pub method: &'a str,
    /// The path with its query.
    pub path: &'a str,
    /// The headers.
    pub headers: &'a [(String, String)],
    /// The first mebibyte of the body.
    pub body: Bytes,
    /// The whole length of the body.
    pub received: u64,
    /// What becomes of a Range.
    pub ranges: Ranges,
}

/// An answer, however it will be framed.
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers, Content-Length among them.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Body,
}

/// The most that `/bytes/N` gives.
const MOST: u64 = 1 << 30;

/// Answers a request.
pub fn answer(asked: &Asked<'_>, nonce: &str, clock: Clock) -> Answer {
    let (path, query) = asked.path.split_once('?').unwrap_or((asked.path, ""));
    let mut parts = path.trim_start_matches('/').split('/');
    let (first, second, third) = (parts.next().unwrap_or(""), parts.next(), parts.next());
    let mut status = 200;
    let mut kind = "text/plain";
    let mut extra = Vec::new();
    let mut more = Vec::new();
    let mut pieces = vec![Piece::Bytes(Bytes::from(format!("{nonce}\n")))];
    match (first, second) {
        ("bytes", Some(n)) => match n.parse::<u64>() {
            Ok(n) if n <= MOST => {
                return bytes(asked, n, nonce, clock);
            }
            _ => status = 400,
        },
        ("drip", n) => {
            let n: u64 = n.and_then(|n| n.parse().ok()).unwrap_or(10);
            let every = time(third).unwrap_or(Duration::from_millis(100));
            // Pauses between the bytes: after the last one the answer is whole.
            let byte =
                |n| [Piece::Pause(if n == 0 { Duration::ZERO } else { every }), Piece::Pattern(1)];
            pieces = (0..n.min(10_000)).flat_map(byte).collect();
        }
        ("pause", t) => {
            let length = time(t).unwrap_or(Duration::from_secs(1));
            pieces = vec![Piece::Pattern(64), Piece::Pause(length), Piece::Pattern(64)];
        }
        ("delay", t) => extra.push(time(t).unwrap_or(Duration::from_secs(1))),
        ("status", Some(n)) => match n.parse::<u16>() {
            Ok(n) if (200..=599).contains(&n) => (status, pieces) = (n, Vec::new()),
            _ => status = 400,
        },
        ("headers", _) => {
            kind = "application/json";
            let list: Vec<_> = asked.headers.iter().map(|(n, v)| [n, v]).collect();
            let text = serde_json::to_string_pretty(&list).unwrap_or_default();
            pieces = vec![Piece::Bytes(Bytes::from(text + "\n"))];
        }
        ("echo", _) => {
            kind = "application/octet-stream";
            pieces = vec![Piece::Bytes(asked.body.clone())];
        }
        ("upload", _) => {
            kind = "application/json";
            let text = format!("{{\"received\": {}}}\n", asked.received);
            pieces = vec![Piece::Bytes(Bytes::from(text))];
        }
        ("redirect", n) => {
            let n: u64 = n.and_then(|n| n.parse().ok()).unwrap_or(1);
            let to = match query.strip_prefix("to=") {
                Some(url) => url.chars().filter(|c| !c.is_control()).collect(),
                None if n > 1 => format!("/redirect/{}", n - 1),
                None => "/".to_owned(),
            };
            return finish(
                302,
                "text/plain",
                vec![("location".to_owned(), to)],
                Vec::new(),
                nonce,
                clock,
            );
        }
        // Opened elsewhere; what comes here is no handshake (RFC 6455, section 4.2.2).
        ("ws", None) => {
            status = 426;
            more = vec![
                ("upgrade".to_owned(), "websocket".to_owned()),
                ("connection".to_owned(), "Upgrade".to_owned()),
                ("sec-websocket-version".to_owned(), VERSION.to_owned()),
            ];
            let text = "This is a WebSocket: GET it with Upgrade and Connection.\n";
            pieces = vec![Piece::Bytes(Bytes::from_static(text.as_bytes()))];
        }
        _ => {}
    }
    let mut all: Vec<Piece> = extra.into_iter().map(Piece::Pause).collect();
    all.extend(pieces);
    finish(status, kind, more, all, nonce, clock)
}

/// `/bytes/N`, or the part of it that was asked for.
fn bytes(asked: &Asked<'_>, size: u64, nonce: &str, clock: Clock) -> Answer {
    let part = match asked.ranges {
        Ranges::Bytes => range::part(asked.method, asked.headers, size),
        Ranges::None => Part::Whole,
    };
    let (status, first, length) = match part {
        Part::Whole => (200, 0, size),
        Part::Bytes(first, last) => (206, first, last - first + 1),
        Part::Nothing => (416, 0, 0),
    };
    let mut more = vec![
        ("accept-ranges".to_owned(), asked.ranges.word().to_owned()),
        ("etag".to_owned(), range::etag(size)),
    ];
    let which = match status {
        206 => Some(format!("bytes {first}-{}/{size}", first + length - 1)),
        416 => Some(format!("bytes */{size}")),
        _ => None,
    };
    more.extend(which.map(|which| ("content-range".to_owned(), which)));
    let pieces = vec![Piece::Pattern(length)];
    let mut made = finish(status, "application/octet-stream", more, pieces, nonce, clock);
    made.body.start_at(first);
    made
}

fn finish(
    status: u16,
    kind: &str,
    extra: Vec<(String, String)>,
    pieces: Vec<Piece>,
    nonce: &str,
    clock: Clock,
) -> Answer {
    let body = Body::new(clock, pieces);
    let mut headers =
        vec![("content-type".to_owned(), kind.to_owned()), (NONCE.to_owned(), nonce.to_owned())];
    headers.extend(extra);
    if status != 204 && status != 304 {
        headers.push(("content-length".to_owned(), body.len().to_string()));
    }
    Answer { status, headers, body }
}

fn time(text: Option<&str>) -> Option<Duration> {
    text.and_then(|t| Length::parse(t).ok()).map(|t| t.0.min(Duration::from_secs(3600)))
}
