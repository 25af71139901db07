//! One connection of the proxy through its stages.

mod auth;
mod connect;
mod forward;
pub mod framing;
pub mod head;
mod http2;
mod lookup;
mod relay;
mod searched;
pub mod socks;
#[cfg(target_os = "linux")]
mod splice;
mod tls;

use std::sync::Arc;

use bytes::BytesMut;
use tokio::io::AsyncWriteExt;

pub use framing::{Broken, Chunk, Framing};
pub use relay::relay;

use crate::cert::Flavour;
use crate::conn::Conn;
use crate::event::{How, What, Who};
use crate::fault::h2::H2;
use crate::fault::{After, Choice, Ended, Flow, play, respond::Respond, upstream_error};
use crate::plan::Facts;
use crate::secrets::mask_lines;
use crate::stage::Stage;
use crate::wire::{BoxWire, End, fin, linger};
use connect::Failed;
pub(crate) use connect::NOT_SERVED;
use head::{Head, NoHead};
use lookup::Upstream;

/// A tunnel whose stages are behind it: only bytes are left to pass.
pub struct Open {
    /// The wire to the client.
    pub client: BoxWire,
    /// The wire to the target.
    pub upstream: BoxWire,
    /// What the client has sent after its request head.
    pub early: BytesMut,
}

/// A connection on its way through the stages.
struct Session {
    conn: Arc<Conn>,
    facts: Facts,
    wire: BoxWire,
    inbox: BytesMut,
    choice: Choice,
    /// The certificate that the proxy has shown.
    cert: Flavour,
    /// The terms of HTTP/2, where the client and the proxy have agreed on it.
    h2: Option<H2>,
    /// The connection to a real target that the last forwarded request has left open.
    kept: Option<Kept>,
}

/// A connection to a real target that can be used again.
struct Kept {
    host: String,
    port: u16,
    wire: BoxWire,
}

/// What a request has led to.
enum Next {
    /// The connection waits for the next request.
    Request,
    /// The connection is to be closed.
    Close,
    /// The connection has ended already.
    Ended,
    /// The tunnel is open.
    Tunnel(BoxWire),
}

/// Plays one connection up to its end, or up to an open tunnel that only has to be relayed.
pub async fn play_until_tunnel(conn: Arc<Conn>, facts: Facts, wire: BoxWire) -> Option<Open> {
    let inbox = BytesMut::new();
    let choice = Choice::default();
    let cert = Flavour::default();
    let mut session = Session { conn, facts, wire, inbox, choice, cert, h2: None, kept: None };
    if session.at(Stage::Accept).await == After::Stop {
        return None;
    }
    if !session.secured().await {
        return None;
    }
    if let Some(terms) = session.h2.take() {
        Box::pin(http2::serve(session, terms)).await;
        return None;
    }
    let mut first = session.first_byte().await;
    if session.conn.is_closed() {
        return None;
    }
    loop {
        let next = match first.take() {
            Some(version @ (socks::message::V4 | socks::message::V5)) => {
                socks::serve(&mut session, version).await
            }
            _ => match session.next_head().await {
                Some(head) => session.request(head).await,
                None => return None,
            },
        };
        match next {
            Next::Request => {}
            Next::Ended => return None,
            Next::Tunnel(upstream) => {
                return Some(Open { client: session.wire, upstream, early: session.inbox });
            }
            Next::Close => {
                session.close().await;
                return None;
            }
        }
    }
}

/// Writes down how a tunnel ended; `first` has sent its FIN before the other. Whether a reset has
/// to be passed on: upwards, downwards.
fn end(conn: &Conn, ended: Ended, first: Option<Who>) -> (bool, bool) {
    let (by, how, pass_on) = match ended {
        Ended::Finished => (first.unwrap_or(Who::Client), How::Fin, (false, false)),
        // The client's RST answers a FIN that was there before.
        Ended::Gone(Who::Client, End::Reset) if first == Some(Who::Upstream) => {
            (Who::Upstream, How::Fin, (true, false))
        }
        Ended::Gone(Who::Client, End::Reset) => (Who::Client, How::Rst, (true, false)),
        Ended::Gone(who, End::Reset) => (who, How::Rst, (false, true)),
        Ended::Gone(who, End::Fin) => (who, How::Fin, (false, false)),
    };
    conn.relayed(by, how);
    pass_on
}

