//! Which rule an attempt meets. Pure: no clock, no sockets, no randomness but its own seed.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use crate::dns::{Asked, Transport, Type};
use crate::fault::Effect;
use crate::rng::Rng;
use crate::scenario::{Credentials, Per, Rule, Scenario, glob};
use crate::stage::Stage;

/// What is known of an attempt when a stage is met.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The attempt, from 1: a connection accepted or a further request on a reused connection.
    pub attempt: u64,
    /// The connection, from 1.
    pub conn: u64,
    /// Connections open when this one was accepted, itself included.
    pub open: u64,
    /// The request on this connection, from 1; 0 before the first.
    pub request: u64,
    /// The request for this host and port, or at `dns` the query for this name and type, or at `pac`
    /// the request for the file, from 1; 0 before the first.
    pub target: u64,
    /// The target's host.
    pub host: String,
    /// The target's port.
    pub port: u16,
    /// The method.
    pub method: String,
    /// The request with this method, from 1; 0 before the first.
    pub same: u64,
    /// The path, where the request has one.
    pub path: Option<String>,
    /// What is answered now is HEAD, so that no body may follow.
    pub bodyless: bool,
    /// The connection ends with the answer: the client has said so, or speaks HTTP/1.0 (RFC 9112,
    /// section 9.3).
    pub closes: bool,
    /// The headers, as they came.
    pub headers: Vec<(String, String)>,
    /// Whether `Host` is the target; None where there is no such header, as in SOCKS.
    pub host_is_target: Option<bool>,
    /// The proxy credentials that came: absent, right or wrong.
    pub credentials: Option<Credentials>,
    /// The request with credentials of this kind, from 1; 0 before the first.
    pub alike: u64,
    /// The name in the TLS hello to the target.
    pub sni: Option<String>,
    /// The protocols in the TLS hello to the target.
    pub alpn: Vec<String>,
    /// Whether the attempt is counted: the client has sent something, or a rule was met before.
    pub begun: bool,
    /// The length of the TLS hello that was read last.
    pub hello: u64,
    /// At `dns`: what was asked, and how.
    pub dns: Option<Asked>,
    /// Time since the run started.
    pub elapsed: Duration,
}

/// Counts attempts and picks rules.
#[derive(Debug, Default)]
pub struct Plan {
    seed: u64,
    attempts: u64,
    conns: u64,
    targets: HashMap<(String, u16), u64>,
    credentials: HashMap<Credentials, u64>,
    methods: HashMap<String, u64>,
    queries: HashMap<(String, Type), u64>,
    fetches: u64,
    sessions: HashSet<(Stage, Option<String>)>,
}

impl Plan {
    /// A plan whose dice start at `seed`.
    pub fn new(seed: u64) -> Self {
        Plan { seed, ..Plan::default() }
    }

    /// Attempts and targets are counted from 1 again; connections keep their numbers.
    pub fn restart(&mut self) {
        self.attempts = 0;
        self.targets.clear();
        self.credentials.clear();
        self.methods.clear();
        self.queries.clear();
        self.fetches = 0;
    }

    /// A connection was accepted: its facts so far. Its attempt is the next one, and is not
    /// counted yet: see [`Plan::begin`].
    pub fn connection(&mut self) -> Facts {
        self.conns += 1;
        Facts { attempt: self.attempts + 1, conn: self.conns, ..Facts::default() }
    }

    /// The attempt of a connection begins: its first byte has come, or it has met a rule. One that
    /// is opened and never used (a health check, a connection kept in store) uses none up.
    pub fn begin(&mut self, facts: &mut Facts) {
        if !facts.begun {
            self.attempts += 1;
            facts.attempt = self.attempts;
            facts.begun = true;
        }
    }

    /// The rule that a connection meets at `stage`; its index. Meeting one begins its attempt.
    pub fn meet(&mut self, scenario: &Scenario, stage: Stage, facts: &mut Facts) -> Option<usize> {
        if stage == Stage::Accept && !facts.begun {
            facts.attempt = self.attempts + 1;
        }
        let rule = self.pick(scenario, stage, facts);
        if stage == Stage::Accept && rule.is_some() {
            self.begin(facts);
        }
        rule
    }

    /// A request was read on a connection. The first one belongs to the attempt that the
    /// connection began; each further one is an attempt of its own.
    pub fn request(&mut self, facts: &mut Facts, host: &str, port: u16) {
        self.begin(facts);
        self.further(facts);
        host.clone_into(&mut facts.host);
        facts.port = port;
        let count = self.targets.entry((host.to_ascii_lowercase(), port)).or_default();
        *count += 1;
        facts.target = *count;
    }

    /// The method of a request was read: the proxy's own, or the one inside a tunnel.
    pub fn method(&mut self, facts: &mut Facts, method: &str) {
        method.clone_into(&mut facts.method);
        let count = self.methods.entry(method.to_owned()).or_default();
        *count += 1;
        facts.same = *count;
    }

    /// Credentials were judged, or found to be absent.
    pub fn credentials(&mut self, facts: &mut Facts, credentials: Credentials) {
        facts.credentials = Some(credentials);
        let count = self.credentials.entry(credentials).or_default();
        *count += 1;
        facts.alike = *count;
    }

    /// A query was read: which one for this name and type it is, from 1.
    pub fn query(&mut self, name: &str, kind: Type) -> u64 {
        let count = self.queries.entry((name.to_owned(), kind)).or_default();
        *count += 1;
        *count
    }

