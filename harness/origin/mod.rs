//! The built-in server behind the proxy: it answers for every target name, in plain HTTP and in
//! TLS, and only it can serve the run's nonce.

pub mod answer;
mod body;
mod http1;
mod http2;
mod websocket;

use std::sync::Arc;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{self, server::Acceptor};

use crate::cert::Flavour;
use crate::conn::Conn;
use crate::event::{How, Side, Via, What, Who};
use crate::fault::{After, Choice, Flow, play};
use crate::plan::Facts;
use crate::stage::Stage;
use crate::wire::replay::replay;
use crate::wire::{BoxWire, fin, linger};

/// One connection to the origin: through the proxy or around it.
pub(crate) struct Link {
    /// The connection of the client that it belongs to.
    pub conn: Arc<Conn>,
    /// The way it came.
    pub via: Via,
    /// The certificate that was shown.
    pub cert: Flavour,
    /// What is known of the attempt.
    pub facts: Facts,
    /// Requests on this link so far.
    pub requests: u64,
}

impl Link {
    /// A request was read: the first one belongs to the attempt that the link began.
    fn count(&mut self) {
        self.requests += 1;
        if self.requests > 1 {
            self.conn.shared.plan().further(&mut self.facts);
        }
    }
}

/// Serves the target's side of a tunnel or a forwarded request.
pub(crate) fn spawn(conn: &Arc<Conn>, facts: &Facts, wire: BoxWire) {
    let via = if facts.method == "CONNECT" { Via::Tunnel } else { Via::Forward };
    let (conn, facts) = (Arc::clone(conn), facts.clone());
    tokio::spawn(async move { Box::pin(serve(conn, facts, wire, via)).await });
}

/// Serves one connection.
pub(crate) async fn serve(conn: Arc<Conn>, facts: Facts, mut wire: BoxWire, via: Via) {
    let mut inbox = BytesMut::new();
    if !matches!(wire.read_buf(&mut inbox).await, Ok(n) if n > 0) {
        if via == Via::Direct {
            conn.closed(Who::Client, How::Fin);
        }
        return;
    }
    let mut link = Link { conn, via, cert: Flavour::Good, facts, requests: 0 };
    if inbox.first() == Some(&0x16) && via != Via::Forward {
        tls(link, wire, inbox).await;
    } else {
        let conn = Arc::clone(&link.conn);
        http1::serve(&mut link, wire, inbox).await;
        if conn.side == Side::Direct {
            conn.closed(Who::Client, How::Fin);
        }
    }
}

/// Stage `tls`, then HTTP inside it.
async fn tls(mut link: Link, mut wire: BoxWire, mut inbox: BytesMut) {
    let conn = Arc::clone(&link.conn);
    match hello(&mut wire, &mut inbox).await {
        Ok(hello) => {
            link.facts.sni = hello.0.clone();
            link.facts.alpn.clone_from(&hello.1);
            conn.note(What::ClientHello { sni: hello.0, alpn: hello.1 });
        }
        Err(reason) => {
            conn.note(What::TlsFailed { reason, alert: None, by: Who::Client });
            return close(wire).await;
        }
    }
    let mut choice = Choice::default();
    let mut flow = Flow::Wire(&mut wire);
    match play(Stage::Tls, &conn, &mut link.facts, &mut flow, &mut inbox, &mut choice).await {
        After::Go => {}
        After::Stop => return,
        After::Replaced | After::Answered => return close(wire).await,
    }
    link.cert = choice.cert.unwrap_or_default();
    let name = match &link.facts.sni {
        Some(name) => name.clone(),
        // Around the proxy: by the address that was connected to.
        None if link.facts.host.is_empty() => match wire.local() {
            Some(ip) => ip.to_string(),
            None => conn.shared.direct_ip(),
        },
        None => link.facts.host.clone(),
    };
    let config = match conn.shared.authority.server(&name, link.cert, &conn.scenario.alpn()) {
        Ok(config) => config,
        Err(error) => {
            let reason = format!("no certificate can be made for {name:?}: {error}");
            conn.note(What::TlsFailed { reason, alert: None, by: Who::Us });
            return;
        }
    };
    match TlsAcceptor::from(config).accept(replay(inbox, wire)).await {
        Ok(stream) => {
            let (_, session) = stream.get_ref();
            let text = |v: Option<String>| v.unwrap_or_default();
            let alpn = session.alpn_protocol().map(|p| String::from_utf8_lossy(p).into_owned());
            conn.note(What::Established {
                version: text(session.protocol_version().map(|v| format!("{v:?}"))),
                cipher: text(session.negotiated_cipher_suite().map(|s| format!("{:?}", s.suite()))),
                alpn: alpn.clone(),
                cert: link.cert.word().to_owned(),
            });
            if alpn.as_deref() == Some("h2") {
                http2::serve(link, Box::new(stream)).await;
            } else {
                http1::serve(&mut link, Box::new(stream), BytesMut::new()).await;
            }
        }
        Err(error) => {
            let alert = match error.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>()) {
                Some(rustls::Error::AlertReceived(alert)) => Some(format!("{alert:?}")),
                _ => None,
            };
            conn.note(What::TlsFailed { reason: error.to_string(), alert, by: Who::Client });
        }
    }
    if conn.side == Side::Direct {
        conn.closed(Who::Client, How::Fin);
    }
}

/// Ends a connection to the origin with a FIN.
async fn close(mut wire: BoxWire) {
    if fin(&mut wire, true).await.is_ok() {
        let _ = wire.flush().await;
        linger(&mut wire).await;
    }
}

/// Reads the whole ClientHello; its bytes stay in `inbox`. Gives the name and the protocols.
async fn hello(
    wire: &mut BoxWire,
    inbox: &mut BytesMut,
) -> Result<(Option<String>, Vec<String>), String> {
    let mut acceptor = Acceptor::default();
    let mut seen = 0;
    loop {
        let mut news = &inbox[seen..];
        while !news.is_empty() {
            let n = acceptor.read_tls(&mut news).map_err(|e| e.to_string())?;
            seen += n;
            match acceptor.accept() {
                Ok(Some(accepted)) => {
                    let hello = accepted.client_hello();
                    let alpn = hello.alpn().into_iter().flatten();
                    return Ok((
                        hello.server_name().map(str::to_owned),
                        alpn.map(|p| String::from_utf8_lossy(p).into_owned()).collect(),
                    ));
                }
                Ok(None) => {}
                Err((error, _)) => return Err(error.to_string()),
            }
        }
        match wire.read_buf(inbox).await {
            Ok(n) if n > 0 => {}
            Ok(_) => return Err("the client closed inside its hello".to_owned()),
            Err(error) => return Err(format!("inside the client's hello: {error}")),
        }
    }
}