impl Session {
    /// Plays the rule at a stage where nothing passes.
    async fn at(&mut self, stage: Stage) -> After {
        if !self.conn.scenario.touches(stage) {
            return After::Go;
        }
        let mut flow = Flow::Wire(&mut self.wire);
        let Session { conn, facts, inbox, choice, .. } = self;
        play(stage, conn, facts, &mut flow, inbox, choice).await
    }

    /// The client's first byte, which tells what it speaks; None when it has gone. A reset is
    /// written down here.
    async fn first_byte(&mut self) -> Option<u8> {
        use tokio::io::AsyncReadExt;
        if self.inbox.is_empty() {
            self.inbox.reserve(2048);
            match self.wire.read_buf(&mut self.inbox).await {
                // An end comes again when the head is read, a reset would be an end there.
                Ok(_) => {}
                Err(_) => self.conn.closed(Who::Client, How::Rst),
            }
        }
        if !self.inbox.is_empty() {
            self.conn.shared.plan().begin(&mut self.facts);
        }
        self.inbox.first().copied()
    }

    /// Reads the next request head; None when the connection has ended instead.
    async fn next_head(&mut self) -> Option<Head> {
        let limit = self.conn.scenario.proxy.head_limit.map_or(head::LIMIT, |s| s.0);
        let reason = match head::read(&mut self.wire, &mut self.inbox, limit).await {
            Ok(head) => {
                self.app_data(head.raw.len());
                return Some(head);
            }
            Err(reason) => reason,
        };
        self.app_data(self.inbox.len());
        match reason {
            NoHead::Closed => {
                self.conn.closed(Who::Client, How::Fin);
                let _ = self.wire.shutdown().await;
            }
            NoHead::Reset => self.conn.closed(Who::Client, How::Rst),
            NoHead::Cut => {
                self.bad("the connection was closed inside the request head");
                self.conn.closed(Who::Client, How::Fin);
            }
            NoHead::TooLong => {
                self.bad(&format!("the request head is longer than {limit} bytes or 512 lines"));
                self.refuse(431, "The request head is too long.").await;
            }
            NoHead::Bad(why) => {
                self.bad(&format!("not an HTTP/1 request: {why}"));
                self.refuse(400, "This is not an HTTP/1 request.").await;
            }
        }
        None
    }

    fn bad(&self, reason: &str) {
        // Masked before it is cut, so that no half of a secret is left at the end.
        let raw = self.conn.log().secrets().mask(&String::from_utf8_lossy(&self.inbox));
        let raw = raw.chars().take(2048).collect();
        self.conn.note(What::BadRequest { reason: reason.to_owned(), raw });
    }

    /// A healthy proxy's refusal, then a FIN.
    async fn refuse(&mut self, status: u16, why: &str) {
        let answer = Respond {
            status,
            headers: vec!["Content-Type: text/plain".to_owned()],
            body: format!("{why}\n"),
            ..Respond::default()
        };
        self.answer(&answer, true).await;
        self.close().await;
    }

    /// Sends a healthy proxy's own response.
    async fn answer(&mut self, answer: &Respond, closing: bool) {
        let bytes = answer.answer(&self.facts, closing);
        let _ = self.wire.write_all(&bytes).await;
        let mut raw = String::from_utf8_lossy(&bytes).into_owned();
        let mut sent = bytes.len() as u64;
        // What was written has become HEADERS and DATA.
        if let Some(stream) = self.wire.http2() {
            let (_, rest) = raw.split_once("\r\n").unwrap_or_default();
            raw = format!("HTTP/2 {}\r\n{rest}", answer.status);
            sent = stream.sent();
        }
        self.conn.note(What::Reply { status: answer.status, bytes: sent, raw });
    }

    /// The end of a connection that the proxy closes: stage `close`, then a FIN.
    async fn close(&mut self) {
        if self.at(Stage::Close).await == After::Stop || self.conn.is_closed() {
            return;
        }
        let _ = fin(&mut self.wire, true).await;
        self.conn.closed(Who::Us, How::Fin);
        // Until the client has closed its side, too; `limits.time` ends it.
        linger(&mut self.wire).await;
    }

