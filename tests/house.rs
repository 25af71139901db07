//! Rules of this house that no compiler knows.

use std::path::{Path, PathBuf};

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for path in std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()) {
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

fn harness() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    sources(&root.join("harness"), &mut found);
    assert!(found.len() > 50, "the sources were not found");
    found
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(root).unwrap().display().to_string();
            (name, std::fs::read_to_string(&path).unwrap())
        })
        .collect()
}

/// Tokio's `select!` picks at random where several arms are ready.
#[test]
fn every_select_is_biased() {
    let mut seen = 0;
    for (name, text) in harness() {
        for (at, _) in text.match_indices("select! {") {
            seen += 1;
            let next = text[at + "select! {".len()..].trim_start();
            assert!(next.starts_with("biased;"), "{name}: a select! without `biased;`");
        }
    }
    assert!(seen >= 3, "no select! was found: is the pattern still right?");
}

/// These serde shapes lose the place of an error in a scenario file.
#[test]
fn scenario_types_keep_the_place_of_an_error() {
    let mut seen = 0;
    for (name, text) in harness() {
        if !name.contains("scenario") && !name.contains("fault") {
            continue;
        }
        seen += 1;
        for line in text.lines().filter(|l| l.trim_start().starts_with("#[serde(")) {
            for word in ["flatten", "untagged", "tag =", "content ="] {
                assert!(!line.contains(word), "{name}: {line}");
            }
        }
    }
    assert!(seen > 20, "the types were not found");
}

/// A file that nobody can hold in the head is to be divided.
#[test]
fn no_source_file_is_long() {
    for (name, text) in harness() {
        let lines = text.lines().count();
        assert!(lines <= 420, "{name} has {lines} lines");
    }
}

/// What is not done is an issue, not a comment.
#[test]
fn nothing_is_left_to_do() {
    for (name, text) in harness() {
        for word in ["TODO", "FIXME", "todo!(", "unimplemented!(", "dbg!("] {
            assert!(!text.contains(word), "{name}: {word}");
        }
    }
}
