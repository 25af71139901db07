//! How many property cases a second a retry client of five attempts gets in virtual time, on one core:
//! the goal is 1,000.
//!
//! A case is all that `strategy::hold` does for one: a schedule is made, written as YAML and read back
//! as a scenario; a world plays it on a clock of its own; the client tunnels through it, with TLS or
//! without; what it did is judged, and held against four checks.
//!
//! `cargo bench --bench properties --features proptest`

use std::cell::Cell;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use badproxy::checks::{self, Pace};
use badproxy::connector::Connection;
use badproxy::rustls::pki_types::ServerName;
use badproxy::strategy::{Config, Schedule, Weights, hold, schedule};
use badproxy::{Outcome, World};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_rustls::TlsConnector;

const ATTEMPTS: u32 = 5;
const BASE: Duration = Duration::from_millis(100);
const CASES: u32 = 5000;
const GOAL: f64 = 1000.0;

fn main() {
    // Nothing is kept of a bench.
    let dir = tempfile::tempdir().unwrap_or_else(|error| panic!("no directory: {error}"));
    for (name, port) in [("without TLS", 80), ("with TLS", 443)] {
        let (attempts, served) = (Cell::new(0), Cell::new(0));
        let config = Config::new("bench").cases(CASES).directory(dir.path());
        let begin = Instant::now();
        hold(&config, schedule(&Weights::default()), |made| {
            let (outcome, success) = play(made, port);
            attempts.set(attempts.get() + outcome.conduct.attempts);
            served.set(served.get() + u32::from(success));
            keeps_to_it(&outcome).map_err(|broken| broken.to_string())
        });
        let (rate, each) = (f64::from(CASES) / begin.elapsed().as_secs_f64(), f64::from(CASES));
        let (attempts, served) = (attempts.get() as f64 / each, f64::from(served.get()) / each);
        let word = if rate >= GOAL { "met" } else { "missed" };
        println!(
            "property cases {name}: {rate:.0} a second ({attempts:.2} attempts each, {:.0} % served)  \
             >= {GOAL} {word}",
            served * 1e2
        );
    }
}

fn play(made: &Schedule, port: u16) -> (Outcome, bool) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.unwrap_or_else(|error| panic!("no runtime: {error}"));
    runtime.block_on(async {
        let world = made.scenario().simulate().unwrap_or_else(|error| panic!("{error}"));
        let result = get_with_retries(&world, port).await;
        world.client_ended(result.as_ref());
        (world.finish().await, result.is_ok())
    })
}

fn keeps_to_it(outcome: &Outcome) -> checks::Checked {
    checks::bounded(&outcome.events, ATTEMPTS.into())?;
    checks::backoff(&outcome.events, &Pace::new(BASE).jitter(1.0, 1.0))?;
    checks::deadline(&outcome.events, Duration::from_secs(60))?;
    checks::credentials(&outcome.events)
}

/// Five attempts of five seconds at most, with a pause before each that doubles.
async fn get_with_retries(world: &World, port: u16) -> io::Result<String> {
    let mut last = Err(io::ErrorKind::TimedOut.into());
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            tokio::time::sleep(BASE * 2_u32.pow(attempt - 1)).await;
        }
        match tokio::time::timeout(Duration::from_secs(5), get(world, port)).await {
            Ok(Ok(body)) => return Ok(body),
            Ok(error) => last = error,
            Err(_) => last = Err(io::ErrorKind::TimedOut.into()),
        }
    }
    last
}

async fn get(world: &World, port: u16) -> io::Result<String> {
    let mut wire = world.dialler().proxy().await?;
    let ask = format!("CONNECT target.badproxy.test:{port} HTTP/1.1\r\n\r\n");
    wire.write_all(ask.as_bytes()).await?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(wire.read_u8().await?);
    }
    if !answer.starts_with(b"HTTP/1.1 200 ") {
        return Err(io::Error::other("no tunnel"));
    }
    match port {
        443 => page(world, tls(world, wire).await?).await,
        _ => page(world, wire).await,
    }
}

async fn tls(
    world: &World,
    wire: Connection,
) -> io::Result<impl AsyncRead + AsyncWrite + Unpin + use<>> {
    let name = ServerName::try_from("target.badproxy.test").map_err(io::Error::other)?;
    TlsConnector::from(Arc::new(world.client_config())).connect(name, wire).await
}

async fn page(world: &World, mut wire: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<String> {
    wire.write_all(b"GET / HTTP/1.1\r\nHost: target.badproxy.test\r\nConnection: close\r\n\r\n")
        .await?;
    let mut body = String::new();
    wire.read_to_string(&mut body).await?;
    // An answer that is not the origin's own, whole, is none.
    body.contains(&world.nonce()).then_some(body).ok_or_else(|| io::Error::other("no page"))
}
