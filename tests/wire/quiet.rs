//! Silence on a plain socket, told from an answer that is late: by the turns that the proxy has had
//! meanwhile, and not by the clock alone. A busy machine may keep its thread waiting for a second.

use std::io::{ErrorKind, Read};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

/// How a connection ended, as read from a plain socket.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    Fin,
    Rst,
    /// Nothing came for 300 ms, and the connection is still there.
    Silence,
}

/// A silence is so many short waits, and so many turns of each proxy.
const WAITS: u32 = 30;

/// The turns that a proxy's runtime has had. When it has had one more, each of its tasks that could
/// go on has done so.
type Turns = AtomicU32;

/// Those of all proxies that live: which of them a socket has to do with, nobody tells.
static ALL: Mutex<Vec<Weak<Turns>>> = Mutex::new(Vec::new());

/// Counts the turns of this runtime for as long as it lives.
pub(crate) fn count_turns() -> impl Future<Output = ()> + Send {
    let turns = Arc::new(Turns::new(0));
    let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
    all.retain(|turns| turns.strong_count() > 0);
    all.push(Arc::downgrade(&turns));
    async move {
        loop {
            tokio::time::sleep(Duration::from_millis(5)).await;
            turns.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Waits of a reader in which nothing came.
pub(crate) struct Quiet {
    waits: u32,
    began: Vec<(Weak<Turns>, u32)>,
}

impl Quiet {
    /// Begins now.
    pub(crate) fn new() -> Quiet {
        let all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
        let now =
            |turns: &Weak<Turns>| Some((turns.clone(), turns.upgrade()?.load(Ordering::Relaxed)));
        Quiet { waits: 0, began: all.iter().filter_map(now).collect() }
    }

    /// How long each wait is.
    pub(crate) fn wait(silence: Duration) -> Option<Duration> {
        Some(silence / WAITS)
    }

    /// One more; whether this is silence.
    pub(crate) fn is_silence(&mut self) -> bool {
        self.waits += 1;
        let had = |(turns, began): &(Weak<Turns>, u32)| {
            turns.upgrade().is_none_or(|now| now.load(Ordering::Relaxed) - began >= WAITS)
        };
        self.waits >= WAITS && self.began.iter().all(had)
    }
}

/// Reads to the end, or until nothing comes any more.
pub(crate) fn read_all(socket: &mut TcpStream) -> (Vec<u8>, End) {
    read_for(socket, Duration::from_millis(300))
}

pub(crate) fn read_for(socket: &mut TcpStream, silence: Duration) -> (Vec<u8>, End) {
    let got = read_until_quiet(socket, silence);
    // Whatever reads next has more patience.
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    got
}

fn read_until_quiet(socket: &mut TcpStream, silence: Duration) -> (Vec<u8>, End) {
    socket.set_read_timeout(Quiet::wait(silence)).unwrap();
    let mut got = Vec::new();
    let mut buffer = [0; 65536];
    let mut quiet = Quiet::new();
    loop {
        match socket.read(&mut buffer) {
            Ok(0) => return (got, End::Fin),
            Ok(n) => {
                got.extend_from_slice(&buffer[..n]);
                quiet = Quiet::new();
            }
            Err(e) if e.kind() == ErrorKind::ConnectionReset => return (got, End::Rst),
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                if quiet.is_silence() {
                    return (got, End::Silence);
                }
            }
            Err(e) => panic!("{e}"),
        }
    }
}
