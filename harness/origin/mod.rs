//! The built-in server behind the proxy: it answers for every target name, in plain HTTP and in
//! TLS, and only it can serve the run's nonce.

pub mod answer;
mod body;
mod heard;
mod http1;
mod http2;
mod range;
mod websocket;

use std::sync::Arc;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::cert::Flavour;
use crate::conn::Conn;
use crate::event::{How, Side, Via, What, Who};
use crate::fault::headers::Edit;
use crate::fault::{After, Choice, Flow, play};
use crate::plan::Facts;
use crate::proxy::head::Head;
use crate::scenario::Alpn;
use crate::stage::Stage;
use crate::tls;
use crate::wire::{BoxWire, fin_hearing, linger_hearing};
pub(crate) use heard::Heard;

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
    /// It closes after one answer: a session that is to end without a goodbye has to end.
    pub one: bool,
    /// The method of the client's last request.
    pub method: String,
    /// Whether the client's last request was for a part (Range), before a rule has changed it.
    pub part: bool,
    /// Requests on this link so far.
    pub requests: u64,
    /// What comes behind a request head is searched for secrets.
    pub heard: Heard,
}

impl Link {
    /// A request was read: the first one belongs to the attempt that the link began.
    fn count(&mut self) {
        self.requests += 1;
        if self.requests > 1 {
            self.conn.shared.plan().further(&mut self.facts);
        }
    }

    /// From here on the facts are those of this request. The proxy knows no other than a forwarded
    /// one; in a tunnel it has seen CONNECT alone.
    fn learn(&mut self, head: &Head) {
        self.facts.bodyless = head.method == "HEAD";
        self.method.clone_from(&head.method);
        self.facts.closes = !head.keeps_alive() || self.one;
        if self.via != Via::Forward {
            self.conn.shared.plan().method(&mut self.facts, &head.method);
            self.facts.path = Some(head.target.clone());
            self.facts.headers.clone_from(&head.headers);
        }
        self.part = self.facts.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("range"));
    }

    /// Makes the changes of the rule at `request` that a request in a tunnel meets, in the place of
    /// a proxy that reads there. Of a forwarded one the proxy has made them.
    fn edit(&mut self, headers: &mut Vec<(String, String)>) {
        if self.via != Via::Tunnel {
            return;
        }
        let Some(rule) = self.conn.pick(Stage::Request, &mut self.facts) else { return };
        if let Some(edit) = Edit::of(rule, &self.conn.scenario.rules[rule]) {
            edit.apply(&self.conn, headers);
        }
    }
}

/// The way of what comes through the proxy.
pub(crate) fn via(facts: &Facts) -> Via {
    let tunnel = facts.method == "CONNECT" || crate::proxy::socks::version(&facts.method).is_some();
    if tunnel { Via::Tunnel } else { Via::Forward }
}

/// Serves the target's side of a tunnel or a forwarded request.
pub(crate) fn spawn(conn: &Arc<Conn>, facts: &Facts, wire: BoxWire) {
    let via = via(facts);
    let (conn, facts) = (Arc::clone(conn), facts.clone());
    let shared = Arc::clone(&conn.shared);
    shared.spawn(async move { Box::pin(serve(conn, facts, wire, via)).await });
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
    let cert = Flavour::Good;
    let heard = Heard::new(&conn, via, cert);
    let method = String::new();
    let mut link =
        Link { conn, via, cert, facts, one: false, method, part: false, requests: 0, heard };
    if inbox.first() == Some(&tls::HANDSHAKE) && via != Via::Forward {
        secured(link, wire, inbox).await;
    } else {
        let conn = Arc::clone(&link.conn);
        http1::serve(&mut link, wire, inbox).await;
        if conn.side == Side::Direct {
            conn.closed(Who::Client, How::Fin);
        }
    }
}

/// Stage `tls`, then HTTP inside it.
async fn secured(mut link: Link, mut wire: BoxWire, mut inbox: BytesMut) {
    let conn = Arc::clone(&link.conn);
    match tls::read_hello(&mut wire, &mut inbox).await {
        Ok(hello) => {
            let (versions, fingerprint) = (hello.version_names(), hello.fingerprint());
            link.facts.sni = hello.sni.clone();
            link.facts.alpn.clone_from(&hello.alpn);
            let bytes = hello.bytes as u64;
            link.facts.hello = bytes;
            let sni = conn.server_name(hello.sni);
            let alpn = hello.alpn;
            conn.note(What::ClientHello { sni, alpn, versions, bytes, fingerprint });
        }
        Err(reason) => {
            conn.note(What::TlsFailed { reason, alert: None, by: Who::Client });
            return close(wire, &mut link.heard).await;
        }
    }
    let mut choice = Choice::default();
    let mut flow = Flow::Wire(&mut wire);
    match play(Stage::Tls, &conn, &mut link.facts, &mut flow, &mut inbox, &mut choice).await {
        After::Go => {}
        After::Stop => return,
        After::Replaced | After::Answered => return close(wire, &mut link.heard).await,
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
    let (plan, terms) = (choice.tls, choice.h2);
    let speaks = plan.terms.speaks;
    link.one = plan.terms.close_notify == Some(false);
    let config = match conn.shared.authority.server(&name, link.cert, &conn.scenario.alpn(), &plan)
    {
        Ok((config, by_now)) => {
            link.cert = by_now;
            config
        }
        Err(error) => {
            let reason = format!("no certificate can be made for {name:?}: {error}");
            conn.note(What::TlsFailed { reason, alert: None, by: Who::Us });
            return;
        }
    };
    match tls::accept(&conn, Stage::Tls, config, plan, inbox, wire).await {
        Ok(tls::Session { wire, version, cipher, alpn }) => {
            let cert = link.cert.word().to_owned();
            let h2 = match speaks {
                Some(said) => said == Alpn::H2,
                None => alpn.as_deref() == Some("h2"),
            };
            conn.note(What::Established { version, cipher, alpn, cert });
            link.heard = Heard::new(&conn, link.via, link.cert);
            if h2 {
                http2::serve(link, wire, terms).await;
            } else {
                http1::serve(&mut link, wire, BytesMut::new()).await;
            }
        }
        Err(mut failed) => {
            let (by, alert) = (failed.by, failed.alert.take());
            let reason = std::mem::take(&mut failed.reason);
            conn.note(What::TlsFailed { reason, alert, by });
            match conn.side {
                Side::Direct => failed.end(&conn).await,
                _ => failed.close().await,
            }
        }
    }
    if conn.side == Side::Direct {
        conn.closed(Who::Client, How::Fin);
    }
}

/// Ends a connection to the origin with a FIN. What still comes is searched for secrets.
async fn close(mut wire: BoxWire, heard: &mut Heard) {
    if fin_hearing(&mut wire, true, |bytes| heard.bytes(bytes)).await.is_ok() {
        let _ = wire.flush().await;
        linger_hearing(&mut wire, |bytes| heard.bytes(bytes)).await;
    }
}
