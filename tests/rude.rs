//! Rude clients: whatever a client does and however it leaves, its connection is let go. Every shipped
//! scenario is played in the simulation to clients that leave at the wrong moment, and when all they
//! left behind has had its time, no task of a connection is there any more: each holds a socket.

#[path = "support/side_by_side.rs"]
mod side_by_side;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use badproxy::catalogue::{CATALOGUE, Entry};
use badproxy::start::{Running, Setup, simulate};
use badproxy::wire::Wire;
use badproxy::wire::sim::SimWire;
use side_by_side::side_by_side;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, ClientConnection};

const HOST: &str = "target.badproxy.test";
/// A client that has sent its FIN may read on, for so long.
const LEFT: Duration = Duration::from_secs(700);

/// What a client has sent before it leaves.
const SAID: &[(&str, &str)] = &[
    ("nothing", ""),
    ("half a CONNECT", "CONNECT target.badp"),
    (
        "CONNECT",
        "CONNECT target.badproxy.test:443 HTTP/1.1\r\nHost: target.badproxy.test:443\r\n\r\n",
    ),
    (
        "CONNECT and GET",
        "CONNECT target.badproxy.test:80 HTTP/1.1\r\nHost: target.badproxy.test:80\r\n\r\n\
         GET /bytes/1000 HTTP/1.1\r\nHost: x\r\n\r\n",
    ),
    ("GET", "GET http://target.badproxy.test/bytes/1000 HTTP/1.1\r\nHost: x\r\n\r\n"),
    ("GET of a lot", "GET http://target.badproxy.test/bytes/200000 HTTP/1.1\r\nHost: x\r\n\r\n"),
    (
        "half a body",
        "POST http://target.badproxy.test/echo HTTP/1.1\r\nContent-Length: 90\r\n\r\nhello",
    ),
    (
        "chunks that are none",
        "POST http://target.badproxy.test/echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ),
    (
        "two lengths",
        "POST http://target.badproxy.test/echo HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\
         \r\n\r\nhello!",
    ),
    ("GET with a wait", "GET http://target.badproxy.test/delay/99999h HTTP/1.1\r\nHost: x\r\n\r\n"),
    (
        "GET of a WebSocket",
        "GET http://target.badproxy.test/ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    ),
    ("a greeting of SOCKS5", "\x05\x01\x00"),
    ("SOCKS5", "\x05\x01\x00\x05\x01\x00\x03\x14target.badproxy.test\x00\x50"),
    ("half of SOCKS4", "\x04\x01\x00"),
    ("the start of a TLS record", "\x16\x03\x01\x02\x00\x01"),
];

/// How it leaves.
#[derive(Debug, Clone, Copy)]
enum Leaves {
    /// At once: what has come is not read, so that its kernel says RST.
    AtOnce,
    /// With a RST, when it has read what came.
    Reset,
    /// With a FIN, when it has read what came.
    Closes,
    /// It sends its FIN first, and reads what comes.
    HalfCloses,
}

const ENDS: [Leaves; 4] = [Leaves::AtOnce, Leaves::Reset, Leaves::Closes, Leaves::HalfCloses];

async fn leave(mut wire: SimWire, how: Leaves) {
    let mut rest = Vec::new();
    match how {
        Leaves::AtOnce => return,
        Leaves::HalfCloses => drop(wire.shutdown().await),
        Leaves::Reset | Leaves::Closes => {}
    }
    let _ = timeout(Duration::from_secs(5), wire.read_to_end(&mut rest)).await;
    if matches!(how, Leaves::Reset) {
        wire.arm_reset();
    }
}

async fn says(running: &Running, said: &[u8], how: Leaves) -> io::Result<()> {
    let mut wire = running.net.as_ref().unwrap().connect().await?;
    let _ = wire.write_all(said).await;
    leave(wire, how).await;
    Ok(())
}

fn config(running: &Running) -> ClientConfig {
    running.shared.authority.client().unwrap()
}

/// A whole TLS hello, and not a byte more.
fn hello(running: &Running) -> Vec<u8> {
    let name = ServerName::try_from(HOST).unwrap();
    let mut session = ClientConnection::new(Arc::new(config(running)), name).unwrap();
    let mut bytes = Vec::new();
    session.write_tls(&mut bytes).unwrap();
    bytes
}

/// CONNECT, TLS, a request; all is read, or something goes wrong.
async fn fetches(running: &Running, how: Leaves) -> io::Result<()> {
    let mut wire = running.net.as_ref().unwrap().connect().await?;
    wire.write_all(SAID[2].1.as_bytes()).await?;
    let mut head = [0; 39];
    timeout(Duration::from_secs(5), wire.read_exact(&mut head)).await??;
    let name = ServerName::try_from(HOST).unwrap();
    let dial = TlsConnector::from(Arc::new(config(running))).connect(name, wire);
    let mut tls = timeout(Duration::from_secs(5), dial).await??;
    tls.write_all(b"GET /bytes/100000 HTTP/1.1\r\nHost: x\r\n\r\n").await?;
    let _ = timeout(Duration::from_secs(5), tls.read_exact(&mut [0; 50_000])).await;
    leave(tls.into_inner().0, how).await;
    Ok(())
}

/// Plays one client.
async fn play(running: &Running, which: usize, how: Leaves) -> io::Result<()> {
    match which.checked_sub(SAID.len()) {
        None => says(running, SAID[which].1.as_bytes(), how).await,
        Some(0) => says(running, &hello(running), how).await,
        Some(1) => says(running, &[SAID[2].1.as_bytes(), &hello(running)].concat(), how).await,
        Some(_) => fetches(running, how).await,
    }
}

type Rude = (usize, Leaves);

/// Plays clients side by side. How many tasks they have left behind.
fn left(entry: &Entry, clients: &[Rude]) -> usize {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let running = simulate(entry.scenario().unwrap(), &Setup::new().seed(7)).unwrap();
        let running = Arc::new(running);
        let tasks = tokio::runtime::Handle::current().metrics();
        let before = tasks.num_alive_tasks();
        let mut playing = JoinSet::new();
        for &(which, how) in clients {
            let running = Arc::clone(&running);
            // Some are refused, and some are told what they do not expect: they leave as well.
            playing.spawn(async move { drop(play(&running, which, how).await) });
        }
        playing.join_all().await;
        sleep(LEFT).await;
        tasks.num_alive_tasks() - before
    })
}

