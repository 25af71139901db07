//! What the scripted client does with each scenario, and what it writes down.
//!
//! Unless a scenario says otherwise it does CONNECT, TLS and GET. A family whose client does
//! something else (speaks SOCKS, asks a name server ...) has a file here with the names of its
//! scenarios and what is done with them, and one line in [`Client::connection`].

mod auth;
mod dns;
mod h2;
mod http;
mod pac;
mod resume;
mod socks;
mod tcp;
mod tls;
mod ws;

use std::fmt::Write as _;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use badproxy::event::{Event, What};
use badproxy::scenario::{GivenCredentials, Scenario};
use badproxy::start::Running;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::arm::{Arm, Connection, timeout};
use crate::tally::Tally;

/// The start of a ClientHello: enough for the proxy to see a TLS record begin.
pub(crate) const HELLO: &[u8] = b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00";
pub(crate) const HOST: &str = "target.badproxy.test";

pub(crate) struct Client<'r> {
    pub(crate) running: &'r Running,
    pub(crate) arm: Arm,
    pub(crate) silence: Duration,
    tally: Tally,
    out: String,
}

/// How a read ended.
#[derive(PartialEq)]
pub(crate) enum Ending {
    Fin,
    Rst,
    Silence,
    Other(String),
}

pub(crate) fn ending(error: &io::Error) -> Ending {
    match error.kind() {
        io::ErrorKind::ConnectionReset => Ending::Rst,
        _ => Ending::Other(error.to_string()),
    }
}

/// How long events that are due are waited for: far above anything that a busy machine needs.
const EVENTS: Duration = Duration::from_secs(30);

