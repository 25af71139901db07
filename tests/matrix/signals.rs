//! Signals: everything is ended, and what was played is on disk.

use std::process::Command;

use crate::{Matrix, play};

fn send(signal: &str, pid: u32) {
    let line = format!("kill -{signal} {pid}");
    assert!(Command::new("sh").args(["-c", &line]).status().unwrap().success(), "{line}");
}

/// A client that passes one scenario, and hangs in the next, when the results of the first are there.
const SHELL: &str = "case $BADPROXY_SCENARIO in reply/hang) curl -sS {target} & \
                     while [ ! -e $OUT/summary.json ]; do sleep 0.02; done; echo >$READY; \
                     exec sleep 100;; esac; exec curl -sS {target}";

#[track_caller]
fn interrupted(signal: &str, first: Option<&str>) -> Matrix {
    let dir = tempfile::tempdir().unwrap();
    let (out, ready) = (tempfile::tempdir().unwrap(), dir.path().join("ready"));
    assert!(Command::new("mkfifo").arg(&ready).status().unwrap().success());
    let args = ["--scenario", "reply/reset", "--scenario", "reply/hang", "--jobs", "2"];
    let play = play(&[&args[..], &["--timeout", "60s"]].concat(), SHELL, out.path());
    let play = play.env("OUT", out.path().to_str().unwrap());
    let played = play.env("READY", ready.to_str().unwrap()).play_with(|pid| {
        std::fs::read(&ready).unwrap();
        for signal in first.into_iter().chain([signal]) {
            send(signal, pid);
        }
    });
    Matrix::new(played, out)
}

#[test]
fn partial_results_are_on_disk() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let matrix = interrupted(signal, None).ends(code);
        assert!(matrix.played.stderr.contains("interrupted"), "{}", matrix.played.stderr);
        assert_eq!(matrix.summary["partial"], true);
        let words = matrix.words();
        assert_eq!(words.len(), 1, "{words:?}");
        assert_eq!(words["sh reply/reset"], "PASS");
    }
}

/// Who asks is told what the clients that run have done so far.
#[test]
fn usr1_tells_what_is_going_on() {
    let matrix = interrupted("TERM", Some("USR1")).ends(143);
    let told = &matrix.played.stderr;
    assert!(told.contains("1 running"), "{told}");
    assert!(told.contains("sh  reply/hang"), "{told}");
}
