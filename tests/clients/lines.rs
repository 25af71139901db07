//! The line under "Play it" of every scenario (`try`, `badproxy show NAME`), as a person types it: it
//! meets what the scenario is about, and behind a healthy proxy it succeeds.

use std::process::{Command, Stdio};

use badproxy::catalogue::{CATALOGUE, Entry};

use super::side_by_side::side_by_side;
use super::{on_path, root};

/// Verdicts that say that nothing was seen of what the scenario is about.
const NOTHING_SEEN: [&str; 5] = ["INCONCLUSIVE", "NOT-EXERCISED", "HARNESS", "UNSUPPORTED", "none"];

/// Scenarios whose line may end so, and why.
const MAY: &[(&str, &str, &str)] = &[];

/// Plays at a time: most of them wait.
const AT_A_TIME: usize = 16;

/// What comes from outside, told from a part of the line; and how to see whether it is there.
const NEEDS: &[(&str, &str, &[&str])] = &[
    ("curl ", "curl", &["--version"]),
    ("pypac", "python3", &["-c", "import pypac"]),
    ("websockets", "python3", &["-c", "import websockets, python_socks"]),
    ("python3 ", "python3", &["--version"]),
    ("node ", "node", &["--version"]),
    ("openssl ", "openssl", &["version"]),
];

/// One that finds the Python of `scripts/clients-install` before any other.
fn command(program: &str) -> Command {
    let mut path = std::ffi::OsString::from(root().join("target/clients/python/bin"));
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    let mut command = Command::new(on_path("env"));
    command.arg(program).env("PATH", path).stdin(Stdio::null());
    command
}

/// What lines need and the machine does not have.
fn missing() -> Vec<&'static str> {
    let there = |program: &str, arguments: &[&str]| {
        command(program).args(arguments).output().is_ok_and(|output| output.status.success())
    };
    let missing: Vec<_> = NEEDS.iter().filter(|(_, program, args)| !there(program, args)).collect();
    if !missing.is_empty() {
        let text = format!("{missing:?} is missing: run scripts/clients-install");
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{text}");
        eprintln!("skipped: {text}");
    }
    missing.iter().map(|(part, _, _)| *part).collect()
}

/// Its verdict, and what was said.
fn play(entry: &Entry) -> (String, String) {
    let dir = tempfile::tempdir().unwrap();
    let events = dir.path().join("events.jsonl");
    let scenario = entry.scenario().unwrap();
    let isolate = if scenario.example_isolates() { "--isolate" } else { "" };
    let line = format!(
        "\"$BADPROXY\" run --quiet --events events.jsonl {isolate} {} -- {}",
        entry.name,
        scenario.example()
    );
    let output = command("sh")
        .args(["-c", &line])
        .current_dir(dir.path())
        .env("BADPROXY", env!("CARGO_BIN_EXE_badproxy"))
        .output()
        .unwrap();
    let events = std::fs::read_to_string(&events).unwrap_or_default();
    let events = events.lines().filter_map(|e| serde_json::from_str::<serde_json::Value>(e).ok());
    let verdict = events
        .filter(|event| event["name"] == "run:ended")
        .find_map(|event| event["data"]["verdict"].as_str().map(str::to_owned));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (verdict.unwrap_or_else(|| "none".to_owned()), format!("{line}\n{said}"))
}

/// What is wrong with a line's verdict.
fn wrong(name: &str, verdict: &str) -> bool {
    let may = MAY.iter().any(|(scenario, word, _)| *scenario == name && *word == verdict);
    let healthy = name.starts_with("ok/");
    !may && (NOTHING_SEEN.contains(&verdict) || (healthy && verdict != "PASS"))
}

#[test]
fn every_line_meets_its_scenario() {
    let missing = missing();
    let there = |entry: &&Entry| {
        let scenario = entry.scenario().unwrap();
        !missing.iter().any(|part| scenario.example().contains(part))
    };
    let entries: Vec<&Entry> = CATALOGUE.iter().filter(there).collect();
    let played = side_by_side(entries.len(), AT_A_TIME, |at| play(entries[at]));
    let mut list = Vec::new();
    for (entry, (mut verdict, mut said)) in entries.iter().zip(played) {
        // The harness was late, on a machine that had too much to do: now it is alone.
        if verdict == "HARNESS" {
            (verdict, said) = play(entry);
        }
        if wrong(entry.name, &verdict) {
            list.push(format!("{}: {verdict}\n{said}", entry.name));
        }
    }
    assert!(list.is_empty(), "{} of {}\n{}", list.len(), entries.len(), list.join("\n"));
}
