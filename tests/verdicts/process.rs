//! What the wrapped command can do to its harness: leave processes, read, write a lot, write
//! anything. That nothing is left of it is checked after every run (`play`).

use crate::play::badproxy;
use crate::{Judged, judge, judge_command};

/// The sleep holds the standard input that `play` waits for.
#[test]
fn what_it_leaves_running_is_noted_and_ended() {
    let judged = judge(&["ok/plain"], "exec 3<&0; sleep 100 & curl -sS {target}").earns("PASS", 0);
    assert_eq!(judged.all("proc:leftover").len(), 1);
    assert_eq!(judged.exited()["code"], 0);
    let judged = judge(&["ok/plain"], "curl -sS {target}").earns("PASS", 0);
    assert!(judged.all("proc:leftover").is_empty());
}

/// What it leaves has its connection still, and loses it afterwards: events are in order of time.
#[test]
fn what_follows_from_its_end_comes_after_it() {
    let shell = "exec 3<&0 4<>/dev/tcp/${BADPROXY_PROXY#http://127.0.0.1:}; sleep 100 & exit 0";
    let shell = shell.replace("/tcp/", "/tcp/127.0.0.1/");
    let judged = judge_command(&["reply/reset"], &["bash", "-c", &shell]);
    let names: Vec<&str> = judged.events.iter().filter_map(|e| e["name"].as_str()).collect();
    let ends = ["proc:exited", "tcp:closed", "proc:leftover"];
    let ends = ends.map(|name| names.iter().position(|n| *n == name));
    assert!(ends.is_sorted() && ends[0].is_some(), "{names:?}");
    let times = judged.events.iter().filter_map(|e| e["time"].as_f64());
    assert!(times.is_sorted(), "{:?}", judged.events);
}

#[test]
fn a_group_is_ended_with_its_leader() {
    let shell =
        "exec 3<&0; (trap '' TERM; while :; do sleep 100; done) & curl -sS {target}; kill -9 $$";
    let judged = judge(&["reply/reset"], shell).earns("CRASH", 1);
    assert_eq!(judged.all("proc:leftover").len(), 1);
}

#[test]
fn it_reads_our_standard_input() {
    let command = "run ok/plain --quiet -- sh -c".split(' ').chain(["cat; curl -sS {target} >&2"]);
    let text = "line\n".repeat(100_000);
    let played = badproxy(command).input(text.as_bytes()).play().ends(0);
    assert!(played.out() == text, "{} bytes came back", played.stdout.len());
}

#[test]
fn fifty_megabytes_pass_and_one_is_kept() {
    let shell = "curl -sS {target} >&2; head -c 50000000 /dev/zero | tr '\\0' x";
    let played = badproxy(["run", "ok/plain", "--quiet", "--", "sh", "-c", shell]).play().ends(0);
    assert_eq!(played.stdout.len(), 50_000_000);
    assert!(played.stdout.iter().all(|byte| *byte == b'x'));
    let judged = judge(&["ok/plain"], shell).earns("PASS", 0);
    let output = judged.all("proc:output");
    let kept: usize = output.iter().map(|o| o["text"].as_str().unwrap().len()).sum();
    // A line that is broken off counts for one half or the other.
    assert!(((1 << 20) - (1 << 14)..1 << 21).contains(&kept), "{kept}");
    assert!(output.iter().any(|o| o["truncated"] == true));
}

#[test]
fn bytes_that_are_no_text_pass_as_they_are() {
    let all: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let shell = "cat; curl -sS {target} >&2";
    let command = ["run", "ok/plain", "--quiet", "--", "sh", "-c", shell];
    let played = badproxy(command).input(&all).play().ends(0);
    assert!(played.stdout == all);
    let command = ["run", "ok/plain", "--format", "jsonl", "--", "sh", "-c", shell];
    Judged::new(badproxy(command).input(&all).play()).earns("PASS", 0);
}

/// What it says before it ends is in the log before its end.
#[test]
fn its_last_words_are_heard() {
    let judged = judge(&["reply/reset"], "curl -s {target}; printf 'connection reset'; exit 1");
    let judged = judged.earns("PASS", 0);
    let last = judged.all("proc:output").last().unwrap()["text"].clone();
    assert_eq!(last, "connection reset");
}
