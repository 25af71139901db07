//! Before a verdict: what the client did last has to be in the log.

use std::time::Duration;

use crate::log::Log;

/// A turn of the runtime: whatever can run now does, and sockets are looked at.
const TURN: Duration = Duration::from_millis(1);
/// Turns without an event after which no more is waited for.
const QUIET: u32 = 3;
/// Turns at most, for a client that never stops.
const MOST: u32 = 1000;

/// Waits until every connection has ended, or nothing happens any more. A FIN that the client has
/// sent is in our kernel already; it only has to be read.
pub(super) async fn settle(log: &Log) {
    let (mut seen, mut quiet) = (log.count(), 0);
    for _ in 0..MOST {
        if log.with_conduct(|conduct| conduct.all_ended()) && quiet > 0 {
            return;
        }
        tokio::time::sleep(TURN).await;
        let now = log.count();
        quiet = if now == seen { quiet + 1 } else { 0 };
        seen = now;
        if quiet >= QUIET {
            return;
        }
    }
}
