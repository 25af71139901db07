//! Same scenario, same seed, same client bytes: same bytes back and same events, counts of bytes
//! included. On sockets times and ports differ; in memory nothing does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use badproxy::event::Event;
use badproxy::{Scenario, Setup, World};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::plain;

/// Dice at five places.
const DICE: &str = "\
rules:
- {at: accept, when: {probability: 0.2}, do: reset}
- {at: auth, when: {probability: 0.2}, do: {challenge: digest}}
- {at: reply, when: {probability: 0.3}, do: [{garbage: 64B}, close]}
- {at: tunnel, when: {probability: 0.3}, do: [{corrupt: 0.02}, {until: {bytes: 200B}}, close]}
- {at: response, when: {probability: 0.3}, do: {garbage: 1kB}}
";

/// Dice at six places of a client that speaks TLS.
const DICE_TLS: &str = "\
client: {target: 'https://target.badproxy.test/bytes/20000'}
rules:
- {at: accept, when: {probability: 0.1}, do: reset}
- {at: reply, when: {probability: 0.1}, do: [{garbage: 64B}, close]}
- {at: tls, when: {probability: 0.1}, do: {cert: self-signed}}
- {at: tls, when: {probability: 0.2}, do: {tls: {versions: [tls1.2]}}}
- {at: response, when: {probability: 0.2}, do: {respond: 503}}
- {at: body, when: {probability: 0.2}, do: {limit: 5kB}}
";

/// Where and how a run is played.
#[derive(Debug, Clone, Copy)]
struct Way {
    memory: bool,
    tls: bool,
}

/// Runs of each; BADPROXY_RUNS=1000 for more.
fn runs(few: usize) -> usize {
    std::env::var("BADPROXY_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(few)
}

/// What came back: the bytes, and whether their end was a RST.
async fn exchange(world: &World) -> (Vec<u8>, bool) {
    let mut wire = plain::dial(world).await.unwrap();
    let mut got = Vec::new();
    // Where the answer is a RST, writing may fail too.
    let _ = wire.write_all(b"CONNECT target.badproxy.test:80 HTTP/1.1\r\n\r\n").await;
    let mut head = [0; 39];
    match wire.read_exact(&mut head).await {
        Ok(_) => got.extend(head),
        Err(error) => return (got, error.kind() == std::io::ErrorKind::ConnectionReset),
    }
    if head.starts_with(b"HTTP/1.1 200") {
        let get = b"GET / HTTP/1.1\r\nHost: target.badproxy.test\r\nConnection: close\r\n\r\n";
        let _ = wire.write_all(get).await;
    }
    wire.shutdown().await.ok();
    let end = wire.read_to_end(&mut got).await;
    (got, end.is_err())
}

/// The same with TLS in the tunnel: what the client makes of it.
async fn exchange_tls(world: &World) -> (Vec<u8>, bool) {
    let result = plain::fetch(world).await;
    let text = result.as_ref().map_or_else(|error| format!("{error}"), Clone::clone);
    (text.into_bytes(), result.is_err())
}

/// What came back, and the events without what differs from one run to the next.
type Played = (Vec<(Vec<u8>, bool)>, Vec<String>);

async fn play(scenario: &Scenario, seed: u64, way: Way) -> Played {
    let setup = Setup::new().seed(seed);
    let world = match way.memory {
        true => scenario.simulate_with(&setup).unwrap(),
        false => scenario.start_with(&setup).await.unwrap(),
    };
    let mut answers = Vec::new();
    for conn in 1..=8 {
        answers.push(if way.tls { exchange_tls(&world).await } else { exchange(&world).await });
        // One after the other: the order of events of different connections is the scheduler's.
        world.wait_for(|event| event.conn == Some(conn) && name(event) == "tcp:closed").await;
    }
    let shown = if way.memory { whole } else { timeless };
    let events = world.finish().await.events.iter().map(shown).collect();
    (answers, events)
}

fn name(event: &Event) -> String {
    event.what.name()
}

fn whole(event: &Event) -> String {
    serde_json::to_string(event).unwrap()
}

/// Times, and the ports that the system chose, taken out.
fn timeless(event: &Event) -> String {
    let mut event = serde_json::to_value(event).unwrap();
    event.as_object_mut().unwrap().remove("time");
    if let Some(data) = event["data"].as_object_mut() {
        for other in ["src", "address", "measured", "client_did", "lag_max_ms", "notes"] {
            data.remove(other);
        }
    }
    event.to_string()
}

/// Keeps all cores busy until it is dropped.
struct Busy(Arc<AtomicBool>);

impl Busy {
    fn begin() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            let stop = Arc::clone(&stop);
            std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        Busy(stop)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Plays it again and again, the second half with all cores busy.
fn the_same(yaml: &str, runs: usize, way: Way) {
    let scenario = Scenario::from_yaml(yaml).unwrap_or_else(|problems| panic!("{problems}"));
    let once = |seed| {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_all().start_paused(way.memory).build().unwrap();
        runtime.block_on(play(&scenario, seed, way))
    };
    let first = once(7);
    let mut busy = None;
    for run in 1..runs {
        if run == runs / 2 {
            busy = Some(Busy::begin());
        }
        assert_eq!(once(7), first, "run {run} of {way:?}, busy: {}", busy.is_some());
    }
    assert!([8, 9].map(once).iter().all(|other| *other != first), "another seed, something else");
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_events() {
    the_same(DICE, runs(50), Way { memory: false, tls: false });
}

#[test]
fn the_same_in_memory_and_at_the_same_times() {
    the_same(DICE, runs(50), Way { memory: true, tls: false });
}

#[test]
fn the_same_with_tls() {
    the_same(DICE_TLS, runs(10), Way { memory: false, tls: true });
}

#[test]
fn the_same_with_tls_in_memory() {
    the_same(DICE_TLS, runs(10), Way { memory: true, tls: true });
}
