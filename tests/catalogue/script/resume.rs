//! Scenarios whose client fetches a file in parts, or waits for 100 Continue, or names the target
//! in `Host` in more than one way.

use badproxy::scenario::Scenario;

use super::{Client, Ending, HOST};
use crate::arm::Connection;

/// Plays it; false when the scenario is not of this family.
pub(super) async fn play(client: &mut Client<'_>, scenario: &Scenario) -> bool {
    match scenario.name.as_str() {
        "response/range-416" => resume(client, &["", PART, ""]).await,
        "response/range-ignored" | "response/range-new-etag" | "response/range-other-part" => {
            resume(client, &["", PART]).await;
        }
        "response/206-unasked" => resume(client, &["", ""]).await,
        "request/100-swallowed" | "response/100-with-final" => expect(client).await,
        "request/400-connect-host" => {
            without_port(client).await;
            client.connection(scenario).await;
        }
        _ => return false,
    }
    true
}

/// What resumes after 50,000 bytes.
const PART: &str = "Range: bytes=50000-\r\nIf-Range: \"bytes-100000\"\r\n";

async fn dial(client: &mut Client<'_>) -> Box<dyn Connection> {
    let wire = client.dial().await.unwrap();
    client.line("SYN <- SYN-ACK");
    wire
}

/// Requests with these lines, over one connection for as long as it stays.
async fn resume(client: &mut Client<'_>, requests: &[&str]) {
    let mut wire = dial(client).await;
    for lines in requests {
        let head =
            format!("GET http://{HOST}/bytes/100000 HTTP/1.1\r\nHost: {HOST}\r\n{lines}\r\n");
        let what = if lines.is_empty() { "GET /bytes/100000" } else { "the same with Range" };
        client.send(&mut wire, what, head.as_bytes()).await;
        let (_, ending) = client.read(&mut wire, whole).await;
        if ending == Some(Ending::Fin) {
            wire = dial(client).await;
        }
    }
    client.read(&mut wire, |_| false).await;
}

/// Whether head and body have come, whatever bytes they are.
fn whole(got: &[u8]) -> bool {
    let Some(at) = got.windows(4).position(|w| w == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&got[..at]);
    (got.len() - at - 4) as u64 >= super::length(&head)
}

/// A POST that waits for the 100, and sends its body when none comes.
async fn expect(client: &mut Client<'_>) {
    let mut wire = dial(client).await;
    let head = format!(
        "POST http://{HOST}/upload HTTP/1.1\r\nHost: {HOST}\r\nExpect: 100-continue\r\n\
         Content-Length: 3\r\n\r\n"
    );
    client.send(&mut wire, "POST with Expect", head.as_bytes()).await;
    client.read(&mut wire, |_| false).await;
    client.send(&mut wire, "the body, 3 bytes", b"x=1").await;
    client.read(&mut wire, |got| got.ends_with(b"}\n")).await;
    client.read(&mut wire, |_| false).await;
}

/// A CONNECT whose Host has no port.
async fn without_port(client: &mut Client<'_>) {
    let mut wire = dial(client).await;
    let head = format!("CONNECT {HOST}:443 HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    client.send(&mut wire, "CONNECT, no port in Host", head.as_bytes()).await;
    client.read(&mut wire, |_| false).await;
}
