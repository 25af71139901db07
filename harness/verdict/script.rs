//! Clients made by hand, as lists of events, for the tests of verdicts and reports.

use crate::conduct::Conduct;
use crate::event::{Event, How, Side, Via, What, Who};
use crate::stage::Stage;

/// A run told event by event.
#[derive(Clone, Default)]
pub(crate) struct Script {
    time: f64,
    conn: u64,
    attempt: u64,
    /// The events.
    pub events: Vec<Event>,
}

impl Script {
    /// A client that is started at 0.
    pub fn new(command: &str) -> Self {
        let argv = command.split(' ').map(str::to_owned).collect();
        Script::default().also(None, What::Spawned { pid: 4411, argv, env_set: Default::default() })
    }

    /// An event of any kind.
    pub fn also(mut self, conn: Option<u64>, what: What) -> Self {
        self.events.push(Event { time: self.time, conn, what });
        self
    }

    /// An event on the connection that was made last.
    pub fn here(self, what: What) -> Self {
        let conn = self.conn;
        self.also(Some(conn), what)
    }

    /// Some time passes.
    pub fn wait(mut self, ms: f64) -> Self {
        self.time += ms;
        self
    }

    /// It connects to the proxy.
    pub fn connect(mut self) -> Self {
        (self.conn, self.attempt) = (self.conn + 1, self.attempt + 1);
        let attempt = Some(self.attempt);
        self.here(What::Accepted { side: Side::Client, src: "127.0.0.1:5".into(), attempt })
    }

    /// It connects to the origin.
    pub fn around(mut self) -> Self {
        self.conn += 1;
        self.here(What::Accepted { side: Side::Direct, src: "127.0.0.1:6".into(), attempt: None })
    }

    /// It sends a CONNECT, with secrets in it.
    pub fn request(self, secrets: &[&'static str]) -> Self {
        let attempt = self.attempt;
        self.here(What::Request {
            attempt,
            method: "CONNECT".into(),
            target: "target.badproxy.test:443".into(),
            version: "HTTP/1.1".into(),
            headers: vec![("User-Agent".into(), "curl/7.88.1".into())],
            raw: String::new(),
            secret_seen: secrets.to_vec(),
        })
    }

    /// Its target is this.
    pub fn told(self, target: &str) -> Self {
        self.also(
            None,
            What::RunStarted { proxy: "http://127.0.0.1:1".into(), target: target.into() },
        )
    }

    /// It sends the proxy a request for this place, with secrets in it.
    pub fn asks(self, method: &str, target: &str, secrets: &[&'static str]) -> Self {
        self.asks_in("HTTP/1.1", method, target, secrets)
    }

    /// The same in this version of HTTP.
    pub fn asks_in(
        self,
        version: &str,
        method: &str,
        target: &str,
        secrets: &[&'static str],
    ) -> Self {
        let attempt = self.attempt;
        self.here(What::Request {
            attempt,
            method: method.into(),
            target: target.into(),
            version: version.into(),
            headers: vec![],
            raw: String::new(),
            secret_seen: secrets.to_vec(),
        })
    }

    /// A further request on the same connection.
    pub fn again(mut self) -> Self {
        self.attempt += 1;
        self.request(&[])
    }

    /// Rule 1 does its fault.
    pub fn fault(self, at: Stage, effect: &'static str, did: &str, audible: bool) -> Self {
        self.here(What::Fault { rule: 1, at, effect, did: did.into(), audible })
    }

    /// Rule 1 closes at `reply`.
    pub fn fin(self) -> Self {
        self.fault(Stage::Reply, "close", "FIN", true).closed(Who::Us, How::Fin)
    }

    /// Rule 1 falls silent at `reply`.
    pub fn hang(self) -> Self {
        self.fault(Stage::Reply, "hang", "silent, stops reading", false).here(What::Silence {
            who: Who::Us,
            at: Stage::Reply,
            reads: false,
        })
    }

    /// The connection ends.
    pub fn closed(self, by: Who, how: How) -> Self {
        self.here(What::Closed { side: Side::Client, by, how, bytes_in: 0, bytes_out: 0 })
    }

    /// The proxy's own answer.
    pub fn reply(self, status: u16) -> Self {
        self.here(What::Reply { status, bytes: 39, raw: String::new() })
    }

    /// TLS through the tunnel.
    pub fn tls(self, cert: &str) -> Self {
        self.here(What::Established {
            version: "TLSv1.3".into(),
            cipher: "x".into(),
            alpn: Some("h2".into()),
            cert: cert.into(),
        })
    }

    /// A request that the origin gets, with secrets in it.
    pub fn get(self, via: Via, secrets: &[&'static str]) -> Self {
        self.here(What::HttpRequest {
            via,
            attempt: None,
            method: "GET".into(),
            path: "/".into(),
            version: "HTTP/2".into(),
            headers: vec![],
            secret_seen: secrets.to_vec(),
        })
    }

    /// The origin's answer.
    pub fn answer(self, via: Via) -> Self {
        self.here(What::HttpResponse {
            via,
            method: "GET".into(),
            status: 200,
            bytes: 55,
            nonce_served: true,
        })
    }

    /// The origin's answer with this status.
    pub fn answers(self, via: Via, status: u16) -> Self {
        self.here(What::HttpResponse {
            via,
            method: "GET".into(),
            status,
            bytes: 0,
            nonce_served: true,
        })
    }

    /// A request with this method, and the origin's answer to it.
    pub fn probe(self, via: Via, method: &str) -> Self {
        let asked = self.here(What::HttpRequest {
            via,
            attempt: None,
            method: method.into(),
            path: "/".into(),
            version: "HTTP/1.1".into(),
            headers: vec![],
            secret_seen: vec![],
        });
        let method = method.into();
        asked.here(What::HttpResponse { via, method, status: 200, bytes: 0, nonce_served: true })
    }

    /// A whole good exchange through a tunnel.
    pub fn fetch(self) -> Self {
        self.request(&[]).reply(200).tls("good").get(Via::Tunnel, &[]).answer(Via::Tunnel)
    }

    /// It writes to its standard error.
    pub fn says(self, text: &str) -> Self {
        self.outputs(text, &[])
    }

    /// It writes to its standard error, with secrets in it.
    pub fn outputs(self, text: &str, secrets: &[&'static str]) -> Self {
        self.also(
            None,
            What::Output {
                stream: "stderr",
                text: text.into(),
                truncated: false,
                secret_seen: secrets.to_vec(),
            },
        )
    }

    /// It exits.
    pub fn exits(self, code: i32) -> Self {
        self.ends(Some(code), None, false)
    }

    /// It ends.
    pub fn ends(self, code: Option<i32>, signal: Option<i32>, killed_by_us: bool) -> Self {
        self.also(None, What::Exited { code, signal, killed_by_us })
    }

    /// What it comes to.
    pub fn conduct(&self) -> Conduct {
        let mut conduct = Conduct::default();
        self.events.iter().for_each(|event| conduct.note(event));
        conduct
    }
}
