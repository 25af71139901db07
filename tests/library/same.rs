//! Same scenario, same seed, same client bytes: same bytes back and same events, times apart.

use badproxy::event::Event;
use badproxy::start::Setup;
use badproxy::{Scenario, World};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Dice at five places.
const DICE: &str = "\
rules:
- {at: accept, when: {probability: 0.2}, do: reset}
- {at: auth, when: {probability: 0.2}, do: {challenge: digest}}
- {at: reply, when: {probability: 0.3}, do: [{garbage: 64B}, close]}
- {at: tunnel, when: {probability: 0.3}, do: [{corrupt: 0.02}, {until: {bytes: 200B}}, close]}
- {at: response, when: {probability: 0.3}, do: {garbage: 1kB}}
";

/// What came back: the bytes, and whether their end was a RST.
async fn exchange(world: &World) -> (Vec<u8>, bool) {
    let mut socket = TcpStream::connect(world.proxy_address()).await.unwrap();
    let mut got = Vec::new();
    // Where the answer is a RST, writing may fail too.
    let _ = socket.write_all(b"CONNECT target.badproxy.test:80 HTTP/1.1\r\n\r\n").await;
    let mut head = [0; 39];
    match socket.read_exact(&mut head).await {
        Ok(_) => got.extend(head),
        Err(error) => return (got, error.kind() == std::io::ErrorKind::ConnectionReset),
    }
    if head.starts_with(b"HTTP/1.1 200") {
        let get = b"GET / HTTP/1.1\r\nHost: target.badproxy.test\r\nConnection: close\r\n\r\n";
        let _ = socket.write_all(get).await;
    }
    socket.shutdown().await.ok();
    let end = socket.read_to_end(&mut got).await;
    (got, end.is_err())
}

/// What came back, and the events without what differs from one run to the next.
async fn play(scenario: &Scenario, seed: u64) -> (Vec<(Vec<u8>, bool)>, Vec<String>) {
    let setup = Setup { seed: Some(seed), ..Setup::default() };
    let world = scenario.start_with(&setup).await.unwrap();
    let mut answers = Vec::new();
    for conn in 1..=8 {
        answers.push(exchange(&world).await);
        // One after the other: the order of events of different connections is the scheduler's.
        world.wait_for(|event| event.conn == Some(conn) && name(event) == "tcp:closed").await;
    }
    let events = world.finish().await.events.iter().map(timeless).collect();
    (answers, events)
}

fn name(event: &Event) -> String {
    event.what.name()
}

/// Times, and the ports that the system chose, taken out.
fn timeless(event: &Event) -> String {
    let mut event = serde_json::to_value(event).unwrap();
    event.as_object_mut().unwrap().remove("time");
    if let Some(data) = event["data"].as_object_mut() {
        for other in ["src", "address", "measured", "client_did", "lag_max_ms"] {
            data.remove(other);
        }
    }
    event.to_string()
}

/// 50 here. BADPROXY_RUNS=1000 for more.
#[tokio::test]
async fn the_same_seed_gives_the_same_bytes_and_events() {
    let runs = std::env::var("BADPROXY_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(50);
    let scenario = Scenario::from_yaml(DICE).unwrap_or_else(|problems| panic!("{problems}"));
    let first = play(&scenario, 7).await;
    for run in 1..runs {
        assert_eq!(play(&scenario, 7).await, first, "run {run}");
    }
    let others: Vec<_> = [play(&scenario, 8).await, play(&scenario, 9).await].into();
    assert!(others.iter().all(|other| other.0 != first.0), "another seed gives something else");
}
