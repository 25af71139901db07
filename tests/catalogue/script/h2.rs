//! Scenarios whose client speaks HTTP/2: to the origin in the tunnel, or to the proxy.

use std::sync::Arc;

use badproxy::scenario::Scenario;
use tokio::io::AsyncReadExt;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use super::{Client, Ending, HOST, ending};
use crate::arm::{Connection, timeout};
use crate::h2;

/// Whether the client of this scenario speaks HTTP/2.
fn wanted(scenario: &Scenario) -> bool {
    let what = scenario.name.split('/').nth(1).unwrap_or_default();
    what.starts_with("h2-") && scenario.name != "tls/h2-then-http1"
}

/// Plays it; false when the scenario is not of this family.
pub(super) async fn play(client: &mut Client<'_>, scenario: &Scenario) -> bool {
    if !wanted(scenario) {
        return false;
    }
    if scenario.proxy.tls.is_some() {
        client.through(scenario).await;
        return true;
    }
    // A rule for the first attempt alone wants a second one.
    let again = scenario.rules.iter().any(|rule| rule.when().attempt.is_some());
    for _ in 0..if again { 2 } else { 1 } {
        let Ok(mut wire) = client.dial().await else {
            client.line("SYN <- no answer");
            return true;
        };
        client.line("SYN <- SYN-ACK");
        if client.connect(&mut wire, false).await != Some(true) {
            return true;
        }
        let Some(session) = client.session(wire, HOST).await else { return true };
        client.requests(session, scenario).await;
    }
    true
}

impl Client<'_> {
    /// HTTP/2 with the proxy: a tunnel to the origin's plain side.
    async fn through(&mut self, scenario: &Scenario) {
        let Ok(wire) = self.dial().await else {
            return self.line("SYN <- no answer");
        };
        self.line("SYN <- SYN-ACK");
        let Some(mut wire) = self.session(wire, "127.0.0.1").await else { return };
        let hello = [h2::PREFACE.to_vec(), h2::frame(4, 0, 0, &[])].concat();
        self.send(&mut wire, "preface, SETTINGS", &hello).await;
        let authority = format!("{HOST}:80");
        self.send(&mut wire, "CONNECT on 1", &h2::connect(1, &authority, &[])).await;
        if self.frames(&mut wire).await != Ending::Silence {
            return;
        }
        let path = scenario.target().splitn(4, '/').nth(3).unwrap_or("").to_owned();
        let get = format!("GET /{path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n");
        self.send(
            &mut wire,
            &format!("DATA on 1, GET /{path}"),
            &h2::frame(0, 0, 1, get.as_bytes()),
        )
        .await;
        if self.frames(&mut wire).await != Ending::Silence {
            return;
        }
        self.line("-> FIN");
        let _ = tokio::io::AsyncWriteExt::shutdown(&mut wire).await;
        self.frames(&mut wire).await;
    }

    /// HTTP/2 with the origin, in an open tunnel.
    pub(super) async fn h2_tunnel(&mut self, wire: Box<dyn Connection>, scenario: &Scenario) {
        if let Some(session) = self.session(wire, HOST).await {
            self.requests(session, scenario).await;
        }
    }

    /// TLS with ALPN h2 to the target.
    async fn session(
        &mut self,
        wire: Box<dyn Connection>,
        host: &str,
    ) -> Option<Box<dyn Connection>> {
        let mut config = self.running.shared.authority.client().unwrap();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let server = ServerName::try_from(host.to_owned()).unwrap();
        self.line("-> ClientHello, ALPN h2");
        let dial = TlsConnector::from(Arc::new(config)).connect(server, wire);
        match timeout(self.silence, dial).await {
            Ok(Ok(tls)) => {
                self.line("<- TLS established");
                Some(Box::new(tls))
            }
            _ => {
                self.line("<- no TLS");
                None
            }
        }
    }

    async fn requests(&mut self, mut wire: Box<dyn Connection>, scenario: &Scenario) {
        let hello = [h2::PREFACE.to_vec(), h2::frame(4, 0, 0, &[])].concat();
        self.send(&mut wire, "preface, SETTINGS", &hello).await;
        if scenario.name == "tls/h2-window-stuck" {
            self.send(&mut wire, "POST on 1", &h2::request(1, "POST", HOST, "/upload", false))
                .await;
            // The most that the window of a new connection takes (section 6.9.2).
            let mut left = 65_535;
            let mut data = Vec::new();
            while left > 0 {
                let some = left.min(16_384);
                data.extend(h2::frame(0, 0, 1, &vec![b'x'; some]));
                left -= some;
            }
            self.send(&mut wire, "DATA on 1, 65535 bytes in 4 frames", &data).await;
        } else {
            let path = scenario.target().splitn(4, '/').nth(3).unwrap_or("").to_owned();
            let path = format!("/{path}");
            let get = h2::request(1, "GET", HOST, &path, true);
            self.send(&mut wire, &format!("GET {path} on 1"), &get).await;
            if matches!(scenario.name.as_str(), "tls/h2-one-stream" | "tls/h2-no-streams") {
                self.send(&mut wire, "GET / on 3", &h2::request(3, "GET", HOST, "/", true)).await;
            }
        }
        let over = self.frames(&mut wire).await;
        if over == Ending::Silence {
            self.line("-> FIN");
            let _ = tokio::io::AsyncWriteExt::shutdown(&mut wire).await;
            self.frames(&mut wire).await;
        }
    }

    /// Reads frames until nothing comes.
    pub(super) async fn frames(&mut self, wire: &mut Box<dyn Connection>) -> Ending {
        let mut inbox = Vec::new();
        let mut buffer = vec![0; 65_536];
        let ending = loop {
            while let Some(got) = h2::take(&mut inbox) {
                self.line(format!("<- {}", h2::shown(&got)));
            }
            match timeout(self.silence, wire.read(&mut buffer)).await {
                Err(_) => break Ending::Silence,
                Ok(Ok(0)) => break Ending::Fin,
                Ok(Ok(n)) => inbox.extend_from_slice(&buffer[..n]),
                Ok(Err(error)) => break ending(&error),
            }
        };
        if !inbox.is_empty() {
            self.line("<- no whole frame:");
            self.got(&inbox);
        }
        self.ended(&ending);
        ending
    }
}
