//! `dns:` the name server when nothing goes wrong.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::collect;
use super::problem::{Problem, nearest, seen};
use super::units::{Length, Word, in_yaml};
use crate::dns::{LONGEST_NAME, TYPES, Type};
use crate::world::Syn;

/// The name server when nothing goes wrong: it answers as a resolver does that knows the proxy's
/// name and nothing else. Writing this section opens its port; so does a rule at `dns`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct DnsSide {
    /// What it knows: names (`*.corp.test` for all below) and their records. Unless it is here,
    /// `proxy.badproxy.test` has the proxy's own address.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub names: BTreeMap<Name, Records>,
    /// What names under `.test` get that are not in `names`, the target among them.
    /// Default: `nxdomain`, because only the proxy can resolve them.
    #[serde(default, skip_serializing_if = "is_default")]
    pub others: Others,
    /// How long answers may be kept. Default: 60s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<Length>,
    /// What becomes of a SYN to its port, where TCP, TLS and HTTPS are. Default: `answered`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub tcp: DnsTcp,
}

/// What becomes of a SYN to the name server. UDP is answered all the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DnsTcp {
    /// By a SYN-ACK.
    #[default]
    Answered,
    /// By a RST.
    Refused,
    /// By nothing, as where a firewall lets UDP alone pass.
    Unanswered,
}

impl DnsTcp {
    /// What the kernel is to do.
    pub(crate) fn syn(self) -> Syn {
        match self {
            DnsTcp::Answered => Syn::Answer,
            DnsTcp::Refused => Syn::Refuse(None),
            DnsTcp::Unanswered => Syn::Blackhole(None),
        }
    }
}

pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// What names under `.test` get that are not listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Others {
    /// RCODE 3: there is no such name.
    #[default]
    Nxdomain,
    /// The origin's address, as where a client can resolve the target itself.
    Origin,
}

/// The records of one name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Records {
    /// Its IPv4 addresses, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub a: Vec<Address4>,
    /// Its IPv6 addresses, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aaaa: Vec<Address6>,
    /// The name that it is another one for. It has no addresses of its own then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cname: Option<Name>,
    /// How long these may be kept. Default: the section's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<Length>,
}

/// A DNS name: labels of up to 63 characters, 253 in all.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
#[allow(clippy::exhaustive_structs, reason = "one value, and nothing else")]
pub struct Name(pub String);

impl Word for Name {
    const NAME: &'static str = "DnsName";
    const PATTERN: &'static str = r"^(\*\.)?[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?$";
    const SAYS: &'static str = "A DNS name, e.g. proxy.badproxy.test";

    fn parse(text: &str) -> Result<Self, Problem> {
        let name = text.strip_suffix('.').unwrap_or(text);
        let bad = |why: &str| {
            Problem::new(format!("{} {why}", seen(text)))
                .help("write a DNS name: labels of 1 to 63 letters, digits, `-` or `_`, with dots between")
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let body = name.strip_prefix("*.").unwrap_or(name);
        for label in body.split('.') {
            match label.len() {
                0 => return Err(bad("has an empty label")),
                64.. => return Err(bad("has a label of more than 63 characters")),
                _ if !label.chars().all(plain) => return Err(bad("is not a DNS name")),
                _ => {}
            }
        }
        if name.len() > LONGEST_NAME {
            return Err(bad("is longer than 253 characters"));
        }
        Ok(Name(name.to_ascii_lowercase()))
    }

    fn print(&self) -> String {
        self.0.clone()
    }
}

impl Word for Type {
    const NAME: &'static str = "DnsType";
    const PATTERN: &'static str = r"^([Aa]|[Aa]{4}|[A-Za-z]{2,5}|[Tt][Yy][Pp][Ee][0-9]{1,5})$";
    const SAYS: &'static str = "A DNS record type, e.g. A, AAAA, HTTPS, TYPE99";

