//! The scenario language, version 1: YAML as types.
//!
//! Every default is the healthy proxy, so an empty scenario is a correct proxy. No type here uses
//! serde's `flatten`, `untagged` or `tag`: they lose the place of an error.

mod address;
mod at_stage;
mod auth;
mod builder;
mod check;
mod check_dns;
mod check_h2;
mod check_pac;
mod check_reach;
mod client;
mod collect;
mod common;
mod covers;
mod dns;
mod expect;
mod numbered;
mod origin;
mod pac;
mod problem;
mod proxy;
mod read;
mod schema;
mod steps;
mod synonyms;
mod syntax;
mod tree;
mod typed;
mod units;
mod when;
mod write;
mod yaml;

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

pub use address::Address;
pub(crate) use auth::check_offers;
pub use auth::{Algorithm, Answer, Auth, Digest, Lines, Negotiate, Offer, Qop, Scheme};
pub use builder::{Builder, RuleBuilder};
pub use client::{ClientSide, GivenCredentials, ProxyHost, ProxyScheme, SCHEMES, Spelling};
pub use collect::{Located, Several};
pub(crate) use collect::{word, word_or_map};
pub(crate) use dns::is_default;
pub use dns::{Address4, Address6, DnsSide, DnsTcp, Name, Others, Records};
pub use expect::{Count, Damage, Expect, Gap, Outcome, Way};
pub(crate) use numbered::{name_of, number, number_schema, write_number};
pub use origin::{Alpn, OriginSide, Ranges};
pub use pac::PacSide;
pub use problem::{Place, Problem, Problems, nearest, seen};
pub use proxy::{DialTime, ProxySide, ProxyTls};
pub use read::{read, read_file, read_named};
pub(crate) use read::{tree_file, tree_text};
pub use schema::schema;
pub use steps::{Step, Steps};
pub(crate) use tree::{Kind, Node};
pub(crate) use units::Word;
pub use units::{Length, Ordinals, Rate, Size};
pub use when::{Credentials, Per, When, Window, glob};

use crate::fault::Effect;
use crate::stage::Stage;

/// The name every run's client is pointed at unless the scenario says otherwise. It exists
/// nowhere but behind the proxy (RFC 6761 reserves `.test`), so that no client resolves it, takes
/// it for loopback, or reaches it around the proxy by accident.
pub const TARGET: &str = "https://target.badproxy.test/";

/// The proxy's own name, where a client is told one.
pub const PROXY: &str = "proxy.badproxy.test";

/// One YAML file: the small world, the rules, and what a good client does.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Scenario {
    /// `stage/what-happens`. Default: the file's name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What happens on the wire, in one or two sentences.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
    /// What happens on the wire, step by step, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wire: Vec<String>,
    /// Why it happens in the field: which product or network does this.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// What it does to a client that is not ready for it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub consequence: String,
    /// Where it was seen: FB ids of the field-bug list, `owner/repo#issue`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seen: Vec<String>,
    /// What a good client does.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub good_client: String,
    /// A command that plays it well, for people; the words of `run` stand in braces. Default:
    /// `curl -sS {target}`, with `--proxy-cacert {cacert}` where the proxy speaks TLS.
    #[serde(default, rename = "try", skip_serializing_if = "String::is_empty")]
    pub example: String,
    /// What of it one machine cannot imitate. Default: nothing is missing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cannot: String,
    /// The tier it needs: 0 anywhere, 1 the Linux sandbox, 2 root. Default: 0.
    #[serde(default, deserialize_with = "tier", skip_serializing_if = "is_default")]
    #[schemars(range(max = 2))]
    pub requires: u8,
    /// What the client is told.
    #[serde(default, skip_serializing_if = "is_default")]
    pub client: ClientSide,
    /// The PAC file, from which the client learns its proxy. Default: none, unless a rule is at `pac`.
    #[serde(default, deserialize_with = "collect::maybe", skip_serializing_if = "Option::is_none")]
    pub pac: Option<PacSide>,
    /// The name server. Default: none, unless a rule is at `dns`.
    #[serde(default, deserialize_with = "collect::maybe", skip_serializing_if = "Option::is_none")]
    pub dns: Option<DnsSide>,
    /// The proxy when nothing goes wrong.
    #[serde(default, skip_serializing_if = "is_default")]
    pub proxy: ProxySide,
    /// The server behind the proxy.
    #[serde(default, skip_serializing_if = "is_default")]
    pub origin: OriginSide,
    /// What goes wrong: the first rule that matches wins, per stage.
    #[serde(default, deserialize_with = "rules", skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
    /// What is held against the client. Without it, where something goes wrong any end passes that
    /// comes soon, with no more than 5 attempts; behind a healthy proxy success is asked for.
    #[serde(default, skip_serializing_if = "is_default")]
    pub expect: Expect,
    /// The seed of all dice. Default: drawn anew for each run, and printed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Every time in this file is multiplied by it: with 0.001, 350 s in the field are 350 ms
    /// here. Default: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0, "maximum" = 1000))]
    pub scale: Option<f64>,
    /// Ceilings, so that a client that storms cannot take the machine down.
    #[serde(default, skip_serializing_if = "is_default")]
    pub limits: Limits,
}

