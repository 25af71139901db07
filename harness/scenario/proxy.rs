//! `proxy:` the proxy when nothing goes wrong.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::{Address, Alpn, Auth, Problem, Size, collect, seen, word_or_map};

/// The proxy when nothing goes wrong.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ProxySide {
    /// The credentials it asks for. Default: none.
    #[serde(default, deserialize_with = "collect::maybe", skip_serializing_if = "Option::is_none")]
    pub auth: Option<Auth>,
    /// When it connects to the target of a CONNECT. Default: `before_reply`.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub dial: DialTime,
    /// The addresses of its name, in this order, IPv4 and IPv6: the client is told the name
    /// `proxy.badproxy.test`. Only in the sandbox. Default: one, on loopback.
    #[serde(default, deserialize_with = "addresses", skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<Address>,
    /// The longest request head it reads; a longer one gets a 431. Default: 64KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head_limit: Option<Size>,
    /// Its port speaks TLS: `true`, or a map. Default: plain HTTP.
    #[serde(default, deserialize_with = "tls", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<TlsOrNot>")]
    pub tls: Option<ProxyTls>,
}

/// TLS with the proxy itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ProxyTls {
    /// The protocols it offers, in its order. Default: `[http/1.1]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alpn: Option<Vec<Alpn>>,
}

impl ProxyTls {
    /// The protocols that the proxy offers.
    pub fn alpn(&self) -> Vec<Alpn> {
        self.alpn.clone().unwrap_or_else(|| vec![Alpn::Http11])
    }
}

/// The schema of `tls`.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[allow(dead_code, reason = "only its schema is wanted")]
enum TlsOrNot {
    Word(bool),
    Map(ProxyTls),
}

fn tls<'de, D: Deserializer<'de>>(from: D) -> Result<Option<ProxyTls>, D::Error> {
    /// `false` is the default, written out.
    #[derive(Default)]
    struct Read(Option<ProxyTls>);
    impl<'de> Deserialize<'de> for Read {
        fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            ProxyTls::deserialize(from).map(|tls| Read(Some(tls)))
        }
    }
    const ADVICE: &str = "write `true`, or e.g. `{alpn: [http/1.1]}`";
    fn short(word: &str) -> Result<Read, Problem> {
        match word {
            "true" => Ok(Read(Some(ProxyTls::default()))),
            "false" => Ok(Read(None)),
            _ => Err(Problem::new(format!("`tls` cannot be {}", seen(word))).help(ADVICE)),
        }
    }
    word_or_map::<D, Read>(from, short, ADVICE).map(|read| read.0)
}

fn addresses<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Address>, D::Error> {
    collect::each(from, "write a list of IP addresses, e.g. [198.51.100.1, 198.51.100.2]")
}

/// When the proxy connects to the target of a CONNECT.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DialTime {
    /// Before the 200: a failure becomes a 502.
    #[default]
    BeforeReply,
    /// After the 200: a failure closes the tunnel.
    AfterReply,
}
