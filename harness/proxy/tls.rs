//! TLS with the proxy itself: an `https://` proxy URL.

use super::{Session, head};
use crate::event::{How, What, Who};
use crate::fault::{After, respond::Respond};
use crate::scenario::{Alpn, ProxyScheme, ProxyTls};
use crate::stage::Stage;
use crate::tls::{self, HANDSHAKE};

impl Session {
    /// What stands between accept and the first request head: TLS, where the port speaks it or
    /// the client does. Whether the connection goes on with a request.
    pub(super) async fn secured(&mut self) -> bool {
        let hello = self.first_byte().await == Some(HANDSHAKE);
        if self.conn.is_closed() {
            return false;
        }
        match (self.conn.scenario.proxy.tls.clone(), hello) {
            (Some(tls), true) => self.tls(&tls).await,
            (Some(_), false) => self.plain_to_tls().await,
            (None, true) => self.tls_to_plain().await,
            (None, false) => true,
        }
    }

    /// The handshake, when the whole hello has been read and no rule takes its place.
    async fn tls(&mut self, tls: &ProxyTls) -> bool {
        let Session { wire, inbox, .. } = self;
        let hello = match tls::read_hello(wire, inbox).await {
            Ok(hello) => hello,
            Err(reason) => {
                self.tls_failed(reason, None, Who::Client, Vec::new());
                match self.conn.left() {
                    Some(how) => self.conn.closed(Who::Client, how),
                    None => self.close().await,
                }
                return false;
            }
        };
        self.heard(&hello, false);
        match self.at(Stage::ProxyTls).await {
            After::Go => {}
            After::Stop => return false,
            After::Replaced | After::Answered => {
                self.close().await;
                return false;
            }
        }
        // From here on these words are about the hello to the target.
        self.facts.sni = None;
        self.facts.alpn.clear();
        self.cert = self.choice.cert.take().unwrap_or_default();
        let name = hello.sni.unwrap_or_else(|| self.conn.shared.proxy_ip.to_string());
        let plan = std::mem::take(&mut self.choice.tls);
        let authority = &self.conn.shared.authority;
        let config = match authority.server(&name, self.cert, &tls.alpn(), &plan) {
            Ok((config, by_now)) => {
                self.cert = by_now;
                config
            }
            Err(error) => {
                let reason = format!("no certificate can be made for {name:?}: {error}");
                self.tls_failed(reason, None, Who::Us, Vec::new());
                self.close().await;
                return false;
            }
        };
        let inbox = std::mem::take(&mut self.inbox);
        let wire = std::mem::replace(&mut self.wire, Box::new(crate::wire::sim::pair().0));
        match tls::accept(&self.conn, Stage::ProxyTls, config, plan, inbox, wire).await {
            Ok(tls::Session { wire, version, cipher, alpn }) => {
                let cert = self.cert.word().to_owned();
                // What a rule has chosen by ALPN and the proxy does not speak is not spoken.
                let speaks = alpn.as_deref() == Some("h2") && tls.alpn().contains(&Alpn::H2);
                self.h2 = speaks.then(|| std::mem::take(&mut self.choice.h2));
                self.conn.note(What::ProxyEstablished { version, cipher, alpn, cert });
                self.wire = wire;
                true
            }
            Err(mut failed) => {
                let reason = std::mem::take(&mut failed.reason);
                self.tls_failed(reason, failed.alert.take(), failed.by, Vec::new());
                failed.end(&self.conn).await;
                false
            }
        }
    }

    /// The client speaks plain HTTP to a port that speaks TLS: nginx's answer, which is the one
    /// that people know.
    async fn plain_to_tls(&mut self) -> bool {
        let limit = self.conn.scenario.proxy.head_limit.map_or(head::LIMIT, |s| s.0);
        let Session { conn, wire, inbox, .. } = self;
        let read = head::read(wire, inbox, limit).await;
        let raw = match &read {
            Ok(head) => head.raw.to_vec(),
            Err(head::NoHead::Closed | head::NoHead::Reset) if inbox.is_empty() => {
                conn.closed(Who::Client, How::Fin);
                return false;
            }
            Err(_) => inbox.to_vec(),
        };
        // A proxy URL that says `http` asks for what came.
        let told = conn.scenario.proxy_scheme() == ProxyScheme::Https;
        let seen = if told { conn.log().secrets().seen_in(&raw) } else { Vec::new() };
        let what = if read.is_ok() { "plain HTTP" } else { "no TLS" };
        let reason = format!("the client speaks {what} to a port that speaks TLS");
        self.tls_failed(reason, None, Who::Client, seen);
        const WHY: &str = "The plain HTTP request was sent to HTTPS port";
        let answer = Respond {
            status: 400,
            headers: vec!["Content-Type: text/html".to_owned()],
            body: format!(
                "<html>\r\n<head><title>400 {WHY}</title></head>\r\n<body>\r\n\
                 <center><h1>400 Bad Request</h1></center>\r\n<center>{WHY}</center>\r\n\
                 </body>\r\n</html>\r\n"
            ),
            ..Respond::default()
        };
        self.answer(&answer, true).await;
        self.close().await;
        false
    }

    /// What a hello says goes into the facts, and into the log.
    fn heard(&mut self, hello: &tls::ClientHello, to_plain_port: bool) {
        let bytes = hello.bytes as u64;
        self.facts.sni.clone_from(&hello.sni);
        self.facts.alpn.clone_from(&hello.alpn);
        self.facts.hello = bytes;
        self.conn.note(What::ProxyHello {
            to_plain_port,
            sni: self.conn.server_name(hello.sni.clone()),
            alpn: hello.alpn.clone(),
            versions: hello.version_names(),
            bytes,
            fingerprint: hello.fingerprint(),
        });
    }

    /// The client has sent a TLS hello to a port that speaks plain HTTP.
    async fn tls_to_plain(&mut self) -> bool {
        let hello = match tls::hello::parse(&self.inbox) {
            tls::Hello::Whole(hello) => hello,
            // It is answered at once: the rest need not come.
            _ => tls::ClientHello { bytes: self.inbox.len(), ..tls::ClientHello::default() },
        };
        self.heard(&hello, true);
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

    fn tls_failed(
        &self,
        reason: String,
        alert: Option<String>,
        by: Who,
        secret_seen: Vec<&'static str>,
    ) {
        self.conn.note(What::ProxyTlsFailed { reason, alert, by, secret_seen });
    }

    /// Writes down that the client sent data although the proxy's certificate was bad.
    pub(super) fn app_data(&self, bytes: usize) {
        if self.cert.is_bad() && bytes > 0 {
            let cert = self.cert.word().to_owned();
            self.conn.note(What::AppData { cert, bytes: bytes as u64 });
        }
    }
}
