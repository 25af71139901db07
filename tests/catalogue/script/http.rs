//! Scenarios whose client sends a request in absolute form to the proxy, in clear.

use badproxy::scenario::Scenario;

use super::{Client, HOST, whole_response};

/// The request of a scenario's client: what it is called, head and body.
fn request(name: &str) -> Option<(&'static str, String)> {
    let post = |lines: &str, body: &str| {
        format!("POST http://{HOST}/echo HTTP/1.1\r\nHost: {HOST}\r\n{lines}\r\n{body}")
    };
    Some(match name {
        "request/417-expect" => {
            ("POST with Expect", post("Expect: 100-continue\r\nContent-Length: 3\r\n", ""))
        }
        "request/411-chunked" | "request/502-chunked" => {
            ("POST, chunked", post("Transfer-Encoding: chunked\r\n", "3\r\nx=1\r\n0\r\n\r\n"))
        }
        "request/413-early" => ("POST, the body not yet", post("Content-Length: 1000000\r\n", "")),
        "request/upload-reset" => ("POST", post("Content-Length: 3\r\n", "x=1")),
        "request/captive-portal" => {
            ("GET", format!("GET http://{HOST}/ HTTP/1.1\r\nHost: {HOST}\r\n\r\n"))
        }
        "request/head-limit-8k" => {
            let long = "0".repeat(9000);
            ("CONNECT with 9 kB", format!("CONNECT {HOST}:443 HTTP/1.1\r\nX-Long: {long}\r\n\r\n"))
        }
        _ => return None,
    })
}

/// Plays it; false when the scenario is not of this family.
pub(super) async fn play(client: &mut Client<'_>, scenario: &Scenario) -> bool {
    let Some((what, bytes)) = request(&scenario.name) else { return false };
    let Ok(mut wire) = client.dial().await else {
        client.line("SYN <- no answer");
        return true;
    };
    client.line("SYN <- SYN-ACK");
    client.send(&mut wire, what, bytes.as_bytes()).await;
    let (_, ending) = client.read(&mut wire, whole_response).await;
    if ending.is_some() {
        return true;
    }
    if scenario.name == "request/413-early" {
        client.send(&mut wire, "the body, 1,000,000 bytes", &[b'x'; 1_000_000]).await;
    }
    client.read(&mut wire, |_| false).await;
    true
}
