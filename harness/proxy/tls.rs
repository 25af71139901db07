//! TLS with the proxy itself: an `https://` proxy URL.

use super::Session;
use crate::event::What;
use crate::fault::After;
use crate::stage::Stage;

/// The first byte of a TLS handshake record (RFC 8446, section 5.1).
pub(super) const HANDSHAKE: u8 = 0x16;

impl Session {
    /// The client has sent a TLS hello. Whether the connection goes on with a request.
    pub(super) async fn tls(&mut self) -> bool {
        self.conn.note(What::ProxyHello { to_plain_port: true });
        match self.at(Stage::ProxyTls).await {
            After::Go => {
                let why = "This proxy port speaks plain HTTP, and got a TLS hello.";
                self.refuse(400, why).await;
            }
            After::Stop => {}
            // A rule has said what was to be said.
            After::Replaced | After::Answered => self.close().await,
        }
        false
    }
}
