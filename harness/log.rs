//! Where events go: counted for the verdict, kept up to a bound, handed to whoever listens.

use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::conduct::Conduct;
use crate::event::{Event, What};
use crate::secrets::Secrets;

/// Somebody who wants every event as it happens.
pub type Listener = Box<dyn FnMut(&Event) + Send>;

/// The log of one run. Cheap to clone: all clones are the same log.
#[derive(Clone)]
pub struct Log(Arc<Inner>);

struct Inner {
    start: Instant,
    secrets: Secrets,
    state: Mutex<State>,
    /// Something was written down, or nothing will be any more.
    news: Notify,
}

struct State {
    conduct: Conduct,
    kept: Vec<Event>,
    keep: usize,
    dropped: u64,
    ended: bool,
    listeners: Vec<Listener>,
}

impl State {
    fn take(&mut self, event: Event) {
        self.conduct.note(&event);
        for listener in &mut self.listeners {
            listener(&event);
        }
        if self.kept.len() < self.keep {
            self.kept.push(event);
        } else {
            self.dropped += 1;
        }
    }
}

impl Log {
    /// A log that keeps the first `keep` events and counts the rest.
    pub fn new(secrets: Secrets, keep: usize) -> Self {
        Log(Arc::new(Inner {
            start: Instant::now(),
            secrets,
            state: Mutex::new(State {
                conduct: Conduct::default(),
                kept: Vec::new(),
                keep,
                dropped: 0,
                ended: false,
                listeners: Vec::new(),
            }),
            news: Notify::new(),
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Writes down what happened now, on connection `conn`.
    pub fn note(&self, conn: Option<u64>, what: What) {
        let mut state = self.state();
        // The time is taken under the lock, so that the log is in order of time.
        let time = self.now_ms();
        state.take(Event { time, conn, what });
        drop(state);
        self.0.news.notify_waiters();
    }

    /// Writes down what happened a moment ago.
    pub fn note_at(&self, time: f64, conn: Option<u64>, what: What) {
        self.state().take(Event { time, conn, what });
        self.0.news.notify_waiters();
    }

    /// Milliseconds since the run started.
    pub fn now_ms(&self) -> f64 {
        let us = self.0.start.elapsed().as_nanos() as f64 / 1e3;
        us.round() / 1e3
    }

    /// When the run started.
    pub fn start(&self) -> Instant {
        self.0.start
    }

    /// The secrets of this run.
    pub fn secrets(&self) -> &Secrets {
        &self.0.secrets
    }

    /// Calls `listener` for every event from now on.
    pub fn listen(&self, listener: Listener) {
        self.state().listeners.push(listener);
    }

    /// Forgets the listeners, so that what they hold is released.
    pub fn hang_up(&self) {
        self.state().listeners.clear();
    }

    /// What the client did so far.
    pub fn conduct(&self) -> Conduct {
        self.state().conduct.clone()
    }

    /// Looks at what the client did so far without copying it.
    pub fn with_conduct<T>(&self, look: impl FnOnce(&Conduct) -> T) -> T {
        look(&self.state().conduct)
    }

    /// The events kept, and how many more there were.
    pub fn events(&self) -> (Vec<Event>, u64) {
        let state = self.state();
        (state.kept.clone(), state.dropped)
    }

    /// How many events there were.
    pub fn count(&self) -> u64 {
        let state = self.state();
        state.kept.len() as u64 + state.dropped
    }

    /// The event with this index, if it has happened and is kept.
    pub fn nth_now(&self, index: usize) -> Option<Event> {
        self.state().kept.get(index).cloned()
    }

    /// The event with this index, waited for. None when there will be none.
    pub async fn nth(&self, index: usize) -> Option<Event> {
        loop {
            // Before the look, so that what happens after it is not missed.
            let news = self.0.news.notified();
            {
                let state = self.state();
                if let Some(event) = state.kept.get(index) {
                    return Some(event.clone());
                }
                if state.ended || index >= state.keep {
                    return None;
                }
            }
            news.await;
        }
    }

    /// Nothing that is waited for will come any more.
    pub fn end(&self) {
        self.state().ended = true;
        self.0.news.notify_waiters();
    }

    /// How many events were not kept.
    pub fn dropped(&self) -> u64 {
        self.state().dropped
    }
}