    fn parse(text: &str) -> Result<Self, Problem> {
        let upper = text.to_ascii_uppercase();
        if let Some((_, number)) = TYPES.iter().find(|(name, _)| *name == upper) {
            return Ok(Type(*number));
        }
        if let Some(number) = upper.strip_prefix("TYPE").and_then(|n| n.parse().ok()) {
            return Ok(Type(number));
        }
        let known: Vec<&str> = TYPES.iter().map(|(name, _)| *name).collect();
        let problem = Problem::new(format!("there is no record type {}", seen(text)));
        let problem = match nearest(&upper, &known) {
            Some(near) => problem.help(format!("did you mean `{near}`?")),
            None => problem,
        };
        Err(problem
            .help(format!("write {}, or any other by its number, e.g. `TYPE99`", known.join(", "))))
    }

    fn print(&self) -> String {
        // Its name, as reports have it.
        format!("{self}")
    }
}

impl<'de> Deserialize<'de> for Type {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        collect::word(from, Type::parse)
    }
}

impl Serialize for Type {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.print())
    }
}

impl JsonSchema for Type {
    fn schema_name() -> Cow<'static, str> {
        Type::NAME.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "description": Type::SAYS, "pattern": Type::PATTERN})
    }
}

/// An IPv4 address, or whose it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Address4 {
    /// The proxy's.
    #[default]
    Proxy,
    /// The origin's.
    Origin,
    /// This one.
    Ip(Ipv4Addr),
}

impl Word for Address4 {
    const NAME: &'static str = "Address4";
    const PATTERN: &'static str = r"^(proxy|origin|[0-9]{1,3}(\.[0-9]{1,3}){3})$";
    const SAYS: &'static str = "An IPv4 address, or `proxy` or `origin` for theirs";

    fn parse(text: &str) -> Result<Self, Problem> {
        match text {
            "proxy" => Ok(Address4::Proxy),
            "origin" => Ok(Address4::Origin),
            _ => text.parse().map(Address4::Ip).map_err(|_| {
                let problem = Problem::new(format!("{} is not an IPv4 address", seen(text)));
                let problem = match text.parse::<Ipv6Addr>() {
                    Ok(_) => problem.help("IPv6 addresses go under `aaaa`"),
                    Err(_) => problem,
                };
                problem
                    .help("write four numbers, e.g. `192.0.2.1`, or `proxy` or `origin` for theirs")
            }),
        }
    }

    fn print(&self) -> String {
        match self {
            Address4::Proxy => "proxy".to_owned(),
            Address4::Origin => "origin".to_owned(),
            Address4::Ip(ip) => ip.to_string(),
        }
    }
}

/// An IPv6 address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "one value, and nothing else")]
pub struct Address6(pub Ipv6Addr);

impl Default for Address6 {
    fn default() -> Self {
        Address6(Ipv6Addr::UNSPECIFIED)
    }
}

impl Word for Address6 {
    const NAME: &'static str = "Address6";
    const PATTERN: &'static str = r"^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*$";
    const SAYS: &'static str = "An IPv6 address, e.g. ::1 or 2001:db8::1";

    fn parse(text: &str) -> Result<Self, Problem> {
        text.parse().map(Address6).map_err(|_| {
            let problem = Problem::new(format!("{} is not an IPv6 address", seen(text)));
            let problem = match text.parse::<Ipv4Addr>() {
                Ok(_) => problem.help("IPv4 addresses go under `a`"),
                Err(_) => problem,
            };
            problem.help("write e.g. `::1` or `2001:db8::1`")
        })
    }

    fn print(&self) -> String {
        self.0.to_string()
    }
}

in_yaml!(Name, Address4, Address6);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert_eq!(Name::parse("Proxy.badproxy.test.").unwrap().0, "proxy.badproxy.test");
        assert_eq!(Name::parse("*.corp.test").unwrap().0, "*.corp.test");
        for bad in ["", ".", "a..b", "a b", "*", "a.*.b", &"a".repeat(64), &"abc.".repeat(70)] {
            assert!(Name::parse(bad).is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn types() {
        assert_eq!(Type::parse("aaaa").unwrap(), Type::AAAA);
        assert_eq!(Type::parse("type99").unwrap(), Type(99));
        assert!(Type::parse("TYPE99999").is_err() && Type::parse("AAA").is_err());
        assert_eq!(Type(99).print(), "TYPE99");
    }
}