    /// The server of the PAC file was asked for something: which request it is, from 1.
    pub fn fetch(&mut self) -> u64 {
        self.fetches += 1;
        self.fetches
    }

    /// A TLS session was established at this stage, with a client that asked for this name.
    pub fn session(&mut self, stage: Stage, name: Option<&str>) {
        self.sessions.insert((stage, name.map(str::to_ascii_lowercase)));
    }

    /// Whether there was one before.
    pub fn has_session(&self, stage: Stage, name: Option<&str>) -> bool {
        self.sessions.contains(&(stage, name.map(str::to_ascii_lowercase)))
    }

    /// A request that does not come through the proxy's head reader: inside a tunnel.
    pub fn further(&mut self, facts: &mut Facts) {
        facts.request += 1;
        if facts.request > 1 {
            self.attempts += 1;
            facts.attempt = self.attempts;
        }
    }

    /// The first rule at `stage` that matches; its index.
    pub fn pick(&self, scenario: &Scenario, stage: Stage, facts: &Facts) -> Option<usize> {
        scenario.rules.iter().enumerate().position(|(index, rule)| {
            rule.at.value == stage && self.matches(scenario, index, stage, facts)
        })
    }

    fn matches(&self, scenario: &Scenario, index: usize, stage: Stage, facts: &Facts) -> bool {
        let when = scenario.rules[index].when();
        let counted = match when.per.unwrap_or_default() {
            _ if matches!(stage, Stage::Pac | Stage::Dns) => facts.target,
            Per::Attempt => facts.attempt,
            Per::Connection => facts.conn,
            Per::Request => facts.request.max(1),
            Per::Target => facts.target,
            Per::Credentials => facts.alike,
            Per::Method => facts.same,
        };
        let header = |name: &str, value: &str| {
            facts.headers.iter().any(|(n, v)| n.eq_ignore_ascii_case(name) && glob(value, v))
        };
        when.attempt.is_none_or(|some| some.contains(counted))
            && when.open.is_none_or(|some| some.contains(facts.open))
            && when.host.as_ref().is_none_or(|host| glob(host, &facts.host))
            && when.port.is_none_or(|port| port == facts.port)
            && when.method.as_ref().is_none_or(|method| *method == facts.method)
            && when.path.as_ref().is_none_or(|path| {
                facts.path.as_ref().is_some_and(|asked| glob(path, without_query(asked)))
            })
            && when.header.iter().all(|(name, value)| header(name, value))
            && when.host_is_target.is_none_or(|is| facts.host_is_target == Some(is))
            && !when.without.iter().any(|name| header(name, "*"))
            && when.credentials.is_none_or(|wanted| {
                wanted.covers(facts.credentials.unwrap_or(Credentials::Absent))
            })
            && when.sni.as_ref().is_none_or(|name| match &facts.sni {
                Some(sni) => !name.is_empty() && glob(name, sni),
                None => name.is_empty(),
            })
            && when.hello_over.is_none_or(|size| facts.hello > size.0)
            && when.alpn.as_ref().is_none_or(|alpn| facts.alpn.contains(alpn))
            && (stage != Stage::Dns || asks(&scenario.rules[index], facts))
            && when.elapsed.is_none_or(|window| {
                facts.elapsed >= scenario.scaled(window.from.0)
                    && window.to.is_none_or(|to| facts.elapsed < scenario.scaled(to.0))
            })
            && when.probability.is_none_or(|p| self.dice(index, stage, facts).chance(p))
    }

    /// The die of one rule at one attempt: of its own, so that the order in which connections
    /// come to their stages changes nothing.
    fn dice(&self, rule: usize, stage: Stage, facts: &Facts) -> Rng {
        let purpose = format!("rule {rule} at {stage} request {}", facts.request);
        facts.dice(self.seed, &purpose)
    }
}

impl Facts {
    /// Dice for a purpose. Of a query they come from what it asks and not from its number: a
    /// client sends those for A and AAAA together, in any order.
    pub fn dice(&self, seed: u64, purpose: &str) -> Rng {
        match self.dns.as_ref().map(|asked| (asked.transport, &asked.question)) {
            Some((Some(transport), Some(q))) => {
                let transport = transport.word();
                let purpose = format!("{purpose}: {} {} over {transport}", q.name, q.kind);
                Rng::derive(seed, &purpose, self.target)
            }
            _ => Rng::derive(seed, purpose, self.conn),
        }
    }
}

fn without_query(path: &str) -> &str {
    path.split('?').next().unwrap_or_default()
}

/// Whether a query is what a rule at `dns` is for. A rule that chooses the certificate is met in
/// the TLS handshake, before there is a query; all others are met with one. A handshake that may
/// become DoT as well as DoH is for the rules of both.
fn asks(rule: &Rule, facts: &Facts) -> bool {
    let (when, Some(asked)) = (rule.when(), &facts.dns) else { return false };
    let handshake = rule.steps.0.iter().any(|step| matches!(step.effect, Effect::Cert(_)));
    let question = asked.question.as_ref();
    let secure = |wanted| matches!(wanted, Transport::Dot | Transport::Doh);
    let comes = |wanted| asked.transport.map_or(secure(wanted), |transport| transport == wanted);
    when.transport.is_none_or(comes)
        && handshake == question.is_none()
        && question.is_none_or(|q| {
            when.name.as_ref().is_none_or(|name| glob(name.trim_end_matches('.'), &q.name))
                && when.kind.is_none_or(|kind| kind == q.kind)
                && when.edns.is_none_or(|edns| edns == q.edns)
        })
}

#[cfg(test)]
mod tests;