fn tier<'de, D: Deserializer<'de>>(from: D) -> Result<u8, D::Error> {
    word(from, |text| match text.parse() {
        Ok(tier @ 0..=2) => Ok(tier),
        _ => Err(Problem::new(format!("`requires` cannot be {}", seen(text)))
            .help("write 0 (runs anywhere), 1 (needs the Linux sandbox) or 2 (needs root)")),
    })
}

fn rules<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Rule>, D::Error> {
    collect::each(from, "write a list of rules, e.g. `- {at: reply, do: close}`")
}

/// One thing that goes wrong: when, at which stage, what happens.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Rule {
    /// For which attempts. Default: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Located<When>>,
    /// At which stage.
    pub at: Located<Stage>,
    /// What happens there: one effect, or a list of them.
    #[serde(rename = "do")]
    pub steps: Steps,
}

impl Rule {
    /// Its `when`, or the one that always holds.
    pub fn when(&self) -> &When {
        static ALWAYS: std::sync::LazyLock<When> = std::sync::LazyLock::new(When::default);
        self.when.as_ref().map_or(&ALWAYS, |w| &w.value)
    }

    /// Whether what it does is written as HTTP/1.1, so that the origin cannot offer HTTP/2.
    pub fn is_http1(&self) -> bool {
        match self.at.value {
            Stage::Response | Stage::Body => true,
            Stage::Request => self.steps.0.iter().any(|s| matches!(s.effect, Effect::Headers(_))),
            _ => false,
        }
    }
}

/// Ceilings.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Limits {
    /// Connections taken in one run; later ones are refused. Default: 10000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connections: Option<u64>,
    /// Bytes passed in one run; then everything is closed. Default: 1GiB, none with `--forward`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<Size>,
    /// How long one connection may live. Default: 1h.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Length>,
}

impl Limits {
    /// Connections taken in one run unless the scenario says otherwise.
    pub const CONNECTIONS: u64 = 10_000;

    /// How long one connection may live.
    pub fn time(&self) -> std::time::Duration {
        self.time.map_or(std::time::Duration::from_secs(3600), |t| t.0)
    }
}

/// A host as it is compared: an address has many spellings (RFC 5952), a name has one.
fn canonical(host: &str) -> Cow<'_, str> {
    match host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>() {
        Ok(ip) => Cow::Owned(ip.to_string()),
        Err(_) => Cow::Borrowed(host),
    }
}

impl Scenario {
    /// The healthy proxy.
    pub fn healthy() -> Self {
        read("name: ok/plain\n", "ok/plain").unwrap_or_else(|_| unreachable!("it has no mistake"))
    }

    /// How the client has to end: as `expect` says it, or as it follows from the rest.
    pub fn outcome(&self) -> Outcome {
        self.expect.outcome.unwrap_or(match self.lets_all_pass() {
            true => Outcome::Success,
            false => Outcome::Either,
        })
    }

    /// Whether nothing keeps a client from its target: a client that fails has failed by itself.
    fn lets_all_pass(&self) -> bool {
        let ClientSide { credentials, proxy_scheme, no_proxy, .. } = &self.client;
        let admitted = self.proxy.auth.is_none() || *credentials == GivenCredentials::Right;
        self.rules.is_empty()
            && self.pac.is_none()
            && self.dns.is_none()
            && self.proxy.addresses.is_empty()
            && proxy_scheme.is_none()
            && no_proxy.is_none()
            && self.expect.way == Way::Proxy
            && admitted
    }

