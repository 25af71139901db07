//! The catalogue over both worlds: every shipped scenario is played to a scripted client over
//! loopback sockets and in the simulation, and both have to give the transcript that is kept in
//! `tests/catalogue/STAGE/NAME.txt`: the bytes, the endings (FIN, RST, silence), the events.
//!
//! `UPDATE=1 cargo test --test catalogue` writes the transcripts anew; read the difference.

mod arm;
#[path = "../support/h2.rs"]
#[allow(dead_code, reason = "each target needs a part of it")]
mod h2;
#[path = "../support/late.rs"]
mod late;
#[path = "../support/login.rs"]
mod login;
mod script;
#[path = "../support/side_by_side.rs"]
mod side_by_side;
mod tally;

use std::path::{Path, PathBuf};

use arm::Arm;
use badproxy::catalogue::{CATALOGUE, Entry};
use late::{LATE, lateness};
use side_by_side::side_by_side;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/catalogue").join(format!("{name}.txt"))
}

fn kept(entry: &Entry) -> String {
    std::fs::read_to_string(golden(entry.name)).unwrap_or_default().replace("\r\n", "\n")
}

/// Plays it; again where it differs and this thread was late.
fn transcript(entry: &Entry, arm: Arm) -> String {
    let kept = kept(entry);
    let play = || script::play(entry.scenario().unwrap(), arm, &kept);
    if arm == Arm::Sim {
        return arm.runtime().block_on(play());
    }
    let mut plays = 5;
    loop {
        let (got, late) = arm.runtime().block_on(lateness(play()));
        plays -= 1;
        if got == kept || plays == 0 || late < LATE {
            return got;
        }
    }
}

/// Plays all scenarios, some at a time, and names those that differ from what is kept.
fn check(arm: Arm) {
    let mut wrong = Vec::new();
    // What needs the sandbox is played there: tests/sandbox.
    let here = |entry: &&Entry| entry.scenario().unwrap().needs() == 0;
    let entries: Vec<&Entry> = CATALOGUE.iter().filter(here).collect();
    let played = side_by_side(entries.len(), arm.at_a_time(), |n| transcript(entries[n], arm));
    for (entry, got) in entries.iter().zip(played) {
        if std::env::var_os("UPDATE").is_some() && arm == Arm::Sim {
            let path = golden(entry.name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &got).unwrap();
            continue;
        }
        let want = kept(entry);
        if want != got {
            wrong.push(format!("{}\n--- kept\n{want}\n--- {arm:?}\n{got}", entry.name));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n\n{}", wrong.len(), wrong.join("\n\n"));
}

#[test]
fn over_sockets() {
    check(Arm::Sockets);
}

#[test]
fn in_the_simulation() {
    check(Arm::Sim);
}

/// A kept transcript that no scenario has any more proves nothing.
#[test]
fn every_transcript_belongs_to_a_scenario() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/catalogue");
    for dir in std::fs::read_dir(&root).unwrap().map(|d| d.unwrap().path()) {
        if !dir.is_dir() || dir.ends_with("script") {
            continue;
        }
        for file in std::fs::read_dir(&dir).unwrap().map(|f| f.unwrap().path()) {
            let name = file.strip_prefix(&root).unwrap().with_extension("");
            let name = name.to_str().unwrap().replace('\\', "/");
            assert!(badproxy::catalogue::find(&name).is_some(), "{name}");
        }
    }
}
