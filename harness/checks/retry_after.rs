use std::time::Duration;

use super::{Broken, Checked, attempts, ms};
use crate::event::Event;

/// The client honours `Retry-After` (RFC 9110, section 10.2.3): after an answer with status 429 or
/// 503 the next attempt begins `time` later at the earliest. `time` is what the scenario's answers
/// say.
///
/// # Errors
///
/// When one begins earlier.
pub fn retry_after(events: &[Event], time: Duration) -> Checked {
    let least = time.as_secs_f64() * 1e3;
    for pair in attempts(events).windows(2) {
        let [before, after] = pair else { continue };
        let Some(status) = before.statuses.iter().find(|s| matches!(s, 429 | 503)) else {
            continue;
        };
        let pause = after.began - before.ended;
        // Times in events are whole microseconds.
        if pause + 0.002 < least {
            let number = after.number;
            let measured = format!("attempt {number} began {} after the {status}", ms(pause));
            let allowed = format!("at least {}", ms(least));
            return Err(Broken::new("retry_after", measured, allowed).at(after.began));
        }
    }
    Ok(())
}
