//! Takes queries, lets rules come before, answers.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::AsyncWriteExt;
use tokio::task::{JoinHandle, JoinSet};

use super::datagram::{Datagram, Datagrams, Peer};
use super::message::{self, Bad};
use super::ports::{NameServer, Sockets, adopt, simulated};
use super::reply::{Parts, Rcode, header_only};
use super::{Addresses, Asked, Question, Transport, stream};
use crate::conn::Conn;
use crate::event::{Side, What};
use crate::fault::{After, Choice, Flow, play};
use crate::plan::Facts;
use crate::scenario::{DnsSide, Limits, Scenario};
use crate::stage::Stage;
use crate::start::Shared;
use crate::wire::BoxWire;
use crate::wire::counted::counted;
use crate::world::{Listener, Syn};

/// Queries answered in one run; then the name server falls silent.
const QUERIES: u64 = 100_000;
/// Queries and connections of the name server are numbered apart, from here on.
const FIRST: u64 = 2_000_000;

/// What all queries of one name server share.
pub(crate) struct Server {
    pub(super) shared: Arc<Shared>,
    scenario: Arc<Mutex<Arc<Scenario>>>,
    addresses: Addresses,
    conns: AtomicU64,
    queries: AtomicU64,
}

/// What becomes of a query.
pub(super) enum Outcome {
    /// This message answers it.
    Answer(Vec<u8>),
    /// Nothing more is said to it.
    Done,
    /// The connection has ended.
    Ended,
}

impl Server {
    /// A name server for the scenario's clients.
    pub fn new(
        shared: Arc<Shared>,
        scenario: Arc<Mutex<Arc<Scenario>>>,
        addresses: Addresses,
    ) -> Arc<Server> {
        let (conns, queries) = (AtomicU64::new(FIRST), AtomicU64::new(0));
        Arc::new(Server { shared, scenario, addresses, conns, queries })
    }

    /// Serves on bound sockets.
    pub fn on(
        shared: Arc<Shared>,
        scenario: Arc<Mutex<Arc<Scenario>>>,
        sockets: Sockets,
    ) -> io::Result<(NameServer, Vec<JoinHandle<()>>)> {
        let Sockets { udp, tcp, proxy, origin, wpad } = sockets;
        let server = Server::new(shared, scenario, Addresses { proxy, origin, wpad });
        let address = udp.local_addr()?;
        let datagrams = adopt(udp)?;
        Ok((NameServer { address, sim: None }, server.spawn(datagrams, tcp)))
    }

