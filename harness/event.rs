//! What happened, as data. The event log is the product; every report is a view of it.
//!
//! On disk: JSON Lines, a [`Header`] first, then one [`Event`] a line. Fields may be added;
//! readers ignore what they do not know; removing one makes a new major of [`SCHEMA`].

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

pub use crate::dns::{Rcode, Transport};
use crate::stage::Stage;

/// The name of the format.
pub const SCHEMA: &str = "badproxy.events/1";

/// The first line of an event file.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Header {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// This program's version.
    pub badproxy: &'static str,
    /// The scenario's name.
    pub scenario: String,
    /// The seed of the run.
    pub seed: u64,
    /// The machine: `{os, arch, cpus}`.
    pub host: Value,
    /// What `time` counts from: `{clock_type, epoch, wall_clock_time}`.
    pub reference_time: Value,
    /// What the verdict compares with: `{attempts, fast_ms, hang_ms, timeout_ms}`.
    pub limits: Value,
    /// What can be seen in this run: `{bypass, dns, egress}`.
    pub observable: Value,
}

/// The JSON Schema of a line of an event file: the first is a [`Header`], the others are [`Event`]s.
pub fn schema() -> Value {
    let mut schema = schemars::schema_for!(Line).to_value();
    if let Some(object) = schema.as_object_mut() {
        object.insert("title".into(), "badproxy events, version 1: one line".into());
    }
    schema
}

/// A line of an event file.
#[derive(JsonSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "it is there for its schema")]
enum Line {
    Header(Header),
    Event(Event),
}

/// One thing that happened.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Event {
    /// Milliseconds since the run started, on one monotonic clock.
    pub time: f64,
    /// The connection, from 1; connections around the proxy are counted with the others.
    #[serde(rename = "group_id", skip_serializing_if = "Option::is_none")]
    pub conn: Option<u64>,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// A leg of the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Side {
    /// Between client and proxy.
    Client,
    /// Between proxy and target.
    Upstream,
    /// Between client and origin, around the proxy.
    Direct,
    /// Between client and name server.
    Dns,
    /// Between client and the server of the PAC file.
    Pac,
}

/// Who did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Who {
    /// The client.
    Client,
    /// The proxy or the origin: this program.
    Us,
    /// The target, when it is not this program.
    Upstream,
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum How {
    /// A FIN.
    Fin,
    /// A RST.
    Rst,
    /// Given up after a ceiling.
    Timeout,
}

/// The way a request reached the origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Via {
    /// Through a CONNECT tunnel of ours.
    Tunnel,
    /// Forwarded by the proxy (absolute-form request).
    Forward,
    /// Around the proxy.
    Direct,
}

