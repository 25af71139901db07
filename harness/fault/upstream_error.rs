//! `upstream_error`: the proxy's own leg fails, and it says so.

use std::borrow::Cow;
use std::io;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::{After, Cx, Fault, respond, respond::Respond};
use crate::proxy::socks;
use crate::scenario::{Problem, seen, word};
use crate::stage::Stage;

/// Answers as a proxy whose own leg has failed: the status that RFC 9209 recommends (400, 403, 500,
/// 502, 503 or 504) with `Proxy-Status` (RFC 9209) and an HTML
/// page.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct UpstreamError {
    /// The RFC 9209 error type.
    pub error: Token,
    /// The status. Default: the one RFC 9209 recommends for the error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 100, max = 999))]
    pub status: Option<u16>,
    /// More header lines, as they stand.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<String>,
}

/// An error type of the IANA "HTTP Proxy Error Types" registry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "one value, and nothing else")]
pub struct Token(pub usize);

/// RFC 9209, section 2.3: the error types and the status that each recommends.
const TYPES: &[(&str, u16)] = &[
    ("dns_timeout", 504),
    ("dns_error", 502),
    ("destination_not_found", 500),
    ("destination_unavailable", 503),
    ("destination_ip_prohibited", 502),
    ("destination_ip_unroutable", 502),
    ("connection_refused", 502),
    ("connection_terminated", 502),
    ("connection_timeout", 504),
    ("connection_read_timeout", 504),
    ("connection_write_timeout", 504),
    ("connection_limit_reached", 503),
    ("tls_protocol_error", 502),
    ("tls_certificate_error", 502),
    ("tls_alert_received", 502),
    ("http_request_error", 400),
    ("http_request_denied", 403),
    ("http_response_incomplete", 502),
    ("http_response_header_section_size", 502),
    ("http_response_header_size", 502),
    ("http_response_body_size", 502),
    ("http_response_trailer_section_size", 502),
    ("http_response_trailer_size", 502),
    ("http_response_transfer_coding", 502),
    ("http_response_content_coding", 502),
    ("http_response_timeout", 504),
    ("http_upgrade_failed", 502),
    ("http_protocol_error", 502),
    ("proxy_internal_response", 502),
    ("proxy_internal_error", 500),
    ("proxy_configuration_error", 500),
    ("proxy_loop_detected", 502),
];

impl Token {
    fn parse(text: &str) -> Result<Token, Problem> {
        if let Some(index) = TYPES.iter().position(|(name, _)| *name == text) {
            return Ok(Token(index));
        }
        let known: Vec<&str> = TYPES.iter().map(|(name, _)| *name).collect();
        Err(Problem::new(format!("RFC 9209 has no error type {}", seen(text))).known(
            "its types",
            text,
            &known,
        ))
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        TYPES[self.0].0
    }

    /// The status that RFC 9209 recommends.
    pub fn status(self) -> u16 {
        TYPES[self.0].1
    }
}

impl<'de> Deserialize<'de> for Token {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        word(from, Token::parse)
    }
}

impl Serialize for Token {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.name())
    }
}

impl JsonSchema for Token {
    fn schema_name() -> Cow<'static, str> {
        "ProxyErrorType".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<&str> = TYPES.iter().map(|(name, _)| *name).collect();
        json_schema!({"type": "string", "enum": names, "description": "An error type of RFC 9209"})
    }
}

/// The response of a proxy whose own leg has failed, for faults and for honest failures alike.
/// `detail`: the parameters of the error type, e.g. `; rcode="NXDOMAIN"`.
pub(crate) fn response(
    error: &str,
    detail: &str,
    status: u16,
    host: &str,
    port: u16,
) -> Respond {
    let host: String =
        host.chars().filter(|c| c.is_ascii_alphanumeric() || ".-:[]_".contains(*c)).collect();
    let host = if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host };
    let reason = super::respond::reason(status);
    Respond {
        status,
        headers: vec![
            format!("Proxy-Status: badproxy; error={error}{detail}; next-hop=\"{host}:{port}\""),
            "Content-Type: text/html".to_owned(),
        ],
        body: format!(
            "<html><head><title>{status} {reason}</title></head><body><h1>{status} {reason}</h1>\n\
             <p>The proxy could not reach {host}:{port}: {error}.</p></body></html>\n"
        ),
        ..Respond::default()
    }
}

impl Fault for UpstreamError {
    const AT: &'static [Stage] = &[Stage::Resolve, Stage::Dial];
    const ABOUT: &'static str = "Answers with the error's own status (502, 504 ...), Proxy-Status and an HTML page";
    const EXAMPLE: &'static str = "{at: dial, do: {upstream_error: connection_refused}}";

    fn from_word(word: &str) -> Result<Self, Problem> {
        Ok(UpstreamError { error: Token::parse(word)?, ..UpstreamError::default() })
    }

    fn word_schema(with: &mut SchemaGenerator) -> Option<Schema> {
        Some(with.subschema_for::<Token>())
    }

    fn check(&self, _: Stage) -> Result<(), Problem> {
        match self.status {
            Some(status) if !(100..=999).contains(&status) => {
                Err(respond::no_status(&status.to_string()).about("status"))
            }
            _ => respond::lines(&self.headers),
        }
    }

    async fn act(&self, cx: &mut Cx<'_, '_>) -> io::Result<After> {
        if let Some(version) = socks::version(&cx.facts.method) {
            // SOCKS has a code for it and no place for more.
            let code = socks::message::code_of(self.error.name());
            let result = cx.send(&socks::reply(version, code)).await;
            cx.did(format!("answered with reply {code}, for {}", self.error.name()), true);
            return result.map(|()| After::Answered);
        }
        let status = self.status.unwrap_or(self.error.status());
        let mut answer = response(self.error.name(), "", status, &cx.facts.host, cx.facts.port);
        answer.headers.extend(self.headers.iter().cloned());
        let result = cx.send(&answer.answer(cx.facts, cx.closing())).await;
        cx.did(format!("answered {status}, Proxy-Status: error={}", self.error.name()), true);
        result.map(|()| After::Answered)
    }
}
