//! A retry loop with a classic bug: it sends a POST again although it has been sent. A property test
//! finds that, makes it small and keeps it as a scenario file; the fixed loop passes.

use std::time::Duration;

use badproxy::checks::{self, Pace};
use badproxy::strategy::{Config, Schedule, Weights, hold, schedule};
use badproxy::{Outcome, Scenario, World};
use hyper::body::Bytes;
use hyper::{Request, StatusCode};
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::TokioExecutor;
use tokio::runtime::{Builder, Runtime};

const ATTEMPTS: u32 = 5;
const BASE: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(5);

/// Pays once, and tries again where `again` says that it may.
async fn pay(world: &World, again: fn(&Error) -> bool) -> anyhow::Result<StatusCode> {
    let tunnel = Tunnel::new(world.proxy_url().parse()?, world.connector());
    let client = Client::builder(TokioExecutor::new()).build(tunnel);
    let mut retries = 0;
    loop {
        let body = http_body_util::Full::new(Bytes::from_static(b"amount=5"));
        let request = Request::post("http://shop.badproxy.test:80/pay").body(body)?;
        // What takes too long may have arrived: no reason to send it again.
        let error = match tokio::time::timeout(PATIENCE, client.request(request)).await? {
            Ok(response) => return Ok(response.status()),
            Err(error) => error,
        };
        retries += 1;
        if retries == ATTEMPTS || !again(&error) {
            return Err(error.into());
        }
        // Twice as long each time, and between half and all of that. This is the client's own chance: a
        // schedule's seed does not repeat it.
        let pause = BASE * 2_u32.pow(retries - 1);
        tokio::time::sleep(pause.mul_f64(0.5 + fastrand::f64() / 2.0)).await;
    }
}

/// The bug: any error is a reason to try again.
fn careless(_: &Error) -> bool {
    true
}

/// The fix: without a connection nothing has been sent.
fn careful(error: &Error) -> bool {
    error.is_connect()
}

/// `paused`: time is virtual.
fn runtime(paused: bool) -> Runtime {
    Builder::new_current_thread().enable_all().start_paused(paused).build().unwrap()
}

/// What came of it when a client with this idea of retries met this schedule.
fn play(made: &Schedule, again: fn(&Error) -> bool) -> Outcome {
    runtime(true).block_on(async {
        let world = made.scenario().simulate().unwrap();
        world.client_ended(pay(&world, again).await);
        world.finish().await
    })
}

fn keeps_to_it(outcome: &Outcome) -> checks::Checked {
    checks::idempotent(&outcome.events, 1)?;
    checks::bounded(&outcome.events, ATTEMPTS.into())?;
    checks::backoff(&outcome.events, &Pace::new(BASE))?;
    checks::deadline(&outcome.events, PATIENCE * ATTEMPTS)
}

#[test]
fn the_careful_loop_pays_once() {
    hold(&Config::new("pays_once"), schedule(&Weights::default()), |made| {
        keeps_to_it(&play(made, careful)).map_err(|broken| broken.to_string())
    });
}

/// The test of a loop of your own is the one above. This one shows what it says when it fails.
#[test]
fn the_careless_loop_is_found_out() {
    let dir = tempfile::tempdir().unwrap();
    let config = Config::new("pays_once").directory(dir.path());
    let panic = std::panic::catch_unwind(|| {
        hold(&config, schedule(&Weights::default()), |made| {
            keeps_to_it(&play(made, careless)).map_err(|broken| broken.to_string())
        });
    });
    let message = *panic.unwrap_err().downcast::<String>().unwrap();
    assert!(message.contains("idempotent: POST /pay was sent 2 times"), "{message}");

    // The smallest schedule: one rule, for the first attempt alone, after the request was read.
    let file = dir.path().join("pays_once.yaml");
    let yaml = std::fs::read_to_string(&file).unwrap();
    let rules: Vec<&str> = yaml.lines().filter(|line| line.contains("- {at: ")).collect();
    let first = |rule: &str| rule.contains("at: response, when: {attempt: 1}, do: ");
    assert!(matches!(rules[..], [rule] if first(rule)), "{yaml}");
    assert!(message.contains(&format!("badproxy run {} -- COMMAND", file.display())), "{message}");

    // It is a scenario like any other: the bug shows over sockets, too.
    let outcome = runtime(false).block_on(async {
        let world = Scenario::from_file(&file).unwrap().start().await.unwrap();
        pay(&world, careless).await.unwrap();
        world.finish().await
    });
    assert_eq!(keeps_to_it(&outcome).unwrap_err().check, "idempotent");
}
