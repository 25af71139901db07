//! The origin's HTTP/1: stages `response` and `body`.

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::answer::{Answer, Asked, answer};
use super::{Heard, Link, close, websocket};
use crate::event::{Side, Via, What, Who};
use crate::fault::respond::reason;
use crate::fault::{After, Choice, Ended, Flow, Passed, Pipe, Until, play};
use crate::proxy::head::{self, Head, NoHead};
use crate::proxy::{Framing, mask_headers};
use crate::stage::Stage;
use crate::wire::{BoxWire, End};

/// What is kept of a request body, for `/echo`.
pub(super) const KEPT: usize = 1 << 20;

/// Serves requests until the connection ends.
pub(super) async fn serve(link: &mut Link, mut wire: BoxWire, mut inbox: BytesMut) {
    loop {
        let mut head = match head::read(&mut wire, &mut inbox, head::LIMIT).await {
            Ok(head) => head,
            Err(reason) => {
                app_data(link, inbox.len());
                // Whatever this is, it is no head.
                link.heard.bytes(&inbox);
                return match reason {
                    NoHead::Reset => {}
                    NoHead::Closed | NoHead::Cut => close(wire, &mut link.heard).await,
                    NoHead::TooLong => refuse(wire, 431, &mut link.heard).await,
                    NoHead::Bad(_) => refuse(wire, 400, &mut link.heard).await,
                };
            }
        };
        link.count();
        app_data(link, head.raw.len());
        write_down(link, &head.method, &head.target, head.version(), &head.headers, &head.raw);
        link.learn(&head);
        link.edit(&mut head.headers);
        if websocket::wanted(&head) {
            match websocket::open(link, &mut wire, &mut inbox, &head).await {
                After::Go => return websocket::echo(wire, inbox, &mut link.heard).await,
                After::Stop => return link.heard.bytes(&inbox),
                After::Answered | After::Replaced if head.keeps_alive() => continue,
                After::Answered | After::Replaced => return end(wire, &inbox, link).await,
            }
        }
        let got = body(&mut wire, &mut inbox, &head, &mut link.heard).await;
        let Some((body, received)) = got else { return end(wire, &inbox, link).await };
        let asked = Asked {
            method: &head.method,
            path: &head.target,
            headers: &head.headers,
            body,
            received,
            ranges: link.conn.scenario.ranges(),
        };
        let conn = &link.conn;
        let made = answer(&asked, &conn.shared.nonce, conn.clock());
        match respond(link, &mut wire, &mut inbox, &head, made).await {
            After::Stop => return link.heard.bytes(&inbox),
            _ if head.keeps_alive() && !link.one => {}
            _ => return end(wire, &inbox, link).await,
        }
    }
}

/// No request is read any more.
async fn end(wire: BoxWire, rest: &[u8], link: &mut Link) {
    link.heard.bytes(rest);
    close(wire, &mut link.heard).await;
}

/// Writes a request down, with what secrets are in its bytes.
pub(super) fn write_down(
    link: &Link,
    method: &str,
    path: &str,
    version: &str,
    headers: &[(String, String)],
    raw: &[u8],
) {
    let secrets = link.conn.log().secrets();
    link.conn.note(What::HttpRequest {
        via: link.via,
        attempt: (link.via != Via::Direct).then_some(link.facts.attempt),
        method: method.to_owned(),
        path: secrets.mask(path),
        version: version.to_owned(),
        headers: mask_headers(|text| secrets.mask(text), headers),
        secret_seen: secrets.seen_in(raw),
    });
}

/// Writes down that a client sent data although the certificate was bad.
pub(super) fn app_data(link: &Link, bytes: usize) {
    if link.cert.is_bad() && bytes > 0 {
        let cert = link.cert.word().to_owned();
        link.conn.note(What::AppData { cert, bytes: bytes as u64 });
    }
}

async fn refuse(mut wire: BoxWire, status: u16, heard: &mut Heard) {
    let text = format!(
        "HTTP/1.1 {status} {}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        reason(status)
    );
    let _ = wire.write_all(text.as_bytes()).await;
    close(wire, heard).await;
}