/// Plays one scenario and gives the transcript. The one that is `kept` says what is due: silence,
/// and how many events. It decides how long is waited, and nothing else.
pub async fn play(scenario: Scenario, arm: Arm, kept: &str) -> String {
    let quiet = ["silence", "no answer"].iter().any(|word| kept.contains(word));
    let due = kept.split_once("\nevents\n").map_or(0, |(_, events)| events.lines().count());
    let silence = arm.silence(&scenario, quiet);
    let name = scenario.name.clone();
    let running = arm.start(scenario.clone()).await;
    let mut client =
        Client { running: &running, arm, silence, tally: Tally::default(), out: String::new() };
    let times = match name.as_str() {
        "auth/407-close-loop"
        | "accept/reset"
        | "resolve/alternating"
        | "resolve/servfail-once" => 2,
        _ => 1,
    };
    if !pac::play(&mut client, &scenario).await
        && !dns::play(&mut client, &scenario).await
        && !auth::play(&mut client, &scenario).await
        && !ws::play(&mut client, &scenario).await
        && !resume::play(&mut client, &scenario).await
        && !tcp::play(&mut client, &scenario).await
        && !socks::play(&mut client, &scenario).await
        && !http::play(&mut client, &scenario).await
        && !h2::play(&mut client, &scenario).await
    {
        for _ in 0..times {
            client.connection(&scenario).await;
        }
    }
    if arm == Arm::Sockets {
        let seen = || running.shared.log.events().0.iter().filter_map(shown).count();
        let all = async {
            // The rest of an upload is counted when the client has gone.
            let counted = || client.tally.differs(&running.shared.log.events().0).is_none();
            while seen() < due || !counted() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        // Where they do not come, the transcripts differ.
        let _ = tokio::time::timeout(EVENTS, all).await;
    }
    // What the proxy does on its own after the client has gone.
    let after = if arm == Arm::Sim { 60_000 } else { 50 };
    tokio::time::sleep(Duration::from_millis(after)).await;
    let mut out = client.out;
    out += "\nevents\n";
    let (events, dropped) = running.shared.log.events();
    assert_eq!(dropped, 0);
    let mut lines: Vec<(u64, String)> =
        events.iter().filter_map(|e| shown(e).map(|line| (e.conn.unwrap_or(0), line))).collect();
    // Each connection in its own order: two at once may go either way.
    lines.sort_by_key(|(conn, _)| *conn);
    for (_, line) in lines {
        let _ = writeln!(out, "{line}");
    }
    out + &client.tally.differs(&events).unwrap_or_default()
}

/// An event without times, ports and sizes of TLS records.
fn shown(event: &Event) -> Option<String> {
    let conn = event.conn.map_or("-".to_owned(), |c| format!("#{c}"));
    let text = match &event.what {
        // How much of it comes in time is the kernel's.
        What::Listening { .. } | What::AfterClose { .. } => return None,
        What::Accepted { attempt, .. } => format!("tcp:accepted attempt {}", attempt.unwrap_or(0)),
        What::Closed { by, how, .. } => format!("tcp:closed by {by:?}, {how:?}"),
        What::Request { method, target, secret_seen, .. } => {
            format!("connect:request {method} {target} {secret_seen:?}")
        }
        What::Fault { rule, at, effect, did, audible, .. } => {
            // The times in it differ from run to run.
            let did = if did.starts_with("waits") { "waits" } else { did };
            format!("fault:applied rule {rule} at {at}: {effect}: {did}, audible {audible}")
        }
        What::StepPassed { rule, at, effect, .. } => {
            format!("step:passed rule {rule} at {at}: {effect}")
        }
        What::Established { version, alpn, cert, .. } => {
            format!("tls:established {version} {} {cert}", alpn.as_deref().unwrap_or("-"))
        }
        What::ClientHello { sni, .. } => {
            format!("tls:client_hello {}", sni.as_deref().unwrap_or("-"))
        }
        What::TlsFailed { alert, .. } => format!("tls:failed {}", alert.as_deref().unwrap_or("-")),
        What::ProxyEstablished { version, alpn, cert, .. } => {
            format!("proxy_tls:established {version} {} {cert}", alpn.as_deref().unwrap_or("-"))
        }
        What::ProxyTlsFailed { alert, secret_seen, .. } => {
            let alert = alert.as_deref().unwrap_or("-");
            format!("proxy_tls:failed {alert} {secret_seen:?}")
        }
        What::StreamClosed { stream, by, how, .. } => {
            format!("h2:stream_closed {stream} by {by:?}, {how:?}")
        }
        What::Http2Error { stream, answered, code, .. } => {
            format!("h2:error on {stream}: {answered} {code}")
        }
        What::Http2Failed { reason, .. } => format!("h2:failed {reason}"),
        What::HttpRequest { via, method, path, .. } => {
            format!("http:request {via:?} {method} {path}")
        }
        What::HttpResponse { via, status, bytes, nonce_served, .. } => {
            format!("http:response {via:?} {status} {bytes} bytes, nonce {nonce_served}")
        }
        What::AuthLeg { scheme, leg, credentials, user, why, .. } => {
            let user = user.as_deref().unwrap_or("-");
            let why = if why.is_empty() { String::new() } else { format!(": {why}") };
            format!("auth:leg {scheme} {leg} of {user} {credentials}{why}")
        }
        What::SocksGreeting { version, methods, .. } => {
            format!("socks:greeting {version} {methods:?}")
        }
        What::SocksMethod { method, .. } => format!("socks:method {method}"),
        What::SocksAuth { right, secret_seen, .. } => format!("socks:auth {right} {secret_seen:?}"),
        What::SocksStatus { status, .. } => format!("socks:status {status}"),
        What::SocksRequest { version, command, atyp, target, .. } => {
            format!("socks:request {version} {command} {atyp} {target}")
        }
        What::SocksReply { version, code, bytes, .. } => {
            format!("socks:reply {version} {code} {bytes} bytes")
        }
        What::PacRequest { method, path, .. } => format!("pac:request {method} {path}"),
        What::PacReply { status, .. } => format!("pac:reply {status}"),
        What::Reply { status, bytes, .. } => format!("connect:reply {status} {bytes} bytes"),
        What::DnsQuery { name, kind, transport, attempt, .. } => {
            format!("dns:query {name} {kind} {} {attempt}", transport.word())
        }
        What::DnsAnswer { rcode, addrs, truncated, bytes, .. } => {
            let tc = if *truncated { " TC" } else { "" };
            format!("dns:answer {}{tc} {bytes} bytes, {} addresses", rcode.shown(), addrs.len())
        }
        What::Resolved { result, .. } => format!("resolve:looked_up {result}"),
        What::Note { text, .. } if text.starts_with("the proxy dials") => format!("note {text}"),
        What::SilenceEnded { .. } => "wait:ended".to_owned(),
        other => other.name(),
    };
    Some(format!("{conn} {text}"))
}

impl Client<'_> {
    /// A connection with the proxy, whose bytes are counted.
    pub(crate) async fn dial(&self) -> io::Result<Box<dyn Connection>> {
        Ok(self.tally.of(self.arm.connect(self.running).await?))
    }

    pub(crate) fn line(&mut self, text: impl AsRef<str>) {
        self.out += text.as_ref();
        self.out.push('\n');
    }

    pub(crate) fn got(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let head = &bytes[..bytes.len().min(400)];
        let text: String =
            head.iter().flat_map(|b| std::ascii::escape_default(*b)).map(char::from).collect();
        let text = text.replace("\\r\\n", "\\r\\n\n   ").replace("\\'", "'").replace("\\\"", "\"");
        let more = if bytes.len() > head.len() { "..." } else { "" };
        self.line(format!("<- {} bytes\n   {}{more}", bytes.len(), text.trim_end()));
    }

    pub(crate) fn ended(&mut self, ending: &Ending) {
        match ending {
            Ending::Fin => self.line("<- FIN"),
            Ending::Rst => self.line("<- RST"),
            Ending::Silence => self.line("<- silence"),
            Ending::Other(text) => self.line(format!("<- {text}")),
        }
    }

    pub(crate) async fn send(&mut self, wire: &mut Box<dyn Connection>, what: &str, bytes: &[u8]) {
        self.line(format!("-> {what}"));
        let _ = wire.write_all(bytes).await;
        let _ = wire.flush().await;
    }

    /// Reads until `enough` says so, or the connection ends, or nothing comes.
    pub(crate) async fn read(
        &mut self,
        wire: &mut Box<dyn Connection>,
        enough: impl Fn(&[u8]) -> bool,
    ) -> (Vec<u8>, Option<Ending>) {
        let (got, ending) = self.read_quietly(wire, enough).await;
        self.got(&got);
        if let Some(ending) = &ending {
            self.ended(ending);
        }
        (got, ending)
    }

    /// The same, and nothing of it is written down.
    async fn read_quietly(
        &self,
        wire: &mut Box<dyn Connection>,
        enough: impl Fn(&[u8]) -> bool,
    ) -> (Vec<u8>, Option<Ending>) {
        let mut got = Vec::new();
        let mut buffer = vec![0; 65536];
        let ending = loop {
            if enough(&got) {
                break None;
            }
            match timeout(self.silence, wire.read(&mut buffer)).await {
                Err(_) => break Some(Ending::Silence),
                Ok(Ok(0)) => break Some(Ending::Fin),
                Ok(Ok(n)) => got.extend_from_slice(&buffer[..n]),
                Ok(Err(error)) => break Some(ending(&error)),
            }
        };
        (got, ending)
    }

    /// One connection from dial to end.
    async fn connection(&mut self, scenario: &Scenario) {
        let mut wire = match self.dial().await {
            Ok(wire) => wire,
            Err(error) => {
                return self.line(match error.kind() {
                    io::ErrorKind::ConnectionRefused => "SYN <- RST (refused)".to_owned(),
                    io::ErrorKind::TimedOut => "SYN <- no answer".to_owned(),
                    _ => format!("SYN <- {error}"),
                });
            }
        };
        self.line("SYN <- SYN-ACK");
        let name = scenario.name.as_str();
        if name == "proxy_tls/plaintext" {
            self.send(&mut wire, "ClientHello, to the proxy itself", HELLO).await;
            self.read(&mut wire, |_| false).await;
            return;
        }
        if tls::wanted(scenario) {
            wire = match self.secure(wire).await {
                Some(wire) => wire,
                None => return,
            };
        }
        // The credentials that each CONNECT on this connection carries.
        let right = scenario.client.credentials == GivenCredentials::Right;
        let rounds: &[bool] = match name {
            "auth/407-basic-then-ok" => &[false, true],
            "auth/407-loop" => &[true, true, true],
            _ => &[right],
        };
        for &credentials in rounds {
            match self.connect(&mut wire, credentials).await {
                Some(true) => return self.tunnel(wire, scenario).await,
                Some(false) => {}
                None => return,
            }
        }
        // Refused: does the connection stay, or does it end?
        self.read(&mut wire, |_| false).await;
    }

    /// One CONNECT: Some(whether the tunnel is open), None when the connection has ended.
    pub(crate) async fn connect(
        &mut self,
        wire: &mut Box<dyn Connection>,
        credentials: bool,
    ) -> Option<bool> {
        let scenario = self.running.scenario();
        let (host, port) = (tls::host(&scenario), tls::port(&scenario));
        let mut head = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n");
        if credentials {
            let basic = self.running.shared.log.secrets().basic();
            head += &format!("Proxy-Authorization: {basic}\r\n");
        }
        head += "\r\n";
        let with = if credentials { "with credentials" } else { "without credentials" };
        self.send(wire, &format!("CONNECT {with}"), head.as_bytes()).await;
        let (got, ending) = self.read(wire, whole_reply).await;
        if ending.is_some() {
            return None;
        }
        let last = String::from_utf8_lossy(&got);
        let status = last.rsplit("HTTP/1.1 ").next().and_then(|s| s.get(..3)).map(str::to_owned);
        Some(
            last.contains("HTTP/1.1 2")
                || last.contains("HTTP/1.0 2")
                || status.is_some_and(|s| s.starts_with('2')),
        )
    }

    pub(crate) async fn tunnel(&mut self, mut wire: Box<dyn Connection>, scenario: &Scenario) {
        if scenario.name.starts_with("tunnel/plaintext")
            || scenario.name.ends_with("-at-hello")
            || scenario.name == "tunnel/silence"
        {
            self.send(&mut wire, "ClientHello", HELLO).await;
            self.read(&mut wire, |_| false).await;
            return;
        }
        let mut config = self.running.shared.authority.client().unwrap();
        config.alpn_protocols = tls::alpn(scenario);
        if scenario.name == "tls/client-cert-refused" {
            tls::present(&mut config);
        }
        let host = tls::host(scenario);
        let server =
            ServerName::try_from(host.trim_end_matches('.').trim_matches(['[', ']']).to_owned())
                .unwrap();
        self.line("-> ClientHello");
        let dial = TlsConnector::from(Arc::new(config)).connect(server, wire);
        let mut session: Box<dyn Connection> = match timeout(self.silence, dial).await {
            Err(_) => return self.ended(&Ending::Silence),
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionReset => {
                return self.ended(&Ending::Rst);
            }
            Ok(Err(error)) => {
                // What follows has the time in it.
                let text = error.to_string();
                let text = text.split(": verification time").next().unwrap_or_default();
                return self.line(format!("<- TLS fails: {text}"));
            }
            Ok(Ok(tls)) => Box::new(tls),
        };
        self.line("<- TLS established");
        if scenario.name == "tls/h2-then-http1" {
            self.send(&mut session, "HTTP/2 preface", tls::PREFACE).await;
            self.read(&mut session, |_| false).await;
            return;
        }
        let path = scenario.target().splitn(4, '/').nth(3).unwrap_or("").to_owned();
        let rounds = match scenario.name.as_str() {
            "response/503-retry-after"
            | "response/fin-at-second-request"
            | "response/reset-at-second-request"
            | "response/401-intercepted"
            | "response/302-login-page" => 2,
            _ => 1,
        };
        for _ in 0..rounds {
            let head = format!("GET /{path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
            self.send(&mut session, &format!("GET /{path}"), head.as_bytes()).await;
            if self.read(&mut session, whole_response).await.1.is_some() {
                return;
            }
        }
        self.line("-> FIN");
        let _ = session.shutdown().await;
        self.read(&mut session, |_| false).await;
    }
}

/// Whether a final reply to CONNECT is complete: its head, and its body when it is refused.
pub(crate) fn whole_reply(got: &[u8]) -> bool {
    let text = String::from_utf8_lossy(got);
    let Some((head, rest)) = text.rsplit_once("\r\n\r\n") else { return false };
    let last = head.rsplit("\r\n\r\n").next().unwrap_or(head);
    let status = last.split(' ').nth(1).unwrap_or_default();
    match status.as_bytes().first() {
        Some(b'1') => false,
        Some(b'2') => true,
        _ => rest.len() as u64 >= length(last),
    }
}

pub(crate) fn whole_response(got: &[u8]) -> bool {
    let text = String::from_utf8_lossy(got);
    match text.split_once("\r\n\r\n") {
        Some((head, rest)) => rest.len() as u64 >= length(head),
        None => false,
    }
}

fn length(head: &str) -> u64 {
    let line = head.lines().find(|l| l.to_ascii_lowercase().starts_with("content-length:"));
    line.and_then(|l| l.split(':').nth(1)?.trim().parse().ok()).unwrap_or(0)
}
