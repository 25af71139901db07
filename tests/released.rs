//! A world that is dropped, at whatever moment, leaves no task, no socket and no file. A target of
//! its own, because it counts what the whole process has open; and the test starts itself again in
//! an empty directory, which has to be empty afterwards.
//!
//! "Whatever moment" is every event in the log: the world is dropped when it has been written down,
//! and some turns of the runtime later. Between them, a property test takes turns at random.

use std::collections::BTreeMap;
use std::process::{Child, Command};
use std::sync::Arc;
use std::time::Duration;

use badproxy::rustls::pki_types::ServerName;
use badproxy::{Scenario, Setup, World, blocking, catalogue};
use proptest::prelude::*;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

/// What is open: sockets, files, pipes.
#[cfg(target_os = "linux")]
fn open() -> BTreeMap<String, usize> {
    let mut open = BTreeMap::new();
    for entry in std::fs::read_dir("/proc/self/fd").unwrap().flatten() {
        // The directory that is being read is gone when it is looked at.
        let Ok(to) = std::fs::read_link(entry.path()) else { continue };
        *open.entry(to.display().to_string()).or_default() += 1;
    }
    open
}

#[cfg(not(target_os = "linux"))]
fn open() -> BTreeMap<String, usize> {
    BTreeMap::new()
}

trait Connection: AsyncRead + AsyncWrite + Unpin {}
impl<T: AsyncRead + AsyncWrite + Unpin> Connection for T {}

/// A client that does as much as `steps` say, and keeps what it has open until the end.
async fn client(world: &World, steps: usize) -> std::io::Result<()> {
    let mut wire: Box<dyn Connection> = match world.is_simulated() {
        true => Box::new(world.dialler().proxy().await?),
        false => Box::new(TcpStream::connect(world.proxy_address()).await?),
    };
    wire.write_all(b"CONNECT target.badproxy.test:443 HTTP/1.1\r\n").await?;
    if steps == 0 {
        return std::future::pending().await;
    }
    wire.write_all(b"\r\n").await?;
    let mut head = [0; 39];
    wire.read_exact(&mut head).await?;
    if steps == 1 {
        return std::future::pending().await;
    }
    let connector = tokio_rustls::TlsConnector::from(Arc::new(world.client_config()));
    let name = ServerName::try_from("target.badproxy.test").unwrap();
    let mut tls = connector.connect(name, wire).await?;
    tls.write_all(b"GET /bytes/1000000 HTTP/1.1\r\nHost: target.badproxy.test\r\n\r\n").await?;
    let mut some = [0; 100];
    tls.read_exact(&mut some).await?;
    if steps > 2 {
        tls.read_to_end(&mut Vec::new()).await?;
    }
    std::future::pending().await
}

/// Starts a world, lets a client come as far as it comes in so many turns, and drops the world.
async fn drop_after(scenario: &Scenario, steps: usize, turns: usize, pause: Duration) {
    let Ok(world) = scenario.start().await else { return };
    let playing = async {
        let _ = client(&world, steps).await;
        std::future::pending::<()>().await;
    };
    let dropping = async {
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
        tokio::time::sleep(pause).await;
    };
    tokio::select! {
        biased;
        () = dropping => {}
        () = playing => {}
    }
}

/// Runs it on a runtime of its own and looks at what is left.
fn leaves_nothing(scenario: &Scenario, steps: usize, turns: usize, pause: Duration) {
    nothing_is_left(false, drop_after(scenario, steps, turns, pause));
}

fn nothing_is_left(paused: bool, what: impl Future<Output = ()>) {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().start_paused(paused).build().unwrap();
    let before = open();
    runtime.block_on(async {
        what.await;
        // Aborted tasks are gone once the runtime has had its turn.
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), 0, "tasks");
        assert_eq!(open(), before, "descriptors");
    });
}

