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
    /// What `/bytes/N` does with `Range`. Default: `bytes`. With `none` a client that resumes a
    /// download begins anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accept_ranges: Option<Ranges>,
}

/// What a server says in `Accept-Ranges` (RFC 9110, 14.3), and does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Ranges {
    /// It gives the part that was asked for.
    Bytes,
    /// It ignores `Range` and gives the whole.
    None,
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

impl Ranges {
    /// As HTTP writes it.
    pub fn word(self) -> &'static str {
        match self {
            Ranges::Bytes => "bytes",
            Ranges::None => "none",
        }
    }
}
