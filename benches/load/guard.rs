//! Leaves no proxy running, whatever ends the run.
//!
//! The load generator leads a process group in which every proxy is started. A second process
//! of the same program, outside the group, waits on a pipe that only the load generator can
//! write to. When the load generator is gone without having said so, by a signal or a crash,
//! the pipe ends empty, and the guard kills what is left of the group and removes the directory.

use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, getpid, kill_process_group, setpgid};

/// The first argument that makes this program a guard.
pub const WORD: &str = "--guard";

/// Dropping it stands the guard down: the proxies have to be gone by then.
pub struct Guard(Child);

/// Starts the guard.
pub fn post(dir: &std::path::Path) -> Result<Guard> {
    // Fails where this process leads its group already, which is what is wanted.
    let _ = setpgid(None, None);
    // A script that was killed cannot end its load generator any more.
    let _ = rustix::process::set_parent_process_death_signal(Some(Signal::TERM));
    let mut command = Command::new(std::env::current_exe()?);
    command.args([WORD, &getpid().to_string()]).arg(dir).stdin(Stdio::piped()).process_group(0);
    command.spawn().map(Guard).context("the guard against leftovers")
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(mut pipe) = self.0.stdin.take() {
            let _ = pipe.write_all(b".");
        }
        let _ = self.0.wait();
    }
}

/// The guard itself: `--guard GROUP DIR`.
pub fn stand(mut args: impl Iterator<Item = String>) {
    let group = args.next().and_then(|text| text.parse().ok()).and_then(Pid::from_raw);
    let (Some(group), Some(dir)) = (group, args.next()) else { return };
    let mut word = Vec::new();
    let _ = std::io::stdin().read_to_end(&mut word);
    if word.is_empty() {
        let _ = kill_process_group(group, Signal::KILL);
        let _ = std::fs::remove_dir_all(dir);
        sweep(&service(group.as_raw_pid() as u32));
    }
}

/// How the names of shared memory begin that proxies of the process `pid` make. Only squid does,
/// with every start, and leaves it behind when it is killed.
pub fn service(pid: u32) -> String {
    format!("badproxybench{pid}n")
}

/// Removes shared memory whose name begins with `prefix`.
pub fn sweep(prefix: &str) {
    for entry in std::fs::read_dir("/dev/shm").into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(prefix) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}