    /// Serves in the simulation.
    pub fn simulate(self: Arc<Self>, syn: Syn) -> (NameServer, Vec<JoinHandle<()>>) {
        let (sim, datagrams, listener) = simulated(syn);
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], 53));
        (NameServer { address, sim: Some(sim) }, self.spawn(datagrams, listener))
    }

    fn spawn(self: Arc<Self>, datagrams: Datagrams, listener: Listener) -> Vec<JoinHandle<()>> {
        let streams = tokio::spawn(Arc::clone(&self).streams(listener));
        vec![tokio::spawn(self.datagrams(datagrams)), streams]
    }

    /// A new connection, or a query that comes without one.
    fn conn(&self) -> Arc<Conn> {
        let scenario = Arc::clone(&self.scenario.lock().unwrap_or_else(PoisonError::into_inner));
        let id = self.conns.fetch_add(1, Ordering::Relaxed) + 1;
        Conn::new(id, Side::Dns, scenario, Arc::clone(&self.shared))
    }

    async fn datagrams(self: Arc<Self>, mut datagrams: Datagrams) {
        let mut open = JoinSet::new();
        loop {
            let (bytes, peer) = match datagrams.next().await {
                Ok(next) => next,
                Err(error) => {
                    // An ICMP error of an answer before, say.
                    self.shared.log.note(None, What::Note { text: format!("dns: {error}") });
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    continue;
                }
            };
            while open.try_join_next().is_some() {}
            if !peer.is_near() {
                self.ignored("no answers over UDP beyond private networks", &peer);
                continue;
            }
            let server = Arc::clone(&self);
            open.spawn(async move { Box::pin(server.datagram(bytes, peer)).await });
        }
    }

    fn ignored(&self, reason: &str, peer: &Peer) {
        let (reason, from) = (reason.to_owned(), peer.shown());
        self.shared.log.note(None, What::DnsBadQuery { reason, from, transport: Transport::Udp });
    }

    async fn datagram(&self, bytes: Vec<u8>, peer: Peer) {
        let conn = self.conn();
        conn.count_in(bytes.len() as u64);
        let from = peer.shown();
        let mut wire = counted(Box::new(Datagram::new(peer)), &conn);
        let mut inbox = BytesMut::new();
        let outcome =
            self.answer(&conn, &bytes, Transport::Udp, &from, &mut wire, &mut inbox).await;
        if let Outcome::Answer(bytes) = outcome {
            let sent = wire.write_all(&bytes).await;
            if sent.is_err() || wire.flush().await.is_err() {
                conn.note(What::Note { text: "dns: the answer could not be sent".to_owned() });
            }
        }
    }

    async fn streams(self: Arc<Self>, mut listener: Listener) {
        let mut open = JoinSet::new();
        let mut taken = 0;
        loop {
            let Ok((wire, from)) = listener.accept(self.shared.clock).await else {
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            };
            while open.try_join_next().is_some() {}
            taken += 1;
            if taken > Limits::CONNECTIONS {
                continue;
            }
            let (server, conn) = (Arc::clone(&self), self.conn());
            open.spawn(async move {
                let most = conn.scenario.limits.time();
                let wire = counted(wire, &conn);
                let whole = Box::pin(stream::serve(&server, &conn, wire, &from));
                let _ = tokio::time::timeout(most, whole).await;
            });
        }
    }

    /// Whether a ceiling lets one more query be answered.
    fn room(&self) -> bool {
        let before = self.queries.fetch_add(1, Ordering::Relaxed);
        if before == QUERIES {
            self.shared.log.note(None, What::Ceiling { limit: "queries", value: QUERIES });
        }
        before < QUERIES && !self.shared.is_full()
    }

    /// Reads a query, plays the rule that it meets, puts the answer together.
    pub(super) async fn answer(
        &self,
        conn: &Conn,
        bytes: &[u8],
        transport: Transport,
        from: &str,
        wire: &mut BoxWire,
        inbox: &mut BytesMut,
    ) -> Outcome {
        if !self.room() {
            return Outcome::Ended;
        }
        let began = conn.log().now_ms();
        let bad = |reason: &str| {
            let (reason, from) = (reason.to_owned(), from.to_owned());
            conn.note(What::DnsBadQuery { reason, from, transport });
        };
        let query = match message::query(bytes) {
            Ok(query) => query,
            Err(Bad::Ignore(why)) => {
                bad(why);
                return Outcome::Done;
            }
            Err(Bad::Format(id, flags, why)) => {
                bad(why);
                return Outcome::Answer(header_only(id, flags, Rcode::Formerr));
            }
            Err(Bad::Operation(id, flags)) => {
                bad("another operation than a query");
                return Outcome::Answer(header_only(id, flags, Rcode::Notimp));
            }
        };
        let attempt = self.shared.plan().query(&query.name, query.kind);
        // Whoever looks it up tells every name server on the way.
        let secret_seen = conn.log().secrets().seen_in(query.name.as_bytes());
        if !secret_seen.is_empty() {
            conn.note(What::SecretSeen { place: "name asked of a name server", secret_seen });
        }
        let (name, kind) = (conn.log().secrets().mask(&query.name), query.kind.to_string());
        conn.note(What::DnsQuery {
            name: name.clone(),
            kind: kind.clone(),
            from: from.to_owned(),
            transport,
            attempt,
        });
        let edns = query.edns.is_some();
        let question = Question { name: query.name.clone(), kind: query.kind, edns };
        let asked = Asked { transport: Some(transport), question: Some(question) };
        let mut facts = Facts { conn: conn.id, target: attempt, ..Facts::default() };
        facts.dns = Some(asked);
        let mut choice = Choice::default();
        let mut flow = Flow::Wire(wire);
        match play(Stage::Dns, conn, &mut facts, &mut flow, inbox, &mut choice).await {
            After::Go => {}
            After::Replaced | After::Answered => return Outcome::Done,
            After::Stop => return Outcome::Ended,
        }
        let plain = DnsSide::default();
        let reply = Parts {
            query: &query,
            side: conn.scenario.dns.as_ref().unwrap_or(&plain),
            addresses: &self.addresses,
            answer: choice.answer.as_deref(),
            attempt,
            udp: transport == Transport::Udp,
        }
        .reply();
        let delay_ms = ((conn.log().now_ms() - began) * 1e3).round() / 1e3;
        conn.note(What::DnsAnswer {
            name,
            kind,
            rcode: reply.rcode,
            addrs: reply.addresses,
            truncated: reply.truncated,
            bytes: reply.bytes.len() as u64,
            delay_ms,
        });
        Outcome::Answer(reply.bytes)
    }
}
