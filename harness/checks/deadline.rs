use std::time::Duration;

use super::{Broken, Checked, attempts, ms};
use crate::event::Event;

/// The client's deadline for everything holds: no attempt begins later than `time` after the first
/// one began.
///
/// # Errors
///
/// When one does.
pub fn deadline(events: &[Event], time: Duration) -> Checked {
    let all = attempts(events);
    let limit = time.as_secs_f64() * 1e3;
    let Some(first) = all.first() else { return Ok(()) };
    match all.iter().find(|attempt| attempt.began - first.began > limit) {
        None => Ok(()),
        Some(late) => {
            let after = ms(late.began - first.began);
            let measured = format!("attempt {} began {after} after the first", late.number);
            Err(Broken::new("deadline", measured, format!("within {}", ms(limit))).at(late.began))
        }
    }
}
