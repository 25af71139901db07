use super::{Broken, Checked, attempts};
use crate::event::Event;

/// The client succeeds when the proxy recovers: an attempt without a fault, after those that met one,
/// was served by the origin through the proxy. With no fault at all, the first one has to be.
///
/// # Errors
///
/// When none was.
pub fn recovers(events: &[Event]) -> Checked {
    let all = attempts(events);
    // A retry loop gives up while the proxy is still broken: then it never met it healthy.
    let last = all.iter().rposition(|attempt| attempt.faulted);
    let healthy = &all[last.map_or(0, |at| at + 1)..];
    let served = all.iter().any(|attempt| attempt.served);
    match healthy.iter().find(|attempt| attempt.asked) {
        _ if served => Ok(()),
        None if all.is_empty() => {
            Err(Broken::new("recovers", "no attempt at all", "an answer from the origin"))
        }
        None => {
            let measured = format!("it gave up after attempt {}, and each met a fault", all.len());
            Err(Broken::new("recovers", measured, "an answer from the origin"))
        }
        Some(first) => {
            let measured = format!("attempt {} met no fault and was not served", first.number);
            Err(Broken::new("recovers", measured, "an answer from the origin").at(first.began))
        }
    }
}
