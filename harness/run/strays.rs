//! Processes that the command has started and that left its process group (`setsid`, a daemon):
//! Linux shows each process's environment, and the command's has a mark that its children inherit.
//!
//! A process that starts another one without its environment is not found here, but as an orphan
//! (`orphans`).

use std::sync::atomic::{AtomicU64, Ordering};

/// The variable that has the mark.
pub(super) const VARIABLE: &str = "BADPROXY_RUN";

/// A mark that no other run on this machine has now.
pub(super) fn mark() -> String {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    let started = std::time::UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos();
    format!("{}-{}-{started}", std::process::id(), RUNS.fetch_add(1, Ordering::Relaxed))
}

/// Ends whatever has this mark, and whatever that starts meanwhile. Whether there was anything.
#[cfg(target_os = "linux")]
pub(super) fn end(mark: &str) -> bool {
    let wanted = format!("{VARIABLE}={mark}");
    let mut any = false;
    // One that forks faster than it can be looked for is not chased for ever.
    for _ in 0..100 {
        let found = marked(wanted.as_bytes());
        any |= !found.is_empty();
        if found.is_empty() {
            break;
        }
        for pid in found {
            kill(pid, wanted.as_bytes());
        }
    }
    any
}

/// Nowhere else can a process's environment be read without unsafe code.
#[cfg(not(target_os = "linux"))]
pub(super) fn end(_mark: &str) -> bool {
    false
}

#[cfg(target_os = "linux")]
fn marked(wanted: &[u8]) -> Vec<i32> {
    let Ok(list) = std::fs::read_dir("/proc") else { return Vec::new() };
    let pids = list.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| has(*pid, wanted)).collect()
}

/// Other users' processes cannot be read, and one that has ended has nothing to read.
#[cfg(target_os = "linux")]
fn has(pid: i32, wanted: &[u8]) -> bool {
    let environ = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environ.split(|byte| *byte == 0).any(|variable| variable == wanted)
}

/// The number of a process that has ended goes to another one: what is killed is held first, and
/// then looked at once more.
#[cfg(target_os = "linux")]
fn kill(pid: i32, wanted: &[u8]) {
    use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
    let Some(number) = Pid::from_raw(pid) else { return };
    let Ok(process) = pidfd_open(number, PidfdFlags::empty()) else { return };
    if has(pid, wanted) {
        let _ = pidfd_send_signal(&process, Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_differ() {
        assert_ne!(mark(), mark());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn only_what_has_the_mark_is_ended() {
        let (one, other) = (mark(), mark());
        let start = |mark: &str| {
            let mut sleep = std::process::Command::new("sleep");
            sleep.arg("100").env(VARIABLE, mark).spawn().unwrap()
        };
        let (mut marked, mut unmarked) = (start(&one), start(&other));
        assert!(end(&one));
        assert!(!end(&one));
        assert!(!marked.wait().unwrap().success());
        assert!(unmarked.try_wait().unwrap().is_none());
        assert!(end(&other));
        unmarked.wait().unwrap();
    }
}
