//! An IP address as a word.

use std::borrow::Cow;
use std::net::IpAddr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Problem, When, seen, word};
use crate::stage::Stage;

/// An IP address: `198.51.100.1`, `2001:db8::2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(clippy::exhaustive_structs, reason = "one value, and nothing else")]
pub struct Address(pub IpAddr);

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let address: Option<Address> = word(from, |text| match text.parse() {
            Ok(ip) => Ok(Some(Address(ip))),
            Err(_) => Err(Problem::new(format!("{} is not an IP address", seen(text)))
                .help("write e.g. `198.51.100.1` or `2001:db8::2`")),
        })?;
        // The stand-in for what was written wrong.
        Ok(address.unwrap_or(Address(IpAddr::from([0, 0, 0, 0]))))
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&self.0)
    }
}

impl JsonSchema for Address {
    fn schema_name() -> Cow<'static, str> {
        "Address".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "An IP address, e.g. 198.51.100.1 or 2001:db8::2",
            "type": "string",
            "pattern": r"^([0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*)$",
        })
    }
}

/// What is wrong with the address that a rule is for: the whole `address` (false), or its value.
pub(super) fn dialled(when: &When, stage: Stage, all: &[Address]) -> Option<(bool, Problem)> {
    let address = when.address?;
    if stage != Stage::Syn {
        let problem = Problem::new(format!("`address` says nothing at `{stage}`"))
            .help("which address was dialled matters at `syn`");
        return Some((false, problem));
    }
    if all.contains(&address) {
        return None;
    }
    let all: Vec<String> = all.iter().map(|address| format!("`{}`", address.0)).collect();
    let problem = Problem::new(format!(
        "this rule can never match: the proxy has no address `{}`",
        address.0
    ));
    Some((
        true,
        match all.as_slice() {
            [] => problem.help("give it some: `proxy: {addresses: [198.51.100.1, 198.51.100.2]}`"),
            all => problem.help(format!("its `addresses` are {}", all.join(", "))),
        },
    ))
}
