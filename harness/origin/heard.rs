//! What the origin gets beside request heads, searched for the secrets that do not belong there.

use std::sync::Arc;

use crate::cert::Flavour;
use crate::conn::Conn;
use crate::event::{Via, What};
use crate::secrets::{ORIGIN, Scan};

/// The search in one connection, or in one stream of HTTP/2. Each secret is written down once, whichever
/// of the two searches finds it.
pub(crate) struct Heard {
    /// None where nothing that a client knows would be out of place: then nothing is searched.
    conn: Option<Arc<Conn>>,
    place: &'static str,
    /// The origin's own token belongs here.
    trusted: bool,
    told: Vec<&'static str>,
    bytes: Scan,
    payload: Scan,
}

impl Heard {
    /// On a connection that came this way and was shown this certificate.
    pub fn new(conn: &Arc<Conn>, via: Via, cert: Flavour) -> Self {
        let trusted = !cert.is_bad();
        let listens = !trusted || conn.scenario.proxy.auth.is_some();
        Heard {
            conn: listens.then(|| Arc::clone(conn)),
            place: place(via),
            trusted,
            told: Vec::new(),
            bytes: Scan::default(),
            payload: Scan::default(),
        }
    }

    /// The same search, from its beginning on.
    pub fn again(&self) -> Self {
        Heard {
            conn: self.conn.clone(),
            told: Vec::new(),
            bytes: Scan::default(),
            payload: Scan::default(),
            ..*self
        }
    }

    /// These bytes came, as they stand on the wire (inside TLS).
    pub fn bytes(&mut self, bytes: &[u8]) {
        let Some(conn) = &self.conn else { return };
        let found = self.bytes.feed(conn.log().secrets(), bytes);
        self.tell(found);
    }

    /// These came without what frames them: chunks, DATA, frames of a WebSocket.
    pub fn payload(&mut self, bytes: &[u8]) {
        let Some(conn) = &self.conn else { return };
        let found = self.payload.feed(conn.log().secrets(), bytes);
        self.tell(found);
    }

    fn tell(&mut self, mut found: Vec<&'static str>) {
        let known = |name: &&str| self.told.contains(name) || (self.trusted && *name == ORIGIN);
        found.retain(|name| !known(name));
        let Some(conn) = self.conn.as_ref().filter(|_| !found.is_empty()) else { return };
        self.told.extend(&found);
        conn.note(What::SecretSeen { place: self.place, secret_seen: found });
    }
}

/// The words of the event.
fn place(via: Via) -> &'static str {
    match via {
        Via::Tunnel => "origin via tunnel",
        Via::Forward => "origin via forward",
        Via::Direct => "origin direct",
    }
}
