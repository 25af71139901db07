//! A matrix in parts, each played by a process of its own, and the whole that `merge` makes of them.

use std::path::Path;

use serde_json::Value;

use crate::side_by_side::side_by_side;
use crate::verdicts::bad;
use crate::{GOOD, badproxy, matrix};

/// Clients whose words no clock decides.
const ASKED: &[&str] = &[
    "reply/reset",
    "auth/407-basic-then-ok",
    "reply/403-port",
    "reply/fin-before-reply",
    "reply/fin-mid-status",
    "reply/split",
    "reply/204",
    "reply/502-detail",
    "reply/no-reason",
    "tls/expired",
    "syn/unreachable",
];

fn words(more: &[&str], out: &Path) -> Vec<String> {
    let asked = ASKED.iter().flat_map(|name| ["--scenario", name]);
    let words = ["matrix"].into_iter().chain(asked).chain(more.iter().copied());
    let tail = ["--seed", "7", "--out", out.to_str().unwrap(), "--", "sh", "-c"];
    words.chain(tail).map(str::to_owned).chain([bad()]).collect()
}

/// What does not depend on the time or the place at which a cell was played. Where badproxy was late,
/// what was not said may have been missed: then the scores are not compared.
#[derive(Debug)]
struct Cell {
    played: [Value; 5],
    scores: Value,
    late: bool,
}

impl PartialEq for Cell {
    fn eq(&self, other: &Cell) -> bool {
        let late = self.late || other.late;
        self.played == other.played && (late || self.scores == other.scores)
    }
}

fn cells(file: &Path) -> Vec<Cell> {
    let text = std::fs::read_to_string(file).unwrap();
    let summary: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(summary["partial"], false);
    let cells = summary["cells"].as_array().unwrap().iter();
    let keys = ["client", "scenario", "verdict", "seed", "again"];
    cells
        .map(|cell| Cell {
            played: keys.map(|key| cell[key].clone()),
            scores: cell["scores"].clone(),
            late: cell["lag_max_ms"].as_f64().unwrap() > 200.0,
        })
        .collect()
}

fn dir_of(file: &Path) -> &Path {
    file.parent().unwrap()
}

#[test]
fn three_parts_are_the_whole() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    // All of them at once: the whole, each part, and each pod (counted from 0) of the same number.
    side_by_side(7, 7, |play| match play {
        0 => {
            badproxy(words(&[], &at("whole"))).play().ends(1);
        }
        n @ 1..=3 => {
            badproxy(words(&["--shard", &format!("{n}/3")], &at(&format!("part-{n}")))).play();
        }
        n => {
            let pod = badproxy(words(&["--shard", "job/3"], &at(&format!("pod-{}", n - 3))));
            pod.env("JOB_COMPLETION_INDEX", &(n - 4).to_string()).play();
        }
    });
    let whole = cells(&at("whole/summary.json"));
    assert_eq!(whole.len(), ASKED.len());
    let (mut parts, mut count) = (Vec::new(), 0);
    for n in 1..=3 {
        let out = at(&format!("part-{n}"));
        let part = cells(&out.join("summary.json"));
        assert!(!part.is_empty() && part.len() < whole.len(), "part {n} has {} cells", part.len());
        count += part.len();
        assert_eq!(cells(&at(&format!("pod-{n}/summary.json"))), part);
        parts.push(out.to_str().unwrap().to_owned());
    }
    assert_eq!(count, whole.len());
    let all = at("all");
    let merge = |parts: &[String]| {
        let args = ["merge", "-o", all.to_str().unwrap(), "--format", "md"].map(str::to_owned);
        badproxy(args.into_iter().chain(parts.iter().cloned())).play()
    };
    merge(&parts).ends(1);
    assert_eq!(cells(&all.join("summary.json")), whole);
    // Its evidence is in it, and the parts are needed no more.
    let text = std::fs::read_to_string(all.join("summary.json")).unwrap();
    let summary: Value = serde_json::from_str(&text).unwrap();
    let dirs = summary["cells"].as_array().unwrap().iter().filter_map(|cell| cell["dir"].as_str());
    let moved = at("moved");
    std::fs::rename(&all, &moved).unwrap();
    let there = |dir: &str| {
        assert!(
            Path::new(dir).is_relative() && moved.join(dir).join("events.jsonl").exists(),
            "{dir}"
        );
    };
    assert!(dirs.map(there).count() > 3);
    // A file of its own leads to where it is.
    let file = at("all.json");
    let args = ["merge", "-o", file.to_str().unwrap()].map(str::to_owned);
    badproxy(args.into_iter().chain(parts.iter().cloned())).play().ends(1);
    let text = std::fs::read_to_string(&file).unwrap();
    let summary: Value = serde_json::from_str(&text).unwrap();
    let dirs = summary["cells"].as_array().unwrap().iter().filter_map(|cell| cell["dir"].as_str());
    let there = |dir| assert!(dir_of(&file).join(dir).join("events.jsonl").exists(), "{dir}");
    assert!(dirs.map(there).count() > 3);
    // The same one twice is no other one.
    let twice = merge(&[&parts[..], &parts[..1]].concat()).ends(2);
    assert!(twice.stderr.contains("is named twice: its cell `sh / "), "{}", twice.stderr);
    assert!(!all.exists());
    // Without one of them, what it had is missing.
    let less = merge(&parts[1..]).ends(1);
    assert!(less.out().contains("MISSING"), "{}", less.out());
    // A part of something else is none of it.
    let other = at("other");
    badproxy(["matrix", "--scenario", "reply/204", "--seed", "7", "--out"].into_iter().chain([
        other.to_str().unwrap(),
        "--",
        "curl",
        "-sS",
        "{target}",
    ]))
    .play()
    .ends(0);
    parts.push(other.to_str().unwrap().to_owned());
    let unlike = merge(&parts).ends(2);
    assert!(unlike.stdout.is_empty() && unlike.stderr.contains("suite"), "{}", unlike.stderr);
}

/// Seven scenarios in thirds are 3, 2 and 2. Of more parts than cells some have none: they say so, end
/// well, and are parts of the whole all the same.
#[test]
fn parts_are_as_large_as_each_other() {
    let names = ["201", "204", "split", "byte-by-byte", "chunked", "no-reason", "reset"];
    let names = names.map(|name| format!("reply/{name}"));
    let part = |some: &[String], shard: &str| {
        let asked = some.iter().flat_map(|name| ["--scenario", name]);
        let asked: Vec<&str> = asked.chain(["--seed", "7", "--shard", shard]).collect();
        matrix(&asked, GOOD).ends(0)
    };
    let sizes = ["1/3", "2/3", "3/3"].map(|shard| part(&names, shard).words().len());
    assert_eq!(sizes, [3, 2, 2]);
    let parts = ["1/2", "2/2"].map(|shard| part(&names[..1], shard));
    assert_eq!((parts[0].words().len(), parts[1].words().len()), (1, 0));
    let out = parts[1].played.out();
    let said = "\n0 cells: of 1 in all, part 2/2 has none\nresults ";
    assert!(out.contains(said) && out.ends_with("summary.json   exit 0\n"), "{out}");
    let all = tempfile::tempdir().unwrap();
    let dirs = parts.iter().map(|part| part.out.path().to_str().unwrap());
    let merge = ["merge", "-o", all.path().to_str().unwrap()].into_iter().chain(dirs);
    badproxy(merge).play().ends(0);
    assert_eq!(cells(&all.path().join("summary.json")).len(), 1);
}
