//! How late this process itself gets its turn: one ticker, and a window on it for each cell.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;

/// A tick this late means that the machine, not the client, was slow.
const TICK: Duration = Duration::from_millis(10);

type Worst = Mutex<f64>;
type Windows = Mutex<Vec<Weak<Worst>>>;

/// The ticker. It ends when this is dropped.
pub(crate) struct Lag {
    windows: Arc<Windows>,
    ticker: JoinHandle<()>,
}

/// The worst lateness since it was opened.
pub(crate) struct Window(Arc<Worst>);

impl Lag {
    /// Begins to tick.
    pub(crate) fn new() -> Self {
        let windows: Arc<Windows> = Arc::default();
        let ticker = tokio::spawn(tick(Arc::clone(&windows)));
        Lag { windows, ticker }
    }

    /// Looks from now on.
    pub(crate) fn window(&self) -> Window {
        let worst = Arc::new(Worst::default());
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        windows.push(Arc::downgrade(&worst));
        Window(worst)
    }
}

impl Drop for Lag {
    fn drop(&mut self) {
        self.ticker.abort();
    }
}

impl Window {
    /// In milliseconds.
    pub(crate) fn worst(&self) -> f64 {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn tick(windows: Arc<Windows>) {
    loop {
        let start = Instant::now();
        tokio::time::sleep(TICK).await;
        let late = start.elapsed().saturating_sub(TICK).as_secs_f64() * 1e3;
        let mut windows = windows.lock().unwrap_or_else(PoisonError::into_inner);
        // Closed windows go.
        windows.retain(|window| {
            let Some(worst) = window.upgrade() else { return false };
            let mut worst = worst.lock().unwrap_or_else(PoisonError::into_inner);
            *worst = worst.max(late);
            true
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_window_sees_what_comes_after_it_was_opened() {
        let lag = Lag::new();
        let first = lag.window();
        // The ticker begins a tick.
        tokio::task::yield_now().await;
        std::thread::sleep(Duration::from_millis(80));
        while first.worst() < 60.0 {
            tokio::task::yield_now().await;
        }
        let second = lag.window();
        assert_eq!(second.worst(), 0.0);
        drop(first);
        // However late the ticker gets its turn, it comes.
        while lag.windows.lock().unwrap().len() != 1 {
            tokio::time::sleep(TICK).await;
        }
    }
}
