//! Takes requests for the file, lets rules come before, answers.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;

use super::script::{PATH, TYPE, WPAD, World, file};
use crate::conn::Conn;
use crate::event::{How, Side, What, Who};
use crate::fault::respond::reason;
use crate::fault::{After, Choice, Ended, Flow, Passed, Pipe, Until, finish, play};
use crate::plan::Facts;
use crate::proxy::head::{self, Head, NoHead};
use crate::proxy::mask_headers;
use crate::scenario::{Limits, PacSide, Scenario};
use crate::stage::Stage;
use crate::start::{Shared, authority};
use crate::wire::counted::counted;
use crate::wire::{BoxWire, fin, linger};
use crate::world::Listener;

/// Connections are numbered apart, from here on.
const FIRST: u64 = 3_000_000;
/// The longest request head.
const HEAD: u64 = 64 * 1024;

/// What all connections of the file's server share.
pub(crate) struct Server {
    shared: Arc<Shared>,
    scenario: Arc<Mutex<Arc<Scenario>>>,
    /// The proxy's name, where it is not called by its address; and that.
    proxy: (Option<String>, SocketAddr),
    dead: SocketAddr,
    conns: AtomicU64,
}

impl Server {
    pub fn new(
        shared: Arc<Shared>,
        scenario: Arc<Mutex<Arc<Scenario>>>,
        proxy: (Option<String>, SocketAddr),
        dead: SocketAddr,
    ) -> Arc<Server> {
        Arc::new(Server { shared, scenario, proxy, dead, conns: AtomicU64::new(FIRST) })
    }

    /// The path that a scenario's client is told.
    pub fn path(scenario: &Scenario) -> String {
        let own = scenario.pac.as_ref().and_then(|side| side.path.clone());
        own.unwrap_or_else(|| if scenario.has_wpad() { WPAD } else { PATH }.to_owned())
    }

    /// Takes connections for ever. `dead` is kept, and never listened at.
    pub async fn take(self: Arc<Self>, mut listener: Listener, dead: Listener) {
        let _dead = dead;
        let mut open = JoinSet::new();
        let mut taken = 0;
        loop {
            let Ok((wire, _)) = listener.accept(self.shared.clock).await else {
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            };
            while open.try_join_next().is_some() {}
            taken += 1;
            if taken > Limits::CONNECTIONS || self.shared.is_full() {
                continue;
            }
            let scenario = self.scenario.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let id = self.conns.fetch_add(1, Ordering::Relaxed) + 1;
            let conn = Conn::new(id, Side::Pac, scenario, Arc::clone(&self.shared));
            let server = Arc::clone(&self);
            open.spawn(async move {
                let most = conn.scenario.limits.time();
                let whole = Box::pin(server.serve(&conn, counted(wire, &conn)));
                let _ = tokio::time::timeout(most, whole).await;
            });
        }
    }

    /// Serves the requests of one connection.
    async fn serve(&self, conn: &Conn, mut wire: BoxWire) {
        let mut inbox = BytesMut::new();
        let mut request = 0;
        loop {
            let head = match head::read(&mut wire, &mut inbox, HEAD).await {
                Ok(head) => head,
                Err(NoHead::Reset) => return conn.closed(Who::Client, How::Rst),
                Err(NoHead::Closed | NoHead::Cut) => {
                    let _ = wire.shutdown().await;
                    return conn.closed(Who::Client, How::Fin);
                }
                Err(why) => return refuse(conn, wire, why).await,
            };
            request += 1;
            let facts = Facts { request, ..self.learn(conn, &head) };
            let endless = conn.scenario.pac.as_ref().is_some_and(|pac| pac.length == Some(false));
            let closing = !head.keeps_alive() || has_body(&head) || endless;
            let ways = Ways { closing, endless };
            match self.answer(conn, &head, facts, ways, &mut wire, &mut inbox).await {
                After::Stop => return,
                _ if closing => return end(conn, wire).await,
                _ => {}
            }
        }
    }

    /// Counts a request, and writes it down.
    fn learn(&self, conn: &Conn, head: &Head) -> Facts {
        let attempt = self.shared.plan().fetch();
        let secrets = conn.log().secrets();
        conn.note(What::PacRequest {
            attempt,
            method: secrets.mask(&head.method),
            path: secrets.mask(&head.target),
            headers: mask_headers(|text| secrets.mask(text), &head.headers),
            secret_seen: secrets.seen_in(&head.raw),
        });
        Facts {
            conn: conn.id,
            target: attempt,
            method: head.method.clone(),
            path: Some(head.target.clone()),
            bodyless: head.method == "HEAD",
            headers: head.headers.clone(),
            ..Facts::default()
        }
    }

