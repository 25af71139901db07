//! `proxy:` the proxy when nothing goes wrong.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use super::{Address, Auth, Size, collect};

/// The proxy when nothing goes wrong.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProxySide {
    /// The credentials it asks for. Default: none.
    #[serde(default, deserialize_with = "collect::maybe")]
    pub auth: Option<Auth>,
    /// When it connects to the target of a CONNECT. Default: `before_reply`.
    #[serde(default)]
    pub dial: DialTime,
    /// The addresses of its name, in this order, IPv4 and IPv6: the client is told the name
    /// `proxy.badproxy.test`. Only in the sandbox. Default: one, on loopback.
    #[serde(default, deserialize_with = "addresses")]
    pub addresses: Vec<Address>,
    /// The longest request head it reads; a longer one gets a 431. Default: 64KiB.
    #[serde(default)]
    pub head_limit: Option<Size>,
}

fn addresses<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Address>, D::Error> {
    collect::each(from, "write a list of IP addresses, e.g. [198.51.100.1, 198.51.100.2]")
}

/// When the proxy connects to the target of a CONNECT.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DialTime {
    /// Before the 200: a failure becomes a 502.
    #[default]
    BeforeReply,
    /// After the 200: a failure closes the tunnel.
    AfterReply,
}
