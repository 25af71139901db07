//! `cert`: a bad certificate.

use std::io;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;

use super::{After, Cx, Fault};
use crate::cert::Flavour;
use crate::stage::Stage;

/// The origin shows a certificate with one defect, under badssl.com's names for them.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cert {
    /// Which defect.
    pub kind: Flavour,
}

impl Fault for Cert {
    const AT: &'static [Stage] = &[Stage::Tls];
    const ABOUT: &'static str = "Shows a bad certificate: expired, self-signed, untrusted-root, ...";
    const EXAMPLE: &'static str = "{at: tls, do: {cert: expired}}";

    fn from_word(word: &str) -> Result<Self, String> {
        let known: Vec<&str> = Flavour::BAD.iter().map(|f| f.word()).collect();
        match Flavour::BAD.into_iter().find(|f| f.word() == word) {
            Some(kind) => Ok(Cert { kind }),
            None => {
                let near = crate::scenario::nearest(word, &known);
                let near = near.map(|n| format!(", did you mean `{n}`?")).unwrap_or_default();
                Err(format!("unknown certificate `{word}`{near} There are: {}", known.join(", ")))
            }
        }
    }

    fn word_schema(with: &mut SchemaGenerator) -> Option<Schema> {
        Some(with.subschema_for::<Flavour>())
    }

    async fn act(&self, cx: &mut Cx<'_, '_>) -> io::Result<After> {
        cx.choice.cert = Some(self.kind);
        cx.did(format!("shows a certificate that is {}", self.kind.word()), true);
        Ok(After::Go)
    }
}
