//! CONNECT: look the target up, connect, answer, open the tunnel.

use std::net::SocketAddr;

use bytes::BytesMut;
use tokio::io::AsyncWriteExt;

use super::head::Head;
use super::lookup::{self, Found, Upstream};
use super::searched::searched;
use super::{Next, Session};
use crate::event::{How, Side, What, Who};
use crate::fault::{After, Ended, Flow, Passed, Pipe, Until, finish, play};
use crate::origin;
use crate::scenario::DialTime;
use crate::stage::Stage;
use crate::wire::BoxWire;
use crate::wire::sim::pair;
use crate::world;

/// The reply of a healthy proxy: 39 bytes.
pub const REPLY: &[u8] = b"HTTP/1.1 200 Connection established\r\n\r\n";

/// Where a target's bytes come from.
pub(super) enum Place {
    /// The built-in origin.
    Origin,
    /// Real addresses (`--forward`).
    Addresses(Vec<SocketAddr>),
    /// Addresses that a rule has given, none of them real.
    Given(Vec<Found>),
}

/// Why no tunnel was opened.
pub(super) enum Failed {
    /// A rule has said what was to be said, or ended the connection.
    Rule(After),
    /// The proxy's own leg failed. Nothing is said yet.
    Upstream(Upstream),
    /// The same, after the client was told yes: there is nothing left to say but a FIN.
    Late,
}

/// How a client is told that its tunnel is open.
pub(super) struct Yes<'a> {
    /// The bytes.
    pub bytes: &'a [u8],
    /// The event; it is given how many bytes have passed.
    pub note: &'a (dyn Fn(u64) -> What + Sync),
}

/// Serves one CONNECT.
pub(super) async fn connect(session: &mut Session, head: &Head) -> Next {
    // What a rule has done to the bytes, its own event tells: they are not what stands here.
    let touched = session.conn.scenario.touches(Stage::Reply);
    let raw = match (touched, session.conn.stream.is_some()) {
        (true, _) => String::new(),
        (false, true) => "HTTP/2 200\r\n\r\n".to_owned(),
        (false, false) => String::from_utf8_lossy(REPLY).into_owned(),
    };
    let note = |bytes| What::Reply { status: 200, bytes, raw: raw.clone() };
    match open(session, Yes { bytes: REPLY, note: &note }).await {
        Ok(next) => next,
        Err(failed) => session.failed(head, failed).await,
    }
}

/// Reaches the target, tells the client yes, opens the tunnel.
pub(super) async fn open(session: &mut Session, yes: Yes<'_>) -> Result<Next, Failed> {
    let late = session.conn.scenario.proxy.dial == DialTime::AfterReply;
    let mut upstream = None;
    if !late {
        upstream = Some(reach(session).await?);
    }
    match reply(session, yes).await {
        After::Go | After::Replaced => {}
        after => return Err(Failed::Rule(after)),
    }
    let upstream = match upstream {
        Some(wire) => wire,
        None => reach(session).await.map_err(|failed| match failed {
            Failed::Rule(After::Stop) => failed,
            _ => Failed::Late,
        })?,
    };
    let conn = &session.conn;
    if conn.scenario.touches(Stage::Tunnel) || conn.scenario.touches(Stage::Close) {
        return Ok(tunnel(session, upstream).await);
    }
    Ok(Next::Tunnel(upstream))
}

/// Stages `resolve` and `dial`.
pub(super) async fn reach(session: &mut Session) -> Result<BoxWire, Failed> {
    match session.at(Stage::Resolve).await {
        After::Go => {}
        after => return Err(Failed::Rule(after)),
    }
    let place = resolve(session).await?;
    match session.at(Stage::Dial).await {
        After::Go => {}
        after => return Err(Failed::Rule(after)),
    }
    dial(session, place).await
}

/// What is written down of a target that the origin does not answer for.
pub(crate) const NOT_SERVED: &str = "not served here, and nothing is forwarded without --forward";

