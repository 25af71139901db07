//! `client:` what the client is told.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the URL of a target begins with.
pub const SCHEMES: &[&str] = &["https://", "http://", "wss://", "ws://"];

/// What the client is told: its proxy URL, its target, its trust.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ClientSide {
    /// The credentials in its proxy URL. Default: `none`.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub credentials: GivenCredentials,
    /// The scheme of its proxy URL, whatever the port really speaks. Default: what it speaks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy_scheme: Option<ProxyScheme>,
    /// What its proxy URL calls the proxy. Default: `address`.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub proxy_host: ProxyHost,
    /// The value of NO_PROXY: what the client is to reach without the proxy, as it stands. What follows
    /// from it is up to `expect: {way: ...}`. Default: the variable is not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_proxy: Option<String>,
    /// Which spellings of the variable have the value; the others are not set. Default: `both`.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub no_proxy_case: Spelling,
    /// The URL it is to fetch. Default: `https://target.badproxy.test/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = "^(https?|wss?)://[^/?#\\s]"))]
    pub target: Option<String>,
}

/// How the name of a variable is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Spelling {
    /// `no_proxy` and `NO_PROXY`, and the names that npm and global-agent have for it.
    #[default]
    Both,
    /// `no_proxy` alone.
    Lower,
    /// `NO_PROXY` alone.
    Upper,
}

/// Which credentials the client's proxy URL carries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum GivenCredentials {
    /// None.
    #[default]
    None,
    /// The ones the proxy takes.
    Right,
    /// The right user with a wrong password.
    Wrong,
}

/// What the proxy URL calls the proxy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ProxyHost {
    /// Its IP address: no name server is asked.
    #[default]
    Address,
    /// `proxy.badproxy.test`, which the scenario's name server knows and no other.
    Name,
}

/// The scheme of the proxy URL.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ProxyScheme {
    /// `http://`: plain HTTP to the proxy.
    #[default]
    Http,
    /// `https://`: the client speaks TLS to the proxy.
    Https,
    /// `socks4://`: the client looks the target up itself.
    Socks4,
    /// `socks4a://`: the proxy looks the target up.
    Socks4a,
    /// `socks5://`: for curl and most others the client looks the target up itself.
    Socks5,
    /// `socks5h://`: the proxy looks the target up.
    Socks5h,
}

impl ProxyScheme {
    /// As it stands in a URL.
    pub const fn word(self) -> &'static str {
        match self {
            ProxyScheme::Http => "http",
            ProxyScheme::Https => "https",
            ProxyScheme::Socks4 => "socks4",
            ProxyScheme::Socks4a => "socks4a",
            ProxyScheme::Socks5 => "socks5",
            ProxyScheme::Socks5h => "socks5h",
        }
    }

    /// Whether it is one of SOCKS.
    pub const fn is_socks(self) -> bool {
        !matches!(self, ProxyScheme::Http | ProxyScheme::Https)
    }
}
