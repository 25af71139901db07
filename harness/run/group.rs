//! The command's process group: whatever it has started, unless that left the group.

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

fn pid(group: u32) -> Option<Pid> {
    i32::try_from(group).ok().and_then(Pid::from_raw)
}

/// Sends a signal to all of it. Fails when the group is gone: that is what was wanted.
pub(super) fn signal(group: u32, signal: Signal) {
    if let Some(pid) = pid(group) {
        let _ = kill_process_group(pid, signal);
    }
}

/// Whether anything of it still runs. What has ended and was not collected yet does not: the
/// first process of a container may never do that.
pub(super) fn lives(group: u32) -> bool {
    let there = pid(group).is_some_and(|pid| test_kill_process_group(pid).is_ok());
    there && runs(group).unwrap_or(true)
}

/// The same from Linux's list of processes; None where there is none.
fn runs(group: u32) -> Option<bool> {
    let list = std::fs::read_dir("/proc").ok()?;
    let stat = |entry: std::fs::DirEntry| std::fs::read(entry.path().join("stat")).ok();
    let mut known = list.flatten().filter_map(stat).filter_map(|text| member(&text)).peekable();
    known.peek()?;
    Some(known.any(|(its, ended)| its == group && !ended))
}

/// The group of a process, and whether it has ended: `PID (NAME) STATE PARENT GROUP ...`, with
/// anything at all in the name.
fn member(stat: &[u8]) -> Option<(u32, bool)> {
    let name = stat.iter().rposition(|byte| *byte == b')')?;
    let text = std::str::from_utf8(&stat[name + 1..]).ok()?;
    let mut fields = text.split_ascii_whitespace();
    let ended = matches!(fields.next()?, "Z" | "X" | "x");
    Some((fields.nth(1)?.parse().ok()?, ended))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_list() {
        assert_eq!(member(b"7 (sleep) S 1 5 5 0 -1 4194304"), Some((5, false)));
        assert_eq!(member(b"7 (a) Z 9 \xff) Z 1 6 5 0"), Some((6, true)));
        assert_eq!(member(b"7 (sleep"), None);
        assert_eq!(member(b"cpu  1 2 3"), None);
    }

    #[test]
    fn what_has_ended_does_not_run() {
        use std::os::unix::process::CommandExt as _;
        let mut sleep = std::process::Command::new("sleep");
        let mut child = sleep.arg("100").process_group(0).spawn().unwrap();
        assert!(lives(child.id()));
        signal(child.id(), Signal::KILL);
        // Not collected, so it stays in the list; where there is one.
        if std::path::Path::new("/proc/self/stat").exists() {
            while lives(child.id()) {
                std::thread::yield_now();
            }
        }
        child.wait().unwrap();
        assert!(!lives(child.id()));
    }
}
