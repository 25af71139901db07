//! Timers that are due at about the same time fire in any order. Of two streams that wait equally long,
//! the one that began first is to go on first, each time.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

/// When a wait ends, and which of its thread's it is.
type Key = (Instant, u64);
/// Those that have not ended, and whether they only wait for an earlier one.
type Waits = BTreeMap<Key, (Waker, bool)>;

thread_local! {
    static WAITS: Arc<Mutex<Waits>> = Arc::default();
    static BEGUN: Cell<u64> = const { Cell::new(0) };
}

/// How long a wait gives way to an earlier one, whose owner may be looking at something else.
const GIVES_WAY: Duration = Duration::from_millis(2);

/// One wait, for as long as it lasts.
struct Place {
    key: Key,
    all: Arc<Mutex<Waits>>,
}

impl Place {
    fn new(end: Instant) -> Place {
        let begun = BEGUN.with(|begun| begun.replace(begun.get() + 1));
        Place { key: (end, begun), all: WAITS.with(Arc::clone) }
    }

    fn all(&self) -> MutexGuard<'_, Waits> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, waker: &Waker, due: bool) {
        // What is dropped with a waker is dropped when nobody holds the lock.
        let _old = self.all().insert(self.key, (waker.clone(), due));
    }

    /// The first of all, which is woken, if that has to end before this one does.
    fn earlier(&self) -> Option<Key> {
        let first = self.all().first_key_value().map(|(key, (waker, _))| (*key, waker.clone()));
        let (key, waker) = first.filter(|(key, _)| *key < self.key)?;
        waker.wake();
        Some(key)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut all = self.all();
        let _ours = all.remove(&self.key);
        let next = all.first_key_value().filter(|(_, (_, due))| *due);
        let next = next.map(|(_, (waker, _))| waker.clone());
        drop(all);
        if let Some(next) = next {
            next.wake();
        }
    }
}

/// Waits, until `end` at least, and until all waits of this thread that end earlier have ended.
pub(super) async fn in_order(end: Instant, wait: impl Future<Output = ()>) {
    let place = Place::new(end);
    let mut wait = pin!(wait);
    let mut giving_way: Option<(Key, Pin<Box<Sleep>>)> = None;
    poll_fn(|cx| {
        let due = Instant::now() >= end;
        place.note(cx.waker(), due);
        if !due && wait.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        let Some(first) = place.earlier() else { return Poll::Ready(()) };
        place.note(cx.waker(), true);
        if giving_way.as_ref().is_none_or(|(to, _)| *to != first) {
            giving_way = Some((first, Box::pin(tokio::time::sleep(GIVES_WAY))));
        }
        giving_way.as_mut().map_or(Poll::Ready(()), |(_, patience)| patience.as_mut().poll(cx))
    })
    .await;
}
