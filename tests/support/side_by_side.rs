//! Plays side by side. Most of them wait for something: more of them at a time than there are processors.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Calls `play` with each number below `count`, so many at a time. No one waits for another: the next
/// one begins where any has ended. Gives what they gave, in order.
pub fn side_by_side<T: Send + Sync>(
    count: usize,
    at_a_time: usize,
    play: impl Fn(usize) -> T + Sync,
) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let played: Vec<OnceLock<T>> = (0..count).map(|_| OnceLock::new()).collect();
    std::thread::scope(|scope| {
        for _ in 0..at_a_time.min(count) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(place) = played.get(at) else { break };
                    let _ = place.set(play(at));
                }
            });
        }
    });
    played.into_iter().map(|one| one.into_inner().unwrap()).collect()
}
