//! How late this process itself gets its turn: one ticker, and a window on it for each cell.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;

/// A tick this late means that the machine, not the client, was slow.
const TICK: Duration = Duration::from_millis(10);

/// What the ticker and its windows share.
struct Shared {
    windows: Mutex<Vec<Weak<Frame>>>,
    /// When the tick began that is not over yet.
    began: Mutex<Instant>,
}

/// What is seen through a window.
struct Frame {
    opened: Instant,
    worst: Mutex<f64>,
}

/// The ticker. It ends when this is dropped.
pub(crate) struct Lag {
    shared: Arc<Shared>,
    ticker: JoinHandle<()>,
}

/// The worst lateness since it was opened.
pub(crate) struct Window {
    frame: Arc<Frame>,
    shared: Arc<Shared>,
}

impl Lag {
    /// Begins to tick.
    pub(crate) fn new() -> Self {
        let shared =
            Arc::new(Shared { windows: Mutex::default(), began: Mutex::new(Instant::now()) });
        let ticker = tokio::spawn(tick(Arc::clone(&shared)));
        Lag { shared, ticker }
    }

    /// Looks from now on.
    pub(crate) fn window(&self) -> Window {
        let frame = Arc::new(Frame { opened: Instant::now(), worst: Mutex::default() });
        lock(&self.shared.windows).push(Arc::downgrade(&frame));
        Window { frame, shared: Arc::clone(&self.shared) }
    }
}

impl Drop for Lag {
    fn drop(&mut self) {
        self.ticker.abort();
    }
}

impl Window {
    /// In milliseconds. A tick that is overdue counts: after a pause nobody says that the ticker is
    /// the first to get its turn.
    pub(crate) fn worst(&self) -> f64 {
        let overdue = self.frame.late(*lock(&self.shared.began));
        lock(&self.frame.worst).max(overdue)
    }
}

impl Frame {
    /// How late a tick is by now that began then; what was before this was opened does not count.
    fn late(&self, began: Instant) -> f64 {
        let due = (began + TICK).max(self.opened);
        Instant::now().saturating_duration_since(due).as_secs_f64() * 1e3
    }
}

/// The first tick begins when the ticker is made: whoever makes it may not let it have its turn for long.
async fn tick(shared: Arc<Shared>) {
    loop {
        let due = *lock(&shared.began) + TICK;
        tokio::time::sleep_until(due).await;
        let began = std::mem::replace(&mut *lock(&shared.began), Instant::now());
        // Closed windows go.
        lock(&shared.windows).retain(|window| {
            let Some(frame) = window.upgrade() else { return false };
            let late = frame.late(began);
            let mut worst = lock(&frame.worst);
            *worst = worst.max(late);
            true
        });
    }
}

/// Locks it; a panic of somebody else does not matter here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_window_sees_what_comes_after_it_was_opened() {
        let lag = Lag::new();
        std::thread::sleep(Duration::from_millis(80));
        let before = Instant::now();
        let first = lag.window();
        let (worst, open) = (first.worst(), before.elapsed().as_secs_f64() * 1e3);
        assert!(worst <= open, "{worst} ms late in {open} ms");
        std::thread::sleep(Duration::from_millis(80));
        // Before the ticker had its turn, and afterwards.
        assert!(first.worst() > 60.0, "{}", first.worst());
        while *lock(&first.frame.worst) < 60.0 {
            tokio::task::yield_now().await;
        }
        let before = Instant::now();
        let second = lag.window();
        let (worst, open) = (second.worst(), before.elapsed().as_secs_f64() * 1e3);
        assert!(worst <= open, "{worst} ms late in {open} ms");
        drop(first);
        // However late the ticker gets its turn, it comes.
        while lock(&lag.shared.windows).len() != 1 {
            tokio::time::sleep(TICK).await;
        }
    }
}
