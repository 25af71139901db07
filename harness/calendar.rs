//! The date, for certificates and TLS: the machine's, or one that passes with virtual time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;
use tokio::time::Instant;
use tokio_rustls::rustls::pki_types::UnixTime;
use tokio_rustls::rustls::time_provider::TimeProvider;

use crate::clock::Clock;

/// Who keeps the date.
#[derive(Debug, Clone, Copy)]
pub enum Calendar {
    /// The machine.
    Real,
    /// Tokio's paused clock, from the machine's date at the start on. A client with a calendar of
    /// its own, which is the machine's, takes the certificates of a world that has just begun.
    Virtual {
        /// When it began, by tokio's clock.
        began: Instant,
        /// The machine's date then, since 1970.
        date: Duration,
    },
}

impl Calendar {
    /// The one that goes with this clock.
    pub fn of(clock: Clock) -> Self {
        match clock {
            Clock::Real => Calendar::Real,
            Clock::Virtual => Calendar::Virtual { began: Instant::now(), date: machine() },
        }
    }

    /// The time since 1970.
    pub fn now(self) -> Duration {
        match self {
            Calendar::Real => machine(),
            Calendar::Virtual { began, date } => date + began.elapsed(),
        }
    }

    /// The same as a date.
    pub fn date(self) -> OffsetDateTime {
        OffsetDateTime::UNIX_EPOCH + self.now().min(LAST)
    }

    /// Whether it passes with virtual time.
    pub fn is_virtual(self) -> bool {
        matches!(self, Calendar::Virtual { .. })
    }
}

/// Some day of the year 8307: a certificate can still end after it, in the year 9999 at most.
const LAST: Duration = Duration::from_secs(200_000_000_000);

/// The date of a machine that stands before 1970 is 1970.
fn machine() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

impl TimeProvider for Calendar {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(self.now()))
    }
}
