//! Scenarios whose client opens a WebSocket: in a tunnel to port 80, or through SOCKS5.

use badproxy::scenario::Scenario;

use super::{Client, HOST, whole_response};

/// The text `hi` in a masked frame, and a masked close with code 1000.
const HI: &[u8] = &[0x81, 0x82, 1, 2, 3, 4, b'h' ^ 1, b'i' ^ 2];
const CLOSE: &[u8] = &[0x88, 0x82, 1, 2, 3, 4, 0x03 ^ 1, 0xe8 ^ 2];

/// Plays it; false when the scenario is not of this family.
pub(super) async fn play(client: &mut Client<'_>, scenario: &Scenario) -> bool {
    if !scenario.target().starts_with("ws://") {
        return false;
    }
    let mut wire = client.dial().await.unwrap();
    client.line("SYN <- SYN-ACK");
    if scenario.proxy_scheme().is_socks() {
        client.send(&mut wire, "SOCKS5 greeting, methods [0]", &[5, 1, 0]).await;
        client.read(&mut wire, |got| got.len() >= 2).await;
        let mut request = vec![5, 1, 0, 3, HOST.len() as u8];
        request.extend(HOST.as_bytes());
        request.extend(80u16.to_be_bytes());
        client.send(&mut wire, "SOCKS5 CONNECT by name, port 80", &request).await;
        client.read(&mut wire, |got| got.len() >= 10).await;
    } else {
        let head = format!("CONNECT {HOST}:80 HTTP/1.1\r\nHost: {HOST}:80\r\n\r\n");
        client.send(&mut wire, "CONNECT, port 80", head.as_bytes()).await;
        client.read(&mut wire, super::whole_reply).await;
    }
    let head = format!(
        "GET /ws HTTP/1.1\r\nHost: {HOST}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: eHh4eHh4eHh4eHh4eHh4eA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    );
    client.send(&mut wire, "GET /ws with Upgrade", head.as_bytes()).await;
    let (got, ending) = client.read(&mut wire, whole_response).await;
    if ending.is_some() {
        return true;
    }
    if !String::from_utf8_lossy(&got).contains(" 101 ") {
        client.read(&mut wire, |_| false).await;
        return true;
    }
    client.send(&mut wire, "the text hi, masked", HI).await;
    client.read(&mut wire, |got| got.len() >= 4).await;
    if !scenario.name.starts_with("tunnel/") {
        client.send(&mut wire, "close 1000, masked", CLOSE).await;
    }
    client.read(&mut wire, |_| false).await;
    true
}