/// Reads the body of a request; None when it is broken or cut.
async fn body(
    wire: &mut BoxWire,
    inbox: &mut BytesMut,
    head: &Head,
    heard: &mut Heard,
) -> Option<(Bytes, u64)> {
    let mut framing = Framing::of_request(head).ok()?;
    // Between the chunks there is room for more, and behind them are the trailers.
    let framed = matches!(framing, Framing::Chunked(_));
    let mut kept = BytesMut::new();
    let mut received = 0;
    if !framing.is_done() && head.lists("expect", "100-continue") && inbox.is_empty() {
        wire.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.ok()?;
        wire.flush().await.ok()?;
    }
    while !framing.is_done() {
        if inbox.is_empty() && wire.read_buf(inbox).await.ok()? == 0 {
            return None;
        }
        let n = framing
            .feed(inbox, |payload| {
                received += payload.len() as u64;
                heard.payload(payload);
                let room = KEPT - kept.len().min(KEPT);
                kept.extend_from_slice(&payload[..payload.len().min(room)]);
            })
            .ok()?;
        let passed = inbox.split_to(n);
        if framed {
            heard.bytes(&passed);
        }
    }
    Some((kept.freeze(), received))
}

/// Stages `response` and `body`.
pub(super) async fn respond(
    link: &mut Link,
    wire: &mut BoxWire,
    inbox: &mut BytesMut,
    head: &Head,
    made: Answer,
) -> After {
    let Answer { status, headers, mut body } = made;
    let mut text = format!("HTTP/1.1 {status} {}\r\n", reason(status));
    for (name, value) in &headers {
        text += &format!("{name}: {value}\r\n");
    }
    if !head.keeps_alive() || link.one {
        text += "connection: close\r\n";
    }
    text += "\r\n";
    let pause = body.lead().filter(|pause| !pause.is_zero());
    if let Some(pause) = pause {
        link.conn.clock().wait(pause).await;
    }
    let bodyless = head.method == "HEAD" || status == 204 || status == 304;
    let touched = |stage| link.conn.scenario.touches(stage);
    if !touched(Stage::Response) && !touched(Stage::Body) && pause.is_none() {
        // Head and body in one write when they fit. Not after a pause: who has gone meanwhile is
        // noticed below.
        if let (Some(bytes), false) = (body.at_once(), bodyless) {
            text += &String::from_utf8_lossy(&bytes);
            if std::str::from_utf8(&bytes).is_ok() {
                let sent =
                    wire.write_all(text.as_bytes()).await.is_ok() && wire.flush().await.is_ok();
                return served(link, status, bytes.len() as u64, sent);
            }
            text.truncate(text.len() - String::from_utf8_lossy(&bytes).len());
        }
    }
    let mut text = text.as_bytes();
    match stage(link, Stage::Response, wire, inbox, &mut text).await {
        (After::Go, _) => {}
        (after, _) => return after,
    }
    if bodyless {
        return served(link, status, 0, true);
    }
    match stage(link, Stage::Body, wire, inbox, &mut body).await {
        (After::Go, bytes) => served(link, status, bytes, true),
        (after, _) => after,
    }
}

fn served(link: &Link, status: u16, bytes: u64, sent: bool) -> After {
    let answers = match status {
        // A part that the client has not asked for is no answer to it.
        206 => link.part,
        // Nothing was left of what it has asked for, or of its handshake.
        416 => !link.part,
        426 => false,
        // What a browser wants besides.
        _ => {
            link.facts.path.as_deref() != Some("/favicon.ico")
                || link.conn.scenario.target().ends_with("/favicon.ico")
        }
    };
    let nonce_served = sent && answers;
    link.conn.answer();
    let (via, method) = (link.via, link.method.clone());
    link.conn.note(What::HttpResponse { via, method, status, bytes, nonce_served });
    if sent { After::Go } else { After::Stop }
}

/// One stage whose bytes are `from`, and how many have passed.
pub(super) async fn stage(
    link: &mut Link,
    stage: Stage,
    wire: &mut BoxWire,
    inbox: &mut BytesMut,
    from: &mut (dyn tokio::io::AsyncRead + Unpin + Send),
) -> (After, u64) {
    let conn = std::sync::Arc::clone(&link.conn);
    let pipe = Pipe::new(conn.clock(), conn.rng(stage.word()), false);
    let mut flow = Flow::Out { client: wire, from, pipe };
    let mut choice = Choice::default();
    let after = play(stage, &conn, &mut link.facts, &mut flow, inbox, &mut choice).await;
    if after != After::Go {
        return (after, flow.passed().1);
    }
    match flow.pass(&conn, stage, Until::default()).await {
        Passed::Ended(Ended::Gone(_, end)) => {
            let how =
                if end == End::Reset { crate::event::How::Rst } else { crate::event::How::Fin };
            // Where it is the client's own, there is no proxy that sees it leave.
            let own = conn.side != Side::Client || flow.client().http2().is_some();
            if own {
                conn.closed(Who::Client, how);
            } else {
                conn.closing(Who::Client, how);
            }
            (After::Stop, flow.passed().1)
        }
        _ => (After::Go, flow.passed().1),
    }
}
