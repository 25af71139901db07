//! `answer`: what the name server says.

use std::io;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::{After, Cx, Fault};
use crate::dns::Rcode;
use crate::scenario::{Address4, Address6, Length, Name, Problem, is_default, seen};
use crate::stage::Stage;

/// Answers a DNS query in another way than a healthy name server. What is not named here stays as
/// it would have been: `{ttl: 0s}` is the healthy answer that may not be kept.
///
/// At `resolve` it is what the proxy's own name server says of the target: an RCODE or `nodata`
/// becomes a 502 with `error=dns_error` (RFC 9209), addresses are dialled one after the other.
/// `origin` answers at once, 0.0.0.0 and loopback refuse at once, others are waited for 5 s each.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Answer {
    /// The RCODE. Any but `noerror` leaves the answer section empty, unless records are named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rcode: Option<Rcode>,
    /// The name exists, but has no such record: RCODE 0 and an empty answer section (NODATA).
    #[serde(default, skip_serializing_if = "is_default")]
    pub nodata: bool,
    /// IPv4 addresses for type A, in this order: `192.0.2.1`, `proxy`, `origin`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub a: Vec<Address4>,
    /// IPv6 addresses for type AAAA, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aaaa: Vec<Address6>,
    /// A chain of aliases: the name asked for is the first one, which is the second, and so on. A
    /// chain that comes back to the name asked for is a loop. After a single alias come the
    /// addresses of its name, if it has any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cname: Vec<Name>,
    /// This many A records, all different, from 198.18.0.0/16.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 2000))]
    pub records: Option<u16>,
    /// How long the records may be kept, in whole seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<Length>,
    /// The n-th query for a name gets the n-th record first, the others behind it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub rotate: bool,
    /// TC is set and the answer section empty: the client is to ask again over TCP.
    #[serde(default, skip_serializing_if = "is_default")]
    pub truncated: bool,
    /// Over UDP, sends all of an answer that is longer than the client can take, without TC.
    #[serde(default, skip_serializing_if = "is_default")]
    pub oversize: bool,
    /// The answer to another query than the client's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrong: Option<Wrong>,
    /// The last record cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub malformed: Option<Malformed>,
    /// The INFO-CODE of an extended DNS error (RFC 8914), for clients with EDNS; 22 is "no
    /// reachable authority".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ede: Option<u16>,
    /// The EXTRA-TEXT of that error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ede_text: Option<String>,
}

/// What of the query an answer gets wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Wrong {
    /// Its id.
    Id,
    /// Its question: the name is `other.badproxy.test`.
    Question,
}

/// How the last record is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Malformed {
    /// The message ends after half of its data.
    CutRecord,
    /// Its name is a compression pointer to itself.
    PointerLoop,
    /// The length of its data is 200 bytes more than there are.
    Rdlength,
    /// The header counts one record more than there are.
    Count,
}

/// The short forms.
const WORDS: [&str; 7] =
    ["nxdomain", "servfail", "refused", "formerr", "notimp", "nodata", "truncated"];

impl Answer {
    /// Whether it names the records of the answer section.
    pub fn has_records(&self) -> bool {
        let listed = self.a.len() + self.aaaa.len() + self.cname.len();
        listed > 0 || self.records.is_some()
    }

    /// At `resolve` the answer is for the proxy: what stays between it and its name server cannot
    /// be seen by a client.
    fn check_at_resolve(&self) -> Result<(), Problem> {
        let hidden = [
            (!self.cname.is_empty(), "cname"),
            (self.records.is_some(), "records"),
            (self.ttl.is_some(), "ttl"),
            (self.truncated, "truncated"),
            (self.oversize, "oversize"),
            (self.wrong.is_some(), "wrong"),
            (self.malformed.is_some(), "malformed"),
            (self.ede_text.is_some(), "ede_text"),
        ];
        if let Some((_, key)) = hidden.into_iter().find(|(is, _)| *is) {
            return Err(Problem::new(format!("`{key}` cannot be seen of the proxy's own look-up"))
                .about(key)
                .help("at `resolve` there can be rcode, nodata, a, aaaa, rotate and ede")
                .help("what a proxy makes of such an answer is `answer: servfail` or `hang`"));
        }
        if let Some(index) = self.a.iter().position(|address| *address == Address4::Proxy) {
            return Err(Problem::new("the proxy does not dial itself here")
                .about(format!("a.{index}"))
                .help("write an address of nobody, e.g. `192.0.2.1`, or `origin`"));
        }
        let listed = self.has_records() || self.nodata;
        if !listed && self.rcode.is_none_or(|rcode| rcode == Rcode::Noerror) {
            return Err(Problem::new("this answer is the healthy one")
                .help("write an rcode, `nodata` or addresses, e.g. `a: [192.0.2.1, origin]`"));
        }
        Ok(())
    }

