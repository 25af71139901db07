//! TLS as a server, for the proxy itself and for the origin: the client's hello, the handshake,
//! and how it ended.

pub mod engine;
pub mod hello;
pub mod records;
pub mod tamper;

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::AsyncReadExt;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{self, ServerConfig};

pub use hello::{ClientHello, HANDSHAKE, Hello};

use crate::conn::Conn;
use crate::event::{How, Who};
use crate::fault::tls::Tls;
use crate::fault::tls_record::Armed;
use crate::stage::Stage;
use crate::wire::replay::replay;
use crate::wire::tls::Rude;
use crate::wire::{BoxWire, End, fin, linger};

/// What rules have chosen for a handshake.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// What the server offers, asks for and refuses.
    pub terms: Tls,
    /// An alert in the place of an encrypted record.
    pub alert: Option<tamper::Tamper>,
    /// What becomes of its records.
    pub records: Vec<Armed>,
}

/// A session that stands.
pub struct Session {
    /// What is inside.
    pub wire: BoxWire,
    /// Its version, e.g. `TLSv1_3`.
    pub version: String,
    /// Its cipher suite.
    pub cipher: String,
    /// The protocol that was chosen by ALPN.
    pub alpn: Option<String>,
}

/// A handshake that came to nothing.
pub struct Failed {
    /// What the TLS library says.
    pub reason: String,
    /// The alert that the client sent.
    pub alert: Option<String>,
    /// Who gave up.
    pub by: Who,
    /// What the handshake was on, where an alert has ended it: a FIN is due.
    pub wire: Option<BoxWire>,
}

/// How long a client that has sent an alert may take for its FIN before it gets ours: as good as
/// all send both at once.
const GRACE: Duration = Duration::from_millis(500);

impl Failed {
    /// Ends the client's own connection and writes down who has: a client whose alert comes without
    /// a FIN has not. What it sent meanwhile is read: a close with bytes unread would be a RST, which
    /// can overtake our alert.
    pub async fn end(self, conn: &Conn) {
        let Some(mut wire) = self.wire else {
            return conn.closed(Who::Client, conn.left().unwrap_or(How::Fin));
        };
        if self.by == Who::Client {
            tokio::select! {
                biased;
                end = linger(&mut wire) => {
                    let how = if end == End::Reset { How::Rst } else { How::Fin };
                    return conn.closed(Who::Client, how);
                }
                () = conn.clock().sleep(GRACE) => {}
            }
        }
        let sent = fin(&mut wire, true).await;
        conn.closed(Who::Us, How::Fin);
        if sent.is_ok() {
            linger(&mut wire).await;
        }
    }

    /// Ends a leg to the target behind this side's alert; the client's own end is the proxy's to see.
    pub async fn close(self) {
        if let (Who::Us, Some(mut wire)) = (self.by, self.wire)
            && fin(&mut wire, true).await.is_ok()
        {
            linger(&mut wire).await;
        }
    }
}

/// Reads the whole ClientHello; its bytes stay in `inbox`.
///
/// # Errors
///
/// What came instead.
pub async fn read_hello(wire: &mut BoxWire, inbox: &mut BytesMut) -> Result<ClientHello, String> {
    loop {
        match hello::parse(inbox) {
            Hello::Whole(hello) => return Ok(hello),
            Hello::Bad(why) => return Err(format!("no ClientHello: {why}")),
            Hello::More if inbox.len() > hello::MOST => {
                return Err("no ClientHello: more than 128 KiB of one".to_owned());
            }
            Hello::More => {}
        }
        inbox.reserve(2048);
        match wire.read_buf(inbox).await {
            Ok(0) => return Err("the client closed inside its hello".to_owned()),
            Ok(_) => {}
            Err(error) => return Err(format!("inside the client's hello: {error}")),
        }
    }
}

/// The handshake at `stage`, as planned; `inbox` has the bytes that were read already.
///
/// # Errors
///
/// Why there is no session.
pub async fn accept(
    conn: &Arc<Conn>,
    stage: Stage,
    config: Arc<ServerConfig>,
    plan: Plan,
    inbox: BytesMut,
    wire: BoxWire,
) -> Result<Session, Failed> {
    let goodbye = plan.terms.close_notify.unwrap_or(true);
    let wire = records::records(wire, conn, stage, plan.records);
    match TlsAcceptor::from(config).accept(replay(inbox, wire)).into_fallible().await {
        Ok(stream) => {
            let (_, session) = stream.get_ref();
            conn.shared.plan().session(stage, session.server_name());
            let text = |v: Option<String>| v.unwrap_or_default();
            Ok(Session {
                version: text(session.protocol_version().map(|v| format!("{v:?}"))),
                cipher: text(session.negotiated_cipher_suite().map(|s| format!("{:?}", s.suite()))),
                alpn: session.alpn_protocol().map(|p| String::from_utf8_lossy(p).into_owned()),
                wire: if goodbye { Box::new(stream) } else { Box::new(Rude(stream)) },
            })
        }
        Err((error, wire)) => {
            let cause = error.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>());
            let (by, alert, wire) = match cause {
                Some(rustls::Error::AlertReceived(alert)) => {
                    (Who::Client, Some(format!("{alert:?}")), Some(wire))
                }
                Some(_) => (Who::Us, None, Some(wire)),
                None => (Who::Client, None, None),
            };
            Err(Failed { reason: error.to_string(), alert, by, wire })
        }
    }
}