/// The kinds of events. Field names are the ones in the file.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(tag = "name", content = "data")]
#[allow(missing_docs, reason = "the names are the documentation; the schema page explains them")]
#[non_exhaustive]
pub enum What {
    #[non_exhaustive]
    #[serde(rename = "run:started")]
    RunStarted { proxy: String, target: String },
    #[non_exhaustive]
    #[serde(rename = "run:ended")]
    RunEnded {
        verdict: String,
        findings: Vec<String>,
        notes: Vec<String>,
        lag_max_ms: f64,
        events_dropped: u64,
    },
    #[non_exhaustive]
    #[serde(rename = "run:note")]
    Note { text: String },
    #[non_exhaustive]
    #[serde(rename = "run:trouble")]
    Trouble { text: String },
    #[non_exhaustive]
    #[serde(rename = "proc:spawned")]
    Spawned { pid: u32, argv: Vec<String>, env_set: Value },
    #[non_exhaustive]
    #[serde(rename = "proc:output")]
    Output { stream: &'static str, text: String, truncated: bool, secret_seen: Vec<&'static str> },
    #[non_exhaustive]
    #[serde(rename = "proc:killed")]
    Killed { after_ms: f64, interrupted: bool },
    #[non_exhaustive]
    #[serde(rename = "proc:exited")]
    Exited { code: Option<i32>, signal: Option<i32>, killed_by_us: bool },
    #[non_exhaustive]
    #[serde(rename = "proc:leftover")]
    Leftover {},
    #[non_exhaustive]
    #[serde(rename = "client:ended")]
    ClientEnded { success: bool, text: String, secret_seen: Vec<&'static str> },
    #[non_exhaustive]
    #[serde(rename = "tcp:listening")]
    Listening { listener: &'static str, address: String },
    #[non_exhaustive]
    #[serde(rename = "tcp:syn_seen")]
    SynSeen { listener: &'static str, state: &'static str },
    #[non_exhaustive]
    #[serde(rename = "net:egress")]
    Egress { proto: &'static str, dst: String, likely: &'static str },
    #[non_exhaustive]
    #[serde(rename = "tcp:accepted")]
    Accepted { side: Side, src: String, attempt: Option<u64> },
    #[non_exhaustive]
    #[serde(rename = "tcp:connected")]
    Connected { side: Side, dst: String },
    #[non_exhaustive]
    #[serde(rename = "tcp:closed")]
    Closed { side: Side, by: Who, how: How, bytes_in: u64, bytes_out: u64 },
    #[non_exhaustive]
    #[serde(rename = "tcp:after_close")]
    AfterClose { side: Side, bytes_in: u64, bytes_out: u64 },
    #[non_exhaustive]
    #[serde(rename = "pac:request")]
    PacRequest {
        attempt: u64,
        method: String,
        path: String,
        headers: Vec<(String, String)>,
        secret_seen: Vec<&'static str>,
    },
    #[non_exhaustive]
    #[serde(rename = "pac:bad_request")]
    PacBadRequest { reason: String },
    #[non_exhaustive]
    #[serde(rename = "pac:reply")]
    PacReply { status: u16, bytes: u64 },
    #[non_exhaustive]
    #[serde(rename = "dns:query")]
    DnsQuery {
        name: String,
        #[serde(rename = "type")]
        kind: String,
        from: String,
        transport: Transport,
        attempt: u64,
    },
    #[non_exhaustive]
    #[serde(rename = "dns:answer")]
    DnsAnswer {
        name: String,
        #[serde(rename = "type")]
        kind: String,
        rcode: Rcode,
        addrs: Vec<String>,
        truncated: bool,
        bytes: u64,
        delay_ms: f64,
    },
    #[non_exhaustive]
    #[serde(rename = "dns:bad_query")]
    DnsBadQuery { reason: String, from: String, transport: Transport },
    #[non_exhaustive]
    #[serde(rename = "proxy_tls:client_hello")]
    ProxyHello {
        to_plain_port: bool,
        sni: Option<String>,
        alpn: Vec<String>,
        versions: Vec<String>,
        bytes: u64,
        fingerprint: String,
    },
    #[non_exhaustive]
    #[serde(rename = "proxy_tls:established")]
    ProxyEstablished { version: String, cipher: String, alpn: Option<String>, cert: String },
    #[non_exhaustive]
    #[serde(rename = "proxy_tls:failed")]
    ProxyTlsFailed {
        reason: String,
        alert: Option<String>,
        by: Who,
        secret_seen: Vec<&'static str>,
    },
    #[non_exhaustive]
    #[serde(rename = "connect:request")]
    Request {
        attempt: u64,
        method: String,
        target: String,
        version: String,
        headers: Vec<(String, String)>,
        raw: String,
        secret_seen: Vec<&'static str>,
    },
    #[non_exhaustive]
    #[serde(rename = "connect:bad_request")]
    BadRequest { reason: String, raw: String },
    #[non_exhaustive]
    #[serde(rename = "connect:reply")]
    Reply { status: u16, bytes: u64, raw: String },
    #[non_exhaustive]
    #[serde(rename = "auth:leg")]
    AuthLeg {
        scheme: String,
        leg: &'static str,
        credentials: &'static str,
        user: Option<String>,
        why: String,
    },
    #[non_exhaustive]
    #[serde(rename = "socks:greeting")]
    SocksGreeting { version: u8, methods: Vec<u8> },
    #[non_exhaustive]
    #[serde(rename = "socks:method")]
    SocksMethod { method: u8 },
    #[non_exhaustive]
    #[serde(rename = "socks:auth")]
    SocksAuth { right: bool, secret_seen: Vec<&'static str> },
    #[non_exhaustive]
    #[serde(rename = "socks:status")]
    SocksStatus { status: u8 },
    #[non_exhaustive]
    #[serde(rename = "socks:request")]
    SocksRequest {
        attempt: u64,
        version: u8,
        command: u8,
        atyp: &'static str,
        target: String,
        secret_seen: Vec<&'static str>,
    },
    #[non_exhaustive]
    #[serde(rename = "socks:reply")]
    SocksReply { version: u8, code: u8, bytes: u64 },
    #[non_exhaustive]
    #[serde(rename = "resolve:looked_up")]
    Resolved { host: String, result: String },
    #[non_exhaustive]
    #[serde(rename = "secret:seen")]
    SecretSeen { place: &'static str, secret_seen: Vec<&'static str> },
    #[non_exhaustive]
    #[serde(rename = "tls:client_hello")]
    ClientHello {
        sni: Option<String>,
        alpn: Vec<String>,
        versions: Vec<String>,
        bytes: u64,
        fingerprint: String,
    },
    #[non_exhaustive]
    #[serde(rename = "tls:established")]
    Established { version: String, cipher: String, alpn: Option<String>, cert: String },
    #[non_exhaustive]
    #[serde(rename = "tls:failed")]
    TlsFailed { reason: String, alert: Option<String>, by: Who },
    #[non_exhaustive]
    #[serde(rename = "tls:application_data")]
    AppData { cert: String, bytes: u64 },
    #[non_exhaustive]
    #[serde(rename = "h2:failed")]
    Http2Failed { reason: String },
    #[non_exhaustive]
    #[serde(rename = "h2:error")]
    Http2Error { stream: u32, answered: String, code: String },
    #[non_exhaustive]
    #[serde(rename = "h2:stream_closed")]
    StreamClosed { stream: u32, by: Who, how: How, bytes_in: u64, bytes_out: u64 },
    #[non_exhaustive]
    #[serde(rename = "http:request")]
    HttpRequest {
        via: Via,
        attempt: Option<u64>,
        method: String,
        path: String,
        version: String,
        headers: Vec<(String, String)>,
        secret_seen: Vec<&'static str>,
    },
    #[non_exhaustive]
    #[serde(rename = "http:response")]
    HttpResponse { via: Via, method: String, status: u16, bytes: u64, nonce_served: bool },
    #[non_exhaustive]
    #[serde(rename = "fault:applied")]
    Fault { rule: usize, at: Stage, effect: &'static str, did: String, audible: bool },
    #[non_exhaustive]
    #[serde(rename = "step:passed")]
    StepPassed {
        rule: usize,
        at: Stage,
        effect: &'static str,
        did: String,
        /// It is about HTTP/2, and the client does not speak that here: nothing was done.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        unspoken: bool,
    },
    #[non_exhaustive]
    #[serde(rename = "wait:silence")]
    Silence { who: Who, at: Stage, reads: bool },
    #[non_exhaustive]
    #[serde(rename = "wait:ended")]
    SilenceEnded { bytes: u64 },
    #[non_exhaustive]
    #[serde(rename = "limit:reached")]
    Ceiling { limit: &'static str, value: u64 },
    #[non_exhaustive]
    #[serde(rename = "verdict:finding")]
    Finding {
        verdict: &'static str,
        rule: String,
        measured: String,
        limit: String,
        proxy_did: String,
        client_did: String,
        good_client: String,
        fix: Option<String>,
    },
}

impl What {
    /// Its name in the file, e.g. `tcp:accepted`.
    pub fn name(&self) -> String {
        match serde_json::to_value(self) {
            Ok(Value::Object(map)) => match map.get("name") {
                Some(Value::String(name)) => name.clone(),
                _ => String::new(),
            },
            _ => String::new(),
        }
    }
}
