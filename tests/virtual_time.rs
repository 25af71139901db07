//! In the simulation time is exact: what a scenario says in seconds is what a client meets, and
//! hours pass at once.

use std::time::Duration;

use badproxy::catalogue::find;
use badproxy::scenario::read;
use badproxy::start::{Running, Setup, simulate};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

const CONNECT: &[u8] =
    b"CONNECT target.badproxy.test:80 HTTP/1.1\r\nHost: target.badproxy.test:80\r\n\r\n";

fn start(yaml: &str) -> Running {
    let scenario = read(yaml, "test").unwrap_or_else(|e| panic!("{e}"));
    simulate(scenario, &Setup::new().seed(7)).unwrap()
}

/// Sends CONNECT and reads the reply, 39 bytes; how long it took.
async fn connect(running: &Running) -> (badproxy::wire::sim::SimWire, Duration) {
    let start = Instant::now();
    let mut wire = running.net.as_ref().unwrap().connect().await.unwrap();
    wire.write_all(CONNECT).await.unwrap();
    let mut reply = [0; 39];
    wire.read_exact(&mut reply).await.unwrap();
    assert!(reply.starts_with(b"HTTP/1.1 200 "));
    (wire, start.elapsed())
}

#[tokio::test(start_paused = true)]
async fn a_slow_look_up_takes_what_it_says() {
    for (name, seconds) in [("resolve/slow", 8), ("dial/slow", 10)] {
        let running = start(find(name).unwrap().yaml);
        assert_eq!(connect(&running).await.1, Duration::from_secs(seconds), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn scale_multiplies() {
    let running = start("scale: 0.5\nrules:\n  - at: dial\n    do: {delay: 10s}\n");
    assert_eq!(connect(&running).await.1, Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn a_syn_that_nobody_answers_ends_like_linux_ends_it() {
    let running = start("rules:\n  - at: syn\n    do: blackhole\n");
    let begin = Instant::now();
    let error = running.net.as_ref().unwrap().connect().await.err().unwrap();
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    assert_eq!(begin.elapsed(), Duration::from_secs(127));
}

#[tokio::test(start_paused = true)]
async fn a_repeated_syn_finds_the_port_open() {
    // The SYN is repeated after 1, 3 and 7 seconds.
    let running = start("rules:\n  - at: syn\n    do: {blackhole: {for: 5s}}\n");
    assert_eq!(connect(&running).await.1, Duration::from_secs(7));
    let running = start("rules:\n  - at: syn\n    do: {refuse: {for: 5s}}\n");
    assert!(running.net.as_ref().unwrap().connect().await.is_err());
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(connect(&running).await.1, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn an_idle_time_counts_from_the_last_byte() {
    let running = start("rules:\n  - at: tunnel\n    do: [until: {idle: 350s}, reset]\n");
    let (mut wire, _) = connect(&running).await;
    let ask = b"GET /bytes/1 HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut buffer = [0; 4096];
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_secs(349)).await;
        wire.write_all(ask).await.unwrap();
        assert!(wire.read(&mut buffer).await.unwrap() > 0);
    }
    let begin = Instant::now();
    let error = wire.read(&mut buffer).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    assert_eq!(begin.elapsed(), Duration::from_secs(350));
}

#[tokio::test(start_paused = true)]
async fn a_drip_keeps_its_pace() {
    let running = start("rules:\n  - at: body\n    do: {slice: {bytes: 10B, gap: 60s}}\n");
    let (mut wire, _) = connect(&running).await;
    let begin = Instant::now();
    let ask = b"GET /bytes/300 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    wire.write_all(ask).await.unwrap();
    let mut all = Vec::new();
    wire.read_to_end(&mut all).await.unwrap();
    // 30 pieces, a pause after each.
    assert_eq!(begin.elapsed(), Duration::from_secs(30 * 60));
}

#[tokio::test(start_paused = true)]
async fn six_hours_of_refusal_pass_at_once() {
    let wall = std::time::Instant::now();
    let running = start("rules:\n  - at: syn\n    do: {refuse: {for: 6h}}\n");
    let net = running.net.clone().unwrap();
    let (mut attempts, mut pause) = (0, Duration::from_secs(1));
    while net.connect().await.is_err() {
        attempts += 1;
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(600));
    }
    assert!((40..60).contains(&attempts), "{attempts}");
    assert!(wall.elapsed() < Duration::from_secs(20));
}
