//! `origin:` the server behind the proxy.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The server behind the proxy.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct OriginSide {
    /// Names it answers for beside every name under `.test`; `*` stands for any run of characters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// The protocols it offers over TLS, in its order. Default: `[h2, http/1.1]`, or only
    /// `[http/1.1]` when a rule is at `response` or `body`, or changes `headers` at `request`, and
    /// none is about HTTP/2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alpn: Option<Vec<Alpn>>,
}

/// A protocol name of ALPN (RFC 7301).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub enum Alpn {
    /// HTTP/2.
    #[serde(rename = "h2")]
    H2,
    /// HTTP/1.1.
    #[serde(rename = "http/1.1")]
    Http11,
}