    /// Multiplies the scale. A pause that is asked for stands in a header line, which no factor reaches.
    pub(crate) fn stretch(&mut self, factor: Option<f64>) {
        let Some(factor) = factor else { return };
        self.scale = Some(self.scale.unwrap_or(1.0) * factor);
        if let Some(gap) = &mut self.expect.gap {
            let min = gap.min.0.as_secs_f64() / factor;
            gap.min.0 =
                std::time::Duration::try_from_secs_f64(min).unwrap_or(std::time::Duration::MAX);
        }
    }

    /// A time of this scenario, scaled.
    pub fn scaled(&self, length: std::time::Duration) -> std::time::Duration {
        length.mul_f64(self.scale.unwrap_or(1.0))
    }

    /// Whether the client finds its PAC file by WPAD.
    pub fn has_wpad(&self) -> bool {
        self.pac.as_ref().is_some_and(|pac| pac.wpad == Some(true))
    }

    /// The tier it needs: what it says, and what its effects, addresses and WPAD need.
    pub fn needs(&self) -> u8 {
        let steps = self.rules.iter().flat_map(|rule| &rule.steps.0);
        let effects = steps.map(|step| step.effect.tier()).max().unwrap_or(0);
        let addresses = u8::from(!self.proxy.addresses.is_empty());
        self.requires.max(effects).max(addresses).max(u8::from(self.has_wpad()))
    }

    /// A command that plays it well.
    pub fn example(&self) -> &str {
        match self.example.trim() {
            // curl checks an https:// proxy with a CA of its own, for which it reads no variable.
            "" if self.proxy_scheme() == ProxyScheme::Https => {
                "curl -sS --proxy-cacert {cacert} {target}"
            }
            "" => "curl -sS {target}",
            own => own,
        }
    }

    /// Whether that command meets the scenario in the sandbox alone: because the scenario needs it, or
    /// because the command asks the system's name server, which is ours nowhere else.
    pub fn example_isolates(&self) -> bool {
        let told = ["{dns}", "{doh}", "{dot}"].iter().any(|word| self.example().contains(word));
        self.needs() > 0 || (self.has_dns() && !told)
    }

    /// The URL the client is to fetch.
    pub fn target(&self) -> &str {
        self.client.target.as_deref().unwrap_or(TARGET)
    }

    /// The scheme of the client's proxy URL.
    pub fn proxy_scheme(&self) -> ProxyScheme {
        self.client.proxy_scheme.unwrap_or(match self.proxy.tls {
            Some(_) => ProxyScheme::Https,
            None => ProxyScheme::Http,
        })
    }

    /// Whether any rule is at this stage.
    pub fn touches(&self, stage: Stage) -> bool {
        self.rules.iter().any(|rule| rule.at.value == stage)
    }

    /// Whether it has a PAC file, so that the client is told of its proxy by that alone.
    pub fn has_pac(&self) -> bool {
        self.pac.is_some() || self.touches(Stage::Pac)
    }

    /// Whether the PAC file leads every client to a proxy that is dead, first or alone.
    pub fn has_dead_proxy(&self) -> bool {
        let script = self.pac.as_ref().and_then(|pac| pac.script.as_deref());
        script.is_some_and(|script| script.contains("{dead}")) && !self.touches(Stage::Pac)
    }

    /// Whether it has a name server.
    pub fn has_dns(&self) -> bool {
        self.dns.is_some() || self.touches(Stage::Dns)
    }

    /// Whether a rule shapes what the origin says in HTTP/2.
    fn shapes_h2(&self) -> bool {
        let origin = |rule: &&Rule| rule.at.value >= Stage::Tls;
        let mut steps = self.rules.iter().filter(origin).flat_map(|rule| &rule.steps.0);
        steps.any(|step| check_h2::is_h2(&step.effect))
    }

    /// The protocols the origin offers over TLS.
    pub fn alpn(&self) -> Vec<Alpn> {
        match &self.origin.alpn {
            Some(list) => list.clone(),
            None if !self.shapes_h2() && self.rules.iter().any(Rule::is_http1) => {
                vec![Alpn::Http11]
            }
            None => vec![Alpn::H2, Alpn::Http11],
        }
    }

    /// What the origin does with a Range.
    pub fn ranges(&self) -> Ranges {
        self.origin.accept_ranges.unwrap_or(Ranges::Bytes)
    }

    /// Whether the origin answers for this name.
    pub fn serves(&self, host: &str) -> bool {
        let host = canonical(host);
        let served = |name: &String| glob(&canonical(name), &host);
        glob("*.test", &host) || self.origin.names.iter().any(served)
    }
}
