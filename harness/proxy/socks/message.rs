//! The messages of SOCKS, read and written. Pure: bytes in, values out.
//!
//! SOCKS4 and 4a as their authors describe them, SOCKS5 of RFC 1928, its user and password of
//! RFC 1929.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The first byte of SOCKS4 and 4a.
pub const V4: u8 = 4;
/// The first byte of SOCKS5.
pub const V5: u8 = 5;
/// RFC 1928, section 3: the methods by name.
pub const METHODS: &[(&str, u8)] =
    &[("none", 0), ("gssapi", 1), ("password", 2), ("no_acceptable", 0xff)];
/// RFC 1928, section 6: the replies by name.
pub const REPLIES: &[(&str, u8)] = &[
    ("succeeded", 0),
    ("general_failure", 1),
    ("not_allowed", 2),
    ("network_unreachable", 3),
    ("host_unreachable", 4),
    ("connection_refused", 5),
    ("ttl_expired", 6),
    ("command_not_supported", 7),
    ("address_type_not_supported", 8),
];
/// SOCKS4: granted, and rejected or failed.
pub const GRANTED: u8 = 90;
/// SOCKS4: rejected or failed.
pub const REJECTED: u8 = 91;
/// The only command that is served.
pub const CONNECT: u8 = 1;

/// What reading gives: the value and how many bytes it had; None while bytes are missing.
pub type Read<T> = Result<Option<(T, usize)>, Bad>;

/// Why bytes are no message of SOCKS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bad(pub String);

impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// User and password, as they came.
pub type Login = (Vec<u8>, Vec<u8>);

/// An address as it came: SOCKS5's ATYP says which, SOCKS4a has names, SOCKS4 has not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// IPv4, or IPv6.
    Ip(IpAddr),
    /// A name for the proxy to look up; not checked, and UTF-8 only as far as it is.
    Name(String),
}

impl Address {
    /// How events call it: `ipv4`, `ipv6`, `domain`.
    pub fn kind(&self) -> &'static str {
        match self {
            Address::Ip(IpAddr::V4(_)) => "ipv4",
            Address::Ip(IpAddr::V6(_)) => "ipv6",
            Address::Name(_) => "domain",
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Ip(ip) => ip.fmt(f),
            Address::Name(name) => f.write_str(name),
        }
    }
}

/// A request, of either version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// 1 CONNECT, 2 BIND, 3 UDP ASSOCIATE; anything else as it came.
    pub command: u8,
    /// The target.
    pub address: Address,
    /// Its port.
    pub port: u16,
}

/// The methods that a SOCKS5 client offers.
pub fn greeting(bytes: &[u8]) -> Read<Vec<u8>> {
    let [version, rest @ ..] = bytes else { return Ok(None) };
    expect("a SOCKS5 greeting", *version, V5)?;
    let Some((&count, rest)) = rest.split_first() else { return Ok(None) };
    let count = usize::from(count);
    Ok(rest.get(..count).map(|methods| (methods.to_vec(), 2 + count)))
}

/// User and password (RFC 1929).
pub fn credentials(bytes: &[u8]) -> Read<Login> {
    let [version, rest @ ..] = bytes else { return Ok(None) };
    // Clients have sent 5 here, and lenient servers have let them.
    expect("user and password (RFC 1929)", *version, 1)?;
    let Some((user, rest)) = counted(rest) else { return Ok(None) };
    let Some((password, _)) = counted(rest) else { return Ok(None) };
    let used = 3 + user.len() + password.len();
    Ok(Some(((user.to_vec(), password.to_vec()), used)))
}

/// A SOCKS5 request.
pub fn request5(bytes: &[u8]) -> Read<Request> {
    let [version, rest @ ..] = bytes else { return Ok(None) };
    expect("a SOCKS5 request", *version, V5)?;
    let [command, _reserved, kind, rest @ ..] = rest else { return Ok(None) };
    let (address, used) = match kind {
        1 => match rest.first_chunk::<4>() {
            Some(ip) => (Address::Ip(IpAddr::V4(Ipv4Addr::from(*ip))), 4),
            None => return Ok(None),
        },
        3 => match counted(rest) {
            Some((name, _)) => {
                (Address::Name(String::from_utf8_lossy(name).into_owned()), 1 + name.len())
            }
            None => return Ok(None),
        },
        4 => match rest.first_chunk::<16>() {
            Some(ip) => (Address::Ip(IpAddr::V6(Ipv6Addr::from(*ip))), 16),
            None => return Ok(None),
        },
        other => return Err(Bad(format!("address type {other}; there are 1, 3 and 4"))),
    };
    let Some(port) = rest[used..].first_chunk::<2>() else { return Ok(None) };
    let port = u16::from_be_bytes(*port);
    Ok(Some((Request { command: *command, address, port }, 4 + used + 2)))
}

/// A SOCKS4 or 4a request: the address 0.0.0.x, x not 0, says that a name follows.
pub fn request4(bytes: &[u8]) -> Read<Request> {
    let [version, rest @ ..] = bytes else { return Ok(None) };
    expect("a SOCKS4 request", *version, V4)?;
    let [command, high, low, a, b, c, d, rest @ ..] = rest else { return Ok(None) };
    let Some((user, rest)) = terminated(rest, "user")? else { return Ok(None) };
    let mut used = 8 + user.len() + 1;
    let mut address = Address::Ip(IpAddr::V4(Ipv4Addr::new(*a, *b, *c, *d)));
    if [*a, *b, *c] == [0, 0, 0] && *d != 0 {
        let Some((name, _)) = terminated(rest, "host name")? else { return Ok(None) };
        used += name.len() + 1;
        address = Address::Name(String::from_utf8_lossy(name).into_owned());
    }
    let port = u16::from_be_bytes([*high, *low]);
    Ok(Some((Request { command: *command, address, port }, used)))
}

