//! SOCKS 4, 4a and 5, on the same port: the first byte tells.
//!
//! Stages: `request` is met when the greeting (SOCKS5) or the request (SOCKS4) has been read,
//! `auth` when user and password have, or when none are wanted; `resolve`, `dial` and `reply` when
//! the target is known. From the tunnel on nothing differs from CONNECT.

pub mod message;

use std::net::{IpAddr, Ipv4Addr};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::connect::{Failed, Yes, open};
use super::{Next, Session};
use crate::event::{How, What, Who};
use crate::fault::After;
use crate::scenario::Credentials;
use crate::stage::Stage;
use message::{Address, CONNECT, GRANTED, Read, Request, V4, V5, code_of, code4};

/// What a healthy proxy says it is bound to: nothing that helps anybody.
pub const BOUND: Address = Address::Ip(IpAddr::V4(Ipv4Addr::UNSPECIFIED));

/// The bytes of a reply to a request of this version.
pub fn reply(version: u8, code: u8) -> Vec<u8> {
    match version {
        V4 => message::reply4(code4(code)),
        _ => message::reply5(code, &BOUND, 0),
    }
}

/// The version that a connection speaks, as its method says: `SOCKS4`, `SOCKS5`.
pub fn version(method: &str) -> Option<u8> {
    match method {
        "SOCKS4" => Some(V4),
        "SOCKS5" => Some(V5),
        _ => None,
    }
}

/// Serves a connection whose first byte is this.
pub(super) async fn serve(session: &mut Session, version: u8) -> Next {
    session.conn.shared.plan().method(&mut session.facts, &format!("SOCKS{version}"));
    let request = match version {
        V4 => request4(session).await,
        _ => request5(session).await,
    };
    match request {
        Ok(request) => tunnel(session, version, request).await,
        Err(next) => next,
    }
}

/// SOCKS4: one message has it all.
async fn request4(session: &mut Session) -> Result<Request, Next> {
    let request = read(session, message::request4).await?;
    know(session, V4, &request);
    rule(session, Stage::Request).await?;
    judged(session, Credentials::Absent);
    rule(session, Stage::Auth).await?;
    if session.conn.scenario.proxy.auth.is_some() {
        // It has no password to ask for.
        return Err(refuse(session, V4, 2).await);
    }
    Ok(request)
}

/// SOCKS5: greeting, perhaps user and password, request.
async fn request5(session: &mut Session) -> Result<Request, Next> {
    let methods = read(session, message::greeting).await?;
    session.conn.note(What::SocksGreeting { version: V5, methods: methods.clone() });
    rule(session, Stage::Request).await?;
    let wanted = if session.conn.scenario.proxy.auth.is_some() { 2 } else { 0 };
    let healthy = if methods.contains(&wanted) { wanted } else { 0xff };
    let method = session.choice.socks_method.take().unwrap_or(healthy);
    say(session, &[V5, method]).await?;
    session.conn.note(What::SocksMethod { method });
    match method {
        // The client has to close now (RFC 1928, section 3), and so does the proxy.
        0xff => return Err(Next::Close),
        2 => password(session).await?,
        _ => {
            judged(session, Credentials::Absent);
            rule(session, Stage::Auth).await?;
        }
    }
    let request = read(session, message::request5).await?;
    know(session, V5, &request);
    Ok(request)
}

/// RFC 1929.
async fn password(session: &mut Session) -> Result<(), Next> {
    let (user, password) = read(session, message::credentials).await?;
    let secrets = session.conn.log().secrets();
    let right = user == secrets.user.as_bytes() && password == secrets.password.as_bytes();
    let secret_seen = secrets.seen_in(&password);
    judged(session, if right { Credentials::Right } else { Credentials::Wrong });
    session.conn.note(What::SocksAuth { right, secret_seen });
    rule(session, Stage::Auth).await?;
    let wanted = session.conn.scenario.proxy.auth.is_some();
    let status = session.choice.socks_status.take().unwrap_or(u8::from(wanted && !right));
    say(session, &[1, status]).await?;
    session.conn.note(What::SocksStatus { status });
    // RFC 1929: after any status but 0 the connection has to be closed.
    if status == 0 { Ok(()) } else { Err(Next::Close) }
}