/// Drops a world as soon as its log has `events` of them, and `turns` of the runtime later. False
/// when it never comes to so many.
async fn drop_at(scenario: &Scenario, memory: bool, events: usize, turns: usize) -> bool {
    let setup = Setup::new().seed(7).scale(0.01);
    let world = match memory {
        true => scenario.simulate_with(&setup).unwrap(),
        false => scenario.start_with(&setup).await.unwrap(),
    };
    let mut log = world.events();
    let playing = async {
        let _ = client(&world, 3).await;
        std::future::pending::<()>().await;
    };
    let dropping = async {
        for _ in 0..events {
            log.next().await;
        }
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
    };
    // Of a client that waits for an end that does not come no more is heard; the first events come from
    // each of them, whenever the machine has time.
    let most = Duration::from_millis(if memory || events <= FIRST { 100_000 } else { 500 });
    tokio::select! {
        biased;
        () = dropping => true,
        () = playing => false,
        () = tokio::time::sleep(most) => false,
    }
}

/// So many events each of these has without any wait.
const FIRST: usize = 3;

/// Dropped at every event.
const SOME: [&str; 8] = [
    "ok/plain",
    "accept/slow",
    "auth/407-loop",
    "body/drip",
    "tls/h2-then-http1",
    "tunnel/half-close-kills-both",
    "reply/fin-before-reply",
    "dial/slow",
];

/// In memory and on sockets.
fn at_every_event(name: &str) {
    let scenario = Scenario::catalogue(name).unwrap();
    for memory in [true, false] {
        let mut moments = 0;
        let mut more = true;
        while more {
            for turns in 0..3 {
                nothing_is_left(memory, async {
                    more &= drop_at(&scenario, memory, moments, turns).await;
                });
            }
            moments += 1;
        }
        assert!(moments > FIRST, "{name}: {moments} moments");
    }
}

/// One test, so that nothing else opens anything meanwhile: most of its time is waited for, so its parts
/// are side by side, each in a process of its own.
#[test]
fn a_dropped_world_leaves_nothing() {
    const INSIDE: &str = "BADPROXY_TEST_INSIDE";
    match std::env::var(INSIDE).as_deref() {
        Ok(REST) => return leave_nothing(),
        Ok(name) => return at_every_event(name),
        Err(_) => {}
    }
    let empty = tempfile::tempdir().unwrap();
    let start = |part: &str| {
        let mut again = Command::new(std::env::current_exe().unwrap());
        again.args(["--exact", "a_dropped_world_leaves_nothing", "--nocapture"]).env(INSIDE, part);
        for name in ["TMPDIR", "TMP", "TEMP", "HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"] {
            again.env(name, empty.path());
        }
        (part.to_owned(), again.current_dir(empty.path()).spawn().unwrap())
    };
    let parts: Vec<(String, Child)> = SOME.into_iter().chain([REST]).map(start).collect();
    let failed: Vec<String> = parts
        .into_iter()
        .filter_map(|(part, mut child)| (!child.wait().unwrap().success()).then_some(part))
        .collect();
    assert!(failed.is_empty(), "{failed:?}");
    let left: Vec<_> =
        std::fs::read_dir(empty.path()).unwrap().map(|e| e.unwrap().path()).collect();
    assert!(left.is_empty(), "{left:?}");
}

/// All that is not a name of [`SOME`].
const REST: &str = "rest";

fn leave_nothing() {
    let scenarios: Vec<Scenario> = catalogue::CATALOGUE
        .iter()
        .map(|entry| entry.scenario().unwrap())
        .filter(|scenario| scenario.needs() == 0)
        .collect();
    for scenario in &scenarios {
        leaves_nothing(scenario, 3, 0, Duration::from_millis(2));
    }
    let any = (0..scenarios.len(), 0..4usize, 0..60usize, 0..15u64);
    proptest!(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() },
    |((which, steps, turns, pause) in any)| {
        leaves_nothing(&scenarios[which], steps, turns, Duration::from_millis(pause));
    });
    // Without a runtime: the thread is gone, too.
    let before = open();
    for scenario in scenarios.iter().take(20) {
        let world = blocking::start(scenario).unwrap();
        // To a port that answers no SYN it would take two minutes.
        let (at, most) = (world.proxy_address(), Duration::from_millis(100));
        let socket = std::net::TcpStream::connect_timeout(&at, most);
        drop(world);
        drop(socket);
    }
    assert_eq!(open(), before, "descriptors");
}
