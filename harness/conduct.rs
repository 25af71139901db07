//! What the client did, computed from events.
//!
//! A fold without clock or sockets. Everything in it is bounded, so that a client that storms
//! costs counters and not memory.

mod astray;
mod left;
mod pace;
mod parts;
mod requests;
mod said;
mod taken;

use std::collections::{BTreeMap, BTreeSet};

use astray::Astray;
use left::Left;
use pace::Pace;
pub use parts::{Exit, Met, PerVia, Process, Sight, Silence, Spot, Tongue};
pub use said::Heard;
pub(crate) use said::stands;
use taken::Taken;

use crate::event::{Event, How, Side, Via, What, Who};
use crate::proxy::NOT_SERVED;
use crate::scenario::Scheme;
use crate::stage::Stage;

/// Attempts whose time is kept; later ones are only counted.
const TIMES: usize = 10_000;
/// Connections of which something is kept while they are open.
const OPEN: usize = 10_000;
/// Names asked for that are kept.
const NAMES: usize = 1000;
/// Trouble notes that are kept.
const FEW: usize = 50;

/// What the client did in one run.
#[derive(Debug, Clone, Default)]
pub struct Conduct {
    /// Connections accepted on the proxy's ports and further requests on a reused connection.
    pub attempts: u64,
    /// Connections accepted on the proxy's ports.
    pub accepted: u64,
    /// Connections that reached the origin around the proxy.
    pub direct: u64,
    /// Places, seen in the sandbox, that the client dialled itself and where nobody answers.
    pub egress: u64,
    /// Places, seen in the sandbox, that the client sent QUIC to: the target, by another way.
    pub quic: Vec<String>,
    /// Other places, seen in the sandbox, that the client sent datagrams to.
    pub elsewhere: Vec<String>,
    /// Connections of the proxy to a target that is not the built-in origin.
    pub foreign: u64,
    /// Queries that came to the name server.
    pub queries: u64,
    /// The names that were asked for, and how often; the first 1,000 of them.
    pub asked: BTreeMap<String, u64>,
    /// Those of the name and type that was asked for most.
    pub repeated: u64,
    /// Requests that came to the server of the PAC file.
    pub fetches: u64,
    /// Streams of HTTP/2 that were refused before anybody looked at their request, beyond the one
    /// that an attempt begins with.
    pub refused: u64,
    /// SYNs seen that were not answered with a SYN-ACK.
    pub syns: u64,
    /// Request heads that the proxy has read.
    pub requests: u64,
    /// What was spoken to the proxy: a request head, a greeting or a request of SOCKS was read.
    pub spoken: BTreeSet<Tongue>,
    /// The schemes of proxy authentication that the client has spoken, by their names, and what came
    /// of each: right, wrong, begun or stale.
    pub legs: BTreeSet<(&'static str, &'static str)>,
    /// What came where a request head was due, and was none.
    pub bad_requests: u64,
    /// The proxy's own answers, by status.
    pub replies: BTreeMap<u16, u64>,
    /// How connections with the proxy ended: who began it, how, how many.
    pub ends: Vec<(Who, How, u64)>,
    /// Faults applied, by rule (from 1).
    pub faults: BTreeMap<usize, u64>,
    /// Conditions that came true (`await`, `until`), by rule (from 1).
    pub passed: BTreeMap<usize, u64>,
    /// Rules about HTTP/2 that a client came to which did not speak it there, from 1.
    pub unspoken: BTreeSet<usize>,
    /// The first fault.
    pub first_fault: Option<Met>,
    /// The first fault that the client can notice.
    pub first_audible: Option<Met>,
    /// Since when the client can know that it failed: the first audible fault after the last
    /// time this program fell silent on purpose. None while it is silent, or before any fault.
    pub audible_since: Option<f64>,
    /// The last stage that any attempt got to.
    pub reached: Option<Stage>,
    /// Requests that the origin got.
    pub origin: PerVia,
    /// Answers of the origin with this run's nonce in them, as the target's URL asks for them.
    pub nonces: PerVia,
    /// Secrets and where they were seen.
    pub sights: Vec<Sight>,
    /// Bytes of application data that the client sent under a bad certificate, by its defect.
    pub bad_data: BTreeMap<String, u64>,
    /// Connections that are silent now.
    pub silent: BTreeMap<u64, Silence>,
    /// The wrapped command.
    pub process: Process,
    /// What the command wrote to its standard output.
    pub stdout: Heard,
    /// What the command wrote to its standard error.
    pub stderr: Heard,
    /// Ceilings that were reached, with their values.
    pub ceilings: BTreeMap<&'static str, u64>,
    /// What this program could not do as the scenario asks.
    pub trouble: Vec<String>,
    /// The first User-Agent that any request carried.
    pub user_agent: Option<String>,
    /// The fingerprint of the first ClientHello.
    pub hello: Option<String>,
    /// The first target that the origin does not answer for.
    pub strayed: Option<String>,
    /// When each attempt began. Keyed, because two attempts may be written down out of order.
    began: BTreeMap<u64, f64>,
    /// How soon and how often it came back.
    pace: Pace,
    /// What became of the answers that it took.
    taken: Taken,
    /// What went to others, or in clear.
    astray: Astray,
    left: Left,
    /// Open connections whose TLS session has a bad certificate.
    distrusted: BTreeSet<u64>,
    /// Open connections whose TLS session with the proxy has a bad certificate.
    distrusted_proxy: BTreeSet<u64>,
}

