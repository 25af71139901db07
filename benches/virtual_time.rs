//! How fast virtual time passes, on one core: an hour of 3,600 waits (goal: 5 ms) and a day in which
//! a client comes a thousand times, with CONNECT and GET through the tunnel (50 ms). The same with TLS
//! in the tunnel has no goal of its own: a handshake is half a millisecond of cryptography.
//!
//! `cargo bench --bench virtual_time`

use std::sync::Arc;
use std::time::{Duration, Instant};

use badproxy::clock::Clock;
use badproxy::rustls::pki_types::ServerName;
use badproxy::{Scenario, World};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_rustls::TlsConnector;

const CLIENTS: u32 = 1000;
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

fn main() {
    measure("hour of 3,600 waits", 101, Some(5.0), hour);
    measure("day with 1,000 connections", 51, Some(50.0), || day(false));
    measure("day with 1,000 connections, TLS in each", 5, None, || day(true));
}

fn measure(what: &str, rounds: usize, goal: Option<f64>, once: impl Fn()) {
    let time = |_| {
        let wall = Instant::now();
        once();
        wall.elapsed().as_secs_f64() * 1e3
    };
    let mut times: Vec<f64> = (0..rounds).map(time).collect();
    times.sort_unstable_by(f64::total_cmp);
    let (median, worst) = (times[rounds / 2], times[rounds - 1]);
    let goal = goal.map(|goal| {
        let word = if median <= goal { "met" } else { "missed" };
        format!("  <= {goal} {word}")
    });
    let goal = goal.unwrap_or_default();
    println!("virtual {what}: median {median:.2} ms, worst {worst:.2} ms of {rounds}{goal}");
}

fn block_on(future: impl Future<Output = ()>) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    match runtime {
        Ok(runtime) => runtime.block_on(future),
        Err(error) => panic!("no runtime: {error}"),
    }
}

fn hour() {
    block_on(async {
        let start = tokio::time::Instant::now();
        for _ in 0..3600 {
            Clock::Virtual.sleep(Duration::from_secs(1)).await;
        }
        assert_eq!(start.elapsed(), HOUR);
    });
}

/// A client that comes in regular intervals, from the start of the world to its verdict.
fn day(tls: bool) {
    let scenario = Scenario::from_yaml("rules: [{at: reply, do: {delay: 1s}}]");
    let scenario = scenario.unwrap_or_else(|problems| panic!("{problems}"));
    block_on(async {
        let start = tokio::time::Instant::now();
        let world = scenario.simulate().unwrap_or_else(|error| panic!("{error}"));
        for n in 1..=CLIENTS {
            let got = fetch(&world, tls).await.unwrap_or_else(|error| panic!("{error}"));
            assert!(got > 100, "{got} bytes");
            tokio::time::sleep_until(start + DAY * n / CLIENTS).await;
        }
        assert_eq!(start.elapsed(), DAY);
        assert_eq!(world.finish().await.conduct.attempts, u64::from(CLIENTS));
    });
}

/// How many bytes came through the tunnel.
async fn fetch(world: &World, tls: bool) -> std::io::Result<usize> {
    let mut wire = world.dialler().proxy().await?;
    let port = if tls { 443 } else { 80 };
    let head = format!("CONNECT target.badproxy.test:{port} HTTP/1.1\r\n\r\n");
    wire.write_all(head.as_bytes()).await?;
    let mut reply = [0; 39];
    wire.read_exact(&mut reply).await?;
    if !tls {
        return ask(wire).await;
    }
    let connector = TlsConnector::from(Arc::new(world.client_config()));
    let name = ServerName::try_from("target.badproxy.test").map_err(std::io::Error::other)?;
    ask(connector.connect(name, wire).await?).await
}

async fn ask(mut wire: impl AsyncRead + AsyncWrite + Unpin) -> std::io::Result<usize> {
    const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: target.badproxy.test\r\nConnection: close\r\n\r\n";
    wire.write_all(GET).await?;
    wire.read_to_end(&mut Vec::with_capacity(1024)).await
}