fn named((which, how): Rude) -> String {
    let more = ["a hello to the proxy", "CONNECT and a hello", "a fetch"];
    let said = SAID.get(which).map_or_else(|| more[which - SAID.len()], |(name, _)| name);
    format!("{said}, {how:?}")
}

/// What is left of a scenario's clients: each of them in a world of its own, where something is.
fn kept(entry: &Entry) -> Vec<String> {
    let clients: Vec<Rude> =
        (0..SAID.len() + 3).flat_map(|which| ENDS.map(|how| (which, how))).collect();
    // Where the first attempts meet something else than later ones, each client is the first.
    let scenario = entry.scenario().unwrap();
    let alike = scenario.rules.iter().all(|rule| rule.when().attempt.is_none());
    if alike && left(entry, &clients) == 0 {
        return Vec::new();
    }
    let each = clients.into_iter().map(|client| (client, left(entry, &[client])));
    each.filter(|(_, tasks)| *tasks > 0)
        .map(|(client, tasks)| format!("{}: {}: {tasks} tasks", entry.name, named(client)))
        .collect()
}

#[test]
fn every_connection_is_let_go() {
    let here = |entry: &&Entry| entry.scenario().unwrap().needs() == 0;
    let entries: Vec<&Entry> = CATALOGUE.iter().filter(here).collect();
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let kept = side_by_side(entries.len(), processors, |n| kept(entries[n])).concat();
    assert!(kept.is_empty(), "{}:\n{}", kept.len(), kept.join("\n"));
}
