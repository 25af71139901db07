use std::time::Duration;

use super::{Broken, Checked, attempts, ms};
use crate::event::Event;

/// The client does not storm: in no stretch of `time` does it begin more than `most` attempts.
///
/// Known from undici 7, which made 4,290 in five seconds (nodejs/undici#3897).
///
/// # Errors
///
/// When it does.
pub fn storm(events: &[Event], most: usize, time: Duration) -> Checked {
    let all = attempts(events);
    let limit = time.as_secs_f64() * 1e3;
    for window in all.windows(most + 1) {
        let took = window[most].began - window[0].began;
        if took < limit {
            let measured = format!("{} attempts within {}", most + 1, ms(took));
            let allowed = format!("at most {most} in {}", ms(limit));
            return Err(Broken::new("storm", measured, allowed).at(window[0].began));
        }
    }
    Ok(())
}
