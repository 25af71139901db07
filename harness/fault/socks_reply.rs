//! `socks_reply`: the answer to a SOCKS request.

use std::io;
use std::net::IpAddr;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{After, Cx, Fault};
use crate::proxy::socks::message::{Address, REPLIES, V4, reply4, reply5};
use crate::proxy::socks::{self, message};
use crate::scenario::{Problem, Size, name_of, number, number_schema, write_number, seen, word};
use crate::stage::Stage;

/// Answers a SOCKS request: any reply code, any bound address, cut if asked.
///
/// `succeeded` opens the tunnel; after any other code comes a FIN unless another step does. To a
/// SOCKS4 client the eight bytes of its version go: 90 for `succeeded`, 91 for the other names.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SocksReply {
    /// Its name in RFC 1928 or its number.
    #[serde(deserialize_with = "read", serialize_with = "write")]
    #[schemars(schema_with = "names")]
    pub code: u8,
    /// The address that the proxy says it is bound to: IPv4, IPv6, or anything else as a domain
    /// name; `""` is a name of no length. Default: 0.0.0.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound: Option<String>,
    /// The port that goes with it. Default: 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Only so many bytes of it are sent. Default: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<Size>,
}

fn read<'de, D: Deserializer<'de>>(from: D) -> Result<u8, D::Error> {
    word(from, parse)
}

fn write<S: Serializer>(number: &u8, to: S) -> Result<S::Ok, S::Error> {
    write_number(REPLIES, *number, to)
}

fn parse(word: &str) -> Result<u8, Problem> {
    number(word, REPLIES, format!("RFC 1928 has no reply {}", seen(word)), "its replies")
}

fn names(_: &mut SchemaGenerator) -> Schema {
    number_schema(REPLIES)
}

impl SocksReply {
    fn bytes(&self, version: u8) -> Vec<u8> {
        let bound = match &self.bound {
            None => socks::BOUND,
            Some(text) => match text.parse::<IpAddr>() {
                Ok(ip) => Address::Ip(ip),
                Err(_) => Address::Name(text.clone()),
            },
        };
        let mut bytes = match version {
            V4 => reply4(message::code4(self.code)),
            _ => reply5(self.code, &bound, self.port.unwrap_or(0)),
        };
        if let Some(only) = self.only {
            bytes.truncate(usize::try_from(only.0).unwrap_or(usize::MAX));
        }
        bytes
    }
}

impl Fault for SocksReply {
    const AT: &'static [Stage] = &[Stage::Resolve, Stage::Dial, Stage::Reply];
    const ABOUT: &'static str = "Answers a SOCKS request: any code, any bound address, cut if asked";
    const EXAMPLE: &'static str = "{at: dial, do: {socks_reply: connection_refused}}";

    fn from_word(word: &str) -> Result<Self, Problem> {
        Ok(SocksReply { code: parse(word)?, ..SocksReply::default() })
    }

    fn word_schema(with: &mut SchemaGenerator) -> Option<Schema> {
        Some(names(with))
    }

    fn check(&self, _: Stage) -> Result<(), Problem> {
        match &self.bound {
            Some(name) if name.len() > 255 => {
                Err(Problem::new(format!("a bound name of {} bytes", name.len()))
                    .about("bound")
                    .help("its length is one byte: at most 255"))
            }
            _ => Ok(()),
        }
    }

    async fn act(&self, cx: &mut Cx<'_, '_>) -> io::Result<After> {
        let version = socks::version(&cx.facts.method).unwrap_or(message::V5);
        let bytes = self.bytes(version);
        let result = cx.send(&bytes).await;
        let name = name_of(REPLIES, self.code).map(|name| format!(" ({name})"));
        let name = name.unwrap_or_default();
        cx.did(format!("answered {} bytes: reply {}{name}", bytes.len(), self.code), true);
        let tunnel = self.code == 0 && cx.stage == Stage::Reply;
        result.map(|()| if tunnel { After::Replaced } else { After::Answered })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_each_form() {
        let reply = |bound: Option<&str>, only| SocksReply {
            code: 5,
            bound: bound.map(str::to_owned),
            port: None,
            only,
        };
        assert_eq!(reply(None, None).bytes(5), b"\x05\x05\x00\x01\0\0\0\0\0\0");
        assert_eq!(reply(Some(""), None).bytes(5), b"\x05\x05\x00\x03\0\0\0");
        assert_eq!(reply(Some("::"), None).bytes(5).len(), 22);
        assert_eq!(reply(None, Some(Size(3))).bytes(5), b"\x05\x05\x00");
        assert_eq!(reply(None, None).bytes(4), b"\0\x5b\0\0\0\0\0\0");
    }
}
