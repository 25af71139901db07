//! `socks_status`: whether a SOCKS5 client's user and password are taken.

use std::io;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{After, Cx, Fault};
use crate::scenario::{Problem, number, number_schema, write_number, seen, word};
use crate::stage::Stage;

/// Answers user and password (RFC 1929) with this status, right or wrong. Any status but 0 is
/// followed by a FIN, as the RFC asks.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SocksStatus {
    /// `success` (0), `failure` (1) or a number.
    #[serde(deserialize_with = "read", serialize_with = "write")]
    #[schemars(schema_with = "names")]
    pub status: u8,
}

const NAMES: [(&str, u8); 2] = [("success", 0), ("failure", 1)];

fn read<'de, D: Deserializer<'de>>(from: D) -> Result<u8, D::Error> {
    word(from, parse)
}

fn write<S: Serializer>(number: &u8, to: S) -> Result<S::Ok, S::Error> {
    write_number(&NAMES, *number, to)
}

fn parse(word: &str) -> Result<u8, Problem> {
    number(word, &NAMES, format!("a status of RFC 1929 cannot be {}", seen(word)), "there are")
}

fn names(_: &mut SchemaGenerator) -> Schema {
    number_schema(&NAMES)
}

impl Fault for SocksStatus {
    const AT: &'static [Stage] = &[Stage::Auth];
    const ABOUT: &'static str = "Answers a SOCKS5 client's user and password, right or wrong";
    const EXAMPLE: &'static str = "{at: auth, do: {socks_status: failure}}";

    fn from_word(word: &str) -> Result<Self, Problem> {
        Ok(SocksStatus { status: parse(word)? })
    }

    fn word_schema(with: &mut SchemaGenerator) -> Option<Schema> {
        Some(names(with))
    }

    async fn act(&self, cx: &mut Cx<'_, '_>) -> io::Result<After> {
        if !cx.socks5() {
            return Ok(After::Go);
        }
        cx.choice.socks_status = Some(self.status);
        cx.did(format!("answers user and password with status {}", self.status), true);
        Ok(After::Go)
    }
}
