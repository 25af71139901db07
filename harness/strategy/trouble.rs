//! What can go wrong for a retry loop at one attempt.

use std::fmt;

use proptest::prelude::*;
use proptest::sample::select;

use crate::stage::Stage;

/// One thing that goes wrong at an attempt. The simpler come first: shrinking goes upwards here.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Trouble {
    /// The reply comes late by so many milliseconds, and is good.
    Slow(u32),
    /// The proxy's own answer in place of its reply, e.g. 503; perhaps with `Retry-After` in seconds.
    Answer(u16, Option<u32>),
    /// The proxy cannot reach the target: 502 or 504 with Proxy-Status.
    Unreachable,
    /// A FIN at this stage.
    Close(Stage),
    /// A RST at this stage.
    Reset(Stage),
    /// So many bytes of the response's body, then a FIN.
    Cut(u32),
    /// Bytes that are no HTTP, in place of the reply.
    Garbage,
    /// Silence at this stage, with the connection open.
    Hang(Stage),
}

/// Where a connection can end: before anything is read, in place of the reply, in the tunnel, in
/// place of the response.
pub(super) const ENDS: [Stage; 4] = [Stage::Reply, Stage::Accept, Stage::Tunnel, Stage::Response];

impl Trouble {
    /// Where it is.
    pub fn at(&self) -> Stage {
        match self {
            Trouble::Slow(_) | Trouble::Answer(..) | Trouble::Garbage => Stage::Reply,
            Trouble::Unreachable => Stage::Dial,
            Trouble::Cut(_) => Stage::Body,
            Trouble::Close(at) | Trouble::Reset(at) | Trouble::Hang(at) => *at,
        }
    }

    /// Whether the attempt fails by it: all but a delay.
    pub fn fails(&self) -> bool {
        !matches!(self, Trouble::Slow(_))
    }
}

/// As the value of `do:`.
impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Slow(ms) => write!(f, "{{delay: {ms}ms}}"),
            Trouble::Answer(status, None) => write!(f, "{{respond: {status}}}"),
            Trouble::Answer(status, Some(seconds)) => {
                write!(
                    f,
                    "{{respond: {{status: {status}, headers: [\"Retry-After: {seconds}\"]}}}}"
                )
            }
            Trouble::Unreachable => f.write_str("{upstream_error: connection_refused}"),
            Trouble::Close(_) => f.write_str("close"),
            Trouble::Reset(_) => f.write_str("reset"),
            Trouble::Cut(bytes) => write!(f, "{{limit: {bytes}B}}"),
            Trouble::Garbage => f.write_str("{garbage: 64B, then: close}"),
            Trouble::Hang(_) => f.write_str("hang"),
        }
    }
}

/// Any trouble. Silence is as rare as it is slow: with a client that waits for real it costs its whole
/// timeout.
pub fn trouble() -> impl Strategy<Value = Trouble> {
    let end = || select(&ENDS[..]);
    prop_oneof![
        2 => (1..2000_u32).prop_map(Trouble::Slow),
        3 => select(&[503, 502, 504, 429, 500][..]).prop_map(|status| Trouble::Answer(status, None)),
        1 => (1..10_u32).prop_map(|seconds| Trouble::Answer(503, Some(seconds))),
        1 => Just(Trouble::Unreachable),
        3 => end().prop_map(Trouble::Close),
        3 => end().prop_map(Trouble::Reset),
        1 => (0..50_u32).prop_map(Trouble::Cut),
        1 => Just(Trouble::Garbage),
        1 => end().prop_map(Trouble::Hang),
    ]
}
