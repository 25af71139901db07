//! CONNECT: look the target up, connect, answer, open the tunnel.

use std::net::SocketAddr;

use bytes::BytesMut;

use super::head::Head;
use super::{Next, Session};
use crate::event::{Side, What};
use crate::fault::{After, Ended, Flow, Passed, Pipe, Until, count, finish, play};
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
}

/// Serves one CONNECT.
pub(super) async fn connect(session: &mut Session, head: &Head) -> Next {
    let late = session.conn.scenario.proxy.dial == DialTime::AfterReply;
    let mut upstream = None;
    if !late {
        match reach(session, head, false).await {
            Ok(wire) => upstream = Some(wire),
            Err(next) => return next,
        }
    }
    match reply(session).await {
        After::Go | After::Replaced => {}
        after => return session.after_answer(after, head).await,
    }
    let upstream = match upstream {
        Some(wire) => wire,
        None => match reach(session, head, true).await {
            Ok(wire) => wire,
            // The 200 is out: there is nothing left to say but a FIN.
            Err(_) => return Next::Close,
        },
    };
    let conn = &session.conn;
    if conn.scenario.touches(Stage::Tunnel) || conn.scenario.touches(Stage::Close) {
        return tunnel(session, upstream).await;
    }
    Next::Tunnel(upstream)
}

/// Stages `resolve` and `dial`. `replied`: the 200 is out already.
pub(super) async fn reach(
    session: &mut Session,
    head: &Head,
    replied: bool,
) -> Result<BoxWire, Next> {
    match session.at(Stage::Resolve).await {
        After::Go => {}
        after => return Err(session.after_answer(after, head).await),
    }
    let place = match resolve(session).await {
        Ok(place) => place,
        Err((error, status)) if !replied => {
            return Err(session.upstream_failed(head, error, status).await);
        }
        Err(_) => return Err(Next::Close),
    };
    match session.at(Stage::Dial).await {
        After::Go => {}
        after => return Err(session.after_answer(after, head).await),
    }
    match dial(session, place).await {
        Ok(wire) => Ok(wire),
        Err((error, status)) if !replied => Err(session.upstream_failed(head, error, status).await),
        Err(_) => Err(Next::Close),
    }
}

async fn resolve(session: &mut Session) -> Result<Place, (&'static str, u16)> {
    let (conn, host, port) = (&session.conn, &session.facts.host, session.facts.port);
    let note = |result: String| conn.note(What::Resolved { host: host.clone(), result });
    if conn.serves(host, port) {
        note("the built-in origin".to_owned());
        return Ok(Place::Origin);
    }
    if !conn.shared.forward {
        note("not served here, and nothing is forwarded without --forward".to_owned());
        return Err(("destination_not_found", 502));
    }
    match world::resolve(host, port).await {
        Ok(addresses) => {
            note(addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "));
            Ok(Place::Addresses(addresses))
        }
        Err(error) => {
            note(error.to_string());
            Err(("dns_error", 502))
        }
    }
}

async fn dial(session: &mut Session, place: Place) -> Result<BoxWire, (&'static str, u16)> {
    let conn = &session.conn;
    match place {
        Place::Origin => {
            let (ours, theirs) = pair();
            origin::spawn(conn, &session.facts, Box::new(theirs));
            conn.note(What::Connected { side: Side::Upstream, dst: "origin".to_owned() });
            Ok(Box::new(ours))
        }
        Place::Addresses(addresses) => match world::connect(&addresses).await {
            Ok((socket, address)) => {
                let dst = address.to_string();
                conn.note(What::Connected { side: Side::Upstream, dst });
                Ok(crate::wire::tcp::wire(socket))
            }
            Err(error) => Err(match error.kind() {
                std::io::ErrorKind::ConnectionRefused => ("connection_refused", 502),
                std::io::ErrorKind::TimedOut => ("connection_timeout", 504),
                _ => ("destination_unavailable", 503),
            }),
        },
    }
}

/// Stage `reply`: the 200.
async fn reply(session: &mut Session) -> After {
    let Session { conn, facts, wire, inbox, choice, .. } = session;
    let mut from = REPLY;
    let pipe = Pipe::new(conn.clock(), conn.rng("reply"), false);
    let mut flow = Flow::Out { client: wire, from: &mut from, pipe };
    let after = play(Stage::Reply, conn, facts, &mut flow, inbox, choice).await;
    if after != After::Go {
        return after;
    }
    match flow.pass(conn.clock(), Until::default()).await {
        Passed::Ended(Ended::Finished) | Passed::Met => {}
        Passed::Ended(ended) => {
            finish(conn, &mut flow, ended).await;
            return After::Stop;
        }
    }
    let bytes = flow.passed().1;
    count(conn, Stage::Reply, &mut flow);
    let raw = String::from_utf8_lossy(REPLY).into_owned();
    conn.note(What::Reply { status: 200, bytes, raw });
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
        let passed = flow.pass(conn.clock(), Until::default()).await;
        count(conn, Stage::Tunnel, &mut flow);
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