    /// One request, from its head on.
    async fn request(&mut self, head: Head) -> Next {
        let place = match head.method.as_str() {
            "CONNECT" => head::authority(&head.target, None).map(|(host, port)| (host, port, None)),
            _ => head::absolute(&head.target).map(|(host, port, path)| (host, port, Some(path))),
        };
        let (host, port) = place.as_ref().map_or(("", 0), |(h, p, _)| (h.as_str(), *p));
        self.conn.shared.plan().request(&mut self.facts, host, port);
        self.facts.path = place.as_ref().and_then(|(_, _, path)| path.clone());
        self.choice.request = None;
        let legs = self.learn(&head);
        self.write_down(&head);
        for leg in legs {
            self.conn.note(leg);
        }
        let Some((_, _, path)) = place else {
            self.refuse(
                400,
                "The request names no target: a proxy needs CONNECT host:port or http://host/path.",
            )
            .await;
            return Next::Ended;
        };
        for stage in [Stage::Request, Stage::Auth] {
            let after = self.at(stage).await;
            if after != After::Go {
                return self.after_answer(after, &head).await;
            }
        }
        if !self.admits() {
            return self.challenge(&head).await;
        }
        match path {
            None => connect::connect(self, &head).await,
            Some(path) => forward::forward(self, head, path).await,
        }
    }

    /// The version that the client speaks.
    fn version(&self, head: &Head) -> &'static str {
        if self.conn.stream.is_some() { "HTTP/2" } else { head.version() }
    }

    fn write_down(&self, head: &Head) {
        let secrets = self.conn.log().secrets();
        let secret_seen = secrets.seen_in(&head.raw);
        // What is not in the whole is not in a part.
        let hide = |text: &str| match secret_seen[..] {
            [] => mask_lines(text),
            _ => secrets.mask(text),
        };
        self.conn.note(What::Request {
            attempt: self.facts.attempt,
            method: hide(&head.method),
            target: hide(&head.target),
            version: self.version(head).to_owned(),
            headers: mask_headers(hide, &head.headers),
            raw: hide(&String::from_utf8_lossy(&head.raw)),
            secret_seen,
        });
    }

    /// What follows a request that was answered or replaced by a rule before the tunnel.
    async fn after_answer(&mut self, after: After, head: &Head) -> Next {
        match after {
            After::Stop => Next::Ended,
            _ if head.keeps_alive() && self.drain_body(head).await => Next::Request,
            _ => Next::Close,
        }
    }

    /// Reads past the body of a request that was answered early. False: the connection cannot be
    /// used again.
    async fn drain_body(&mut self, head: &Head) -> bool {
        use tokio::io::AsyncReadExt;
        if head.method == "CONNECT" {
            return true;
        }
        let Ok(mut framing) = Framing::of_request(head) else { return false };
        // Whether a client that waits for `100 Continue` sends its body now, nobody knows.
        if !framing.is_done() && head.header("expect").is_some() {
            return false;
        }
        while !framing.is_done() {
            if self.inbox.is_empty()
                && !matches!(self.wire.read_buf(&mut self.inbox).await, Ok(n) if n > 0)
            {
                return false;
            }
            match framing.feed(&self.inbox, |_| {}) {
                Ok(n) => drop(self.inbox.split_to(n)),
                Err(_) => return false,
            }
        }
        true
    }

    /// What follows when a target could not be reached.
    async fn failed(&mut self, head: &Head, failed: Failed) -> Next {
        match failed {
            Failed::Rule(after) => self.after_answer(after, head).await,
            Failed::Late => Next::Close,
            Failed::Upstream(upstream) => {
                let (host, port) = (&self.facts.host, self.facts.port);
                let Upstream { error, status, detail } = upstream;
                let answer = upstream_error::response(error, &detail, status, host, port);
                let closing = !head.keeps_alive();
                self.answer(&answer, closing).await;
                self.after_answer(After::Answered, head).await
            }
        }
    }
}

/// Header lines with every credential hidden.
pub(crate) fn mask_headers(
    hide: impl Fn(&str) -> String,
    headers: &[(String, String)],
) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| {
            let line = hide(&format!("{name}: {value}"));
            match line.split_once(": ") {
                Some((name, value)) => (name.to_owned(), value.to_owned()),
                None => (name.clone(), String::new()),
            }
        })
        .collect()
}
