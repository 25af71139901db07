//! A proxy that is spoken to in HTTP/2: each stream is an attempt with its stages, and a CONNECT
//! that succeeds makes a tunnel of it (RFC 9113, section 8.5).

use bytes::BytesMut;
use http::Request;
use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;

use super::head::Head;
use super::{Next, Session, relay};
use crate::conn::Conn;
use crate::event::{How, Who};
use crate::fault::Choice;
use crate::fault::h2::H2;
use crate::http2::frame::Code;
use crate::http2::{self, Over};
use crate::wire::counted::counted;
use crate::wire::{fin, linger};

/// What RST_STREAM says where a tunnel is reset.
const CONNECT_ERROR: Code = Code(10);

/// Serves a connection until it ends.
pub(super) async fn serve(session: Session, terms: H2) {
    let Session { conn, mut facts, wire, cert, .. } = session;
    let mut connection = match http2::accept(&conn, wire, terms, CONNECT_ERROR).await {
        Ok(connection) => connection,
        Err(over) => return end(&conn, over).await,
    };
    let mut streams = JoinSet::new();
    while let Some((request, stream)) = connection.next().await {
        while streams.try_join_next().is_some() {}
        let whole = stream.has_ended();
        let conn = Conn::of_stream(&conn, stream.id());
        let wire = counted(Box::new(stream), &conn);
        let session = Session {
            conn,
            facts: facts.clone(),
            wire,
            inbox: BytesMut::new(),
            choice: Choice::default(),
            cert,
            h2: None,
            kept: None,
        };
        // The next stream is a further request on this connection.
        facts.request += 1;
        streams.spawn(Box::pin(one(session, head(&request), whole)));
    }
    end(&conn, connection.end()).await;
    while streams.join_next().await.is_some() {}
}

/// The connection is over: closed by the client, or by us.
async fn end(conn: &Conn, over: Over) {
    let Some(mut wire) = over.wire else { return };
    if over.ours {
        let _ = fin(&mut wire, true).await;
        conn.closed(Who::Us, How::Fin);
        linger(&mut wire).await;
    } else {
        conn.closed(Who::Client, if over.reset { How::Rst } else { How::Fin });
        let _ = wire.shutdown().await;
    }
}

/// One request, from its head to the end of its stream.
async fn one(mut session: Session, head: Head, whole: bool) {
    session.app_data(head.raw.len());
    let unframed = head.method != "CONNECT" && head.header("content-length").is_none();
    let next = match unframed && !whole {
        // A target is spoken to in HTTP/1.1, where a body needs its length first.
        true => {
            session.refuse(411, "The length of the body has to be known.").await;
            Next::Ended
        }
        false => session.request(head).await,
    };
    match next {
        Next::Ended => {}
        Next::Request => {
            let _ = session.wire.shutdown().await;
            session.conn.closed(Who::Us, How::Fin);
        }
        Next::Close => session.close().await,
        Next::Tunnel(upstream) => {
            let Session { conn, wire, inbox, .. } = session;
            relay(&conn, wire, upstream, inbox).await;
        }
    }
}

/// The request as the stages know one. What is not CONNECT gets the Host that HTTP/1.1 asks for.
fn head(request: &Request<()>) -> Head {
    let mut head = http2::head(request);
    let host = request.uri().authority().map(ToString::to_string);
    if let Some(host) = host.filter(|_| head.method != "CONNECT" && head.header("host").is_none()) {
        head.headers.insert(0, ("host".to_owned(), host));
    }
    head
}
