//! `client:` what the client is told.

use schemars::JsonSchema;
use serde::Deserialize;

/// What the client is told: its proxy URL, its target, its trust.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientSide {
    /// The credentials in its proxy URL. Default: `none`.
    #[serde(default)]
    pub credentials: GivenCredentials,
    /// The scheme of its proxy URL, whatever the port really speaks. Default: what it speaks.
    #[serde(default)]
    pub proxy_scheme: Option<ProxyScheme>,
    /// The URL it is to fetch. Default: `https://target.badproxy.test/`.
    #[serde(default)]
    #[schemars(extend("pattern" = "^https?://[^/?#\\s]"))]
    pub target: Option<String>,
}

/// Which credentials the client's proxy URL carries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GivenCredentials {
    /// None.
    #[default]
    None,
    /// The ones the proxy takes.
    Right,
    /// The right user with a wrong password.
    Wrong,
}

/// The scheme of the proxy URL.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProxyScheme {
    /// `http://`: plain HTTP to the proxy.
    #[default]
    Http,
    /// `https://`: the client speaks TLS to the proxy.
    Https,
}
