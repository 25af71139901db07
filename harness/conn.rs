//! One connection: what every stage of it shares.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::auth::Handshake;
use crate::clock::Clock;
use crate::event::{How, Side, What, Who};
use crate::log::Log;
use crate::plan::Facts;
use crate::rng::Rng;
use crate::scenario::Scenario;
use crate::start::Shared;
use crate::wire::{Wire, settle};

/// A connection of the proxy, or one to the origin around the proxy.
pub struct Conn {
    /// Its number, from 1.
    pub id: u64,
    /// Which leg it is.
    pub side: Side,
    /// The scenario it plays: a reread of the file does not change it.
    pub scenario: Arc<Scenario>,
    /// What the whole run shares.
    pub shared: Arc<Shared>,
    /// The stream of HTTP/2 that this stands for, and the connection that it is a part of.
    pub stream: Option<(u32, Arc<Conn>)>,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    end: Mutex<End>,
    handshake: Mutex<Handshake>,
    answered: AtomicBool,
    upgraded: AtomicBool,
    unserved: AtomicBool,
}

/// How far the end of a connection has got.
#[derive(Default)]
struct End {
    /// Who ends it, and how: the first word counts.
    said: Option<(Who, How)>,
    /// What had come and gone when it was written down.
    noted: Option<(u64, u64)>,
    /// How the client has ended its side.
    left: Option<How>,
    /// A write was told of the client's RST.
    reset: bool,
}

impl Conn {
    /// Connection `id` of a run.
    pub fn new(id: u64, side: Side, scenario: Arc<Scenario>, shared: Arc<Shared>) -> Arc<Self> {
        Arc::new(Conn {
            id,
            side,
            scenario,
            shared,
            stream: None,
            bytes_in: AtomicU64::new(0),
            bytes_out: AtomicU64::new(0),
            end: Mutex::default(),
            handshake: Mutex::default(),
            answered: AtomicBool::new(false),
            upgraded: AtomicBool::new(false),
            unserved: AtomicBool::new(false),
        })
    }

    /// One stream of an HTTP/2 connection: it ends by itself, and all else is the connection's.
    pub fn of_stream(conn: &Arc<Self>, stream: u32) -> Arc<Self> {
        Arc::new(Conn {
            id: conn.id,
            side: conn.side,
            scenario: Arc::clone(&conn.scenario),
            shared: Arc::clone(&conn.shared),
            stream: Some((stream, Arc::clone(conn))),
            bytes_in: AtomicU64::new(0),
            bytes_out: AtomicU64::new(0),
            end: Mutex::default(),
            handshake: Mutex::default(),
            answered: AtomicBool::new(false),
            upgraded: AtomicBool::new(false),
            unserved: AtomicBool::new(false),
        })
    }

    /// Whether the built-in origin answers for a target.
    pub fn serves(&self, host: &str, port: u16) -> bool {
        self.scenario.serves(host) || self.shared.serves(host, port)
    }

    /// Who keeps the time.
    pub fn clock(&self) -> Clock {
        self.shared.clock
    }

    /// How far the client's handshake with the proxy has got on this connection.
    pub fn handshake(&self) -> MutexGuard<'_, Handshake> {
        self.handshake.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The built-in origin has given a whole answer, on this connection or on a stream of it.
    pub fn answer(&self) {
        self.answered.store(true, Ordering::Relaxed);
        if let Some((_, connection)) = &self.stream {
            connection.answer();
        }
    }

    /// Whether it has.
    pub fn is_answered(&self) -> bool {
        self.answered.load(Ordering::Relaxed)
    }

    /// The built-in origin has sent its 101: from here on bytes pass both ways.
    pub fn upgrade(&self) {
        self.upgraded.store(true, Ordering::Relaxed);
    }

    /// Whether it has.
    pub fn is_upgraded(&self) -> bool {
        self.upgraded.load(Ordering::Relaxed)
    }

    /// A rule keeps it waiting before a byte is read: it takes no place among those that are served.
    pub fn wait_for_ever(&self) {
        self.unserved.store(true, Ordering::Relaxed);
    }

    /// Whether it takes a place at the proxy.
    pub fn is_served(&self) -> bool {
        !self.is_closed() && !self.unserved.load(Ordering::Relaxed)
    }

    /// The event log.
    pub fn log(&self) -> &Log {
        &self.shared.log
    }

    /// Writes down what happened on this connection.
    pub fn note(&self, what: What) {
        self.shared.log.note(Some(self.id), what);
    }

    /// A server name as it may be written down; a secret in it is noted.
    pub fn server_name(&self, sni: Option<String>) -> Option<String> {
        let sni = sni?;
        let secrets = self.log().secrets();
        let secret_seen = secrets.seen_in(sni.as_bytes());
        if !secret_seen.is_empty() {
            self.note(What::SecretSeen { place: "server name", secret_seen });
        }
        Some(secrets.mask(&sni))
    }

