//! Absolute-form requests: `GET http://host/path`. The response passes as it stands; the proxy
//! only looks where it ends.

use std::future::poll_fn;
use std::io::ErrorKind;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};

use super::connect::reach;
use super::head::{self, Head};
use super::{Framing, Kept, Next, Session};
use crate::conn::Conn;
use crate::event::{How, Who};
use crate::stage::Stage;
use crate::wire::BoxWire;
use crate::wire::is_reset;
use crate::wire::replay::replay;

/// The client-to-target direction of one exchange.
struct Up<'a> {
    conn: &'a Conn,
    pending: BytesMut,
    framing: Framing,
    broken: bool,
    /// The target has sent a RST and no FIN before it. Reading is not told again, and comes to an
    /// end of file that nobody has sent.
    reset: bool,
}

/// The target-to-client direction.
struct Down<'a> {
    conn: &'a Conn,
    method: &'a str,
    inbox: BytesMut,
    pending: BytesMut,
    state: State,
    /// The target said that it closes after this response.
    closes: bool,
}

#[derive(PartialEq)]
enum State {
    Head,
    Body(Framing),
    /// Not HTTP: passed until it ends.
    Raw,
    Upgraded,
    Finished,
    /// The target has closed its side.
    Ended,
}

/// Serves one absolute-form request.
pub(super) async fn forward(session: &mut Session, head: Head, path: String) -> Next {
    let Ok(framing) = Framing::of_request(&head) else {
        session.refuse(400, "The request body is not framed as HTTP/1 asks for.").await;
        return Next::Ended;
    };
    // Changed here, not at the origin: real targets get the same.
    let edit = session.choice.request.take();
    let mut upstream = match kept(session) {
        Some(wire) => wire,
        None => match reach(session).await {
            Ok(wire) => wire,
            Err(failed) => return session.failed(&head, failed).await,
        },
    };
    let mut sent = head.clone();
    if let Some(edit) = edit {
        edit.apply(&session.conn, &mut sent.headers);
    }
    let pending = BytesMut::from(rewritten(&sent, &path).as_bytes());
    let conn = std::sync::Arc::clone(&session.conn);
    let mut up = Up { conn: &conn, pending, framing, broken: false, reset: false };
    let mut down = Down {
        conn: &conn,
        method: &head.method,
        inbox: BytesMut::new(),
        pending: BytesMut::new(),
        state: State::Head,
        closes: false,
    };
    // The client has sent its FIN, after the whole request.
    let mut left = false;
    let result = poll_fn(|cx| {
        let sent = up.poll(cx, &mut session.wire, &mut session.inbox, &mut upstream);
        if let Poll::Ready(Err(who)) = sent {
            return Poll::Ready(Err(who));
        }
        // While the response is waited for, a client may leave; what it sends is for later.
        while sent.is_ready() && !left && session.inbox.len() < head::LIMIT as usize {
            match read(&mut session.wire, cx, &mut session.inbox) {
                Poll::Ready(Ok(n)) if n > 0 => {}
                Poll::Ready(Err(error)) if is_reset(&error) => {
                    return Poll::Ready(Err((Who::Client, true)));
                }
                // It may still read, so the response goes on; but a response without an end is to
                // end with the client, and only the target can tell: the FIN is passed on, as in
                // a tunnel.
                Poll::Ready(Ok(_)) => {
                    left = true;
                    let _ = Pin::new(&mut upstream).poll_shutdown(cx);
                }
                _ => break,
            }
        }
        match ready!(down.poll(cx, &mut upstream, &mut session.wire)) {
            Ok(()) if up.reset && down.state == State::Ended => {
                Poll::Ready(Err((Who::Upstream, true)))
            }
            Ok(()) => Poll::Ready(Ok(sent.is_ready() && !up.broken)),
            Err(failed) => Poll::Ready(Err(failed)),
        }
    })
    .await;
    match (result, down.state) {
        (Ok(_), State::Upgraded) => Next::Tunnel(replay(down.inbox, upstream)),
        (Ok(true), State::Finished) if head.keeps_alive() => {
            keep(session, upstream, down.closes || !down.inbox.is_empty());
            Next::Request
        }
        (Ok(_), State::Ended) if left => {
            session.conn.closed(Who::Client, How::Fin);
            let _ = session.wire.shutdown().await;
            Next::Ended
        }
        (Ok(_), _) => Next::Close,
        (Err((Who::Us, _)), State::Head) => {
            session.bad("a chunk of the request body has no size");
            session.refuse(400, "The request body is not framed as HTTP/1 asks for.").await;
            Next::Ended
        }
        (Err((Who::Client, reset)), _) => {
            session.conn.closed(Who::Client, if reset { How::Rst } else { How::Fin });
            Next::Ended
        }
        (Err((_, true)), _) => {
            // A healthy proxy passes a reset on.
            session.conn.settle(&mut session.wire).await;
            session.wire.arm_reset();
            session.conn.relayed(Who::Upstream, How::Rst);
            Next::Ended
        }
        (Err(_), _) => Next::Close,
    }
}

