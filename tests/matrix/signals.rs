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
                     exec sleep 100;; auth/*) exec curl -s {target};; esac; \
                     exec curl -sS {target}";

#[track_caller]
fn interrupted(signal: &str, first: Option<&str>) -> Matrix {
    let scenarios = ["--scenario", "reply/reset", "--scenario", "reply/hang", "--jobs", "2"];
    interrupted_in(&scenarios, signal, first)
}

#[track_caller]
fn interrupted_in(scenarios: &[&str], signal: &str, first: Option<&str>) -> Matrix {
    let dir = tempfile::tempdir().unwrap();
    let (out, ready) = (tempfile::tempdir().unwrap(), dir.path().join("ready"));
    assert!(Command::new("mkfifo").arg(&ready).status().unwrap().success());
    let play = play(&[scenarios, &["--timeout", "60s"]].concat(), SHELL, out.path());
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
        assert_eq!(words.len(), 2, "{words:?}");
        assert_eq!(words["sh reply/hang"], "MISSING");
        assert_eq!(words["sh reply/reset"], "PASS");
    }
}

/// A verdict that waits for its confirmation is no verdict less.
#[test]
fn what_was_not_confirmed_is_kept() {
    let names = ["auth/407-no-credentials", "reply/reset", "reply/hang"];
    let asked = names.iter().flat_map(|name| ["--scenario", name]);
    let args: Vec<&str> = asked.chain(["--jobs", "1"]).collect();
    let matrix = interrupted_in(&args, "INT", None).ends(130);
    let words: Vec<_> = matrix.words().into_iter().collect();
    let words: Vec<_> = words.iter().map(|(name, word)| (name.as_str(), word.as_str())).collect();
    let want = [
        ("sh auth/407-no-credentials", "VAGUE"),
        ("sh reply/hang", "MISSING"),
        ("sh reply/reset", "PASS"),
    ];
    assert_eq!(words, want);
    assert_eq!(matrix.cell("auth/407-no-credentials")["confirmed"], serde_json::Value::Null);
}

/// Ctrl-C when the client has ended, while its late retries are waited for: it has a verdict. What the
/// client leaves behind sees its end (it can be asked for no longer), and sends the signal.
#[test]
fn one_after_the_clients_end_takes_no_verdict() {
    let shell = "case $BADPROXY_SCENARIO in reply/reset) \
                 (while kill -0 $$; do :; done; kill -INT $PPID) 2>/dev/null & ;; esac; \
                 exec curl -sS {target}";
    let args = ["--scenario", "reply/reset", "--scenario", "reply/hang", "--jobs", "1"];
    // On a busy machine it may be ended before it has sent it.
    for _ in 0..50 {
        let out = tempfile::tempdir().unwrap();
        let played = play(&args, shell, out.path()).play();
        if played.code != 130 {
            continue;
        }
        let matrix = Matrix::new(played, out);
        assert_eq!(matrix.summary["partial"], true);
        let words = matrix.words();
        assert_eq!(words["sh reply/reset"], "PASS");
        assert_eq!(words["sh reply/hang"], "MISSING");
        return;
    }
    panic!("it was always ended before it had sent the signal");
}

/// Who asks is told what the clients that run have done so far.
#[test]
fn usr1_tells_what_is_going_on() {
    let matrix = interrupted("TERM", Some("USR1")).ends(143);
    let told = &matrix.played.stderr;
    assert!(told.contains("1 running"), "{told}");
    assert!(told.contains("sh  reply/hang"), "{told}");
}
