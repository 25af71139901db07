//! `cert`: a bad certificate.

use std::io;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use super::{After, Cx, Fault};
pub use crate::cert::Flavour;
use crate::scenario::Problem;
use crate::stage::Stage;

/// The origin (at `proxy_tls`: the proxy itself) shows a special certificate, most under
/// badssl.com's name for its defect.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Cert {
    /// Which one.
    pub kind: Flavour,
}

impl Fault for Cert {
    const AT: &'static [Stage] = &[Stage::Dns, Stage::ProxyTls, Stage::Tls];
    const ABOUT: &'static str =
        "Shows a bad certificate: expired, self-signed, untrusted-root, ...";
    const EXAMPLE: &'static str = "{at: tls, do: {cert: expired}}";

    fn from_word(word: &str) -> Result<Self, Problem> {
        Ok(Cert { kind: Flavour::parse(word)? })
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
