//! `socks_method`: which way to log in a SOCKS5 client is told.

use std::io;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{After, Cx, Fault};
use crate::proxy::socks::message::METHODS;
use crate::scenario::{Problem, name_of, number, number_schema, write_number, seen, word};
use crate::stage::Stage;

/// Chooses the method of a SOCKS5 greeting (RFC 1928, section 3), whether the client offers it or
/// not. `no_acceptable` is followed by a FIN unless another step comes.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SocksMethod {
    /// Its name (`none`, `gssapi`, `password`, `no_acceptable`) or its number.
    #[serde(deserialize_with = "read", serialize_with = "write")]
    #[schemars(schema_with = "names")]
    pub method: u8,
}

fn read<'de, D: Deserializer<'de>>(from: D) -> Result<u8, D::Error> {
    word(from, parse)
}

fn write<S: Serializer>(number: &u8, to: S) -> Result<S::Ok, S::Error> {
    write_number(METHODS, *number, to)
}

fn parse(word: &str) -> Result<u8, Problem> {
    number(word, METHODS, format!("SOCKS5 has no method {}", seen(word)), "its methods")
}

fn names(_: &mut SchemaGenerator) -> Schema {
    number_schema(METHODS)
}

impl Fault for SocksMethod {
    const AT: &'static [Stage] = &[Stage::Request];
    const ABOUT: &'static str = "Chooses the method of a SOCKS5 greeting, offered or not";
    const EXAMPLE: &'static str = "{at: request, do: {socks_method: no_acceptable}}";

    fn from_word(word: &str) -> Result<Self, Problem> {
        Ok(SocksMethod { method: parse(word)? })
    }

    fn word_schema(with: &mut SchemaGenerator) -> Option<Schema> {
        Some(names(with))
    }

    async fn act(&self, cx: &mut Cx<'_, '_>) -> io::Result<After> {
        if !cx.socks5() {
            return Ok(After::Go);
        }
        cx.choice.socks_method = Some(self.method);
        let name = name_of(METHODS, self.method).map(|name| format!(" ({name})"));
        let name = name.unwrap_or_default();
        cx.did(format!("chooses method {}{name}", self.method), true);
        Ok(After::Go)
    }
}
