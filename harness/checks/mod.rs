//! Checks for retry logic, ready to use: each is a function from what happened to a [`Broken`], or
//! to nothing. Pure: they read events, and so say the same of sockets, of the simulation, and of an
//! event file.
//!
//! One check a file: [`bounded()`], [`storm()`], [`backoff()`], [`retry_after()`], [`idempotent()`],
//! [`deadline()`], [`credentials()`], [`recovers()`], [`pool()`].
//!
//! ```
//! use std::time::Duration;
//! use badproxy::checks::{self, Pace};
//!
//! # let events: Vec<badproxy::event::Event> = Vec::new();
//! // Five attempts at most, the first retry after 100 ms, then twice as long each time.
//! checks::bounded(&events, 5).unwrap();
//! checks::backoff(&events, &Pace::new(Duration::from_millis(100))).unwrap();
//! checks::deadline(&events, Duration::from_secs(30)).unwrap();
//! ```
//!
//! An *attempt* is what the rules count: a connection taken by the proxy, or a further request on
//! one that is kept. A *pause* lies between the last thing that happened on one attempt and the
//! beginning of the next: the time that the client itself waited.

mod attempt;
mod backoff;
mod bounded;
mod credentials;
mod deadline;
mod idempotent;
mod pool;
mod recovers;
mod retry_after;
mod storm;
#[cfg(test)]
mod tests;

use std::fmt;

pub use attempt::{Attempt, attempts};
pub use backoff::{Pace, backoff};
pub use bounded::bounded;
pub use credentials::credentials;
pub use deadline::deadline;
pub use idempotent::idempotent;
pub use pool::pool;
pub use recovers::recovers;
pub use retry_after::retry_after;
pub use storm::storm;

/// A check that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Broken {
    /// Which: the function's name, e.g. `backoff`.
    pub check: &'static str,
    /// What was measured, in words, e.g. `attempt 3 began 12 ms after attempt 2 ended`.
    pub measured: String,
    /// What was allowed, e.g. `at least 200 ms`.
    pub allowed: String,
    /// When it was first so, in milliseconds since the run started.
    pub at_ms: Option<u64>,
}

impl Broken {
    fn new(check: &'static str, measured: impl Into<String>, allowed: impl Into<String>) -> Self {
        Broken { check, measured: measured.into(), allowed: allowed.into(), at_ms: None }
    }

    fn at(mut self, time: f64) -> Self {
        // A time is never negative, and a run no longer than centuries.
        self.at_ms = Some(time.max(0.0) as u64);
        self
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; allowed: {}", self.check, self.measured, self.allowed)?;
        match self.at_ms {
            Some(at) => write!(f, " (at {at} ms)"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Broken {}

/// What a check gives.
pub type Checked = Result<(), Broken>;

/// Milliseconds for people: whole ones, and tenths where there are few.
fn ms(time: f64) -> String {
    if time < 10.0 { format!("{time:.1} ms") } else { format!("{time:.0} ms") }
}