async fn resolve(session: &mut Session) -> Result<Place, Failed> {
    let chosen = session.choice.answer.take();
    let (conn, host, port) = (&session.conn, &session.facts.host, session.facts.port);
    let shown = conn.log().secrets().mask(host);
    let note = |result: String| conn.note(What::Resolved { host: shown.clone(), result });
    if let Some(answer) = chosen {
        let found = lookup::found(&answer, session.facts.target);
        note(match &found {
            Ok(all) => lookup::shown(all),
            Err(upstream) => format!("{}{}", upstream.error, upstream.detail),
        });
        return found.map(Place::Given).map_err(Failed::Upstream);
    }
    if conn.serves(host, port) {
        note("the built-in origin".to_owned());
        return Ok(Place::Origin);
    }
    if !conn.shared.forward {
        note(NOT_SERVED.to_owned());
        return Err(failed("destination_not_found", 502));
    }
    match world::resolve(host, port).await {
        Ok(addresses) => {
            note(addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "));
            Ok(Place::Addresses(addresses))
        }
        Err(error) => {
            note(error.to_string());
            Err(failed("dns_error", 502))
        }
    }
}

fn failed(error: &'static str, status: u16) -> Failed {
    Failed::Upstream(Upstream::plain(error, status))
}

async fn dial(session: &mut Session, place: Place) -> Result<BoxWire, Failed> {
    let conn = &session.conn;
    if let Place::Given(all) = &place {
        lookup::dial(conn, all).await.map_err(Failed::Upstream)?;
    }
    match place {
        Place::Origin | Place::Given(_) => {
            let (ours, theirs) = pair();
            origin::spawn(conn, &session.facts, Box::new(theirs));
            conn.note(What::Connected { side: Side::Upstream, dst: "origin".to_owned() });
            Ok(Box::new(ours))
        }
        Place::Addresses(addresses) => match world::connect(&addresses).await {
            Ok((socket, address)) => {
                let dst = address.to_string();
                conn.note(What::Connected { side: Side::Upstream, dst });
                let via = origin::via(&session.facts);
                Ok(searched(conn, via, crate::wire::tcp::wire(socket)))
            }
            Err(error) => Err(match error.kind() {
                std::io::ErrorKind::ConnectionRefused => failed("connection_refused", 502),
                std::io::ErrorKind::TimedOut => failed("connection_timeout", 504),
                _ => failed("destination_unavailable", 503),
            }),
        },
    }
}

/// Stage `reply`: the client is told yes.
async fn reply(session: &mut Session, yes: Yes<'_>) -> After {
    let Session { conn, facts, wire, inbox, choice, .. } = session;
    if !conn.scenario.touches(Stage::Reply) {
        // Nothing shapes it: it needs no pipe.
        if wire.write_all(yes.bytes).await.is_err() {
            conn.closed(Who::Client, How::Rst);
            return After::Stop;
        }
        // What has gone out is not what was written, where it becomes HEADERS.
        let bytes = wire.http2().map_or(yes.bytes.len() as u64, |stream| stream.sent());
        conn.note((yes.note)(bytes));
        return After::Go;
    }
    let mut from = yes.bytes;
    let pipe = Pipe::new(conn.clock(), conn.rng("reply"), false);
    let mut flow = Flow::Out { client: wire, from: &mut from, pipe };
    let after = play(Stage::Reply, conn, facts, &mut flow, inbox, choice).await;
    if after != After::Go {
        return after;
    }
    match flow.pass(conn, Stage::Reply, Until::default()).await {
        Passed::Ended(Ended::Finished) | Passed::Met => {}
        Passed::Ended(ended) => {
            finish(conn, &mut flow, ended).await;
            return After::Stop;
        }
    }
    let passed = flow.passed().1;
    let bytes = flow.client().http2().map_or(passed, |stream| stream.sent());
    conn.note((yes.note)(bytes));
    After::Go
}

/// Stage `tunnel` of a connection that rules touch: shaped, in both directions.
async fn tunnel(session: &mut Session, mut upstream: BoxWire) -> Next {
    let closes = session.conn.scenario.touches(Stage::Close);
    let Session { conn, facts, wire, inbox, choice, .. } = session;
    let up = Pipe::new(conn.clock(), conn.rng("up"), true);
    let down = Pipe::new(conn.clock(), conn.rng("down"), !closes);
    let mut flow = Flow::Tunnel { client: wire, upstream: &mut upstream, up, down };
    let after = play(Stage::Tunnel, conn, facts, &mut flow, inbox, choice).await;
    if after == After::Go {
        flow.take_inbox(inbox);
        let passed = flow.pass(conn, Stage::Tunnel, Until::default()).await;
        let finished = Passed::Ended(Ended::Finished);
        match passed {
            passed if closes && passed == finished => {}
            Passed::Ended(ended) => finish(conn, &mut flow, ended).await,
            Passed::Met => {}
        }
    }
    *inbox = BytesMut::new();
    if after == After::Stop || conn.is_closed() { Next::Ended } else { Next::Close }
}
