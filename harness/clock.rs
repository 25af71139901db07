//! Time: exact on sockets, virtual in the simulation.

mod order;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use tokio::time::Instant;

/// Who keeps the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// The machine.
    Real,
    /// Tokio's paused clock: jumps to the next timer when nothing else can run.
    Virtual,
}

/// A wait that can be stored.
pub type Wait = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Clock {
    /// Waits. On sockets the error is some tens of microseconds where the system has a precise
    /// timer (Linux), about a millisecond elsewhere; never early.
    pub async fn sleep(self, length: Duration) {
        let end = Instant::now() + length;
        match self {
            Clock::Virtual => tokio::time::sleep_until(end).await,
            Clock::Real => order::in_order(end, precise(end)).await,
        }
    }

    /// The same as a value.
    pub fn wait(self, length: Duration) -> Wait {
        Box::pin(self.sleep(length))
    }
}

/// Tokio's timer is up to a millisecond and a half late, whatever the length. So it carries the
/// wait to just before the end, and a timerfd most of the rest: a connection that waits for hours
/// holds no descriptor for it. Waking up takes a tenth of a millisecond or more on an idle
/// machine, so the timer is set early by as much, and the last of it passes awake, giving way to
/// everything else that can run.
#[cfg(target_os = "linux")]
async fn precise(end: Instant) {
    const LAST: Duration = Duration::from_millis(3);
    const AWAKE: Duration = Duration::from_micros(200);
    if let Some(coarse) = end.checked_duration_since(Instant::now() + LAST) {
        tokio::time::sleep(coarse).await;
    }
    let left = end.saturating_duration_since(Instant::now() + AWAKE);
    if !left.is_zero() && timerfd(left).await.is_err() {
        tokio::time::sleep_until(end).await;
    }
    while Instant::now() < end {
        tokio::task::yield_now().await;
    }
}

#[cfg(target_os = "linux")]
async fn timerfd(length: Duration) -> std::io::Result<()> {
    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    let fd =
        timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
    let once = Itimerspec {
        it_interval: Timespec { tv_sec: 0, tv_nsec: 0 },
        it_value: Timespec { tv_sec: length.as_secs() as _, tv_nsec: length.subsec_nanos() as _ },
    };
    timerfd_settime(&fd, TimerfdTimerFlags::empty(), &once)?;
    // Deprecated for types that lie about their descriptor; an OwnedFd does not, and the
    // replacement is an unsafe function.
    #[allow(deprecated)]
    let timer = tokio::io::unix::AsyncFd::with_interest(fd, tokio::io::Interest::READABLE)?;
    timer.readable().await.map(|_| ())
}

#[cfg(not(target_os = "linux"))]
async fn precise(end: Instant) {
    tokio::time::sleep_until(end).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_virtual_day_passes_at_once() {
        let wall = std::time::Instant::now();
        let start = Instant::now();
        Clock::Virtual.sleep(Duration::from_secs(86400)).await;
        assert_eq!(start.elapsed(), Duration::from_secs(86400));
        assert!(wall.elapsed() < Duration::from_secs(60));
    }

    #[tokio::test]
    async fn a_real_wait_is_never_early() {
        for ms in [0, 1, 2, 7] {
            let start = Instant::now();
            Clock::Real.sleep(Duration::from_millis(ms)).await;
            assert!(start.elapsed() >= Duration::from_millis(ms));
        }
    }

    /// Else what two streams do after the same delay comes in an order that is luck.
    #[tokio::test]
    async fn waits_end_in_the_order_of_their_ends() {
        for ms in [1, 5, 20, 50] {
            let ended = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
            let mut all = tokio::task::JoinSet::new();
            for n in 0..20 {
                let ended = std::sync::Arc::clone(&ended);
                all.spawn(async move {
                    Clock::Real.sleep(Duration::from_millis(ms)).await;
                    ended.lock().unwrap().push(n);
                });
            }
            all.join_all().await;
            assert!(ended.lock().unwrap().is_sorted(), "{ms} ms: {ended:?}");
        }
    }
}
