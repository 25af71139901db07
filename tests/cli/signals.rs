//! Whatever ends a run, nothing is left behind: no process, no file (`play` looks after each).

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::play::{Play, Played, badproxy};
use crate::run_command;

/// Sends a signal. By the shell, which has `kill` everywhere.
pub fn send(signal: &str, pid: u32) {
    let line = format!("kill -{signal} {pid}");
    assert!(Command::new("sh").args(["-c", &line]).status().unwrap().success(), "{line}");
}

/// A run of this line of shell, which makes the file `$READY` when the signal may come.
fn run(shell: &str) -> (Play, impl FnOnce() + use<>, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let ready = dir.path().join("ready");
    // Opening a FIFO waits for the other end.
    assert!(Command::new("mkfifo").arg(&ready).status().unwrap().success());
    let play = badproxy(["run", "ok/plain", "--", "sh", "-c", shell]);
    let play = play.env("READY", ready.to_str().unwrap());
    (play, move || drop(std::fs::read(ready).unwrap()), dir)
}

/// Whether this process, and so what it starts, ignores SIGHUP. Linux says so.
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|m| m & 1 == 1)
}

#[track_caller]
fn ended_by(signal: &str, shell: &str, code: i32) {
    let (play, wait, _dir) = run(shell);
    let played = play.play_with(|pid| {
        wait();
        send(signal, pid);
    });
    let played = played.ends(code);
    assert!(played.stderr.contains("interrupted"), "{}", played.stderr);
    // It has not hung.
    assert!(played.stderr.contains("by the interrupt"), "{}", played.stderr);
    assert!(!played.stderr.contains("still running"), "{}", played.stderr);
    assert!(!played.stderr.contains("PASS"), "{}", played.stderr);
}

#[test]
fn a_signal_ends_the_command_too() {
    for (signal, code) in [("INT", 130), ("TERM", 143), ("QUIT", 131), ("HUP", 129)] {
        if signal == "HUP" && ignores_hangup() {
            eprintln!("skipped: HUP is ignored here, as under nohup, and so it is by the run");
            continue;
        }
        ended_by(signal, "echo >$READY; exec sleep 100", code);
    }
}

/// They hold the standard input that `play` waits for.
#[test]
fn what_the_command_has_started_is_ended_too() {
    ended_by("TERM", "exec 3<&0; sleep 100 & (sleep 100 & echo >$READY; sleep 100)", 143);
}

/// A daemon leaves the process group; its environment tells whose it was.
#[cfg(target_os = "linux")]
#[test]
fn what_has_left_the_process_group_is_ended_too() {
    let daemon = "exec 3<&0; setsid sh -c 'setsid sleep 100 & exec sleep 100' &";
    ended_by("TERM", &format!("{daemon} echo >$READY; sleep 100"), 143);
    let (play, wait, _dir) = run(&format!("{daemon} echo >$READY; exec curl -sS {{target}}"));
    play.play_with(|_| wait()).ends(0);
}

#[test]
fn who_ignores_it_is_made_to_end() {
    let shell =
        "trap '' INT TERM; exec 3<&0; sleep 100 & echo >$READY; while :; do sleep 100; done";
    ended_by("INT", shell, 130);
}

/// The command was asked first, and may tidy up.
#[test]
fn the_command_is_asked_first() {
    let (play, wait, dir) =
        run("trap 'echo >$READY.tidy; exit' TERM; echo >$READY; while :; do sleep 0.01; done");
    play.play_with(|pid| {
        wait();
        send("INT", pid);
    })
    .ends(130);
    assert!(dir.path().join("ready.tidy").exists());
}

/// The event log is whole, and says what has ended it.
#[test]
fn the_events_end_with_the_interruption() {
    let dir = tempfile::tempdir().unwrap();
    let (events, ready) = (dir.path().join("events"), dir.path().join("ready"));
    assert!(Command::new("mkfifo").arg(&ready).status().unwrap().success());
    let shell = "curl -sS {target}; echo >$READY; exec sleep 100";
    let words = ["run", "ok/plain", "--events", events.to_str().unwrap(), "--", "sh", "-c", shell];
    let play = badproxy(words).env("READY", ready.to_str().unwrap());
    play.play_with(|pid| {
        std::fs::read(&ready).unwrap();
        send("TERM", pid);
    })
    .ends(143);
    let text = std::fs::read_to_string(events).unwrap();
    let all: Vec<serde_json::Value> =
        text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let exited = all.iter().find(|event| event["name"] == "proc:exited").unwrap();
    assert_eq!(exited["data"]["killed_by_us"], true);
    assert_eq!(all.last().unwrap()["data"]["verdict"], "interrupted");
}

/// At whatever moment it comes: no process and no file stays. Before it is listened for there is
/// nothing to tidy up, and it ends badproxy itself.
#[test]
fn there_is_no_bad_moment() {
    for step in 0..20 {
        let play =
            badproxy(["run", "ok/plain", "--", "sh", "-c", "exec 3<&0; sleep 100 & sleep 100"]);
        let played = play.play_with(|pid| {
            std::thread::sleep(Duration::from_millis(step * 3));
            send("TERM", pid);
        });
        let signal = std::os::unix::process::ExitStatusExt::signal(&played.status);
        assert!(played.code == 143 || signal == Some(15), "{:?}\n{}", played.status, played.stderr);
    }
}

/// Nobody reads what it passes on, like a pager that waits for a key: the deadline holds all the
/// same, and so does a signal.
#[test]
fn who_does_not_read_stops_no_deadline_and_no_signal() {
    let shell = "curl -sS {target}; yes & trap 'echo >$READY; exit 1' TERM; echo >$READY; wait";
    for (timeout, code) in [("1s", 1), ("60s", 143)] {
        let dir = tempfile::tempdir().unwrap();
        let ready = dir.path().join("ready");
        assert!(Command::new("mkfifo").arg(&ready).status().unwrap().success());
        let mut command = Command::new(env!("CARGO_BIN_EXE_badproxy"));
        command.args(["run", "ok/plain", "--quiet", "--timeout", timeout, "--", "sh", "-c", shell]);
        command.env("READY", &ready).stdin(Stdio::null());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        std::fs::read(&ready).unwrap();
        if code == 143 {
            send("TERM", child.id());
        }
        // It is asked to end, by the deadline or by the signal.
        std::fs::read(&ready).unwrap();
        if code == 143 {
            assert_eq!(child.wait().unwrap().code(), Some(code));
        } else {
            // HANG, or, where badproxy itself was late, nothing.
            let ended = child.wait_with_output().unwrap().status.code();
            assert!(ended == Some(code) || ended == Some(5), "{ended:?}");
        }
    }
}

#[test]
fn the_deadline_ends_it() {
    let shell = "exec 3<&0; sleep 100 & curl -sS {target}; wait";
    // Where badproxy itself did not get its turn for a second, it cannot call that a hang.
    let mut plays = (0..5).map(|_| run_command("ok/plain --timeout 1s", &["sh", "-c", shell]));
    let late = |played: &Played| played.code == 5 && played.stderr.contains("itself was late");
    let played = plays.find(|played| !late(played)).unwrap().ends(1);
    assert!(played.stderr.contains("✖ HANG"), "{}", played.stderr);
}
