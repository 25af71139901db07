//! Whether this thread had its turn in time. On a busy machine it may not have it for longer than an
//! idle time lasts, and then what comes after that time comes first.

use std::time::{Duration, Instant};

/// So late nothing is that has its turn. The shortest idle time over sockets is longer.
pub const LATE: Duration = Duration::from_millis(200);

/// Plays it on sockets, and tells how late this thread was at most.
pub async fn lateness<T>(play: impl Future<Output = T>) -> (T, Duration) {
    const TICK: Duration = Duration::from_millis(10);
    let mut worst = Duration::ZERO;
    let ticks = async {
        loop {
            let began = Instant::now();
            tokio::time::sleep(TICK).await;
            worst = worst.max(began.elapsed().saturating_sub(TICK));
        }
    };
    let played = tokio::select! {
        biased;
        () = ticks => unreachable!(),
        played = play => played,
    };
    (played, worst)
}
