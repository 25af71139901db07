//! What is kept of a cell, and of which.

use crate::{GOOD, matrix};

#[test]
fn of_failures_by_default() {
    let args = ["--scenario", "reply/reset", "--scenario", "reply/garbage", "--seed", "3"];
    let played = matrix(&args, "exec curl -s {target}").ends(0);
    let dir = played.out.path();
    let vague = played.cell("reply/garbage");
    assert_eq!(vague["dir"], "cells/sh/reply.garbage");
    let events = std::fs::read_to_string(dir.join("cells/sh/reply.garbage/events.jsonl")).unwrap();
    let first: serde_json::Value = serde_json::from_str(events.lines().next().unwrap()).unwrap();
    assert_eq!(first["schema"], "badproxy.events/1");
    assert_eq!(first["seed"], vague["seed"]);
    assert!(events.lines().last().unwrap().contains("run:ended"));
    assert!(dir.join("cells/sh/reply.garbage/stderr").exists());
}

#[test]
fn of_all_or_none() {
    let scenario = ["--scenario", "reply/204", "--scenario", "reply/garbage"];
    let all = matrix(&[&scenario[..], &["--keep", "all"]].concat(), GOOD);
    assert_eq!(std::fs::read_dir(all.out.path().join("cells/sh")).unwrap().count(), 2);
    let page = std::fs::read_to_string(all.out.path().join("cells/sh/reply.204/stdout")).unwrap();
    assert!(!page.is_empty());
    let none = matrix(&[&scenario[..], &["--keep", "none"]].concat(), GOOD);
    assert!(!none.out.path().join("cells").exists());
    assert_eq!(none.cell("reply/garbage")["dir"], serde_json::Value::Null);
}

/// Results of an earlier matrix are not mixed with those of this one; other files stay.
#[test]
fn an_earlier_matrix_makes_room() {
    let out = tempfile::tempdir().unwrap();
    std::fs::write(out.path().join("notes.txt"), "mine").unwrap();
    for scenario in ["reply/garbage", "reply/201"] {
        let args = ["--scenario", scenario, "--keep", "all"];
        crate::play(&args, GOOD, out.path()).play().ends(0);
    }
    let left: Vec<_> = std::fs::read_dir(out.path().join("cells/sh")).unwrap().collect();
    assert_eq!(left.len(), 1);
    assert!(out.path().join("notes.txt").exists());
}

/// The password is nowhere in what is kept, although the client has said it.
#[test]
fn secrets_are_masked() {
    let shell = "echo secret={pass} token={token}; exec curl -sS {target}";
    let args = ["--scenario", "auth/407-basic-then-ok", "--keep", "all"];
    let played = matrix(&args, shell).ends(0);
    let cell = played.cell("auth/407-basic-then-ok");
    assert_eq!(cell["verdict"], "LEAK-LOG");
    let dir = played.out.path().join(cell["dir"].as_str().unwrap());
    let said = std::fs::read_to_string(dir.join("stdout")).unwrap();
    assert!(said.contains("secret=****"), "{said}");
}