impl Conduct {
    /// Takes one event in.
    pub fn note(&mut self, event: &Event) {
        let (time, conn) = (event.time, event.conn);
        self.spoken.extend(Tongue::of(&event.what));
        self.pace(event);
        self.taken(event);
        self.astray(event);
        self.left(event);
        match &event.what {
            What::Accepted { side: Side::Client, attempt, .. } => {
                self.accepted += 1;
                self.attempt(*attempt, time);
                self.attempts = self.attempts.max(self.accepted);
                self.reach(Stage::Accept);
            }
            What::Accepted { side: Side::Direct, .. } => self.direct += 1,
            What::Egress { proto, dst, .. } => {
                self.egress += u64::from(*proto == "tcp");
                let quic = dst.ends_with(":443");
                let places = if quic { &mut self.quic } else { &mut self.elsewhere };
                if *proto != "tcp" && places.len() < FEW {
                    places.push(dst.clone());
                }
            }
            What::PacRequest { headers, secret_seen, .. } => {
                self.fetches += 1;
                self.reach(Stage::Pac);
                self.agent(headers);
                self.saw(secret_seen, Spot::Pac, conn);
            }
            What::DnsQuery { name, .. } => {
                self.queries += 1;
                if self.asked.len() < NAMES || self.asked.contains_key(name) {
                    *self.asked.entry(name.clone()).or_default() += 1;
                }
                self.reach(Stage::Dns);
            }
            What::Connected { side: Side::Upstream, dst } => {
                self.foreign += u64::from(dst != "origin");
                self.reach(Stage::Dial);
            }
            What::SynSeen { listener: "dns", .. } => self.reach(Stage::Dns),
            What::SynSeen { .. } => {
                self.syns += 1;
                self.reach(Stage::Syn);
            }
            What::Closed { side, by, how, .. } => {
                if *side == Side::Client {
                    self.ended(*by, *how);
                }
                if let Some(conn) = conn {
                    self.silent.remove(&conn);
                    self.distrusted.remove(&conn);
                    self.distrusted_proxy.remove(&conn);
                }
            }
            What::Request { .. } => self.asks_proxy(event),
            What::SocksGreeting { .. } => self.reach(Stage::Request),
            What::SocksAuth { secret_seen, .. } => {
                self.reach(Stage::Auth);
                self.saw(secret_seen, Spot::ProxyRequest, conn);
            }
            What::SocksRequest { attempt, secret_seen, .. } => {
                self.requests += 1;
                self.attempt(Some(*attempt), time);
                self.reach(Stage::Request);
                self.saw(secret_seen, Spot::ConnectRequest, conn);
            }
            // A scheme that nobody knows is none that the client was to speak.
            What::AuthLeg { scheme, credentials, .. } => {
                let known = Scheme::named(scheme).map(Scheme::name);
                self.legs.extend(known.map(|name| (name, *credentials)));
            }
            What::SocksReply { .. } => self.reach(Stage::Reply),
            What::BadRequest { .. } => self.bad_requests += 1,
            What::Reply { status, .. } => {
                *self.replies.entry(*status).or_default() += 1;
                self.reach(if *status == 407 { Stage::Auth } else { Stage::Reply });
            }
            What::Resolved { host, result } => {
                self.reach(Stage::Resolve);
                if result == NOT_SERVED && self.strayed.is_none() {
                    self.strayed = Some(host.clone());
                }
            }
            What::SecretSeen { place, secret_seen } => {
                let distrusted = conn.is_some_and(|conn| self.distrusted.contains(&conn));
                self.saw(secret_seen, Spot::of_place(place, distrusted), conn);
            }
            What::ClientHello { fingerprint, .. } => {
                self.reach(Stage::Tls);
                self.greeted(fingerprint);
            }
            What::Established { cert, .. } => {
                self.reach(Stage::Tls);
                if let Some(conn) = conn.filter(|_| is_bad(cert) && self.distrusted.len() < OPEN) {
                    self.distrusted.insert(conn);
                }
            }
            What::ProxyHello { fingerprint, .. } => {
                self.reach(Stage::ProxyTls);
                self.greeted(fingerprint);
            }
            What::ProxyEstablished { cert, .. } => {
                let some = conn.filter(|_| is_bad(cert) && self.distrusted_proxy.len() < OPEN);
                self.distrusted_proxy.extend(some);
            }
            What::ProxyTlsFailed { secret_seen, .. } => {
                self.saw(secret_seen, Spot::ProxyInClear, conn);
            }
            What::AppData { cert, bytes } if is_bad(cert) && *bytes > 0 => {
                // Bounded: the defects are words of ours.
                let sum = self.bad_data.entry(cert.clone()).or_default();
                *sum = sum.saturating_add(*bytes);
            }
            What::HttpRequest { .. } => self.asks_origin(event),
            What::HttpResponse { via, .. } if *via != Via::Direct => self.reach(Stage::Body),
            What::Fault { rule, at, effect, did, audible } => {
                *self.faults.entry(*rule).or_default() += 1;
                self.reach(*at);
                if self.first_fault.is_none() || (*audible && self.first_audible.is_none()) {
                    let met = Met { time, conn, at: *at, effect, did: did.clone() };
                    if *audible {
                        self.first_audible = Some(met.clone());
                    }
                    self.first_fault.get_or_insert(met);
                }
                if *audible {
                    self.audible_since.get_or_insert(time);
                }
            }
            What::StepPassed { rule, unspoken: true, .. } => {
                self.unspoken.insert(*rule);
            }
            What::StepPassed { rule, .. } => *self.passed.entry(*rule).or_default() += 1,
            What::Silence { who, at, .. } => {
                if *who == Who::Us {
                    self.audible_since = None;
                }
                let key = conn.unwrap_or(0);
                if self.silent.len() < OPEN {
                    self.silent.insert(key, Silence { who: *who, at: *at, since: time });
                }
            }
            What::SilenceEnded { .. } => {
                self.silent.remove(&conn.unwrap_or(0));
            }
            What::Spawned { pid, argv, .. } => {
                let exit = self.process.exit;
                self.process = Process {
                    pid: Some(*pid),
                    argv: argv.clone(),
                    absent: false,
                    spawned: Some(time),
                    exit,
                };
            }
            What::Output { stream, text, truncated, secret_seen } => {
                let out = *stream == "stdout";
                let heard = if out { &mut self.stdout } else { &mut self.stderr };
                heard.add(text);
                heard.cut |= truncated;
                self.saw(secret_seen, if out { Spot::Stdout } else { Spot::Stderr }, None);
            }
            What::Exited { code, signal, killed_by_us } => {
                // The first word counts.
                self.process.exit.get_or_insert(Exit {
                    time,
                    code: *code,
                    signal: *signal,
                    killed_by_us: *killed_by_us,
                    leftover: false,
                });
            }
            What::Leftover {} => {
                if let Some(exit) = &mut self.process.exit {
                    exit.leftover = true;
                }
            }
            What::ClientEnded { success, text, secret_seen } => {
                let code = Some(i32::from(!success));
                let (signal, killed_by_us, leftover) = (None, false, false);
                if self.process.exit.is_none() {
                    self.stderr.add(text);
                    self.process.exit = Some(Exit { time, code, signal, killed_by_us, leftover });
                }
                self.saw(secret_seen, Spot::Stderr, None);
            }
            What::Ceiling { limit, value } => {
                self.ceilings.insert(limit, *value);
            }
            What::Trouble { text } if self.trouble.len() < FEW => self.trouble.push(text.clone()),
            _ => {}
        }
    }

