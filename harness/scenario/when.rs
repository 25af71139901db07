//! `when:` which attempts a rule is for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use super::Address;
use super::units::{Length, Ordinals, Size};
use crate::dns::{Transport, Type};
use crate::fault::Direction;

/// When a rule applies. Everything named must hold; an empty `when` always holds.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct When {
    /// Which attempts, counted from 1: `1`, `1-2`, `3-`. Default: all. At `dns`: which queries for
    /// the same name and type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<Ordinals>,
    /// What `attempt` counts. Default: `attempt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per: Option<Per>,
    /// The address of the proxy that is dialled, one of `proxy.addresses`; at `syn`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    /// Connections open at the proxy when this one was accepted, itself included: `3-` when two
    /// others were. One that `hang` at `accept` keeps waiting takes no place. Default: any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open: Option<Ordinals>,
    /// The target's host; `*` stands for any run of characters. Case is ignored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The target's port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// The request's method, e.g. CONNECT. Case counts, as in HTTP. At `response` and `body`, and for
    /// `headers` at `request`, the request is the one inside the tunnel, where there is a tunnel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The path of the request, without its query; `*` as in `host`. CONNECT and SOCKS have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Headers the request must carry: name (case ignored) to value, `*` as in `host`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub header: BTreeMap<String, String>,
    /// Headers the request must not carry, by name (case ignored).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<String>,
    /// Whether the request to the proxy has one `Host`, which is its target as it stands in the request
    /// line, port included. Case is ignored. In HTTP/2, where `:authority` says it, none will do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_is_target: Option<bool>,
    /// Proxy credentials in the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Credentials>,
    /// The name in the client's TLS hello (at `proxy_tls` to the proxy, else to the target); `*`
    /// as in `host`, `''` for a hello without a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sni: Option<String>,
    /// A protocol that the client's TLS hello offers, e.g. h2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alpn: Option<String>,
    /// The client's TLS hello is longer than this, record heads included: 1400B is what goes
    /// into one segment nearly everywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hello_over: Option<Size>,
    /// At `dns`: the name asked for; `*` as in `host`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// At `dns`: the record type asked for, e.g. AAAA.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<Type>,
    /// At `dns`: how the query came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transport: Option<Transport>,
    /// At `dns`: whether the query has EDNS (RFC 6891).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edns: Option<bool>,
    /// The direction that the rule's effects on passing bytes are for. Default: each effect's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
    /// The chance, 0 to 1, drawn from the seed. Default: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0, "maximum" = 1))]
    pub probability: Option<f64>,
    /// Only while this much time has passed since the run started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elapsed: Option<Window>,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Per {
    /// Connections accepted and further requests on a reused connection, together.
    #[default]
    Attempt,
    /// Connections accepted.
    Connection,
    /// Requests on one connection.
    Request,
    /// Requests for the same host and port.
    Target,
    /// Requests whose credentials are of the same kind: right, wrong, absent and so on.
    Credentials,
    /// Requests with the same method, inside a tunnel and outside: a HEAD before it does not count
    /// for a GET.
    Method,
}

/// Proxy credentials as they arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Credentials {
    /// No Proxy-Authorization header.
    Absent,
    /// A Proxy-Authorization header, whatever is in it.
    Present,
    /// The scenario's user and password, by a scheme that the proxy offers; or none, on a
    /// connection that NTLM or Negotiate has logged in.
    Right,
    /// A Proxy-Authorization header with anything else.
    Wrong,
    /// A leg of NTLM or Negotiate that more legs follow: neither right nor wrong yet.
    Begun,
    /// An answer to Digest that is right but for its nonce, which is no longer good.
    Stale,
}

impl Credentials {
    /// Its word in scenarios and events.
    pub fn word(self) -> &'static str {
        match self {
            Credentials::Absent => "absent",
            Credentials::Present => "present",
            Credentials::Right => "right",
            Credentials::Wrong => "wrong",
            Credentials::Begun => "begun",
            Credentials::Stale => "stale",
        }
    }

    /// Whether what arrived (any but `present`) is what a rule asks for.
    pub fn covers(self, seen: Credentials) -> bool {
        self == seen || (self == Credentials::Present && seen != Credentials::Absent)
    }
}

/// A window of time since the run started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Window {
    /// From then on. Default: the start.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub from: Length,
    /// Until then. Default: for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Length>,
}

impl When {
    /// Whether nothing is named, so that it always holds.
    pub fn always(&self) -> bool {
        self.attempt.is_none_or(|a| a == Ordinals::default())
            && self.address.is_none()
            && self.open.is_none_or(|o| o == Ordinals::default())
            && self.host.is_none()
            && self.port.is_none()
            && self.method.is_none()
            && self.path.is_none()
            && self.header.is_empty()
            && self.without.is_empty()
            && self.host_is_target.is_none()
            && self.credentials.is_none()
            && self.sni.is_none()
            && self.alpn.is_none()
            && self.hello_over.is_none()
            && self.name.is_none()
            && self.kind.is_none()
            && self.transport.is_none()
            && self.edns.is_none()
            && self.probability.is_none_or(|p| p >= 1.0)
            && self.elapsed.is_none_or(|w| w.from.0.is_zero() && w.to.is_none())
    }
}

/// Whether `text` matches `pattern`, in which `*` stands for any run of characters. ASCII case is
/// ignored.
pub fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.to_ascii_lowercase(), text.to_ascii_lowercase());
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or("");
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs() {
        for (pattern, text, yes) in [
            ("a.test", "A.test", true),
            ("a.test", "b.a.test", false),
            ("*.test", "a.test", true),
            ("*.test", "test", false),
            ("*", "", true),
            ("a*b*c", "a--b--c", true),
            ("a*b*c", "a--c--b", false),
            ("aa*aa", "aaa", false),
            ("", "", true),
            ("", "x", false),
        ] {
            assert_eq!(glob(pattern, text), yes, "{pattern} ~ {text}");
        }
    }

    #[test]
    fn present_covers_right_and_wrong() {
        use Credentials::*;
        assert!(Present.covers(Right) && Present.covers(Wrong) && !Present.covers(Absent));
        assert!(Present.covers(Begun) && Present.covers(Stale) && !Wrong.covers(Stale));
        assert!(Absent.covers(Absent) && !Absent.covers(Wrong));
    }
}