/// These are its credentials.
fn judged(session: &mut Session, credentials: Credentials) {
    session.conn.shared.plan().credentials(&mut session.facts, credentials);
}

/// From the request on: the target is known.
async fn tunnel(session: &mut Session, version: u8, request: Request) -> Next {
    if request.command != CONNECT {
        return refuse(session, version, 7).await;
    }
    let bytes = reply(version, 0);
    let code = if version == V4 { GRANTED } else { 0 };
    let note = |bytes| What::SocksReply { version, code, bytes };
    match open(session, Yes { bytes: &bytes, note: &note }).await {
        Ok(next) => next,
        Err(Failed::Rule(After::Stop)) => Next::Ended,
        Err(Failed::Rule(_) | Failed::Late) => Next::Close,
        Err(Failed::Upstream(upstream)) => refuse(session, version, code_of(upstream.error)).await,
    }
}

/// The target goes into the facts, and the request into the log.
fn know(session: &mut Session, version: u8, request: &Request) {
    let (host, port) = (request.address.to_string(), request.port);
    session.conn.shared.plan().request(&mut session.facts, &host, port);
    let secrets = session.conn.log().secrets();
    session.conn.note(What::SocksRequest {
        attempt: session.facts.attempt,
        version,
        command: request.command,
        atyp: request.address.kind(),
        target: secrets.mask(&format!("{host}:{port}")),
        secret_seen: secrets.seen_in(host.as_bytes()),
    });
}

/// A healthy proxy's no; the connection ends with it.
async fn refuse(session: &mut Session, version: u8, code: u8) -> Next {
    let bytes = reply(version, code);
    if let Err(next) = say(session, &bytes).await {
        return next;
    }
    let code = if version == V4 { code4(code) } else { code };
    session.conn.note(What::SocksReply { version, code, bytes: bytes.len() as u64 });
    Next::Close
}

/// Plays the rule at a stage: an error when it has taken the place of what follows.
async fn rule(session: &mut Session, stage: Stage) -> Result<(), Next> {
    match session.at(stage).await {
        After::Go => Ok(()),
        After::Stop => Err(Next::Ended),
        After::Replaced | After::Answered => Err(Next::Close),
    }
}

async fn say(session: &mut Session, bytes: &[u8]) -> Result<(), Next> {
    let sent = async {
        session.wire.write_all(bytes).await?;
        session.wire.flush().await
    };
    if sent.await.is_err() {
        session.conn.closed(Who::Client, How::Rst);
        return Err(Next::Ended);
    }
    Ok(())
}

/// Reads one message; what follows it stays. The first byte alone can be here already.
async fn read<T>(session: &mut Session, parse: fn(&[u8]) -> Read<T>) -> Result<T, Next> {
    loop {
        match parse(&session.inbox) {
            Ok(Some((value, used))) => {
                drop(session.inbox.split_to(used));
                return Ok(value);
            }
            Ok(None) => {}
            Err(bad) => {
                session.bad(&format!("not SOCKS: {bad}"));
                return Err(Next::Close);
            }
        }
        match session.wire.read_buf(&mut session.inbox).await {
            Ok(0) => {
                if !session.inbox.is_empty() {
                    session.bad("the connection was closed inside a message of SOCKS");
                }
                session.conn.closed(Who::Client, How::Fin);
                let _ = session.wire.shutdown().await;
                return Err(Next::Ended);
            }
            Ok(_) => {}
            Err(_) => {
                session.conn.closed(Who::Client, How::Rst);
                return Err(Next::Ended);
            }
        }
    }
}
