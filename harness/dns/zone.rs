//! What a healthy name server knows: the scenario's names, the proxy's, nothing else. Pure.

use std::net::{IpAddr, Ipv4Addr};

use super::message::{Data, Record, Type};
use super::reply::Rcode;
use crate::pac::script::WPAD_NAME;
use crate::scenario::{Address4, Address6, DnsSide, Name, Others, PROXY, Records, glob};

/// Aliases followed before the name server gives up, as resolvers do.
const ALIASES: usize = 8;
/// How long answers may be kept unless the scenario says otherwise, in seconds.
const TTL: u32 = 60;

/// Addresses that a scenario names without knowing them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses {
    /// The proxy's, as its client sees them, in this order.
    pub proxy: Vec<IpAddr>,
    /// The origin's, for clients that resolve the target themselves.
    pub origin: IpAddr,
    /// Where the name `wpad` leads, if there is one.
    pub wpad: Option<IpAddr>,
}

impl Addresses {
    /// The addresses of a list, in its order. What has no IPv4 address is left out.
    pub fn v4(&self, list: &[Address4]) -> Vec<Ipv4Addr> {
        let all = list.iter().flat_map(|address| match address {
            Address4::Proxy => self.proxy.clone(),
            Address4::Origin => vec![self.origin],
            Address4::Ip(ip) => vec![IpAddr::V4(*ip)],
        });
        let v4 = all.filter_map(|ip| match ip {
            IpAddr::V4(ip) => Some(ip),
            IpAddr::V6(_) => None,
        });
        v4.collect()
    }

    /// The records of these addresses.
    fn of(ips: &[IpAddr]) -> Records {
        let mut records = Records::default();
        for ip in ips {
            match ip {
                IpAddr::V4(ip) => records.a.push(Address4::Ip(*ip)),
                IpAddr::V6(ip) => records.aaaa.push(Address6(*ip)),
            }
        }
        records
    }
}

/// What a healthy name server answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Whether there is such a name.
    pub rcode: Rcode,
    /// The answer section.
    pub records: Vec<Record>,
}

/// Looks a name up.
pub fn look_up(side: &DnsSide, addresses: &Addresses, name: &str, kind: Type) -> Found {
    let mut records = Vec::new();
    let mut owner = name.to_owned();
    for _ in 0..ALIASES {
        let Some(known) = known(side, addresses, &owner) else {
            // An alias of a name that does not exist: RFC 6604 says NXDOMAIN.
            return Found { rcode: Rcode::Nxdomain, records };
        };
        let ttl = known.ttl.or(side.ttl).map_or(TTL, |t| t.0.as_secs().min(u32::MAX.into()) as u32);
        let mut add = |data| records.push(Record { owner: owner.clone(), ttl, data });
        if let Some(Name(target)) = &known.cname {
            add(Data::Cname(target.clone()));
            if kind == Type::CNAME {
                return Found { rcode: Rcode::Noerror, records };
            }
            owner.clone_from(target);
            continue;
        }
        if kind == Type::A {
            addresses.v4(&known.a).into_iter().for_each(|ip| add(Data::A(ip)));
        } else if kind == Type::AAAA {
            known.aaaa.iter().for_each(|ip| add(Data::Aaaa(ip.0)));
        }
        return Found { rcode: Rcode::Noerror, records };
    }
    // A circle of aliases.
    Found { rcode: Rcode::Servfail, records: Vec::new() }
}

fn known(side: &DnsSide, addresses: &Addresses, name: &str) -> Option<Records> {
    if let Some(records) = side.names.get(&Name(name.to_owned())) {
        return Some(records.clone());
    }
    // The longest pattern is the nearest zone.
    let wild = side.names.iter().filter(|(n, _)| n.0.starts_with("*.") && glob(&n.0, name));
    if let Some((_, records)) = wild.max_by_key(|(n, _)| n.0.len()) {
        return Some(records.clone());
    }
    match name {
        PROXY => Some(Addresses::of(&addresses.proxy)),
        WPAD_NAME if addresses.wpad.is_some() => Some(Addresses::of(addresses.wpad.as_slice())),
        "localhost" => Some(Addresses::of(&[Ipv4Addr::LOCALHOST.into()])),
        _ if side.others == Others::Origin && glob("*.test", name) => {
            Some(Addresses::of(&[addresses.origin]))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::read;

    fn side(yaml: &str) -> DnsSide {
        read(yaml, "test").unwrap_or_else(|e| panic!("{e}")).dns.unwrap_or_default()
    }

    fn found(side: &DnsSide, name: &str, kind: Type) -> (Rcode, Vec<String>) {
        let at = Addresses {
            proxy: vec![[127, 0, 0, 1].into()],
            origin: [127, 0, 0, 2].into(),
            wpad: None,
        };
        let found = look_up(side, &at, name, kind);
        let text = |r: &Record| format!("{} {} {:?}", r.owner, r.ttl, r.data);
        (found.rcode, found.records.iter().map(text).collect())
    }

    #[test]
    fn the_proxy_is_known_and_nothing_else() {
        let plain = side("dns: {}\n");
        let a = "proxy.badproxy.test 60 A(127.0.0.1)".to_owned();
        assert_eq!(found(&plain, PROXY, Type::A), (Rcode::Noerror, vec![a]));
        assert_eq!(found(&plain, PROXY, Type::AAAA), (Rcode::Noerror, vec![]));
        assert_eq!(found(&plain, "target.badproxy.test", Type::A), (Rcode::Nxdomain, vec![]));
        let open = side("dns: {others: origin}\n");
        let a = "target.badproxy.test 60 A(127.0.0.2)".to_owned();
        assert_eq!(found(&open, "target.badproxy.test", Type::A), (Rcode::Noerror, vec![a]));
        assert_eq!(found(&open, "example.com", Type::A), (Rcode::Nxdomain, vec![]));
    }

    #[test]
    fn aliases_are_followed() {
        let s = side(
            "dns:\n  names:\n    a.test: {cname: b.test}\n    b.test: {a: [192.0.2.1, proxy], ttl: 0s}\n    \
             c.test: {cname: d.test}\n    d.test: {cname: c.test}\n    e.test: {cname: nowhere.test}\n    \
             '*.w.test': {aaaa: ['::1']}\n",
        );
        let (rcode, records) = found(&s, "a.test", Type::A);
        assert_eq!(rcode, Rcode::Noerror);
        assert_eq!(records[0], "a.test 60 Cname(\"b.test\")");
        assert_eq!(records[1..], ["b.test 0 A(192.0.2.1)", "b.test 0 A(127.0.0.1)"]);
        assert_eq!(found(&s, "c.test", Type::A), (Rcode::Servfail, vec![]));
        assert_eq!(found(&s, "e.test", Type::A).0, Rcode::Nxdomain);
        assert_eq!(found(&s, "x.w.test", Type::AAAA).1, ["x.w.test 60 Aaaa(::1)"]);
        assert_eq!(found(&s, "a.test", Type(99)).1.len(), 1);
    }
}
