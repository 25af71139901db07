//! hyper-util's legacy client behind the CONNECT proxy: the same client over sockets and in virtual
//! time, where ten seconds and an expired certificate cost nothing.

use std::time::Duration;

use badproxy::{Outcome, Scenario, World};
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::rt::TokioExecutor;

/// The client under test: a tunnel through the proxy, TLS in it, one GET.
async fn fetch(world: &World) -> anyhow::Result<String> {
    // In the program itself, hyper-util's HttpConnector stands in the place of `world.connector()`.
    let tunnel = Tunnel::new(world.proxy_url().parse()?, world.connector());
    let https = HttpsConnectorBuilder::new()
        .with_tls_config(world.client_config())
        .https_only()
        .enable_http1()
        .wrap_connector(tunnel);
    let client = Client::builder(TokioExecutor::new()).build::<_, Empty<Bytes>>(https);
    let response = client.get(world.target_url().parse()?).await?;
    anyhow::ensure!(response.status().is_success(), "the origin answered {}", response.status());
    let body = response.into_body().collect().await?.to_bytes();
    Ok(String::from_utf8(body.to_vec())?)
}

/// Runs the client, and tells the world how it has ended: with all that its error has to say.
async fn judge(world: World) -> Outcome {
    let result = fetch(&world).await;
    world.client_ended(result.map_err(|error| format!("{error:#}")));
    world.finish().await
}

fn catalogue(name: &str) -> Scenario {
    Scenario::catalogue(name).unwrap_or_else(|problems| panic!("{problems}"))
}

/// What ends within a moment is played over sockets.
#[tokio::test]
async fn it_does_well_over_sockets() {
    for name in ["ok/plain", "reply/fin-before-reply", "reply/split", "tls/wrong-host"] {
        judge(catalogue(name).start().await.unwrap()).await.assert_expectations();
    }
}

/// In virtual time all of it is, and what takes long, too.
#[tokio::test(start_paused = true)]
async fn it_does_well_in_virtual_time() {
    for name in ["ok/plain", "reply/fin-before-reply", "reply/split", "tls/wrong-host", "dial/slow"]
    {
        judge(catalogue(name).simulate().unwrap()).await.assert_expectations();
    }
}

#[tokio::test(start_paused = true)]
async fn ten_seconds_pass_at_once() {
    let world = catalogue("dial/slow").simulate().unwrap();
    let begin = tokio::time::Instant::now();
    let page = fetch(&world).await.unwrap();
    assert!(page.contains(&world.nonce()), "{page}");
    assert_eq!(begin.elapsed(), Duration::from_secs(10));
}

/// hyper has no timeout of its own: without one, a proxy that stays silent is waited for as long as
/// it likes. In virtual time a test can wait, too.
#[tokio::test(start_paused = true)]
async fn silence_is_waited_for_unless_there_is_a_timeout() {
    let world = catalogue("reply/hang").simulate().unwrap();
    let half_an_hour = Duration::from_secs(30 * 60);
    assert!(tokio::time::timeout(half_an_hour, fetch(&world)).await.is_err());
}
