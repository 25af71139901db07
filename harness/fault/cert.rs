//! `cert`: a bad certificate.

use std::io;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};

use super::{After, Cx, Fault};
use crate::cert::Flavour;
use crate::scenario::{Problem, seen, word};
use crate::stage::Stage;

/// The origin (at `proxy_tls`: the proxy itself) shows a certificate with one defect, under badssl.com's names for them.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cert {
    /// Which defect.
    #[serde(deserialize_with = "read")]
    #[schemars(schema_with = "flavours")]
    pub kind: Flavour,
}

fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Flavour, D::Error> {
    word(from, parse)
}

fn parse(word: &str) -> Result<Flavour, Problem> {
    let known = Flavour::BAD.map(Flavour::word);
    match Flavour::BAD.into_iter().find(|f| f.word() == word) {
        Some(kind) => Ok(kind),
        None => Err(Problem::new(format!("there is no bad certificate {}", seen(word))).known(
            "there are",
            word,
            &known,
        )),
    }
}

fn flavours(_: &mut SchemaGenerator) -> Schema {
    let words = Flavour::BAD.map(Flavour::word);
    json_schema!({"type": "string", "enum": words, "description": "badssl.com's name for a defect"})
}

impl Fault for Cert {
    const AT: &'static [Stage] = &[Stage::ProxyTls, Stage::Tls];
    const ABOUT: &'static str =
        "Shows a bad certificate: expired, self-signed, untrusted-root, ...";
    const EXAMPLE: &'static str = "{at: tls, do: {cert: expired}}";

    fn from_word(word: &str) -> Result<Self, Problem> {
        Ok(Cert { kind: parse(word)? })
    }

    fn word_schema(with: &mut SchemaGenerator) -> Option<Schema> {
        Some(flavours(with))
    }

    async fn act(&self, cx: &mut Cx<'_, '_>) -> io::Result<After> {
        cx.choice.cert = Some(self.kind);
        cx.did(format!("shows a certificate that is {}", self.kind.word()), true);
        Ok(After::Go)
    }
}
