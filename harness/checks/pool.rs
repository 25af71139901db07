use std::collections::BTreeSet;

use super::attempt::unserved;
use super::{Broken, Checked, attempts};
use crate::event::{Event, Side, What};

/// One dead connection does not poison a pool: after the proxy's side of a connection has ended, no
/// attempt is made on it, and as soon as an attempt meets no fault it is served.
///
/// # Errors
///
/// At the first attempt that is made on a dead connection or, healthy, fails.
pub fn pool(events: &[Event]) -> Checked {
    let mut dead: BTreeSet<u64> = BTreeSet::new();
    for event in events {
        let Some(conn) = event.conn else { continue };
        match &event.what {
            What::Closed { side: Side::Client, .. } => {
                dead.insert(conn);
            }
            What::Request { attempt, .. } if dead.contains(&conn) => {
                let measured =
                    format!("attempt {attempt} was made on connection {conn}, which was closed");
                return Err(Broken::new("pool", measured, "a new connection").at(event.time));
            }
            _ => {}
        }
    }
    let all = attempts(events);
    let died = all.iter().position(|attempt| attempt.faulted);
    let after = &all[died.map_or(all.len(), |at| at + 1)..];
    unserved("pool", after)
}
