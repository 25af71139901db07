//! The origin's HTTP/2: stages `response` and `body` on each stream.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::answer::{Asked, answer};
use super::http1::{KEPT, app_data, respond, write_down};
use super::{Heard, Link, close};
use crate::conn::Conn;
use crate::fault::After;
use crate::fault::h2::H2;
use crate::http2::frame::Code;
use crate::http2::stream::Stream;
use crate::http2::{self, Over};
use crate::wire::BoxWire;
use crate::wire::counted::counted;

/// The connection preface of a client: bytes sent in any case.
const PREFACE: usize = 24;
/// What RST_STREAM says where a rule says `reset`.
const INTERNAL_ERROR: Code = Code(2);

/// Serves requests until the connection ends.
pub(super) async fn serve(mut link: Link, wire: BoxWire, terms: H2) {
    let conn = Arc::clone(&link.conn);
    let mut session = match http2::accept(&conn, wire, terms, INTERNAL_ERROR).await {
        Ok(session) => session,
        Err(over) => return end(over, &mut link.heard).await,
    };
    app_data(&link, PREFACE);
    while let Some((request, stream)) = session.next().await {
        link.count();
        let own = Link {
            conn: Conn::of_stream(&conn, stream.id()),
            via: link.via,
            cert: link.cert,
            facts: link.facts.clone(),
            one: false,
            method: String::new(),
            part: false,
            requests: link.requests,
            heard: link.heard.again(),
        };
        conn.shared.spawn(Box::pin(one(own, request, stream)));
    }
    end(session.end(), &mut link.heard).await;
}

async fn end(over: Over, heard: &mut Heard) {
    if let Some(wire) = over.wire {
        close(wire, heard).await;
    }
}

/// One request: it is read whole, then answered.
async fn one(mut link: Link, request: Request<()>, stream: Stream) {
    let mut head = http2::head(&request);
    if let Some(path) = request.uri().path_and_query() {
        path.as_str().clone_into(&mut head.target);
    }
    write_down(&link, &head.method, &head.target, "HTTP/2", &head.headers, &head.raw);
    link.learn(&head);
    link.edit(&mut head.headers);
    let mut wire = counted(Box::new(stream), &link.conn);
    let Some((body, received)) = body(&mut wire, &mut link.heard).await else { return };
    let asked = Asked {
        method: &head.method,
        path: &head.target,
        headers: &head.headers,
        body,
        received,
        ranges: link.conn.scenario.ranges(),
    };
    let made = answer(&asked, &link.conn.shared.nonce, link.conn.clock());
    let after = respond(&mut link, &mut wire, &mut BytesMut::new(), &head, made).await;
    if after != After::Stop {
        let _ = wire.shutdown().await;
    }
}

/// Reads the body of a request; None when the client has reset the stream.
async fn body(wire: &mut BoxWire, heard: &mut Heard) -> Option<(Bytes, u64)> {
    let mut kept = BytesMut::new();
    let mut received = 0;
    let mut piece = vec![0; 16 * 1024];
    loop {
        let n = wire.read(&mut piece).await.ok()?;
        if n == 0 {
            if let Some(stream) = wire.http2() {
                heard.bytes(&stream.trailers().await);
            }
            return Some((kept.freeze(), received));
        }
        received += n as u64;
        heard.payload(&piece[..n]);
        let room = KEPT - kept.len().min(KEPT);
        kept.extend_from_slice(&piece[..n.min(room)]);
    }
}
