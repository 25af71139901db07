//! `alert`: TLS says no.

use std::borrow::Cow;
use std::io;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::{After, Cx, Fault};
use crate::scenario::{Problem, seen};
use crate::stage::Stage;

/// Answers the ClientHello with a fatal TLS alert, in clear, as a server without a common cipher
/// does. A FIN follows unless another step comes.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Alert {
    /// Its RFC 8446 name.
    pub description: Name,
}

/// An alert by its RFC 8446 name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Name(pub u8);

/// RFC 8446, section 6: names and numbers.
pub(crate) const ALERTS: &[(&str, u8)] = &[
    ("close_notify", 0),
    ("unexpected_message", 10),
    ("bad_record_mac", 20),
    ("record_overflow", 22),
    ("handshake_failure", 40),
    ("bad_certificate", 42),
    ("unsupported_certificate", 43),
    ("certificate_revoked", 44),
    ("certificate_expired", 45),
    ("certificate_unknown", 46),
    ("illegal_parameter", 47),
    ("unknown_ca", 48),
    ("access_denied", 49),
    ("decode_error", 50),
    ("decrypt_error", 51),
    ("protocol_version", 70),
    ("insufficient_security", 71),
    ("internal_error", 80),
    ("inappropriate_fallback", 86),
    ("user_canceled", 90),
    ("missing_extension", 109),
    ("unsupported_extension", 110),
    ("unrecognized_name", 112),
    ("bad_certificate_status_response", 113),
    ("unknown_psk_identity", 115),
    ("certificate_required", 116),
    ("no_application_protocol", 120),
];

impl Name {
    fn parse(word: &str) -> Result<Name, Problem> {
        if let Some((_, code)) = ALERTS.iter().find(|(name, _)| *name == word) {
            return Ok(Name(*code));
        }
        let known: Vec<&str> = ALERTS.iter().map(|(name, _)| *name).collect();
        Err(Problem::new(format!("RFC 8446 has no alert {}", seen(word))).known(
            "its alerts",
            word,
            &known,
        ))
    }

    fn word(self) -> &'static str {
        ALERTS.iter().find(|(_, code)| *code == self.0).map_or("?", |(name, _)| name)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        crate::scenario::word(from, Name::parse)
    }
}

impl JsonSchema for Name {
    fn schema_name() -> Cow<'static, str> {
        "AlertName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<&str> = ALERTS.iter().map(|(name, _)| *name).collect();
        json_schema!({"type": "string", "enum": names, "description": "An alert of RFC 8446"})
    }
}

impl Fault for Alert {
    const AT: &'static [Stage] = &[Stage::ProxyTls, Stage::Tunnel, Stage::Tls];
    const ABOUT: &'static str = "Answers the ClientHello with a fatal TLS alert";
    const EXAMPLE: &'static str = "{at: tls, do: {alert: handshake_failure}}";

    fn from_word(word: &str) -> Result<Self, Problem> {
        Ok(Alert { description: Name::parse(word)? })
    }

    fn word_schema(with: &mut SchemaGenerator) -> Option<Schema> {
        Some(with.subschema_for::<Name>())
    }

    async fn act(&self, cx: &mut Cx<'_, '_>) -> io::Result<After> {
        if !cx.await_bytes(1).await? {
            return Ok(After::Stop);
        }
        let Name(code) = self.description;
        let result = cx.send(&[0x15, 3, 3, 0, 2, 2, code]).await;
        cx.did(format!("sent the alert {} ({code})", self.description.word()), true);
        result.map(|()| After::Replaced)
    }
}
