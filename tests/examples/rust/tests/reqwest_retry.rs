//! reqwest with a retry middleware (reqwest-middleware, reqwest-retry), over sockets: what its default
//! does well for a GET, and that the same default sends a POST twice.

use std::time::Duration;

use badproxy::{Scenario, Stage, World, checks};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Error};
use reqwest_retry::policies::ExponentialBackoff;
use reqwest_retry::{
    DefaultRetryableStrategy, RetryTransientMiddleware, Retryable, RetryableStrategy,
};

/// The client under test: five attempts, with short pauses because they are waited for here.
fn client<S>(world: &World, strategy: S) -> ClientWithMiddleware
where
    S: RetryableStrategy + Send + Sync + 'static,
{
    let reqwest = reqwest::Client::builder()
        .proxy(reqwest::Proxy::all(world.proxy_url()).unwrap())
        // This world's roots, and no other.
        .tls_backend_preconfigured(world.client_config())
        .timeout(Duration::from_secs(10))
        .build()
        .unwrap();
    let policy = ExponentialBackoff::builder()
        .retry_bounds(Duration::from_millis(10), Duration::from_millis(50))
        .build_with_max_retries(4);
    let retry = RetryTransientMiddleware::new_with_policy_and_strategy(policy, strategy);
    ClientBuilder::new(reqwest).with(retry).build()
}

/// Tries again only where there was no connection, so that nothing can have been sent.
struct NothingSent;

impl RetryableStrategy for NothingSent {
    fn handle(&self, result: &Result<reqwest::Response, Error>) -> Option<Retryable> {
        match result {
            Err(Error::Reqwest(error)) if error.is_connect() => Some(Retryable::Transient),
            _ => None,
        }
    }
}

/// Two attempts are cut off at this stage.
fn two_resets(at: Stage) -> Scenario {
    let scenario = Scenario::new().expect_success().expect_attempts(3..=3);
    let scenario = scenario.at(at).attempts(1..=2).reset().build();
    scenario.unwrap_or_else(|problems| panic!("{problems}"))
}

#[tokio::test]
async fn a_get_is_tried_again_until_it_is_answered() {
    for at in [Stage::Reply, Stage::Tls, Stage::Response] {
        let world = two_resets(at).start().await.unwrap();
        let answer = client(&world, DefaultRetryableStrategy).get(world.target_url()).send().await;
        world.client_ended(answer.as_ref());
        world.finish().await.assert_expectations();
    }
}

/// To reqwest a 407 is a failed connection, so that it is tried again: no login comes of that, but at
/// least it has an end.
#[tokio::test]
async fn a_407_is_tried_again_a_few_times_at_most() {
    let scenario = Scenario::catalogue("auth/407-no-credentials").unwrap();
    let world = scenario.start().await.unwrap();
    let answer = client(&world, DefaultRetryableStrategy).get(world.target_url()).send().await;
    answer.unwrap_err();
    checks::bounded(&world.finish().await.events, 5).unwrap();
}

/// The default strategy knows nothing of methods.
#[tokio::test]
async fn by_default_a_post_is_sent_again() {
    let world = two_resets(Stage::Response).start().await.unwrap();
    let client = client(&world, DefaultRetryableStrategy);
    client.post(world.target_url()).body("amount=5").send().await.unwrap();
    let broken = checks::idempotent(&world.finish().await.events, 1).unwrap_err();
    assert!(broken.to_string().contains("POST / was sent 2 times"), "{broken}");
}

#[tokio::test]
async fn with_a_strategy_of_its_own_it_is_not() {
    for (at, arrives) in [(Stage::Reply, true), (Stage::Response, false)] {
        let world = two_resets(at).start().await.unwrap();
        let answer = client(&world, NothingSent).post(world.target_url()).body("amount=5");
        assert_eq!(answer.send().await.is_ok(), arrives, "{at}");
        checks::idempotent(&world.finish().await.events, 1).unwrap();
    }
}
