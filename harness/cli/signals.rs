//! Ctrl-C, SIGTERM and their like, heard from the moment somebody begins to listen: one that comes
//! before it is waited for is not lost, and does not end this program with its work undone.

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that end what is being done: Ctrl-C (2), Ctrl-\ (3) and SIGTERM (15).
pub(crate) struct Ends {
    #[cfg(unix)]
    list: Vec<(i32, Signal)>,
}

impl Ends {
    /// Listens from now on.
    #[cfg(unix)]
    pub(crate) fn new() -> Self {
        let kinds = [SignalKind::interrupt(), SignalKind::quit(), SignalKind::terminate()];
        Ends { list: kinds.into_iter().filter_map(listen).collect() }
    }

    /// Listens from now on.
    #[cfg(not(unix))]
    pub(crate) fn new() -> Self {
        Ends {}
    }

    /// The terminal's end (1) counts, too: what runs in a process group of its own would outlive
    /// it. Not under `nohup`.
    pub(crate) fn and_hangup(mut self) -> Self {
        #[cfg(unix)]
        if !ignores_hangup() {
            self.list.extend(listen(SignalKind::hangup()));
        }
        self
    }

    /// The number of the next one.
    #[cfg(unix)]
    pub(crate) async fn next(&mut self) -> i32 {
        std::future::poll_fn(|cx| {
            for (number, signal) in &mut self.list {
                if signal.poll_recv(cx).is_ready() {
                    return std::task::Poll::Ready(*number);
                }
            }
            std::task::Poll::Pending
        })
        .await
    }

    /// Waits for Ctrl-C.
    #[cfg(not(unix))]
    pub(crate) async fn next(&mut self) -> i32 {
        if tokio::signal::ctrl_c().await.is_err() {
            return std::future::pending().await;
        }
        2
    }
}

#[cfg(unix)]
fn listen(kind: SignalKind) -> Option<(i32, Signal)> {
    Some((kind.as_raw_value(), signal(kind).ok()?))
}

/// Whether SIGHUP was ignored when this program was started. Linux says so; elsewhere it counts
/// as not ignored.
#[cfg(unix)]
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|m| m & 1 == 1)
}

/// A signal that asks for something and ends nothing. Never, where there is no such signal.
pub(crate) struct Told {
    #[cfg(unix)]
    signal: Option<Signal>,
}

impl Told {
    /// SIGHUP, from now on: the scenario file is to be read again.
    pub(crate) fn hangup() -> Self {
        Told {
            #[cfg(unix)]
            signal: signal(SignalKind::hangup()).ok(),
        }
    }

    /// SIGUSR1, from now on: somebody wants to know what is going on.
    pub(crate) fn usr1() -> Self {
        Told {
            #[cfg(unix)]
            signal: signal(SignalKind::user_defined1()).ok(),
        }
    }

    /// The next one.
    pub(crate) async fn next(&mut self) {
        #[cfg(unix)]
        if let Some(signal) = &mut self.signal {
            signal.recv().await;
            return;
        }
        std::future::pending::<()>().await;
    }
}
