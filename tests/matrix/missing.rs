//! What an interrupted matrix has not played is MISSING in every form, made at once or later.

use serde_json::Value;

use crate::play::badproxy;
use crate::{Matrix, play};

/// Passes one scenario, and asks for the end in the other, whose part it does not play to its end.
const SHELL: &str = "case $BADPROXY_SCENARIO in reply/hang) while [ ! -e $OUT/summary.json ]; do \
                     sleep 0.02; done; kill -INT $PPID; exec sleep 100;; esac; exec curl -sS {target}";

const ARGS: &[&str] = &["--scenario", "reply/reset", "--scenario", "reply/hang", "--jobs", "2"];

/// The word of each cell, as the form `json` has it.
fn words(out: &str) -> Vec<(String, String)> {
    let json = badproxy(["report", out, "--format", "json"]).play().ends(0);
    let json: Value = serde_json::from_str(json.out()).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let cells = json["cells"].as_array().unwrap().iter();
    cells.map(|cell| (text(&cell["scenario"]), text(&cell["verdict"]))).collect()
}

fn want() -> Vec<(String, String)> {
    [("reply/hang", "MISSING"), ("reply/reset", "PASS")]
        .map(|(scenario, word)| (scenario.to_owned(), word.to_owned()))
        .to_vec()
}

#[test]
fn in_every_form() {
    let (dir, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let junit = dir.path().join("junit.xml");
    let args = [ARGS, &["--timeout", "60s", "--junit", junit.to_str().unwrap()]].concat();
    let played = play(&args, SHELL, out.path()).env("OUT", out.path().to_str().unwrap()).play();
    let matrix = Matrix::new(played, out).ends(130);
    assert!(
        matrix.played.out().contains("1 unexpected: MISSING reply/hang"),
        "{}",
        matrix.played.out()
    );
    assert!(std::fs::read_to_string(junit).unwrap().contains("never played: ended by signal 2"));
    let out = matrix.out.path().to_str().unwrap();
    let mut got = words(out);
    got.sort();
    assert_eq!(got, want());
    for form in ["human", "md", "html", "junit", "jsonl", "github"] {
        let report = badproxy(["report", out, "--format", form, "--check"]);
        let report = report.env("GITHUB_STEP_SUMMARY", "").play().ends(130);
        assert!(report.out().contains("MISSING"), "{form}: {}", report.out());
    }
}

/// Killed outright, it leaves what it had written last, and nobody writes down what was not played.
#[test]
fn after_a_kill() {
    let (kept, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let shell = SHELL.replace("kill -INT", "cp $OUT/summary.json $KEPT; kill -INT");
    let play = play(&[ARGS, &["--timeout", "60s"]].concat(), &shell, out.path());
    let play = play.env("OUT", out.path().to_str().unwrap());
    play.env("KEPT", kept.path().to_str().unwrap()).play().ends(130);
    let text = std::fs::read_to_string(kept.path().join("summary.json")).unwrap();
    assert!(text.contains("it is still being played") && !text.contains("MISSING"), "{text}");
    let mut got = words(kept.path().to_str().unwrap());
    got.sort();
    assert_eq!(got, want());
    // What it would have ended with, nobody knows: what was not played fails.
    badproxy(["report", kept.path().to_str().unwrap(), "--check"]).play().ends(1);
}
