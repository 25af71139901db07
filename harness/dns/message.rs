//! DNS messages as bytes (RFC 1035, section 4): questions are read, answers are written.
//!
//! By hand, because answers have to be able to lie. Nothing that a client sends can panic here.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// The longest name, in its written form with dots (RFC 1035, section 2.3.4).
pub const LONGEST_NAME: usize = 253;

/// A record type by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Type(pub u16);

/// Types that have a name here; all others are written as RFC 3597 says, e.g. `TYPE99`.
pub const TYPES: &[(&str, u16)] = &[
    ("A", 1),
    ("NS", 2),
    ("CNAME", 5),
    ("SOA", 6),
    ("PTR", 12),
    ("MX", 15),
    ("TXT", 16),
    ("AAAA", 28),
    ("SRV", 33),
    ("OPT", 41),
    ("SVCB", 64),
    ("HTTPS", 65),
    ("ANY", 255),
];

impl Type {
    /// An IPv4 address.
    pub const A: Type = Type(1);
    /// Another name.
    pub const CNAME: Type = Type(5);
    /// The start of a zone, in negative answers.
    pub const SOA: Type = Type(6);
    /// An IPv6 address.
    pub const AAAA: Type = Type(28);
    /// EDNS (RFC 6891).
    pub const OPT: Type = Type(41);
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match TYPES.iter().find(|(_, number)| *number == self.0) {
            Some((name, _)) => f.pad(name),
            None => write!(f, "TYPE{}", self.0),
        }
    }
}

/// A query, as read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// Its number, which the answer repeats.
    pub id: u16,
    /// Its flags as they stand, e.g. 0x0100 for "recursion desired".
    pub flags: u16,
    /// The name asked for: lower case, without the dot at its end; `.` for the root. Bytes that
    /// are no printable ASCII, and dots inside a label, are written as `\ddd`.
    pub name: String,
    /// The type asked for.
    pub kind: Type,
    /// The class asked for: 1 for the Internet.
    pub class: u16,
    /// The question section as it came: letters keep their case (some clients check it).
    pub question: Vec<u8>,
    /// EDNS, when the query has it.
    pub edns: Option<Edns>,
}

/// What a query's OPT record says (RFC 6891).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edns {
    /// The largest UDP answer that the client takes.
    pub size: u16,
    /// The version: only 0 is known.
    pub version: u8,
}

/// Why bytes are no query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bad {
    /// Less than a header, or an answer: it gets no answer, so that two servers never talk.
    Ignore(&'static str),
    /// A query that cannot be read: RCODE 1 with its id.
    Format(u16, u16, &'static str),
    /// Another operation than a query: RCODE 4 with its id.
    Operation(u16, u16),
}

/// Reads a query.
///
/// # Errors
///
/// When it is none, or not a whole one.
pub fn query(bytes: &[u8]) -> Result<Query, Bad> {
    let word = |at: usize| bytes.get(at..at + 2).map(|two| u16::from_be_bytes([two[0], two[1]]));
    if bytes.len() < 12 {
        return Err(Bad::Ignore("less than the 12 bytes of a header"));
    }
    let (id, flags) = (word(0).unwrap_or(0), word(2).unwrap_or(0));
    if flags & 0x8000 != 0 {
        return Err(Bad::Ignore("an answer, not a query"));
    }
    if flags & 0x7800 != 0 {
        return Err(Bad::Operation(id, flags));
    }
    let bad = |why| Bad::Format(id, flags, why);
    if word(4) != Some(1) {
        return Err(bad("not one question"));
    }
    let (name, at) = name(bytes, 12).ok_or_else(|| bad("the name cannot be read"))?;
    let cut = || bad("the question is cut off");
    let (kind, class) = (word(at).ok_or_else(cut)?, word(at + 2).ok_or_else(cut)?);
    let end = at + 4;
    let records = [6, 8, 10].map(|at| usize::from(word(at).unwrap_or(0))).iter().sum();
    let edns = edns(bytes, end, records).map_err(bad)?;
    Ok(Query { id, flags, name, kind: Type(kind), class, question: bytes[12..end].to_vec(), edns })
}

/// Looks for the OPT record behind the question.
fn edns(bytes: &[u8], mut at: usize, records: usize) -> Result<Option<Edns>, &'static str> {
    const CUT: &str = "a record is cut off";
    for _ in 0..records {
        let (owner, after) = name(bytes, at).ok_or("the name of a record cannot be read")?;
        let head = bytes.get(after..after + 10).ok_or(CUT)?;
        let kind = u16::from_be_bytes([head[0], head[1]]);
        let length = usize::from(u16::from_be_bytes([head[8], head[9]]));
        at = after + 10 + length;
        if at > bytes.len() {
            return Err(CUT);
        }
        if kind == Type::OPT.0 && owner == "." {
            let size = u16::from_be_bytes([head[2], head[3]]);
            return Ok(Some(Edns { size, version: head[5] }));
        }
    }
    Ok(None)
}

/// Reads a name; pointers are followed only backwards, so that no loop is possible. Gives the name
/// and where the bytes after it begin.
pub fn name(bytes: &[u8], start: usize) -> Option<(String, usize)> {
    let (mut at, mut lowest, mut after) = (start, start, None);
    let (mut out, mut wire) = (String::new(), 0);
    loop {
        let length = *bytes.get(at)?;
        match length {
            0 => break,
            1..=63 => {
                let label = bytes.get(at + 1..at + 1 + usize::from(length))?;
                wire += label.len() + 1;
                if wire > LONGEST_NAME + 1 {
                    return None;
                }
                if !out.is_empty() {
                    out.push('.');
                }
                for &byte in label {
                    match byte {
                        b'.' | b'\\' | 0..=0x20 | 0x7f.. => out += &format!("\\{byte:03}"),
                        _ => out.push(char::from(byte.to_ascii_lowercase())),
                    }
                }
                at += 1 + label.len();
            }
            0xc0.. => {
                let to = usize::from(length & 0x3f) << 8 | usize::from(*bytes.get(at + 1)?);
                after.get_or_insert(at + 2);
                // Strictly backwards, each time: it comes to an end.
                if to >= lowest {
                    return None;
                }
                (at, lowest) = (to, to);
            }
            _ => return None,
        }
    }
    if out.is_empty() {
        out.push('.');
    }
    Some((out, after.unwrap_or(at + 1)))
}

