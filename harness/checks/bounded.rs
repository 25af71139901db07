use super::{Broken, Checked, attempts};
use crate::event::Event;

/// The client gives up: it makes at most `most` attempts, the first included.
///
/// # Errors
///
/// When there are more.
pub fn bounded(events: &[Event], most: u64) -> Checked {
    let all = attempts(events);
    let too_many = all.iter().find(|attempt| attempt.number > most);
    match (too_many, all.last()) {
        (Some(first), Some(last)) => {
            let measured = format!("{} attempts", last.number);
            Err(Broken::new("bounded", measured, format!("at most {most}")).at(first.began))
        }
        _ => Ok(()),
    }
}