    /// What it does to the healthy answer, in words.
    fn did(&self) -> String {
        let mut did = Vec::new();
        let mut add = |is: bool, text: String| did.extend(is.then_some(text));
        add(self.rcode.is_some(), self.rcode.unwrap_or_default().shown().to_owned());
        add(self.nodata, "NOERROR without a record".to_owned());
        let a: Vec<String> = self.a.iter().map(ToString::to_string).collect();
        add(!a.is_empty(), format!("A {}", a.join(", ")));
        let aaaa: Vec<String> = self.aaaa.iter().map(ToString::to_string).collect();
        add(!aaaa.is_empty(), format!("AAAA {}", aaaa.join(", ")));
        let cname: Vec<&str> = self.cname.iter().map(|n| n.0.as_str()).collect();
        add(!cname.is_empty(), format!("CNAME {}", cname.join(", CNAME ")));
        add(self.records.is_some(), format!("{} A records", self.records.unwrap_or(0)));
        add(self.ttl.is_some(), format!("TTL {}", self.ttl.unwrap_or_default()));
        add(self.rotate, "records take turns".to_owned());
        add(self.truncated, "TC, no record".to_owned());
        add(self.oversize, "longer than the client takes".to_owned());
        let wrong = match self.wrong {
            Some(Wrong::Id) => "another id",
            Some(Wrong::Question) => "another question",
            None => "",
        };
        add(self.wrong.is_some(), wrong.to_owned());
        let broken = match self.malformed {
            Some(Malformed::CutRecord) => "cut inside the last record",
            Some(Malformed::PointerLoop) => "a name that points to itself",
            Some(Malformed::Rdlength) => "a record longer than the message",
            Some(Malformed::Count) => "one record fewer than counted",
            None => "",
        };
        add(self.malformed.is_some(), broken.to_owned());
        add(self.ede.is_some(), format!("extended error {}", self.ede.unwrap_or(0)));
        did.join("; ")
    }
}

impl Fault for Answer {
    const AT: &'static [Stage] = &[Stage::Dns, Stage::Resolve];
    const ABOUT: &'static str =
        "Answers a DNS query, the proxy's own too: RCODE, records, TC, a wrong id, broken bytes";
    const EXAMPLE: &'static str = "{at: dns, do: {answer: nxdomain}}";

    fn from_word(word: &str) -> Result<Self, Problem> {
        let rcode = |rcode| Answer { rcode: Some(rcode), ..Answer::default() };
        Ok(match word {
            "nxdomain" => rcode(Rcode::Nxdomain),
            "servfail" => rcode(Rcode::Servfail),
            "refused" => rcode(Rcode::Refused),
            "formerr" => rcode(Rcode::Formerr),
            "notimp" => rcode(Rcode::Notimp),
            "nodata" => Answer { nodata: true, ..Answer::default() },
            "truncated" => Answer { truncated: true, ..Answer::default() },
            _ => {
                return Err(Problem::new(format!("`answer` cannot be {}", seen(word)))
                    .known("in one word it can be", word, &WORDS)
                    .help("or write a map, e.g. `answer: {a: [192.0.2.1], ttl: 0s}`"));
            }
        })
    }

    fn word_schema(_: &mut SchemaGenerator) -> Option<Schema> {
        Some(json_schema!({"type": "string", "enum": WORDS}))
    }

    fn check(&self, stage: Stage) -> Result<(), Problem> {
        if *self == Answer::default() {
            return Err(Problem::new("this answer is the healthy one")
                .help("write what is wrong with it, e.g. `answer: servfail`"));
        }
        if stage == Stage::Resolve {
            self.check_at_resolve()?;
        }
        let records = self.has_records();
        if self.nodata && (records || self.rcode.is_some()) {
            return Err(Problem::new("`nodata` is an answer of its own")
                .about("nodata")
                .help("take it out, or the records and the rcode"));
        }
        if self.records.is_some_and(|n| !(1..=2000).contains(&n)) {
            return Err(Problem::new("there can be 1 to 2000 records").about("records"));
        }
        if self.ttl.is_some_and(|t| t.0.subsec_nanos() > 0) {
            return Err(Problem::new("a TTL is in whole seconds").about("ttl"));
        }
        if self.ede_text.is_some() && self.ede.is_none() {
            return Err(Problem::new("`ede_text` needs a code")
                .about("ede_text")
                .help("write `ede: 22`, too: an INFO-CODE of RFC 8914"));
        }
        if self.ede_text.as_ref().is_some_and(|text| text.len() > 255) {
            return Err(Problem::new("`ede_text` is longer than 255 bytes").about("ede_text"));
        }
        if self.oversize && self.truncated {
            return Err(Problem::new("a truncated answer is never oversize").about("oversize"));
        }
        match self.cname.iter().position(|name| name.0.starts_with('*')) {
            Some(index) => Err(Problem::new("an alias is for one name")
                .about(format!("cname.{index}"))
                .help("write it without `*`")),
            None => Ok(()),
        }
    }

    async fn act(&self, cx: &mut Cx<'_, '_>) -> io::Result<After> {
        cx.choice.answer = Some(Box::new(self.clone()));
        let audible = match cx.stage {
            // Addresses are dialled first: whatever comes of that, the client has to wait.
            Stage::Resolve => !self.has_records(),
            // A wrong id or question makes clients wait on: to them it is silence. TC only says where
            // to ask next.
            _ => self.wrong.is_none() && !self.truncated,
        };
        cx.did(self.did(), audible);
        Ok(After::Go)
    }
}
