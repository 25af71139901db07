//! A hyper client that knows nothing of this project, in virtual time and over sockets.

use std::io::ErrorKind;
use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::rt::TokioExecutor;
use tokio::time::Instant;

use super::*;
use crate::scenario::read;
use crate::start::{Running, Setup, simulate, start};

fn scenario(yaml: &str) -> crate::scenario::Scenario {
    read(yaml, "test").unwrap_or_else(|problems| panic!("{problems}"))
}

fn simulated(yaml: &str) -> Running {
    let setup = Setup { seed: Some(7), listen: ([127, 0, 0, 1], 3128).into(), ..Setup::default() };
    simulate(scenario(yaml), &setup).unwrap()
}

/// Fetches the origin's page in the clear, through a tunnel.
async fn tunnelled(running: &Running) -> Result<String, String> {
    let proxy = running.proxy_url().parse().unwrap();
    let client = Client::builder(TokioExecutor::new())
        .build::<_, Empty<&[u8]>>(Tunnel::new(proxy, Connector::of(running)));
    fetch(&client).await
}

async fn fetch<C>(client: &Client<C, Empty<&'static [u8]>>) -> Result<String, String>
where
    C: hyper_util::client::legacy::connect::Connect + Clone + Send + Sync + 'static,
{
    let uri = "http://target.badproxy.test:80/".parse().unwrap();
    let response = client.get(uri).await.map_err(|error| format!("{error:?}"))?;
    let body = response.into_body().collect().await.map_err(|error| format!("{error:?}"))?;
    Ok(String::from_utf8_lossy(&body.to_bytes()).into_owned())
}

#[tokio::test(start_paused = true)]
async fn hyper_tunnels_in_virtual_time() {
    let running = simulated("rules:\n  - at: dial\n    do: {delay: 50m}\n");
    let begin = Instant::now();
    let page = tunnelled(&running).await.unwrap();
    assert!(page.contains(&running.shared.nonce), "{page}");
    assert_eq!(begin.elapsed(), Duration::from_secs(3000));
    assert_eq!(running.shared.log.conduct().nonces.tunnel, 1);
}

#[tokio::test]
async fn hyper_tunnels_over_sockets() {
    let running = start(scenario("name: a/b\n"), &Setup::default()).await.unwrap();
    let page = tunnelled(&running).await.unwrap();
    assert!(page.contains(&running.shared.nonce), "{page}");
}

#[tokio::test(start_paused = true)]
async fn hyper_forwards() {
    let running = simulated("name: a/b\n");
    let client = Client::builder(TokioExecutor::new()).build(Connector::of(&running).forwarding());
    let page = fetch(&client).await.unwrap();
    assert!(page.contains(&running.shared.nonce), "{page}");
    assert_eq!(running.shared.log.conduct().nonces.forward, 1);
}

#[tokio::test(start_paused = true)]
async fn a_reset_is_a_reset() {
    let running = simulated("rules:\n  - {at: reply, do: reset}\n");
    let error = tunnelled(&running).await.unwrap_err();
    assert!(error.contains("ConnectionReset"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn syn_faults_are_outcomes_of_the_dial() {
    for (rule, kind, time) in [
        ("refuse", ErrorKind::ConnectionRefused, 0),
        ("blackhole", ErrorKind::TimedOut, 127),
        ("unreachable", ErrorKind::HostUnreachable, 0),
    ] {
        let running = simulated(&format!("rules:\n  - {{at: syn, do: {rule}}}\n"));
        let begin = Instant::now();
        let error = Dialler::of(&running).dial("127.0.0.1", 3128).await.err().unwrap();
        assert_eq!(error.kind(), kind, "{rule}");
        assert_eq!(begin.elapsed(), Duration::from_secs(time), "{rule}");
    }
}

#[tokio::test(start_paused = true)]
async fn dns_faults_are_outcomes_of_the_dial() {
    const NAME: &str = "proxy.badproxy.test";
    for (rule, time) in
        [("{answer: nxdomain}", 0), ("{answer: servfail}", 0), ("hang", 10), ("{delay: 6s}", 10)]
    {
        let running = simulated(&format!(
            "client: {{proxy_host: name}}\nrules:\n  - {{at: dns, do: {rule}}}\n"
        ));
        let begin = Instant::now();
        let error = Dialler::of(&running).dial(NAME, 3128).await.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{rule}: {error}");
        assert_eq!(begin.elapsed(), Duration::from_secs(time), "{rule}");
        assert!(running.shared.log.conduct().queries > 0, "{rule}");
    }
    let healthy = simulated("client: {proxy_host: name}\ndns: {}\n");
    assert!(Dialler::of(&healthy).dial(NAME, 3128).await.is_ok());
    assert!(tunnelled(&healthy).await.is_ok());
}

/// The kernel of nobody's machine is asked: what is not the proxy cannot be reached.
#[tokio::test(start_paused = true)]
async fn who_goes_around_is_seen() {
    let running = simulated("name: a/b\n");
    for (host, port) in [("target.badproxy.test", 443), ("127.0.0.1", 80), ("::1", 3128), ("", 0)] {
        let error = Dialler::of(&running).dial(host, port).await.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::HostUnreachable, "{host}");
    }
    assert!(running.shared.log.conduct().went_around());
}
