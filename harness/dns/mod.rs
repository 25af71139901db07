//! The name server: UDP, TCP, TLS (DoT, RFC 7858) and HTTPS (DoH, RFC 8484), all on one port.
//!
//! A TCP connection is told apart by its first bytes: a TLS hello; inside it, or without it, the
//! two bytes of a length. TLS with ALPN `http/1.1` or `h2`, or with an HTTP request in it, is DoH.
//! [`message`] reads queries, `reply` puts answers together, both pure; rules at stage `dns` come
//! before each answer.

mod datagram;
mod doh;
pub mod message;
mod pipeline;
mod ports;
mod reply;
mod serve;
mod stream;
mod zone;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use message::{Bad, Data, Edns, LONGEST_NAME, Query, Record, TYPES, Type, query};
pub(crate) use ports::open;
pub use ports::{NameServer, SimDns, Sockets};
pub use reply::{Parts, Rcode, Reply};
pub(crate) use serve::Server;
pub use zone::{Addresses, Found, look_up};

/// How a query came.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Transport {
    /// A datagram (RFC 1035).
    Udp,
    /// A TCP connection, each message behind its length (RFC 7766).
    Tcp,
    /// The same inside TLS (RFC 7858).
    Dot,
    /// HTTPS (RFC 8484).
    Doh,
}

impl Transport {
    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
            Transport::Dot => "dot",
            Transport::Doh => "doh",
        }
    }
}

/// What is known at stage `dns`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// How it came. None: TLS is set up, and the hello says by no ALPN what for. RFC 7858 asks for
    /// none, and many clients of RFC 8484 offer none, so it is DoT or DoH.
    pub transport: Option<Transport>,
    /// What was asked; None while TLS is set up.
    pub question: Option<Question>,
}

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The name, in lower case.
    pub name: String,
    /// The type.
    pub kind: Type,
    /// Whether the query has EDNS.
    pub edns: bool,
}
