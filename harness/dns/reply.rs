//! An answer: what a healthy name server would say, and what a rule makes of it. Pure.

use std::net::Ipv4Addr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::message::{Data, Query, Record, Type, name_bytes, record};
use super::zone::{Addresses, look_up};
use crate::fault::answer::{Answer, Malformed, Wrong};
use crate::scenario::{DnsSide, Name};

/// How an answer ended (RFC 1035, section 4.1.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Rcode {
    /// 0: no error.
    #[default]
    Noerror,
    /// 1: the server could not read the query.
    Formerr,
    /// 2: the server has failed.
    Servfail,
    /// 3: there is no such name.
    Nxdomain,
    /// 4: the server does not know such queries.
    Notimp,
    /// 5: the server does not want to answer.
    Refused,
}

impl Rcode {
    /// All of them, by their number.
    pub const ALL: [Rcode; 6] = [
        Rcode::Noerror,
        Rcode::Formerr,
        Rcode::Servfail,
        Rcode::Nxdomain,
        Rcode::Notimp,
        Rcode::Refused,
    ];

    /// As RFCs and tools write it.
    pub const fn shown(self) -> &'static str {
        match self {
            Rcode::Noerror => "NOERROR",
            Rcode::Formerr => "FORMERR",
            Rcode::Servfail => "SERVFAIL",
            Rcode::Nxdomain => "NXDOMAIN",
            Rcode::Notimp => "NOTIMP",
            Rcode::Refused => "REFUSED",
        }
    }
}

/// The longest UDP answer to a client without EDNS (RFC 1035, section 4.2.1).
pub const PLAIN_UDP: usize = 512;
/// The longest UDP answer of this server, whatever a client takes.
pub const MOST_UDP: usize = 4096;
/// The UDP size that this server names: what passes without fragments.
const OUR_SIZE: u16 = 1232;

/// An answer and what it says, for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The message.
    pub bytes: Vec<u8>,
    /// Its RCODE.
    pub rcode: Rcode,
    /// The addresses in it, in their order.
    pub addresses: Vec<String>,
    /// Whether TC is set.
    pub truncated: bool,
}

/// What an answer is made of.
pub struct Parts<'a> {
    /// The query.
    pub query: &'a Query,
    /// The healthy name server.
    pub side: &'a DnsSide,
    /// The addresses that it knows by their role.
    pub addresses: &'a Addresses,
    /// What a rule has chosen.
    pub answer: Option<&'a Answer>,
    /// Which query for this name and type it is, from 1.
    pub attempt: u64,
    /// Whether it goes over UDP.
    pub udp: bool,
}

