//! A connection pool meets connections that have died: while they were idle, and at the very moment
//! at which they are used again (FB117, openjdk/jdk#2649, envoyproxy/envoy#2715).

use std::time::Duration;

use badproxy::event::Event;
use badproxy::{Scenario, World, checks};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Method, Request};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::Connect;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::rt::{TokioExecutor, TokioTimer};

type Pool<C> = Client<C, Full<Bytes>>;

/// hyper's pool over tunnels. With a timer of tokio's it, too, keeps to the paused clock.
fn pool(world: &World) -> Pool<impl Connect + Clone + Send + Sync + 'static + use<>> {
    let tunnel = Tunnel::new(world.proxy_url().parse().unwrap(), world.connector());
    Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(tunnel)
}

/// One request, as the pool does it.
async fn once<C>(pool: &Pool<C>, method: &Method) -> anyhow::Result<Bytes>
where
    C: Connect + Clone + Send + Sync + 'static,
{
    let request = Request::builder().method(method).uri("http://target.badproxy.test:80/");
    let response = pool.request(request.body(Full::default())?).await?;
    Ok(response.into_body().collect().await?.to_bytes())
}

/// What a client should do on top of it: a request that may be repeated is sent once more.
async fn fetch<C>(pool: &Pool<C>, method: &Method) -> anyhow::Result<Bytes>
where
    C: Connect + Clone + Send + Sync + 'static,
{
    match once(pool, method).await {
        Err(_) if method.is_idempotent() => once(pool, method).await,
        result => result,
    }
}

fn simulate(yaml: &str) -> World {
    let scenario = Scenario::from_yaml(yaml).unwrap_or_else(|problems| panic!("{problems}"));
    scenario.simulate().unwrap()
}

/// The connection of each attempt.
fn connections(events: &[Event]) -> Vec<Option<u64>> {
    checks::attempts(events).iter().map(|attempt| attempt.conn).collect()
}

/// An end that comes in time is noticed: the next request has a connection of its own at once.
#[tokio::test(start_paused = true)]
async fn one_that_died_while_it_was_idle_is_not_used() {
    for end in ["close", "reset"] {
        let world =
            simulate(&format!("rules: [{{at: tunnel, do: [{{until: {{idle: 30s}}}}, {end}]}}]"));
        let pool = pool(&world);
        for _ in 0..3 {
            once(&pool, &Method::GET).await.unwrap();
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
        let events = world.finish().await.events;
        checks::pool(&events).unwrap();
        assert_eq!(connections(&events), [Some(1), Some(2), Some(3)], "{end}");
    }
}

const RACE: &str = "rules: [{at: response, when: {attempt: 2}, do: close}]";

/// The race cannot be won by looking: the end comes after the request is on its way.
#[tokio::test(start_paused = true)]
async fn a_get_that_meets_the_race_is_sent_once_more() {
    let world = simulate(RACE);
    let pool = pool(&world);
    fetch(&pool, &Method::GET).await.unwrap();
    let page = fetch(&pool, &Method::GET).await.unwrap();
    assert_eq!(page.trim_ascii(), world.nonce().as_bytes());
    fetch(&pool, &Method::GET).await.unwrap();
    let events = world.finish().await.events;
    checks::pool(&events).unwrap();
    // Four requests over two connections: the second one is kept again.
    assert_eq!(connections(&events), [Some(1), Some(1), Some(2), Some(2)]);
}

/// The pool alone hands the error on. Whether a POST has been carried out, nobody knows.
#[tokio::test(start_paused = true)]
async fn a_post_that_meets_the_race_fails_and_leaves_the_pool_in_order() {
    let world = simulate(RACE);
    let pool = pool(&world);
    fetch(&pool, &Method::GET).await.unwrap();
    let error = fetch(&pool, &Method::POST).await.unwrap_err();
    assert!(
        format!("{error:#}").contains("connection closed before message completed"),
        "{error:#}"
    );
    fetch(&pool, &Method::GET).await.unwrap();
    let events = world.finish().await.events;
    checks::pool(&events).unwrap();
    checks::idempotent(&events, 1).unwrap();
}

/// A pool that forgets the tunnel when it dials again: the target's request goes to the proxy.
#[tokio::test(start_paused = true)]
async fn one_that_forgets_connect_is_found_out() {
    let world = simulate(RACE);
    let good = pool(&world);
    once(&good, &Method::GET).await.unwrap();
    once(&good, &Method::GET).await.unwrap_err();
    let (mut send, conn) = {
        let wire = world.dialler().proxy().await.unwrap();
        let io = hyper_util::rt::TokioIo::new(wire);
        hyper::client::conn::http1::handshake::<_, Full<Bytes>>(io).await.unwrap()
    };
    tokio::spawn(conn);
    let get = Request::get("/").header("Host", "target.badproxy.test").body(Full::default());
    let response = send.send_request(get.unwrap()).await.unwrap();
    assert_eq!(response.status(), 400);
    let broken = checks::pool(&world.finish().await.events).unwrap_err();
    assert!(broken.to_string().contains("attempt 3 met no fault and was not served"), "{broken}");
}
