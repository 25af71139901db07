//! The origin's HTTP/2, by the h2 library: it behaves.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use h2::server::SendResponse;
use http::{Request, Response};
use tokio::io::AsyncReadExt;
use tokio::sync::Mutex;

use super::Link;
use super::answer::{Asked, answer};
use super::http1::{app_data, write_down};
use crate::event::What;
use crate::wire::BoxWire;

/// The connection preface of a client: bytes sent in any case.
const PREFACE: usize = 24;

/// Serves requests until the connection ends.
pub(super) async fn serve(link: Link, wire: BoxWire) {
    let Ok(mut connection) = h2::server::handshake(wire).await else { return };
    app_data(&link, PREFACE);
    let shared = Arc::clone(&link.conn.shared);
    let link = Arc::new(Mutex::new(link));
    while let Some(Ok((request, respond))) = connection.accept().await {
        let link = Arc::clone(&link);
        shared.spawn(async move {
            // A client that has gone away needs no answer.
            let _ = one(&link, request, respond).await;
        });
    }
}

async fn one(
    link: &Mutex<Link>,
    request: Request<h2::RecvStream>,
    mut respond: SendResponse<Bytes>,
) -> Result<(), h2::Error> {
    let (parts, mut stream) = request.into_parts();
    let headers: Vec<(String, String)> = parts
        .headers
        .iter()
        .map(|(n, v)| (n.to_string(), String::from_utf8_lossy(v.as_bytes()).into_owned()))
        .collect();
    let path = parts.uri.path_and_query().map_or("/", |p| p.as_str()).to_owned();
    let raw: String = headers.iter().map(|(n, v)| format!("{n}: {v}\r\n")).collect();
    let (conn, via) = {
        let mut link = link.lock().await;
        link.count();
        let raw = format!("{path}\r\n{raw}");
        write_down(&link, parts.method.as_str(), &path, "HTTP/2", &headers, raw.as_bytes());
        (Arc::clone(&link.conn), link.via)
    };
    let mut body = BytesMut::new();
    let mut received = 0;
    while let Some(piece) = stream.data().await {
        let piece = piece?;
        received += piece.len() as u64;
        let _ = stream.flow_control().release_capacity(piece.len());
        if body.len() < 1 << 20 {
            body.extend_from_slice(&piece);
        }
    }
    let method = parts.method.as_str();
    let asked = Asked { method, path: &path, headers: &headers, body: body.freeze(), received };
    let mut made = answer(&asked, &conn.shared.nonce, conn.clock());
    let mut head = Response::builder().status(made.status);
    for (name, value) in &made.headers {
        head = head.header(name, value);
    }
    let Ok(head) = head.body(()) else { return Ok(()) };
    let empty = method == "HEAD" || made.body.len() == 0;
    let mut send = respond.send_response(head, empty)?;
    let mut bytes = 0u64;
    let mut more = !empty;
    while more {
        let mut piece = BytesMut::with_capacity(16 * 1024);
        let n = made.body.read_buf(&mut piece).await.unwrap_or(0);
        bytes += n as u64;
        more = n > 0 && made.body.len() > 0;
        if !send_piece(&mut send, piece.freeze(), !more).await? {
            break;
        }
    }
    let nonce_served = (200..300).contains(&made.status);
    conn.note(What::HttpResponse { via, status: made.status, bytes, nonce_served });
    Ok(())
}

/// Sends a piece as the client's window allows; the `last` one ends the stream. False: the client
/// has reset the stream.
async fn send_piece(
    send: &mut h2::SendStream<Bytes>,
    mut piece: Bytes,
    last: bool,
) -> Result<bool, h2::Error> {
    if piece.is_empty() {
        send.send_data(piece, last)?;
        return Ok(true);
    }
    while !piece.is_empty() {
        send.reserve_capacity(piece.len());
        match std::future::poll_fn(|cx| send.poll_capacity(cx)).await {
            Some(Ok(room)) => {
                let now = piece.split_to(room.min(piece.len()));
                send.send_data(now, last && piece.is_empty())?;
            }
            _ => return Ok(false),
        }
    }
    Ok(true)
}
