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
    let mut known = processes()?.peekable();
    known.peek()?;
    Some(known.any(|one| one.group == group && !one.ended))
}

/// A process, as Linux's list has it.
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
pub(super) struct Listed {
    pub pid: i32,
    pub parent: i32,
    pub group: u32,
    /// It has ended and was not collected yet.
    pub ended: bool,
}

/// All processes; None where there is no list.
pub(super) fn processes() -> Option<impl Iterator<Item = Listed>> {
    let list = std::fs::read_dir("/proc").ok()?;
    let stat = |entry: std::fs::DirEntry| std::fs::read(entry.path().join("stat")).ok();
    Some(list.flatten().filter_map(stat).filter_map(|text| listed(&text)))
}

/// `PID (NAME) STATE PARENT GROUP ...`, with anything at all in the name.
fn listed(stat: &[u8]) -> Option<Listed> {
    let begins = stat.iter().position(|byte| *byte == b' ')?;
    let name = stat.iter().rposition(|byte| *byte == b')')?;
    let pid = std::str::from_utf8(&stat[..begins]).ok()?.parse().ok()?;
    let text = std::str::from_utf8(&stat[name + 1..]).ok()?;
    let mut fields = text.split_ascii_whitespace();
    let ended = matches!(fields.next()?, "Z" | "X" | "x");
    let (parent, group) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(Listed { pid, parent, group, ended })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_list() {
        let member = |stat: &[u8]| listed(stat).map(|one| (one.group, one.ended));
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
