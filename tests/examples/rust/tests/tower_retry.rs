//! A tower retry layer over a hyper client, in virtual time: its back-off is measured to the
//! millisecond, and a wait of two minutes costs nothing.

use std::pin::Pin;
use std::time::Duration;

use badproxy::checks::{self, Pace};
use badproxy::{Outcome, Scenario};
use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::header::RETRY_AFTER;
use hyper::{Request, Response, StatusCode};
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::TokioExecutor;
use tower::retry::backoff::{Backoff, ExponentialBackoff, ExponentialBackoffMaker, MakeBackoff};
use tower::retry::{Policy, Retry};
use tower::util::rng::HasherRng;
use tower::{Service, ServiceExt};

const BASE: Duration = Duration::from_millis(100);
const MAX: Duration = Duration::from_secs(10);

/// The policy under test: tries again after an error and a 5xx, as long as there are tries left.
#[derive(Clone)]
struct Again {
    left: usize,
    backoff: ExponentialBackoff,
    /// Whether `Retry-After` counts.
    polite: bool,
}

impl Again {
    fn new(tries: usize, polite: bool) -> Self {
        // A pause has up to half of itself added.
        let maker = ExponentialBackoffMaker::new(BASE, MAX, 0.5, HasherRng::default());
        Again { left: tries - 1, backoff: maker.unwrap().make_backoff(), polite }
    }
}

type Get = Request<Empty<Bytes>>;

impl Policy<Get, Response<Incoming>, Error> for Again {
    type Future = Pin<Box<dyn Future<Output = ()> + Send>>;

    fn retry(
        &mut self,
        _: &mut Get,
        result: &mut Result<Response<Incoming>, Error>,
    ) -> Option<Self::Future> {
        let is_final = matches!(result, Ok(response) if !response.status().is_server_error());
        if is_final || self.left == 0 {
            return None;
        }
        self.left -= 1;
        let pause = self.backoff.next_backoff();
        let told = result.as_ref().ok().and_then(|response| response.headers().get(RETRY_AFTER));
        let told = told.and_then(|value| value.to_str().ok()?.parse().ok()).filter(|_| self.polite);
        let least = tokio::time::sleep(Duration::from_secs(told.unwrap_or(0)));
        Some(Box::pin(async move {
            pause.await;
            least.await;
        }))
    }

    fn clone_request(&mut self, request: &Get) -> Option<Get> {
        Some(request.clone())
    }
}

/// What came of this scenario, given as YAML.
async fn play(yaml: &str, policy: Again) -> (Result<StatusCode, Error>, Outcome) {
    let scenario = Scenario::from_yaml(yaml).unwrap_or_else(|problems| panic!("{problems}"));
    let world = scenario.simulate().unwrap();
    let tunnel = Tunnel::new(world.proxy_url().parse().unwrap(), world.connector());
    let client = Client::builder(TokioExecutor::new()).build(tunnel);
    let mut service = Retry::new(policy, client);
    let get = Request::get("http://target.badproxy.test:80/").body(Empty::new()).unwrap();
    let response = service.ready().await.unwrap().call(get).await;
    (response.map(|response| response.status()), world.finish().await)
}

/// Three different troubles, and the fourth attempt is good.
#[tokio::test(start_paused = true)]
async fn it_waits_longer_each_time_and_succeeds() {
    let (status, outcome) = play(
        "rules:\n\
         - {at: accept, when: {attempt: 1}, do: reset}\n\
         - {at: reply, when: {attempt: 2}, do: {respond: 502}}\n\
         - {at: response, when: {attempt: 3}, do: close}\n",
        Again::new(5, true),
    )
    .await;
    assert_eq!(status.unwrap(), StatusCode::OK);
    checks::backoff(&outcome.events, &Pace::new(BASE).jitter(1.0, 1.5).max(MAX)).unwrap();
    checks::recovers(&outcome.events).unwrap();
}

/// A proxy that never recovers is left alone after so many attempts.
#[tokio::test(start_paused = true)]
async fn it_gives_up() {
    let (status, outcome) = play("rules: [{at: reply, do: close}]", Again::new(12, true)).await;
    assert!(status.unwrap_err().is_connect());
    assert_eq!(checks::attempts(&outcome.events).len(), 12);
    checks::bounded(&outcome.events, 12).unwrap();
    checks::backoff(&outcome.events, &Pace::new(BASE).jitter(1.0, 1.5).max(MAX)).unwrap();
}

/// A policy that takes no notice of `Retry-After` is found out.
#[tokio::test(start_paused = true)]
async fn it_waits_as_long_as_it_is_told() {
    let yaml = "rules:\n\
        - at: response\n  \
          when: {attempt: 1-2}\n  \
          do: {respond: {status: 503, headers: [\"Retry-After: 60\"]}}\n";
    let minute = Duration::from_secs(60);
    let (status, outcome) = play(yaml, Again::new(5, true)).await;
    assert_eq!(status.unwrap(), StatusCode::OK);
    checks::retry_after(&outcome.events, minute).unwrap();

    let (_, outcome) = play(yaml, Again::new(5, false)).await;
    let broken = checks::retry_after(&outcome.events, minute).unwrap_err();
    assert_eq!(broken.allowed, "at least 60000 ms", "{broken}");
}
