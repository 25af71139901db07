use super::attempt::unserved;
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
    if all.iter().any(|attempt| attempt.served) {
        return Ok(());
    }
    unserved("recovers", &all[last.map_or(0, |at| at + 1)..])?;
    let measured = match all.len() {
        0 => "no attempt at all".to_owned(),
        n => format!("it gave up after attempt {n}, and each met a fault"),
    };
    Err(Broken::new("recovers", measured, "an answer from the origin"))
}