/// A name's bytes, uncompressed. Labels that are too long are cut: what comes from a scenario has
/// been checked, what comes from a client was read with these limits.
pub fn name_bytes(name: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(name.len() + 2);
    for label in name.split('.').filter(|label| !label.is_empty()) {
        let label = unescape(label);
        let label = &label[..label.len().min(63)];
        out.push(label.len() as u8);
        out.extend_from_slice(label);
    }
    out.push(0);
    out
}

fn unescape(label: &str) -> Vec<u8> {
    let bytes = label.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        let code = match bytes[at] {
            b'\\' => label.get(at + 1..at + 4).and_then(|digits| digits.parse::<u8>().ok()),
            _ => None,
        };
        out.push(code.unwrap_or(bytes[at]));
        at += if code.is_some() { 4 } else { 1 };
    }
    out
}

/// What a record holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// An IPv4 address.
    A(Ipv4Addr),
    /// An IPv6 address.
    Aaaa(Ipv6Addr),
    /// Another name.
    Cname(String),
}

/// A record of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The name it belongs to.
    pub owner: String,
    /// How long it may be kept, in seconds.
    pub ttl: u32,
    /// What it says.
    pub data: Data,
}

impl Record {
    /// Its bytes.
    pub fn bytes(&self) -> Vec<u8> {
        let (kind, data) = match &self.data {
            Data::A(ip) => (Type::A, ip.octets().to_vec()),
            Data::Aaaa(ip) => (Type::AAAA, ip.octets().to_vec()),
            Data::Cname(name) => (Type::CNAME, name_bytes(name)),
        };
        record(&self.owner, kind, 1, self.ttl, &data)
    }
}

/// The bytes of any record.
pub fn record(owner: &str, kind: Type, class: u16, ttl: u32, data: &[u8]) -> Vec<u8> {
    let mut out = name_bytes(owner);
    out.extend_from_slice(&kind.0.to_be_bytes());
    out.extend_from_slice(&class.to_be_bytes());
    out.extend_from_slice(&ttl.to_be_bytes());
    out.extend_from_slice(&(data.len() as u16).to_be_bytes());
    out.extend_from_slice(data);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// `dig +noedns A target.badproxy.test`, as tcpdump shows it.
    fn asked(name: &str, kind: u16) -> Vec<u8> {
        let mut out = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        out.extend(name_bytes(name));
        out.extend(kind.to_be_bytes());
        out.extend([0, 1]);
        out
    }

    #[test]
    fn a_question() {
        let q = query(&asked("Target.badproxy.TEST", 28)).unwrap();
        assert_eq!((q.id, q.flags, q.kind, q.class), (0x1234, 0x100, Type::AAAA, 1));
        assert_eq!(q.name, "target.badproxy.test");
        assert_eq!(&q.question[..7], b"\x06Target");
        assert_eq!(q.edns, None);
        assert_eq!(query(&asked(".", 2)).unwrap().name, ".");
    }

    #[test]
    fn edns_is_seen() {
        let mut bytes = asked("a.test", 1);
        bytes[11] = 1;
        bytes.extend([0, 0, 41, 0x04, 0xd0, 0, 0, 0x80, 0, 0, 0]);
        assert_eq!(query(&bytes).unwrap().edns, Some(Edns { size: 1232, version: 0 }));
        bytes.pop();
        assert!(matches!(query(&bytes), Err(Bad::Format(0x1234, ..))));
    }

    #[test]
    fn what_is_no_query() {
        assert!(matches!(query(&[0; 11]), Err(Bad::Ignore(_))));
        let mut answer = asked("a.test", 1);
        answer[2] = 0x81;
        assert!(matches!(query(&answer), Err(Bad::Ignore(_))));
        answer[2] = 0x28;
        assert!(matches!(query(&answer), Err(Bad::Operation(0x1234, _))));
        let mut looped = asked("a.test", 1);
        looped[12..14].copy_from_slice(&[0xc0, 12]);
        assert!(matches!(query(&looped), Err(Bad::Format(..))));
    }

    #[test]
    fn odd_labels_come_back() {
        let odd = b"\x05a.b\\\xff\x00".to_vec();
        let (text, after) = name(&odd, 0).unwrap();
        assert_eq!((text.as_str(), after), ("a\\046b\\092\\255", 7));
        assert_eq!(name_bytes(&text), odd);
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in 0usize..220) {
            let _ = query(&bytes);
            let _ = name(&bytes, at);
        }

        /// Bytes that begin like a query, so that the names and records behind it are reached.
        #[test]
        fn nothing_panics_behind_a_header(rest in proptest::collection::vec(prop_oneof![Just(0xc0u8), 0u8..16, any::<u8>()], 0..120), more in 0u8..4) {
            let mut bytes = vec![0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, more];
            bytes.extend(rest);
            let _ = query(&bytes);
        }

        #[test]
        fn names_come_back(labels in proptest::collection::vec("[a-z0-9_-]{1,20}", 1..8)) {
            let text = labels.join(".");
            prop_assert_eq!(name(&name_bytes(&text), 0).unwrap(), (text.clone(), text.len() + 2));
        }
    }
}