impl Parts<'_> {
    /// Puts the answer together.
    pub fn reply(&self) -> Reply {
        let plain = Answer::default();
        let answer = self.answer.unwrap_or(&plain);
        let (rcode, records) = self.content(answer);
        let addresses: Vec<String> = records
            .iter()
            .filter_map(|r| match &r.data {
                Data::A(ip) => Some(ip.to_string()),
                Data::Aaaa(ip) => Some(ip.to_string()),
                Data::Cname(_) => None,
            })
            .collect();
        let whole = self.message(answer, rcode, &records, answer.truncated);
        let size = self.query.edns.map_or(PLAIN_UDP, |e| usize::from(e.size).max(PLAIN_UDP));
        let most = if answer.oversize { usize::MAX } else { size.min(MOST_UDP) };
        if answer.truncated || (self.udp && whole.len() > most) {
            let bytes = self.message(answer, rcode, &[], true);
            return Reply { bytes, rcode, addresses: Vec::new(), truncated: true };
        }
        Reply { bytes: whole, rcode, addresses, truncated: false }
    }

    /// RCODE and answer section.
    fn content(&self, answer: &Answer) -> (Rcode, Vec<Record>) {
        let query = self.query;
        if query.class != 1 {
            return (Rcode::Refused, Vec::new());
        }
        let found = look_up(self.side, self.addresses, &query.name, query.kind);
        let (mut rcode, mut records) = (found.rcode, found.records);
        let ttl = answer.ttl.map(|t| t.0.as_secs().min(u32::MAX.into()) as u32);
        if answer.has_records() {
            (rcode, records) = (Rcode::Noerror, self.own(answer, ttl.unwrap_or(60)));
        }
        if answer.nodata {
            (rcode, records) = (Rcode::Noerror, Vec::new());
        }
        if let Some(set) = answer.rcode {
            rcode = set;
            if set != Rcode::Noerror && !answer.has_records() {
                records.clear();
            }
        }
        if let Some(ttl) = ttl {
            records.iter_mut().for_each(|r| r.ttl = ttl);
        }
        if answer.rotate && !records.is_empty() {
            let turn = (self.attempt.saturating_sub(1) % records.len() as u64) as usize;
            records.rotate_left(turn);
        }
        (rcode, records)
    }

    /// The records that a rule names.
    fn own(&self, answer: &Answer, ttl: u32) -> Vec<Record> {
        let mut owner = self.query.name.clone();
        let mut records = Vec::new();
        for Name(target) in &answer.cname {
            records.push(Record { owner, ttl, data: Data::Cname(target.clone()) });
            owner = target.clone();
        }
        let mut add = |data| records.push(Record { owner: owner.clone(), ttl, data });
        match self.query.kind {
            Type::A => {
                self.addresses.v4(&answer.a).into_iter().for_each(|ip| add(Data::A(ip)));
                (0..answer.records.unwrap_or(0)).for_each(|n| add(Data::A(filler(n))));
            }
            Type::AAAA => answer.aaaa.iter().for_each(|ip| add(Data::Aaaa(ip.0))),
            _ => {}
        }
        // Behind a single alias the zone goes on, if it knows the name.
        let alone = answer.a.is_empty() && answer.aaaa.is_empty() && answer.records.is_none();
        if answer.cname.len() == 1 && alone && owner != self.query.name {
            records.extend(look_up(self.side, self.addresses, &owner, self.query.kind).records);
        }
        records
    }

    fn message(&self, answer: &Answer, rcode: Rcode, records: &[Record], cut: bool) -> Vec<u8> {
        let query = self.query;
        let id = match answer.wrong {
            Some(Wrong::Id) => query.id ^ 0x5555,
            _ => query.id,
        };
        // QR, RD as asked, RA; and CD as asked (RFC 4035).
        let mut flags = 0x8080 | (query.flags & 0x0110) | rcode as u16;
        if cut {
            flags |= 0x0200;
        }
        let question = match answer.wrong {
            Some(Wrong::Question) => {
                let mut bytes = name_bytes("other.badproxy.test");
                bytes.extend_from_slice(&query.question[query.question.len() - 4..]);
                bytes
            }
            _ => query.question.clone(),
        };
        let negative = records.is_empty() && !cut;
        let soa = negative && matches!(rcode, Rcode::Noerror | Rcode::Nxdomain);
        // A server that does not know EDNS says FORMERR without it (RFC 6891, section 7).
        let opt = query.edns.filter(|_| !matches!(rcode, Rcode::Formerr | Rcode::Notimp));
        let count = records.len() as u16 + u16::from(answer.malformed == Some(Malformed::Count));
        let mut out = Vec::new();
        for word in [id, flags, 1, count, u16::from(soa), u16::from(opt.is_some())] {
            out.extend_from_slice(&word.to_be_bytes());
        }
        out.extend_from_slice(&question);
        let whole = records.len().saturating_sub(1);
        for (index, record) in records.iter().enumerate() {
            let mut bytes = record.bytes();
            if index == whole {
                spoil(&mut bytes, answer.malformed, out.len(), name_bytes(&record.owner).len());
            }
            out.extend_from_slice(&bytes);
        }
        if answer.malformed == Some(Malformed::CutRecord) && !records.is_empty() {
            // The packet ends inside the last record.
            return out;
        }
        if soa {
            out.extend_from_slice(&self.soa());
        }
        if let Some(edns) = opt {
            out.extend_from_slice(&option(answer, edns.version));
        }
        out
    }

    /// Negative answers name the zone that says so, and how long that holds (RFC 2308).
    fn soa(&self) -> Vec<u8> {
        let zone = if self.query.name.ends_with(".test") { "test" } else { "." };
        let mut data = name_bytes("ns.badproxy.test");
        data.extend(name_bytes("nobody.badproxy.test"));
        for number in [1u32, 3600, 600, 86400, 60] {
            data.extend(number.to_be_bytes());
        }
        record(zone, Type::SOA, 1, 60, &data)
    }
}

/// The n-th of many addresses, of those for benchmarks (RFC 2544): nothing on the Internet.
fn filler(n: u16) -> Ipv4Addr {
    let [high, low] = n.to_be_bytes();
    Ipv4Addr::new(198, 18, high, low)
}

/// Makes the last record one that cannot be read. `at`: where it stands in the message; `owner`:
/// the length of its name.
fn spoil(bytes: &mut Vec<u8>, how: Option<Malformed>, at: usize, owner: usize) {
    match how {
        // Half of the data is not there any more.
        Some(Malformed::CutRecord) => {
            let data = bytes.len() - (owner + 10);
            bytes.truncate(owner + 10 + data / 2);
        }
        // The name is a pointer to itself.
        Some(Malformed::PointerLoop) => {
            let here = 0xc000 | (at as u16 & 0x3fff);
            bytes.splice(..owner, here.to_be_bytes());
        }
        // The length of the data is 200 bytes more than there are.
        Some(Malformed::Rdlength) => {
            let length = u16::from_be_bytes([bytes[owner + 8], bytes[owner + 9]]) + 200;
            bytes[owner + 8..owner + 10].copy_from_slice(&length.to_be_bytes());
        }
        Some(Malformed::Count) | None => {}
    }
}

/// The OPT record: our size, and an extended error (RFC 8914) where a rule names one.
fn option(answer: &Answer, version: u8) -> Vec<u8> {
    let mut data = Vec::new();
    if let Some(code) = answer.ede {
        let text = answer.ede_text.as_deref().unwrap_or_default().as_bytes();
        data.extend(15u16.to_be_bytes());
        data.extend((text.len() as u16 + 2).to_be_bytes());
        data.extend(code.to_be_bytes());
        data.extend(text);
    }
    // Version 0 is all we know: BADVERS is RCODE 16, whose upper bits are here.
    let ttl = if version > 0 { 1u32 << 24 } else { 0 };
    record(".", Type::OPT, OUR_SIZE, ttl, &data)
}

/// The answer to what cannot be read: a header alone.
pub fn header_only(id: u16, flags: u16, rcode: Rcode) -> Vec<u8> {
    let flags = 0x8080 | (flags & 0x7910) | rcode as u16;
    let words = [id, flags, 0, 0, 0, 0];
    words.into_iter().flat_map(u16::to_be_bytes).collect()
}
