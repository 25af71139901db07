//! Scenarios whose proxy speaks TLS, or whose client speaks it to the proxy.

use std::sync::Arc;

use badproxy::scenario::{ProxyScheme, Scenario};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::{PrivatePkcs8KeyDer, ServerName};
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};

use super::{Client, Ending};
use crate::arm::{Connection, timeout};

/// What a client of HTTP/2 sends first (RFC 9113, section 3.4), and an empty SETTINGS.
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// Whether the client speaks TLS to the proxy.
pub(super) fn wanted(scenario: &Scenario) -> bool {
    scenario.proxy.tls.is_some() && scenario.proxy_scheme() == ProxyScheme::Https
}

/// The host of the target.
pub(super) fn host(scenario: &Scenario) -> String {
    let host = scenario.target().split('/').nth(2).unwrap_or_default().to_owned();
    // What is no https URL of its own host is fetched from the usual one.
    if scenario.name.starts_with("tls/") || scenario.name == "ok/connect-ipv6" {
        host
    } else {
        super::HOST.to_owned()
    }
}

/// The port of the target that a tunnel is opened to.
pub(super) fn port(scenario: &Scenario) -> u16 {
    if scenario.name == "reply/403-port" { 8443 } else { 443 }
}

/// What the client offers to the target by ALPN. A long list makes a long hello.
pub(super) fn alpn(scenario: &Scenario) -> Vec<Vec<u8>> {
    match scenario.name.as_str() {
        "tls/hello-large-drop" | "tls/hello-large-reset" => {
            (0..100).map(|n| format!("protocol-number-{n:03}").into_bytes()).collect()
        }
        "tls/h2-then-http1" => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        _ => vec![b"http/1.1".to_vec()],
    }
}

/// A certificate of the client's own, for the target that is to refuse it.
pub(super) fn present(config: &mut ClientConfig) {
    let made = rcgen::generate_simple_self_signed(["client.badproxy.test".to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()).into();
    let key = config.crypto_provider().key_provider.load_private_key(key).unwrap();
    let shown = CertifiedKey::new(vec![made.cert.into()], key);
    config.client_auth_cert_resolver = Arc::new(SingleCertAndKey::from(shown));
}

impl Client<'_> {
    /// TLS with the proxy itself: what is inside, or None when there is nothing.
    pub(super) async fn secure(
        &mut self,
        wire: Box<dyn Connection>,
    ) -> Option<Box<dyn Connection>> {
        let mut config = self.running.shared.authority.client().unwrap();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let server = ServerName::try_from("127.0.0.1").unwrap();
        self.line("-> ClientHello, to the proxy itself");
        let dial = TlsConnector::from(Arc::new(config)).connect(server, wire);
        match timeout(self.silence, dial).await {
            Err(_) => self.ended(&Ending::Silence),
            Ok(Err(error)) if error.kind() == std::io::ErrorKind::ConnectionReset => {
                self.ended(&Ending::Rst);
            }
            Ok(Err(error)) => {
                // What follows has the time in it, or the names of the certificate.
                let text = error.to_string();
                let text = text.split([':', ';']).take(2).collect::<Vec<_>>().join(":");
                self.line(format!("<- TLS with the proxy fails: {text}"));
            }
            Ok(Ok(tls)) => {
                self.line("<- TLS with the proxy established");
                return Some(Box::new(tls));
            }
        }
        None
    }
}