    /// From the command's start to its end, in milliseconds.
    pub fn ran(&self) -> Option<f64> {
        self.process.exit.map(|exit| exit.time - self.process.spawned.unwrap_or(0.0))
    }

    /// Whether every connection with the proxy has ended.
    pub fn all_ended(&self) -> bool {
        self.ends.iter().map(|(_, _, count)| count).sum::<u64>() >= self.accepted
    }

    /// Whether the origin was reached around the proxy.
    pub fn went_around(&self) -> bool {
        let dialled = self.direct > 0 || self.egress > 0 || !self.quic.is_empty();
        dialled || self.origin.direct > 0 || self.nonces.direct > 0
    }

    fn attempt(&mut self, number: Option<u64>, time: f64) {
        let Some(number) = number else { return };
        self.attempts = self.attempts.max(number);
        if self.began.len() < TIMES {
            self.began.entry(number).or_insert(time);
        }
    }

    fn reach(&mut self, stage: Stage) {
        self.reached = self.reached.max(Some(stage));
    }

    fn ended(&mut self, by: Who, how: How) {
        match self.ends.iter_mut().find(|(who, end, _)| (*who, *end) == (by, how)) {
            Some((_, _, count)) => *count += 1,
            None => self.ends.push((by, how, 1)),
        }
    }

    /// What could not be read whole has no fingerprint.
    fn greeted(&mut self, fingerprint: &str) {
        if self.hello.is_none() && !fingerprint.is_empty() {
            self.hello = Some(fingerprint.to_owned());
        }
    }
}

/// Whether a client must not trust a certificate of this word. What is unknown is bad.
fn is_bad(cert: &str) -> bool {
    crate::cert::Flavour::of(cert).is_none_or(crate::cert::Flavour::is_bad)
}

#[cfg(test)]
mod tests;
