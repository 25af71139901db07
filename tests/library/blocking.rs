//! Without a runtime.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use badproxy::event::What;
use badproxy::{Scenario, blocking};

/// The answer to a CONNECT, whole.
fn connect(world: &blocking::World) -> std::io::Result<String> {
    let mut socket = TcpStream::connect(world.proxy_address())?;
    socket.write_all(b"CONNECT target.badproxy.test:443 HTTP/1.1\r\n\r\n")?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer)?;
    Ok(answer)
}

#[test]
fn a_plain_thread_plays_a_scenario() {
    let scenario = Scenario::from_yaml(
        "rules:\n  - {at: reply, when: {attempt: 1}, do: {respond: 503, then: close}}\n  - {at: reply, do: reset}\n",
    )
    .unwrap();
    let world = blocking::start(&scenario).unwrap();
    assert!(connect(&world).unwrap().starts_with("HTTP/1.1 503 "));
    assert_eq!(connect(&world).unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
    let long = Duration::from_secs(60);
    let second =
        |event: &badproxy::event::Event| matches!(event.what, What::Fault { effect: "reset", .. });
    assert_eq!(world.wait_for(long, second).unwrap().conn, Some(2));
    assert!(world.wait_for(Duration::from_millis(1), |_| false).is_none());
    world.client_ended(Err::<(), _>("it is broken"));
    let mut events = world.events();
    assert!(matches!(events.next_within(long).unwrap().what, What::Listening { .. }));
    let outcome = world.finish();
    assert_eq!(outcome.conduct.attempts, 2);
    outcome.assert_expectations();
}

#[test]
fn worlds_on_many_threads() {
    let scenario = Scenario::from_yaml("rules: [{at: reply, do: close}]").unwrap();
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                let world = blocking::start(&scenario).unwrap();
                assert_eq!(connect(&world).unwrap(), "");
                assert_eq!(world.finish().conduct.attempts, 1);
            });
        }
    });
}

#[test]
fn what_cannot_start_says_why() {
    let scenario = Scenario::catalogue("request/vanish").unwrap();
    let error = blocking::start(&scenario).err().unwrap();
    assert_eq!(error.kind(), std::io::ErrorKind::Unsupported);
}
