//! HTTP/2 as a server, for the origin and for a proxy that is spoken to in it.
//!
//! The h2 library keeps the state: streams, windows, the compression of what comes. Above it, a
//! stream is a wire like another ([`stream`]); below it, frames are changed and made by hand
//! ([`frames`], [`frame`]). So what a rule does to one stream is done by the book of the others.

pub mod frame;
pub mod frames;
pub mod stream;

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use http::Request;

use crate::conn::Conn;
use crate::event::What;
use crate::fault::h2::H2;
use crate::proxy::head::Head;
use crate::wire::{BoxWire, is_reset};
use frame::Code;
use frames::{Frames, Handle};
use stream::Stream;

/// A connection whose preface has come.
pub struct Session {
    connection: h2::server::Connection<Frames, Bytes>,
    handle: Handle,
    usual: Code,
    /// Requests so far.
    streams: u64,
    /// Streams that came after a GOAWAY: neither answered nor reset.
    ignored: Vec<(h2::RecvStream, h2::server::SendResponse<Bytes>)>,
    /// Whether the client has gone with a RST.
    reset: bool,
    /// Whether the client has broken the protocol, and was told so.
    failed: bool,
}

/// A session that is over.
pub struct Over {
    /// The wire, to be closed.
    pub wire: Option<BoxWire>,
    /// Whether it is for this side to close it.
    pub ours: bool,
    /// Whether the client has gone with a RST.
    pub reset: bool,
}

/// Reads the client's preface and sends SETTINGS. `usual` is the code of a RST_STREAM that stands
/// for a RST.
///
/// # Errors
///
/// The client sent something else, which is written down: the wire, to be closed.
pub async fn accept(
    conn: &Arc<Conn>,
    wire: BoxWire,
    terms: H2,
    usual: Code,
) -> Result<Session, Over> {
    let builder = terms.builder();
    let handle = Handle::new(conn, wire, terms);
    match builder.handshake(Frames(handle.clone())).await {
        Ok(connection) => Ok(Session {
            connection,
            handle,
            usual,
            streams: 0,
            ignored: Vec::new(),
            reset: false,
            failed: false,
        }),
        Err(error) => {
            let reset = error.get_io().is_some_and(is_reset);
            if !error.is_io() {
                let reason = format!("no HTTP/2 preface: {error}");
                conn.note(What::Http2Failed { reason });
            }
            Err(Over { wire: handle.over(), ours: !error.is_io(), reset })
        }
    }
}

impl Session {
    /// The next request; None when the connection is over.
    pub async fn next(&mut self) -> Option<(Request<()>, Stream)> {
        loop {
            let Session { connection, handle, .. } = self;
            let next = poll_fn(|cx| {
                handle.driven(cx);
                if handle.is_ending() {
                    return Poll::Ready(None);
                }
                connection.poll_accept(cx)
            });
            let (request, respond) = match next.await? {
                Ok(next) => next,
                Err(error) => {
                    self.reset |= error.get_io().is_some_and(is_reset);
                    self.failed |= !error.is_io() && !error.is_remote();
                    return None;
                }
            };
            self.streams += 1;
            self.handle.opened(self.streams, respond.stream_id().as_u32());
            let (parts, receives) = request.into_parts();
            if self.handle.is_past(respond.stream_id().as_u32()) {
                self.ignored.push((receives, respond));
                continue;
            }
            let stream = Stream::new(self.handle.clone(), receives, respond, self.usual);
            return Some((Request::from_parts(parts, ()), stream));
        }
    }

    /// The connection is over.
    pub fn end(self) -> Over {
        let Session { connection, handle, ignored, reset, failed, .. } = self;
        let ours = failed || handle.is_ending();
        let wire = handle.over();
        drop((connection, ignored));
        Over { wire, ours, reset }
    }
}

/// A request as a head of HTTP/1: what the stages look at. `raw` is what of it can be written
/// down.
pub fn head(request: &Request<()>) -> Head {
    let uri = request.uri();
    let host = uri.authority().map(ToString::to_string);
    let target = match request.method() {
        &http::Method::CONNECT => host.unwrap_or_default(),
        _ => uri.to_string(),
    };
    let headers: Vec<(String, String)> = request
        .headers()
        .iter()
        .map(|(n, v)| (n.to_string(), String::from_utf8_lossy(v.as_bytes()).into_owned()))
        .collect();
    let method = request.method().as_str().to_owned();
    let lines: String = headers.iter().map(|(n, v)| format!("{n}: {v}\r\n")).collect();
    let raw = format!("{method} {target} HTTP/2\r\n{lines}\r\n").into_bytes();
    Head { method, target, minor: 1, headers, raw }
}
