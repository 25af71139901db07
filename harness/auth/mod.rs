//! Proxy authentication, pure: what a client's `Proxy-Authorization` says, whether it is right, and
//! what a proxy offers.
//!
//! - [`header`]: a value taken apart into its scheme and a token or parameters.
//! - One scheme a file: [`basic`], [`bearer`], [`digest`] with its [`nonce`]s, [`ntlm`],
//!   [`negotiate`].
//! - [`judge()`]: right, wrong and why, or only begun. [`offer`]: the lines of a 407. [`Asked`]: whether
//!   they asked for the password in clear.
//!
//! No clock, no sockets, no randomness but what is handed in. Nothing a client sends can panic:
//! each parser is a function from bytes to a `Result`, under property tests.

mod asked;
pub mod basic;
pub mod bearer;
pub mod digest;
pub mod header;
mod judge;
pub mod negotiate;
pub mod nonce;
pub mod ntlm;
pub mod offer;

pub use asked::Asked;
pub use header::Malformed;
pub use judge::{Judged, Known, Leg, judge};
pub use nonce::Nonces;

/// What a connection remembers of its handshake: NTLM and Negotiate log a connection in, not a
/// request (RFC 4559, section 6; MS-NTHT, section 2.1).
#[derive(Debug, Clone, Default)]
pub struct Handshake {
    /// How far it has got.
    pub step: Step,
    /// Tokens of Negotiate that have come since the handshake began.
    pub tokens: u64,
    /// 407s with a challenge that this connection has been sent.
    pub offers: u64,
    /// What they have asked for.
    pub asked: Asked,
}

/// How far a handshake has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Step {
    /// Nothing has come.
    #[default]
    Idle,
    /// NTLM's first message has come; an answer is due. `negotiate`: under that scheme's name.
    Begun {
        /// The client's flags.
        flags: u32,
        /// Whether it came as `Negotiate` rather than `NTLM`.
        negotiate: bool,
    },
    /// A token of Negotiate has come; an answer is due.
    Token,
    /// NTLM's second message has been sent, with this challenge.
    Challenged {
        /// The server's challenge.
        challenge: [u8; 8],
    },
    /// The connection is logged in.
    Done,
}
