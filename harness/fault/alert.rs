//! `alert`: TLS says no.

use std::borrow::Cow;
use std::io;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::{After, Cx, Fault};
use crate::scenario::{Problem, Size, seen};
use crate::stage::Stage;
use crate::tls::tamper::Tamper;

/// Sends a TLS alert: in answer to the ClientHello, in clear, as a server without a common cipher
/// does, and then a FIN follows unless another step comes; or later, encrypted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Alert {
    /// Its RFC 8446 name.
    pub description: Name,
    /// After a warning the handshake goes on. Default: fatal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// When. Default: client_hello.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Moment>,
    /// With `after: data`: how much of it goes first, as whole records. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<Size>,
}

/// How grave an alert is (RFC 5246, section 7.2; TLS 1.3 knows fatal ones only).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Level {
    /// 1.
    Warning,
    /// 2.
    #[default]
    Fatal,
}

/// After what an alert comes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Moment {
    /// In clear, in the place of the ServerHello.
    #[default]
    ClientHello,
    /// Encrypted, in the place of the certificate; in TLS 1.2, which has no keys yet there, in the
    /// place of Finished.
    ServerHello,
    /// Encrypted, in the place of data.
    Data,
}

/// An alert by its RFC 8446 name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "one value, and nothing else")]
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

impl Serialize for Name {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.word())
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
    const ABOUT: &'static str = "Sends a TLS alert: for the ClientHello, after the ServerHello, or among data";
    const EXAMPLE: &'static str = "{at: tls, do: {alert: handshake_failure}}";

    fn from_word(word: &str) -> Result<Self, Problem> {
        Ok(Alert { description: Name::parse(word)?, ..Alert::default() })
    }

    fn word_schema(with: &mut SchemaGenerator) -> Option<Schema> {
        Some(with.subschema_for::<Name>())
    }

    fn check(&self, stage: Stage) -> Result<(), Problem> {
        let after = self.after.unwrap_or_default();
        if stage == Stage::Tunnel && after != Moment::ClientHello {
            return Err(Problem::new("in a tunnel the proxy has no keys to send this alert with")
                .about("after")
                .help("at `tls` and `proxy_tls` it can be sent"));
        }
        if self.bytes.is_some() && after != Moment::Data {
            return Err(Problem::new("`bytes` are counted of data only")
                .about("bytes")
                .help("write e.g. `{description: internal_error, after: data, bytes: 20kB}`"));
        }
        Ok(())
    }

    async fn act(&self, cx: &mut Cx<'_, '_>) -> io::Result<After> {
        let Name(code) = self.description;
        let (level, grave) = match self.level.unwrap_or_default() {
            Level::Warning => (1, "warning"),
            Level::Fatal => (2, "alert"),
        };
        let said = format!("{grave} {} ({code})", self.description.word());
        let (data, place) = match self.after.unwrap_or_default() {
            Moment::ClientHello => {
                if !cx.await_hello().await? {
                    return Ok(After::Stop);
                }
                let result = cx.send(&[0x15, 3, 3, 0, 2, level, code]).await;
                cx.did(format!("sent the {said}"), true);
                let after = if level == 1 { After::Go } else { After::Replaced };
                return result.map(|()| after);
            }
            Moment::ServerHello => (None, "after the ServerHello"),
            Moment::Data => (Some(self.bytes.map_or(0, |size| size.0)), "in the place of data"),
        };
        cx.choice.tls.alert = Some(Tamper { level, description: code, data });
        cx.did(format!("the {said} {place}"), true);
        Ok(After::Go)
    }
}
