use std::time::Duration;

use super::{Broken, Checked, attempts, ms};
use crate::event::Event;

/// How long a client is to wait before each retry: exponentially longer, with jitter.
///
/// Before retry n (from 1) the full pause is `base` times `factor` to the n-1, and no more than
/// `max`; the pause that is made may be anything from `least` to `most` times that.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Pace {
    /// The full pause before the first retry.
    pub base: Duration,
    /// What it grows by. Default: 2.
    pub factor: f64,
    /// The longest full pause. Default: 30 s.
    pub max: Duration,
    /// The least share of a full pause that is waited. Default: 0.5, "equal jitter". With "full
    /// jitter" it is 0.
    pub least: f64,
    /// The most. Default: 1.
    pub most: f64,
    /// What the machine may add: no clock wakes anybody earlier than asked, and any may be late.
    /// Default: 0, which is right in virtual time.
    pub slack: Duration,
}

impl Pace {
    /// With the defaults.
    pub fn new(base: Duration) -> Self {
        let (max, slack) = (Duration::from_secs(30), Duration::ZERO);
        Pace { base, factor: 2.0, max, least: 0.5, most: 1.0, slack }
    }

    /// What the full pause grows by.
    #[must_use]
    pub fn factor(self, factor: f64) -> Self {
        Pace { factor, ..self }
    }

    /// The longest full pause.
    #[must_use]
    pub fn max(self, max: Duration) -> Self {
        Pace { max, ..self }
    }

    /// The least and the most share of a full pause that is waited.
    #[must_use]
    pub fn jitter(self, least: f64, most: f64) -> Self {
        Pace { least, most, ..self }
    }

    /// What the machine may add.
    #[must_use]
    pub fn slack(self, slack: Duration) -> Self {
        Pace { slack, ..self }
    }

    /// The bounds of the pause before retry `n`, from 1, in milliseconds.
    fn bounds(&self, n: u64) -> (f64, f64) {
        let exponent = i32::try_from(n.saturating_sub(1)).unwrap_or(i32::MAX);
        let full =
            (self.base.as_secs_f64() * self.factor.powi(exponent)).min(self.max.as_secs_f64());
        let full = full * 1e3;
        (full * self.least, full * self.most + self.slack.as_secs_f64() * 1e3)
    }
}

/// Times in events are whole microseconds.
const ROUNDING: f64 = 0.002;

/// The client waits longer before each retry, within the bounds of `pace`. An attempt counts as a
/// retry when the one before it was not served; a new request after a success begins anew.
///
/// # Errors
///
/// At the first pause outside its bounds.
pub fn backoff(events: &[Event], pace: &Pace) -> Checked {
    let mut retry = 0;
    for pair in attempts(events).windows(2) {
        let [before, after] = pair else { continue };
        if before.served {
            retry = 0;
            continue;
        }
        retry += 1;
        let pause = after.began - before.ended;
        let (least, most) = pace.bounds(retry);
        if pause < least - ROUNDING || pause > most + ROUNDING {
            let measured = format!("a pause of {} before attempt {}", ms(pause), after.number);
            let allowed = format!("{} to {}", ms(least), ms(most));
            return Err(Broken::new("backoff", measured, allowed).at(after.began));
        }
    }
    Ok(())
}
