//! DNS over connections: TCP (RFC 7766), TLS (RFC 7858), HTTPS (RFC 8484).

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;

use super::pipeline::{Left, MOST, Pipeline};
use super::serve::{Outcome, Server};
use super::{Asked, Transport, doh};
use crate::cert::Flavour;
use crate::conn::Conn;
use crate::event::{How, What, Who};
use crate::fault::{After, Choice, Flow, play};
use crate::plan::Facts;
use crate::stage::Stage;
use crate::tls;
use crate::wire::replay::replay;
use crate::wire::{BoxWire, fin, linger};

/// The first byte of a TLS handshake record; no query is 5,632 bytes long.
const HANDSHAKE: u8 = 0x16;

/// Serves one connection to its end.
pub(super) async fn serve(server: &Arc<Server>, conn: &Arc<Conn>, mut wire: BoxWire, from: &str) {
    let mut inbox = BytesMut::new();
    if !matches!(wire.read_buf(&mut inbox).await, Ok(n) if n > 0) {
        return conn.closed(Who::Client, How::Fin);
    }
    let ended = match inbox.first() {
        Some(&HANDSHAKE) => secured(server, conn, wire, inbox, from).await,
        _ => Some((framed(server, conn, wire, inbox, Transport::Tcp, from, Flavour::Good)).await),
    };
    // Whoever has ended it has written it down already, unless it was the client.
    if ended.is_some_and(|ended| ended) {
        conn.closed(Who::Client, How::Fin);
    }
}

/// The handshake, with a rule's certificate, then what the client wants inside. None: it failed.
async fn secured(
    server: &Arc<Server>,
    conn: &Arc<Conn>,
    mut wire: BoxWire,
    mut inbox: BytesMut,
    from: &str,
) -> Option<bool> {
    let failed = |reason: String, by| conn.note(What::TlsFailed { reason, alert: None, by });
    let (sni, alpn) = match tls::read_hello(&mut wire, &mut inbox).await {
        Ok(hello) => (hello.sni, hello.alpn),
        Err(reason) => {
            failed(reason, Who::Client);
            return None;
        }
    };
    let http = alpn.iter().any(|name| name == "http/1.1" || name == "h2");
    let transport = match (http, alpn.is_empty()) {
        (true, _) => Some(Transport::Doh),
        (false, false) => Some(Transport::Dot),
        (false, true) => None,
    };
    let mut facts = Facts { conn: conn.id, ..Facts::default() };
    facts.dns = Some(Asked { transport, question: None });
    let mut choice = Choice::default();
    let mut flow = Flow::Wire(&mut wire);
    match play(Stage::Dns, conn, &mut facts, &mut flow, &mut inbox, &mut choice).await {
        After::Stop => return Some(false),
        After::Go | After::Replaced | After::Answered => {}
    }
    let flavour = choice.cert.unwrap_or_default();
    let name = sni.unwrap_or_else(|| "127.0.0.1".to_owned());
    let (config, flavour) = match server.shared.authority.server(&name, flavour, &[], &choice.tls) {
        Ok(served) => served,
        Err(error) => {
            failed(format!("no certificate can be made for {name:?}: {error}"), Who::Us);
            return None;
        }
    };
    let mut config = (*config).clone();
    // HTTP/2 for those that speak nothing else: in HTTP/1.1 a rule's bytes go out as they stand.
    config.alpn_protocols = [&b"http/1.1"[..], b"h2", b"dot"].map(<[u8]>::to_vec).to_vec();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    match acceptor.accept(replay(inbox, wire)).await {
        Ok(stream) => {
            let alpn = stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
            let mut wire: BoxWire = Box::new(stream);
            if alpn.as_deref() == Some(b"h2") {
                return Some(doh::streams(server, conn, wire, from, flavour).await);
            }
            let mut inbox = BytesMut::new();
            if !matches!(wire.read_buf(&mut inbox).await, Ok(n) if n > 0) {
                return Some(true);
            }
            // A length that begins with a letter would be one of more than 16,000 bytes.
            let letter = inbox.first().is_some_and(u8::is_ascii_uppercase);
            Some(match alpn.as_deref() == Some(b"http/1.1") || letter {
                true => doh::serve(server, conn, wire, inbox, from, flavour).await,
                false => framed(server, conn, wire, inbox, Transport::Dot, from, flavour).await,
            })
        }
        Err(error) => {
            failed(error.to_string(), Who::Client);
            None
        }
    }
}

/// The next whole message behind its length.
fn message(inbox: &mut BytesMut) -> Option<BytesMut> {
    let length = usize::from(u16::from_be_bytes(*inbox.first_chunk()?));
    if inbox.len() < 2 + length {
        return None;
    }
    inbox.advance(2);
    Some(inbox.split_to(length))
}

/// Messages behind their lengths, each answered when its answer is ready. Whether it was the client
/// that has ended the connection.
async fn framed(
    server: &Server,
    conn: &Conn,
    wire: BoxWire,
    mut inbox: BytesMut,
    transport: Transport,
    from: &str,
    cert: Flavour,
) -> bool {
    let pipeline = Pipeline::new(wire);
    let ask = |message: BytesMut| {
        let mut part = pipeline.part();
        async move {
            let mut rest = BytesMut::new();
            server.answer(conn, &message, transport, from, &mut part, &mut rest).await
        }
    };
    let mut open = Vec::new();
    let by_client = poll_fn(|cx| {
        loop {
            while open.len() < MOST
                && let Some(message) = message(&mut inbox)
            {
                distrusted(conn, cert, message.len());
                open.push(Box::pin(ask(message)));
            }
            let mut index = 0;
            while index < open.len() {
                let Poll::Ready(outcome) = open[index].as_mut().poll(cx) else {
                    index += 1;
                    continue;
                };
                drop(open.remove(index));
                match outcome {
                    Outcome::Answer(bytes) => pipeline.answer(&bytes),
                    Outcome::Done => {}
                    Outcome::Ended => return Poll::Ready(false),
                }
            }
            let drained = match pipeline.poll_drain(cx) {
                Poll::Ready(Err(_)) => return Poll::Ready(true),
                drained => drained.is_ready(),
            };
            match pipeline.left() {
                Some(Left::Reset) => return Poll::Ready(true),
                // It may have half-closed, and wait for its answers.
                Some(Left::Fin) if open.is_empty() && drained => return Poll::Ready(true),
                Some(Left::Fin) => return Poll::Pending,
                None if open.len() >= MOST => return Poll::Pending,
                None => {
                    let _ = ready!(pipeline.poll_more(cx, &mut inbox));
                }
            }
        }
    })
    .await;
    drop(open);
    let Some(mut wire) = pipeline.take() else { return by_client };
    if by_client {
        conn.closed(Who::Client, conn.left().unwrap_or(How::Fin));
        let _ = wire.shutdown().await;
    } else {
        end(conn, &mut wire).await;
    }
    by_client
}

/// A query under a certificate that the client must not trust.
pub(super) fn distrusted(conn: &Conn, cert: Flavour, bytes: usize) {
    if cert.is_bad() {
        conn.note(What::AppData { cert: cert.word().to_owned(), bytes: bytes as u64 });
    }
}

/// A FIN, unless the connection has ended already.
pub(super) async fn end(conn: &Conn, wire: &mut BoxWire) {
    if conn.is_closed() {
        return;
    }
    let _ = fin(wire, true).await;
    conn.closed(Who::Us, How::Fin);
    // Until the client has closed its side, too; `limits.time` ends it.
    linger(wire).await;
}
