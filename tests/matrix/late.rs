//! A machine that is late says nothing about its clients. The clients here stop badproxy itself for a
//! while (SIGSTOP): the lateness is as long as they like.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::side_by_side::side_by_side;
use crate::{Matrix, badproxy, play};

/// What a client does while badproxy sleeps, and what it would be called for it.
const STOPPED: &[(&str, &str, &str)] = &[
    ("FAILED", "ok/plain", "curl -sS --max-time 1 {target}; set $?; kill -CONT $PPID; exit $1"),
    ("VAGUE", "reply/403-port", "curl -s --max-time 1 {target}; set $?; kill -CONT $PPID; exit $1"),
    ("NOT-EXERCISED", "reply/reset", "sleep 1; kill -CONT $PPID; exit 28"),
    ("never met", "body/reset-midway", "sleep 1; kill -CONT $PPID; curl -sS {proxy}; exit 28"),
    ("HANG", "reply/hang", "sleep 2; kill -CONT $PPID; exec sleep 100"),
];

#[test]
fn what_time_decides_is_inconclusive() {
    side_by_side(STOPPED.len(), STOPPED.len(), |n| {
        let (word, scenario, shell) = STOPPED[n];
        let shell = format!("kill -STOP $PPID; {shell}");
        let args =
            ["run", scenario, "--timeout", "2s", "--format", "jsonl", "--", "sh", "-c", &shell];
        let played = badproxy(args).play().ends(5);
        let finding = played.out().lines().find(|line| line.contains("verdict:finding")).unwrap();
        assert!(finding.contains("\"rule\":\"lag\""), "{word}: {finding}");
        assert!(finding.contains("badproxy itself was late by"), "{word}: {finding}");
    });
}

/// What bytes and codes say, they say at any time.
#[test]
fn what_bytes_decide_is_not() {
    for (word, scenario, shell) in [
        ("WRONG", "reply/reset", "curl -s {target}; exit 0"),
        ("CRASH", "reply/reset", "ulimit -c 0; curl -s {target}; kill -SEGV $$"),
        (
            "STORM",
            "reply/fin-before-reply",
            "curl -sS 'https://target.badproxy.test/[1-9]'; exit 1",
        ),
    ] {
        let shell = format!("kill -STOP $PPID; sleep 1; kill -CONT $PPID; {shell}");
        let args = ["run", scenario, "--format", "jsonl", "--", "sh", "-c", &shell];
        let played = badproxy(args).play().ends(1);
        let ended = played.out().lines().last().unwrap();
        assert!(ended.contains(&format!("\"verdict\":\"{word}\"")), "{ended}");
        let ended: serde_json::Value = serde_json::from_str(ended).unwrap();
        assert!(ended["data"]["lag_max_ms"].as_f64().unwrap() > 900.0, "{ended}");
    }
}

/// The first play of each cell, controls too, finds badproxy asleep; the next one does not.
#[test]
fn it_is_played_again() {
    let seen = tempfile::tempdir().unwrap();
    let shell = "seen=$SEEN/$(echo $BADPROXY_SCENARIO | tr / .)\n\
                 [ -e $seen ] && exec curl -sS --max-time {timeout} {target}\n\
                 >$seen; kill -STOP $PPID; curl -sS --max-time 1 {target}; set $?\n\
                 kill -CONT $PPID; exit $1";
    let names = ["reply/reset", "reply/403-port", "reply/204", "body/reset-midway"];
    let asked = names.iter().flat_map(|name| ["--scenario", name]);
    let args: Vec<&str> = asked.chain(["--jobs", "1"]).collect();
    let out = tempfile::tempdir().unwrap();
    let played = play(&args, shell, out.path()).env("SEEN", seen.path().to_str().unwrap()).play();
    let matrix = Matrix::new(played, out).ends(0);
    for name in names {
        let cell = matrix.cell(name);
        assert_eq!(cell["verdict"], "PASS", "{cell}");
        assert!(cell["tally"]["INCONCLUSIVE"].as_u64().unwrap() >= 1, "{cell}");
    }
    assert_eq!(matrix.summary["controls"].as_array().unwrap().len(), 3);
}

/// Twice as many loops as there are processors, at the priority of everybody else: the same words, or
/// none. The one that hangs, three times its time and once more, does so beside the others.
#[test]
fn a_busy_machine_changes_no_verdict() {
    let _one = crate::whole_machine();
    let stop = AtomicBool::new(false);
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let (hang, others) = std::thread::scope(|scope| {
        for _ in 0..processors * 2 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        let hang = scope.spawn(|| {
            let args = ["--scenario", "reply/hang", "--timeout", "3s"];
            crate::matrix(&args, &crate::verdicts::bad()).ends(1)
        });
        let others = std::panic::catch_unwind(|| {
            crate::verdicts::play_bad(&["--timeout", "4s", "--skip", "reply/hang"])
        });
        let hang = hang.join();
        stop.store(true, Ordering::Relaxed);
        (hang.unwrap(), others.unwrap())
    });
    crate::verdicts::earned(&[&hang, &others]);
}
