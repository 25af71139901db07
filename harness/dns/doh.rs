//! DNS over HTTPS (RFC 8484), in HTTP/1.1 and HTTP/2: GET and POST.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use bytes::BytesMut;
use http::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;

use super::Transport;
use super::serve::{Outcome, Server};
use super::stream::{distrusted, end};
use crate::cert::Flavour;
use crate::conn::Conn;
use crate::event::{How, What, Who};
use crate::fault::h2::H2;
use crate::fault::respond::reason;
use crate::http2;
use crate::http2::frame::Code;
use crate::proxy::Framing;
use crate::proxy::head::{self, Head, NoHead};
use crate::wire::BoxWire;
use crate::wire::counted::counted;

/// The path that is in the URL we hand out.
const PATH: &str = "/dns-query";
/// The media type of a DNS message.
const MESSAGE: &str = "application/dns-message";
/// The longest DNS message.
const LONGEST: usize = 65535;

/// Serves the requests of one connection. Whether it was the client that has ended it.
pub(super) async fn serve(
    server: &Server,
    conn: &Conn,
    mut wire: BoxWire,
    mut inbox: BytesMut,
    from: &str,
    cert: Flavour,
) -> bool {
    loop {
        let head = head::read(&mut wire, &mut inbox, head::LIMIT).await;
        let head = match head {
            Ok(head) => head,
            Err(NoHead::Closed | NoHead::Reset | NoHead::Cut) => {
                let _ = wire.shutdown().await;
                return true;
            }
            Err(NoHead::TooLong | NoHead::Bad(_)) => {
                refused(conn, &mut wire, 400, from).await;
                return false;
            }
        };
        if let Some(by_client) = one(server, conn, &head, &mut wire, &mut inbox, from, cert).await {
            return by_client;
        }
        if !head.keeps_alive() {
            end(conn, &mut wire).await;
            return false;
        }
    }
}

/// One request. None: it is answered; otherwise its connection is over, and whether it was the client
/// that has ended it.
async fn one(
    server: &Server,
    conn: &Conn,
    head: &Head,
    wire: &mut BoxWire,
    inbox: &mut BytesMut,
    from: &str,
    cert: Flavour,
) -> Option<bool> {
    let message = match message(head, wire, inbox).await {
        Ok(message) => message,
        Err(status) => {
            refused(conn, wire, status, from).await;
            return Some(false);
        }
    };
    distrusted(conn, cert, message.len());
    match server.answer(conn, &message, Transport::Doh, from, wire, inbox).await {
        Outcome::Answer(bytes) => (!send(conn, wire, 200, &bytes).await).then_some(true),
        // A rule has answered.
        Outcome::Done => None,
        Outcome::Ended => {
            end(conn, wire).await;
            Some(false)
        }
    }
}

/// The same in HTTP/2: each request on its stream.
pub(super) async fn streams(
    server: &Arc<Server>,
    conn: &Arc<Conn>,
    wire: BoxWire,
    from: &str,
    cert: Flavour,
) -> bool {
    let over = match http2::accept(conn, wire, H2::default(), Code::default()).await {
        Err(over) => over,
        Ok(mut connection) => {
            let mut open = JoinSet::new();
            while let Some((request, stream)) = connection.next().await {
                while open.try_join_next().is_some() {}
                let (server, from) = (Arc::clone(server), from.to_owned());
                let conn = Conn::of_stream(conn, stream.id());
                open.spawn(Box::pin(async move {
                    let wire = counted(Box::new(stream), &conn);
                    stream_of(&server, &conn, &request, wire, &from, cert).await;
                }));
            }
            let over = connection.end();
            while open.join_next().await.is_some() {}
            over
        }
    };
    let Some(mut wire) = over.wire else { return false };
    if over.ours {
        end(conn, &mut wire).await;
        return false;
    }
    if over.reset {
        conn.closed(Who::Client, How::Rst);
    }
    let _ = wire.shutdown().await;
    true
}

/// One stream. Its body has no length of its own to be read by: it is read to its end.
async fn stream_of(
    server: &Server,
    conn: &Conn,
    request: &Request<()>,
    mut wire: BoxWire,
    from: &str,
    cert: Flavour,
) {
    let mut head = http2::head(request);
    head.target = request.uri().path_and_query().map_or("/".to_owned(), ToString::to_string);
    let mut inbox = BytesMut::new();
    while inbox.len() <= LONGEST && head.method == "POST" {
        match wire.read_buf(&mut inbox).await {
            Ok(0) => break,
            Ok(_) => {}
            Err(_) => return conn.closed(Who::Client, How::Rst),
        }
    }
    head.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-length"));
    head.headers.push(("content-length".to_owned(), inbox.len().to_string()));
    if one(server, conn, &head, &mut wire, &mut inbox, from, cert).await.is_none() {
        let _ = wire.shutdown().await;
        conn.closed(Who::Us, How::Fin);
    }
}

/// The DNS message of a request, or the status that refuses it.
async fn message(head: &Head, wire: &mut BoxWire, inbox: &mut BytesMut) -> Result<Vec<u8>, u16> {
    let (path, parameters) = head.target.split_once('?').unwrap_or((&head.target, ""));
    if path != PATH {
        return Err(404);
    }
    match head.method.as_str() {
        "GET" => {
            let dns = parameters.split('&').find_map(|part| part.strip_prefix("dns="));
            let text = dns.ok_or(400u16)?;
            // Without padding, says the RFC; some clients add it.
            let read = URL_SAFE_NO_PAD.decode(text).or_else(|_| URL_SAFE.decode(text));
            read.ok().filter(|bytes| bytes.len() <= LONGEST).ok_or(400)
        }
        "POST" => {
            let kind = head.header("content-type").unwrap_or_default();
            if !kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(MESSAGE) {
                return Err(415);
            }
            let mut framing = Framing::of_request(head).map_err(|_| 400u16)?;
            let mut body = Vec::new();
            while !framing.is_done() {
                if inbox.is_empty() && !matches!(wire.read_buf(inbox).await, Ok(n) if n > 0) {
                    return Err(400);
                }
                let add = |part: &[u8]| body.extend_from_slice(part);
                let n = framing.feed(inbox, add).map_err(|_| 400u16)?;
                drop(inbox.split_to(n));
                if body.len() > LONGEST {
                    return Err(413);
                }
            }
            Ok(body)
        }
        _ => Err(405),
    }
}

/// An answer without a DNS message, then a FIN.
async fn refused(conn: &Conn, wire: &mut BoxWire, status: u16, from: &str) {
    let reason = format!("a DoH request that is answered {status}");
    let (from, transport) = (from.to_owned(), Transport::Doh);
    conn.note(What::DnsBadQuery { reason, from, transport });
    send(conn, wire, status, b"").await;
    end(conn, wire).await;
}

/// False: the client has gone.
async fn send(conn: &Conn, wire: &mut BoxWire, status: u16, body: &[u8]) -> bool {
    let (kind, close) = match status {
        200 => (format!("Content-Type: {MESSAGE}\r\n"), ""),
        _ => (String::new(), "Connection: close\r\n"),
    };
    let mut out = format!(
        "HTTP/1.1 {status} {}\r\n{kind}Content-Length: {}\r\n{close}\r\n",
        reason(status),
        body.len()
    )
    .into_bytes();
    out.extend_from_slice(body);
    let sent = wire.write_all(&out).await.is_ok() && wire.flush().await.is_ok();
    if !sent {
        conn.closed(Who::Client, How::Rst);
    }
    sent
}