    /// Status, header lines and body.
    fn found(&self, conn: &Conn, head: &Head, attempt: u64) -> (u16, String, Vec<u8>) {
        let scenario = &conn.scenario;
        let path = head.target.split('?').next().unwrap_or_default();
        if !matches!(head.method.as_str(), "GET" | "HEAD") {
            return (405, "Allow: GET, HEAD\r\n".to_owned(), Vec::new());
        }
        if path != WPAD && path != Self::path(scenario).split('?').next().unwrap_or_default() {
            return (404, String::new(), Vec::new());
        }
        let plain = PacSide::default();
        let side = scenario.pac.as_ref().unwrap_or(&plain);
        let (name, address) = &self.proxy;
        let proxy = authority(scenario, name.as_deref(), *address);
        let (scheme, dead) = (scenario.proxy_scheme(), self.dead.to_string());
        let body = file(side, attempt, &World { scheme, proxy: &proxy, dead: &dead });
        let kind = side.content_type.as_deref().unwrap_or(TYPE);
        (200, format!("Content-Type: {kind}\r\n"), body)
    }

    /// One answer: the rule that it meets, then the file.
    async fn answer(
        &self,
        conn: &Conn,
        head: &Head,
        mut facts: Facts,
        ways: Ways,
        wire: &mut BoxWire,
        inbox: &mut BytesMut,
    ) -> After {
        let (status, lines, body) = self.found(conn, head, facts.target);
        let close = if ways.closing { "Connection: close\r\n" } else { "" };
        let length = match ways.endless {
            true => String::new(),
            false => format!("Content-Length: {}\r\n", body.len()),
        };
        let reason = reason(status);
        let head_of_it = format!("HTTP/1.1 {status} {reason}\r\n{lines}{length}{close}\r\n");
        let mut bytes = head_of_it.into_bytes();
        if head.method != "HEAD" {
            bytes.extend(body);
        }
        let mut from = bytes.as_slice();
        let purpose = format!("pac {}", facts.target);
        let pipe = Pipe::new(conn.clock(), conn.rng(&purpose), false);
        let mut flow = Flow::Out { client: wire, from: &mut from, pipe };
        let mut choice = Choice::default();
        let after = play(Stage::Pac, conn, &mut facts, &mut flow, inbox, &mut choice).await;
        if after != After::Go {
            return after;
        }
        match flow.pass(conn, Stage::Pac, Until::default()).await {
            Passed::Met | Passed::Ended(Ended::Finished) => {
                conn.note(What::PacReply { status, bytes: flow.passed().1 });
                After::Go
            }
            Passed::Ended(ended) => {
                finish(conn, &mut flow, ended).await;
                After::Stop
            }
        }
    }
}

/// How an answer ends.
#[derive(Clone, Copy)]
struct Ways {
    /// A FIN follows it.
    closing: bool,
    /// Nothing but that FIN shows where it ends.
    endless: bool,
}

/// Whether a body follows, which nobody reads here.
fn has_body(head: &Head) -> bool {
    let length = head.header("content-length").is_some_and(|length| length.trim() != "0");
    length || head.header("transfer-encoding").is_some()
}

/// What came is no request of HTTP/1.
async fn refuse(conn: &Conn, mut wire: BoxWire, why: NoHead) {
    let (status, reason) = match why {
        NoHead::TooLong => (431, "the request head is longer than 64 KiB or 512 lines".to_owned()),
        NoHead::Bad(why) => (400, format!("not an HTTP/1 request: {why}")),
        NoHead::Closed | NoHead::Cut | NoHead::Reset => return,
    };
    conn.note(What::PacBadRequest { reason });
    let text = crate::fault::respond::Respond { status, ..Default::default() }.bytes(true);
    let _ = wire.write_all(&text).await;
    end(conn, wire).await;
}

/// A FIN of ours, then the client's.
async fn end(conn: &Conn, mut wire: BoxWire) {
    let _ = fin(&mut wire, true).await;
    conn.closed(Who::Us, How::Fin);
    linger(&mut wire).await;
}