    /// A generator of its own, derived from the seed, this connection and the purpose.
    pub fn rng(&self, purpose: &str) -> Rng {
        Rng::derive(self.shared.seed, purpose, self.id)
    }

    /// A time of the scenario, scaled.
    pub fn scaled(&self, length: std::time::Duration) -> std::time::Duration {
        self.scenario.scaled(length)
    }

    /// Counts bytes that came from the client.
    pub fn count_in(&self, n: u64) {
        self.bytes_in.fetch_add(n, Ordering::Relaxed);
        self.count(n);
    }

    /// Counts bytes that went to the client.
    pub fn count_out(&self, n: u64) {
        self.bytes_out.fetch_add(n, Ordering::Relaxed);
        self.count(n);
    }

    fn count(&self, n: u64) {
        // What passes on a stream passes on its connection.
        if self.stream.is_none() {
            self.shared.count_bytes(n);
        }
    }

    fn bytes(&self) -> (u64, u64) {
        (self.bytes_in.load(Ordering::Relaxed), self.bytes_out.load(Ordering::Relaxed))
    }

    /// Before a RST to the client: waits until what was written has left. Where nothing was, the
    /// kernel's table need not be read, which a client that storms would make long.
    pub async fn settle(&self, wire: &mut impl Wire) {
        if self.stream.is_some() || self.bytes().1 > 0 {
            settle(wire, self.clock()).await;
        }
    }

    /// The connection has ended: written down once, the first word counts. What a target's leg has
    /// said and a rule of the proxy has kept from the client does not.
    pub fn closed(&self, by: Who, how: How) {
        let mut end = self.end();
        let reset = end.reset && by == Who::Client;
        end.said = Some((by, if reset { How::Rst } else { how }));
        drop(end);
        self.passed_on();
    }

    /// A leg to the target has ended. What the target sent last, and its end, are still on their way
    /// through the proxy: written down when they have passed. What the client did has passed; but a
    /// leg that the proxy has let go ends alike, so only an end that the client's wire has seen is one.
    pub fn closing(&self, by: Who, how: How) {
        if by != Who::Client {
            self.end().said.get_or_insert((by, how));
        } else if let Some(how) = self.left() {
            self.closed(by, how);
        }
    }

    /// The client's wire has come to its end.
    pub fn leaves(&self, how: How) {
        self.end().left.get_or_insert(how);
    }

    /// The client's wire has told a write of a RST that no FIN came before. It is told once: whoever
    /// reads after that comes to an end of file that nobody has sent.
    pub fn resets(&self) {
        self.leaves(How::Rst);
        self.end().reset = true;
    }

    /// How the client has ended its side, as far as anybody has looked.
    pub fn left(&self) -> Option<How> {
        self.end().left
    }

    /// Both directions of a tunnel are done: as the target's leg has said, or else so.
    pub fn relayed(&self, by: Who, how: How) {
        self.end().said.get_or_insert((by, how));
        self.passed_on();
    }

    /// The client has ended its side while nobody read: written down now, for who waits may wait
    /// longer than the run lasts. After a FIN it may still read, and is served.
    pub fn goes(&self, how: How) {
        self.leaves(how);
        self.write_end(self.end(), Who::Client, how);
    }

    /// The end has passed to the client, if there is one.
    pub fn passed_on(&self) {
        let end = self.end();
        if let Some((by, how)) = end.said {
            self.write_end(end, by, how);
        }
    }

    /// Once.
    fn write_end(&self, mut end: MutexGuard<'_, End>, by: Who, how: How) {
        if end.noted.is_some() {
            return;
        }
        let (bytes_in, bytes_out) = self.bytes();
        end.noted = Some((bytes_in, bytes_out));
        drop(end);
        if let Some((stream, _)) = self.stream {
            return self.note(What::StreamClosed { stream, by, how, bytes_in, bytes_out });
        }
        self.note(What::Closed { side: self.side, by, how, bytes_in, bytes_out });
    }

    /// Nothing passes any more. What came or went after the end was written down, a client that
    /// goes on sending after our FIN, say, is told apart.
    pub fn gone(&self) {
        self.passed_on();
        let (all_in, all_out) = self.bytes();
        let Some((noted_in, noted_out)) = self.end().noted else { return };
        let (bytes_in, bytes_out) = (all_in - noted_in, all_out - noted_out);
        if self.stream.is_none() && (bytes_in, bytes_out) != (0, 0) {
            self.note(What::AfterClose { side: self.side, bytes_in, bytes_out });
        }
    }

    /// Whether its end is written down, or is about to be.
    pub fn is_closed(&self) -> bool {
        self.end().said.is_some()
    }

    fn end(&self) -> MutexGuard<'_, End> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The rule that this attempt meets at `stage`.
    pub fn pick(&self, stage: crate::stage::Stage, facts: &mut Facts) -> Option<usize> {
        if !self.scenario.touches(stage) {
            return None;
        }
        facts.elapsed = self.log().start().elapsed();
        self.shared.plan().meet(&self.scenario, stage, facts)
    }
}