/// A SOCKS5 reply with the address that the proxy is bound to.
pub fn reply5(code: u8, bound: &Address, port: u16) -> Vec<u8> {
    let mut out = vec![V5, code, 0];
    match bound {
        Address::Ip(IpAddr::V4(ip)) => {
            out.push(1);
            out.extend(ip.octets());
        }
        Address::Ip(IpAddr::V6(ip)) => {
            out.push(4);
            out.extend(ip.octets());
        }
        Address::Name(name) => {
            let name = &name.as_bytes()[..name.len().min(255)];
            out.extend([3, name.len() as u8]);
            out.extend(name);
        }
    }
    out.extend(port.to_be_bytes());
    out
}

/// A SOCKS4 reply: eight bytes, of which the version is 0.
pub fn reply4(code: u8) -> Vec<u8> {
    vec![0, code, 0, 0, 0, 0, 0, 0]
}

/// The reply for a failure of the proxy's own leg, by its RFC 9209 error type.
pub fn code_of(error: &str) -> u8 {
    match error {
        "connection_refused" => 5,
        "dns_error" | "dns_timeout" | "destination_not_found" | "destination_unavailable" => 4,
        "destination_ip_unroutable" => 3,
        "destination_ip_prohibited" | "http_request_denied" => 2,
        "connection_timeout" => 6,
        _ => 1,
    }
}

/// The SOCKS4 code for a SOCKS5 one.
pub fn code4(code: u8) -> u8 {
    match code {
        0 => GRANTED,
        1..=8 => REJECTED,
        own => own,
    }
}

fn expect(what: &str, came: u8, due: u8) -> Result<(), Bad> {
    match came == due {
        true => Ok(()),
        false => Err(Bad(format!("{what} begins with {due}, and {came} came"))),
    }
}

/// Some bytes, and what follows them.
type Pair<'b> = (&'b [u8], &'b [u8]);

/// Bytes after their count, and what follows them.
fn counted(bytes: &[u8]) -> Option<Pair<'_>> {
    let (&count, rest) = bytes.split_first()?;
    rest.split_at_checked(usize::from(count))
}

/// Bytes up to a NUL, at most 255, and what follows it.
fn terminated<'b>(bytes: &'b [u8], what: &str) -> Result<Option<Pair<'b>>, Bad> {
    match bytes.iter().position(|byte| *byte == 0) {
        Some(end) if end <= 255 => Ok(Some((&bytes[..end], &bytes[end + 1..]))),
        None if bytes.len() <= 255 => Ok(None),
        _ => Err(Bad(format!("a {what} of more than 255 bytes"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn requests_of_each_address_type() {
        let (request, used) = request5(b"\x05\x01\x00\x03\x06a.test\x01\xbbrest").unwrap().unwrap();
        assert_eq!((request.address.kind(), request.port, used), ("domain", 443, 13));
        let (request, _) = request5(b"\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x50").unwrap().unwrap();
        assert_eq!(request.address.to_string(), "127.0.0.1");
        let mut six = b"\x05\x01\x00\x04".to_vec();
        six.extend(Ipv6Addr::LOCALHOST.octets());
        six.extend([0, 80]);
        assert_eq!(request5(&six).unwrap().unwrap().0.address.to_string(), "::1");
        let (request, used) =
            request4(b"\x04\x01\x01\xbb\x00\x00\x00\x01me\x00a.test\x00").unwrap().unwrap();
        assert_eq!((request.address, used), (Address::Name("a.test".into()), 18));
        let (request, _) = request4(b"\x04\x01\x00\x50\x7f\x00\x00\x01\x00").unwrap().unwrap();
        assert_eq!(request.address.kind(), "ipv4");
    }

    #[test]
    fn what_is_no_socks_is_told() {
        assert!(request5(b"\x05\x01\x00\x02").unwrap_err().0.contains("address type 2"));
        assert!(
            credentials(b"\x05\x01a\x01b").unwrap_err().0.contains("begins with 1, and 5 came")
        );
        assert!(
            request4(&[&b"\x04\x01\x00\x50\x7f\x00\x00\x01"[..], &[b'u'; 300]].concat()).is_err()
        );
    }

    #[test]
    fn a_reply_reads_like_a_request() {
        for bound in [
            Address::Ip(Ipv4Addr::LOCALHOST.into()),
            Address::Ip(Ipv6Addr::LOCALHOST.into()),
            Address::Name(String::new()),
            Address::Name("gw.test".into()),
        ] {
            let bytes = reply5(0, &bound, 1080);
            let (read, used) = request5(&bytes).unwrap().unwrap();
            assert_eq!((read.address, read.port, used), (bound, 1080, bytes.len()));
        }
    }

    proptest! {
        /// Any bytes: no panic, never more used than there are, and more bytes change nothing.
        #[test]
        fn any_bytes(bytes: Vec<u8>, more: Vec<u8>) {
            let longer = [&bytes[..], &more[..]].concat();
            fn same<T: PartialEq + std::fmt::Debug>(read: fn(&[u8]) -> Read<T>, bytes: &[u8], longer: &[u8]) {
                if let Ok(Some((value, used))) = read(bytes) {
                    assert!(used <= bytes.len());
                    assert_eq!(read(longer), Ok(Some((value, used))));
                }
            }
            same(greeting, &bytes, &longer);
            same(credentials, &bytes, &longer);
            same(request5, &bytes, &longer);
            same(request4, &bytes, &longer);
        }
    }
}
