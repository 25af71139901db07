//! Scenarios whose client opens several connections at once, or closes one of its directions.

use badproxy::scenario::Scenario;
use tokio::io::AsyncWriteExt;

use super::{Client, HOST};
use crate::arm::Connection;

/// Plays it; false when the scenario is not of this family.
pub(super) async fn play(client: &mut Client<'_>, scenario: &Scenario) -> bool {
    match scenario.name.as_str() {
        "accept/ceiling" | "accept/ceiling-silent" => ceiling(client).await,
        "tunnel/half-close-kills-both" => half_close(client).await,
        _ => return false,
    }
    true
}

/// Two connections that are served stay open while a third is tried.
async fn ceiling(client: &mut Client<'_>) {
    let mut open: Vec<Box<dyn Connection>> = Vec::new();
    for _ in 0..3 {
        let Ok(mut wire) = client.dial().await else { return };
        client.line("SYN <- SYN-ACK");
        client.connect(&mut wire, false).await;
        open.push(wire);
    }
    client.line("-> FIN, on all three");
}

/// A request into the tunnel, then a FIN: nothing more to say.
async fn half_close(client: &mut Client<'_>) {
    let Ok(mut wire) = client.dial().await else { return };
    client.line("SYN <- SYN-ACK");
    client.connect(&mut wire, false).await;
    let head = format!("GET /delay/1s HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    client.send(&mut wire, "GET /delay/1s", head.as_bytes()).await;
    client.line("-> FIN");
    let _ = wire.shutdown().await;
    client.read(&mut wire, |_| false).await;
}
