//! The places where something can go wrong, in the order one attempt meets them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A moment in the life of one attempt.
///
/// Every stage has its *good work* (what a healthy proxy does there). A fault either comes before
/// it and lets it follow (a delay) or takes its place (a reset).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Stage {
    /// The client fetches the proxy auto-config file, which tells it its proxy.
    Pac,
    /// The client looks a name up.
    Dns,
    /// The TCP handshake with the proxy: SYN, SYN-ACK.
    Syn,
    /// The connection is accepted, nothing is read yet.
    Accept,
    /// TLS with the proxy itself (an `https://` proxy URL).
    ProxyTls,
    /// The request head has been read: CONNECT or an absolute-form request.
    Request,
    /// The proxy asks for credentials: 407.
    Auth,
    /// The proxy looks up the target's name.
    Resolve,
    /// The proxy connects to the target.
    Dial,
    /// The proxy answers CONNECT: 200 or a refusal.
    Reply,
    /// Raw bytes in both directions.
    Tunnel,
    /// TLS with the target, inside the tunnel.
    Tls,
    /// The head of the target's HTTP response.
    Response,
    /// The body of the target's HTTP response. The frames of a WebSocket are in none: rules at
    /// `tunnel` reach them.
    Body,
    /// The connection ends.
    Close,
}

impl Stage {
    /// Every stage, in the order an attempt meets them.
    pub const ALL: [Stage; 15] = [
        Stage::Pac,
        Stage::Dns,
        Stage::Syn,
        Stage::Accept,
        Stage::ProxyTls,
        Stage::Request,
        Stage::Auth,
        Stage::Resolve,
        Stage::Dial,
        Stage::Reply,
        Stage::Tunnel,
        Stage::Tls,
        Stage::Response,
        Stage::Body,
        Stage::Close,
    ];

    /// The word used in scenario files, reports and file names.
    pub const fn word(self) -> &'static str {
        match self {
            Stage::Pac => "pac",
            Stage::Dns => "dns",
            Stage::Syn => "syn",
            Stage::Accept => "accept",
            Stage::ProxyTls => "proxy_tls",
            Stage::Request => "request",
            Stage::Auth => "auth",
            Stage::Resolve => "resolve",
            Stage::Dial => "dial",
            Stage::Reply => "reply",
            Stage::Tunnel => "tunnel",
            Stage::Tls => "tls",
            Stage::Response => "response",
            Stage::Body => "body",
            Stage::Close => "close",
        }
    }

    /// What the moment is, in a sentence.
    pub const fn moment(self) -> &'static str {
        match self {
            Stage::Pac => "The client learns which proxy to use, if any: the PAC file, NO_PROXY.",
            Stage::Dns => "The client looks a name up.",
            Stage::Syn => "The TCP handshake with the proxy: SYN, SYN-ACK.",
            Stage::Accept => "The connection is accepted, and nothing is read yet.",
            Stage::ProxyTls => "TLS with the proxy itself, where its URL says `https://`.",
            Stage::Request => {
                "The request has been read: CONNECT, an absolute-form request, SOCKS."
            }
            Stage::Auth => "The proxy asks for credentials.",
            Stage::Resolve => "The proxy looks the target's name up.",
            Stage::Dial => "The proxy connects to the target.",
            Stage::Reply => "The proxy answers the request for a tunnel.",
            Stage::Tunnel => "Raw bytes pass in both directions.",
            Stage::Tls => "TLS with the target, inside the tunnel.",
            Stage::Response => "The head of the target's HTTP response.",
            Stage::Body => "The body of the target's HTTP response.",
            Stage::Close => "The connection ends.",
        }
    }

    /// Whether a request head has been read when this stage is met, so that `when` may look at it.
    pub fn knows_request(self) -> bool {
        self >= Stage::Request
    }

    /// Whether a TLS hello has been read when this stage is met: the one to the proxy, or the
    /// one to the target.
    pub fn knows_hello(self) -> bool {
        self == Stage::ProxyTls || (self >= Stage::Tls && self != Stage::Close)
    }
}

impl std::fmt::Display for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_is_the_one_serde_reads() {
        for stage in Stage::ALL {
            let json = serde_json::to_string(&stage).unwrap();
            assert_eq!(json, format!("\"{stage}\""));
        }
    }

    #[test]
    fn all_is_in_order_and_complete() {
        assert!(Stage::ALL.is_sorted());
        assert_eq!(Stage::ALL.last(), Some(&Stage::Close));
    }
}
