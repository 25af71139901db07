//! `run --isolate`: what the command can reach, what is seen of what it tries, and what is left of
//! it afterwards (nothing). Linux only.
//!
//! Where the system forbids namespaces these tests say so and are skipped; with CI=true they fail.

#![cfg(target_os = "linux")]

mod bypass;
mod catalogue;
mod command;
mod dns;
mod faults;
mod forbidden;
#[path = "../cli/play.rs"]
mod play;
#[path = "../support/sandbox.rs"]
mod sandbox;
mod segments;
mod wpad;

use std::process::Command;

use play::{Play, Played, badproxy};
use sandbox::allowed;
use serde_json::Value;

/// Who runs it: the caller, and where that is root also somebody who is not.
fn callers() -> Vec<Vec<&'static str>> {
    let root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    let drop = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs"];
    let there = Command::new("setpriv").arg("--version").output().is_ok();
    match root && there {
        true => vec![vec![], drop.to_vec()],
        false => vec![vec![]],
    }
}

/// `badproxy run SCENARIO --isolate OPTIONS -- sh -c SHELL`.
fn isolated(options: &str, shell: &str) -> Play {
    let options = options.split_whitespace();
    badproxy(["run"].into_iter().chain(options).chain(["--isolate", "--", "bash", "-c", shell]))
}

/// A word that no other run has. Whoever has it in the environment was started by that run.
fn mark() -> String {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let next = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    format!("badproxy-test-{}-{next}", std::process::id())
}

/// Waits until no process has this word any more.
#[track_caller]
fn gone(mark: &str) {
    let of = |entry: std::fs::DirEntry| std::fs::read(entry.path().join("environ")).ok();
    let has = |text: Vec<u8>| text.windows(mark.len()).any(|part| part == mark.as_bytes());
    let any = || std::fs::read_dir("/proc").unwrap().flatten().filter_map(of).any(has);
    let begun = std::time::Instant::now();
    while any() {
        assert!(begun.elapsed().as_secs() < 30, "something with {mark} still runs");
        std::thread::yield_now();
    }
}

/// The events of such a run, and its end.
fn events(options: &str, shell: &str) -> (Vec<Value>, Played) {
    let mark = mark();
    let played = isolated(&format!("{options} --format jsonl"), shell).env("MARK", &mark).play();
    gone(&mark);
    let events = played.out().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (events, played)
}

fn verdict(events: &[Value]) -> &str {
    events.last().unwrap()["data"]["verdict"].as_str().unwrap()
}

fn named<'e>(events: &'e [Value], name: &str) -> Vec<&'e Value> {
    events.iter().filter(|e| e["name"] == name).map(|e| &e["data"]).collect()
}