/// The connection that the last request has left open, when it leads to the same real target and
/// no rule wants to see the way there again. One that the target has closed is let go.
fn kept(session: &mut Session) -> Option<BoxWire> {
    let mut kept = session.kept.take()?;
    let facts = &session.facts;
    let scenario = &session.conn.scenario;
    let fits = kept.host == facts.host
        && kept.port == facts.port
        && !scenario.touches(Stage::Resolve)
        && !scenario.touches(Stage::Dial);
    // Whatever there is to read, bytes that nobody asked for or an end, makes it unfit.
    let mut cx = Context::from_waker(std::task::Waker::noop());
    let quiet = read(&mut kept.wire, &mut cx, &mut BytesMut::new()).is_pending();
    (fits && quiet).then_some(kept.wire)
}

/// Keeps the connection to a real target. The built-in origin is no connection away, and each
/// request to it has its own attempt.
fn keep(session: &mut Session, wire: BoxWire, closes: bool) {
    let facts = &session.facts;
    let (host, port) = (facts.host.clone(), facts.port);
    if !closes && !session.conn.serves(&host, port) {
        session.kept = Some(Kept { host, port, wire });
    }
}

/// The request as the target gets it: origin-form, without what is for the proxy alone.
fn rewritten(head: &Head, path: &str) -> String {
    let upgrade = head.header("upgrade").is_some() && head.lists("connection", "upgrade");
    let mut out = format!("{} {path} {}\r\n", head.method, head.version());
    for (name, value) in &head.headers {
        let hop = matches!(
            name.to_ascii_lowercase().as_str(),
            "connection" | "proxy-connection" | "proxy-authorization" | "keep-alive" | "te"
        );
        let listed = head.lists("connection", name) && !name.eq_ignore_ascii_case("upgrade");
        if !hop && !listed {
            out += &format!("{name}: {value}\r\n");
        }
    }
    out += &format!("Via: 1.{} badproxy\r\n", head.minor);
    // The last answer to a client says so, whoever makes it.
    let option = match head.keeps_alive() {
        _ if upgrade => "Upgrade",
        true => "keep-alive",
        false => "close",
    };
    out += &format!("Connection: {option}\r\n\r\n");
    out
}

/// Who failed, and whether by a reset.
type Gone = (Who, bool);

impl Up<'_> {
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        client: &mut BoxWire,
        inbox: &mut BytesMut,
        upstream: &mut BoxWire,
    ) -> Poll<Result<(), Gone>> {
        loop {
            if self.conn.shared.is_full() {
                return Poll::Pending;
            }
            if !self.pending.is_empty() {
                match ready!(Pin::new(&mut *upstream).poll_write(cx, &self.pending)) {
                    Ok(n) => self.pending.advance(n),
                    // The target takes nothing more; its response may still come.
                    Err(error) => {
                        self.broken = true;
                        // Tried again, it is told of a broken pipe.
                        self.reset |= error.kind() == ErrorKind::ConnectionReset;
                    }
                }
            }
            if self.broken || (self.pending.is_empty() && self.framing.is_done()) {
                return Poll::Ready(Ok(()));
            }
            if !self.pending.is_empty() {
                continue;
            }
            if inbox.is_empty() {
                match ready!(read(client, cx, inbox)) {
                    Ok(0) => return Poll::Ready(Err((Who::Client, false))),
                    Ok(_) => {}
                    Err(error) => return Poll::Ready(Err((Who::Client, is_reset(&error)))),
                }
            }
            match self.framing.feed(inbox, |_| {}) {
                Ok(n) => self.pending = inbox.split_to(n),
                // Nobody would ever know where it ends.
                Err(_) => return Poll::Ready(Err((Who::Us, false))),
            }
        }
    }
}

