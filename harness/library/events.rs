//! The events of a world: those that were, then each as it happens.

use crate::event::Event;
use crate::log::Log;

/// The events of a world from the first one on. It stays good when the world has ended: then the
/// last event is followed by None.
pub struct Events {
    log: Log,
    next: usize,
}

impl Events {
    pub(super) fn new(log: Log) -> Self {
        Events { log, next: 0 }
    }

    /// The next event; waits for it where it has not happened yet. None after the last one of a
    /// world that has ended.
    ///
    /// Cancel safe: what it would have given comes with the next call.
    pub async fn next(&mut self) -> Option<Event> {
        let event = self.log.nth(self.next).await?;
        self.next += 1;
        Some(event)
    }

    /// The next event, if it has happened already.
    pub fn try_next(&mut self) -> Option<Event> {
        let event = self.log.nth_now(self.next)?;
        self.next += 1;
        Some(event)
    }
}
