//! `/ws`: a WebSocket (RFC 6455) that sends back what it gets.

use base64::Engine;
use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::http1::stage;
use super::{Heard, Link, close};
use crate::event::What;
use crate::fault::After;
use crate::proxy::head::Head;
use crate::stage::Stage;
use crate::wire::BoxWire;

/// The longest frame that is echoed.
const LONGEST: u64 = 1 << 20;

/// The path of the WebSocket.
pub(super) const PATH: &str = "/ws";
/// The version of the protocol (RFC 6455).
pub(super) const VERSION: &str = "13";

/// Whether a request asks for the WebSocket as RFC 6455, section 4.2.1, wants it.
pub(super) fn wanted(head: &Head) -> bool {
    head.method == "GET"
        && head.target.split('?').next() == Some(PATH)
        && head.lists("upgrade", "websocket")
        && head.lists("connection", "upgrade")
        && head.header("sec-websocket-version").is_some_and(|v| v.trim() == VERSION)
        && head.header("sec-websocket-key").is_some()
}

/// The value of Sec-WebSocket-Accept.
fn accept(key: &str) -> String {
    let text = format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    let hash = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes());
    base64::engine::general_purpose::STANDARD.encode(hash)
}

/// Codes of a close frame (RFC 6455, section 7.4.1): it breaks the protocol, it is too long.
const BROKEN: u16 = 1002;
const TOO_LONG: u16 = 1009;

/// One frame off the front of `inbox`: its first byte and its payload. Err: why there is none.
fn take(inbox: &mut BytesMut) -> Result<Option<(u8, Vec<u8>)>, u16> {
    if inbox.len() < 2 {
        return Ok(None);
    }
    let (first, second) = (inbox[0], inbox[1]);
    if second & 0x80 == 0 {
        return Err(BROKEN);
    }
    let (size, at) = match second & 0x7f {
        126 if inbox.len() >= 4 => (u64::from(u16::from_be_bytes([inbox[2], inbox[3]])), 4),
        127 if inbox.len() >= 10 => ((&inbox[2..10]).get_u64(), 10),
        126 | 127 => return Ok(None),
        n => (u64::from(n), 2),
    };
    if size > LONGEST {
        return Err(TOO_LONG);
    }
    let end = at + 4 + size as usize;
    if inbox.len() < end {
        return Ok(None);
    }
    let mask = [inbox[at], inbox[at + 1], inbox[at + 2], inbox[at + 3]];
    let payload = inbox[at + 4..end].iter().enumerate().map(|(i, b)| b ^ mask[i % 4]).collect();
    inbox.advance(end);
    Ok(Some((first, payload)))
}

fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![first];
    match payload.len() {
        n if n < 126 => out.push(n as u8),
        n if n < 65536 => {
            out.push(126);
            out.extend_from_slice(&(n as u16).to_be_bytes());
        }
        n => {
            out.push(127);
            out.extend_from_slice(&(n as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(payload);
    out
}

/// Stage `response`: the 101. [`After::Go`]: the WebSocket is open.
pub(super) async fn open(
    link: &mut Link,
    wire: &mut BoxWire,
    inbox: &mut BytesMut,
    head: &Head,
) -> After {
    let key = accept(head.header("sec-websocket-key").unwrap_or_default().trim());
    let reply = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {key}\r\n\r\n"
    );
    let (after, _) = stage(link, Stage::Response, wire, inbox, &mut reply.as_bytes()).await;
    if after == After::Go {
        let nonce_served = true;
        link.conn.upgrade();
        let (via, method) = (link.via, link.method.clone());
        link.conn.note(What::HttpResponse { via, method, status: 101, bytes: 0, nonce_served });
    }
    after
}

/// Echoes until the client closes.
pub(super) async fn echo(mut wire: BoxWire, mut inbox: BytesMut, heard: &mut Heard) {
    loop {
        match take(&mut inbox) {
            Err(code) => {
                let said = frame(0x88, &code.to_be_bytes());
                let _ = wire.write_all(&said).await;
                return close(wire, heard).await;
            }
            Ok(None) => match wire.read_buf(&mut inbox).await {
                Ok(n) if n > 0 => {}
                _ => return close(wire, heard).await,
            },
            Ok(Some((first, payload))) => {
                heard.payload(&payload);
                let (opcode, end) = (first & 0x0f, first & 0x0f == 8);
                // A ping is answered with a pong, everything else with itself.
                let first = if opcode == 9 { (first & 0xf0) | 10 } else { first };
                let sent = wire.write_all(&frame(first, &payload)).await.is_ok();
                if !sent || wire.flush().await.is_err() || end {
                    return close(wire, heard).await;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_accept_key_of_the_rfc() {
        assert_eq!(accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn frames_are_taken_whole() {
        let mut inbox = BytesMut::from(&[0x81, 0x82, 1, 2, 3, 4, b'h' ^ 1][..]);
        assert_eq!(take(&mut inbox), Ok(None));
        inbox.extend_from_slice(&[b'i' ^ 2, 0x99]);
        assert_eq!(take(&mut inbox), Ok(Some((0x81, b"hi".to_vec()))));
        assert_eq!(&inbox[..], [0x99]);
        assert_eq!(take(&mut BytesMut::from(&[0x81, 0x02][..])), Err(BROKEN), "unmasked");
    }
}