impl Down<'_> {
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        upstream: &mut BoxWire,
        client: &mut BoxWire,
    ) -> Poll<Result<(), Gone>> {
        loop {
            while !self.pending.is_empty() {
                // The connection is about to be ended: not a byte more.
                if self.conn.shared.is_full() {
                    return Poll::Pending;
                }
                match ready!(Pin::new(&mut *client).poll_write(cx, &self.pending)) {
                    Ok(n) => self.pending.advance(n),
                    Err(_) => return Poll::Ready(Err((Who::Client, true))),
                }
            }
            self.sort();
            if !self.pending.is_empty() {
                continue;
            }
            // Where a rule has put another head before the 101, it looks like the answer: a proxy
            // that says 200 to an upgrade relays.
            if self.conn.is_upgraded() && self.state != State::Ended {
                self.state = State::Upgraded;
            }
            if matches!(self.state, State::Finished | State::Upgraded | State::Ended) {
                return Poll::Ready(Ok(()));
            }
            match ready!(read(upstream, cx, &mut self.inbox)) {
                // Complete or cut short: the client's connection ends with it.
                Ok(0) => {
                    self.pending = std::mem::take(&mut self.inbox);
                    self.state = State::Ended;
                }
                Ok(_) => {}
                Err(error) => return Poll::Ready(Err((Who::Upstream, is_reset(&error)))),
            }
        }
    }

    /// Moves what belongs to this response from `inbox` to `pending`, all of it at once: what has
    /// come in one segment goes on in one.
    fn sort(&mut self) {
        while !self.inbox.is_empty() && self.sort_one() {}
    }

    /// The next head or piece of a body; false when it is not whole yet.
    fn sort_one(&mut self) -> bool {
        match &mut self.state {
            State::Head => {
                let mut lines = [httparse::EMPTY_HEADER; 256];
                let mut response = httparse::Response::new(&mut lines);
                match response.parse(&self.inbox) {
                    Ok(httparse::Status::Partial) => return false,
                    Err(_) => self.state = State::Raw,
                    Ok(httparse::Status::Complete(len)) => {
                        let status = response.code.unwrap_or(0);
                        let headers: Vec<(String, String)> = response
                            .headers
                            .iter()
                            .map(|h| {
                                (h.name.to_owned(), String::from_utf8_lossy(h.value).into_owned())
                            })
                            .collect();
                        let says_close = |(name, value): &(String, String)| {
                            name.eq_ignore_ascii_case("connection")
                                && value.to_ascii_lowercase().contains("close")
                        };
                        self.closes = response.version == Some(0) || headers.iter().any(says_close);
                        self.pending.unsplit(self.inbox.split_to(len));
                        self.state = match status {
                            101 => State::Upgraded,
                            100..200 => State::Head,
                            _ => match Framing::of_response(self.method, status, &headers) {
                                Framing::Done => State::Finished,
                                framing => State::Body(framing),
                            },
                        };
                    }
                }
            }
            State::Body(framing) => match framing.feed(&self.inbox, |_| {}) {
                Ok(n) => {
                    if framing.is_done() {
                        self.state = State::Finished;
                    }
                    self.pending.unsplit(self.inbox.split_to(n));
                    return n > 0;
                }
                Err(_) => self.state = State::Raw,
            },
            // Frames of a WebSocket that came with the 101 go with it.
            State::Raw | State::Upgraded => {
                self.pending.unsplit(std::mem::take(&mut self.inbox));
            }
            State::Finished | State::Ended => return false,
        }
        true
    }
}

fn read(
    wire: &mut BoxWire,
    cx: &mut Context<'_>,
    into: &mut BytesMut,
) -> Poll<std::io::Result<usize>> {
    let mut piece = [0u8; 8192];
    let mut buffer = ReadBuf::new(&mut piece);
    ready!(Pin::new(wire).poll_read(cx, &mut buffer))?;
    into.extend_from_slice(buffer.filled());
    Poll::Ready(Ok(buffer.filled().len()))
}
