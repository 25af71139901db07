//! Mistakes in scenario files: what `badproxy check` says to each is kept in
//! `tests/errors/NAME.txt`, beside the file that has the mistake, `tests/errors/NAME.yaml`.
//!
//! `UPDATE=1 cargo test --test errors` writes the texts anew; read the difference as somebody
//! would who has made the mistake.

mod generated;
mod random;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use badproxy::scenario::read_file;

/// A second or two without optimisation, ten times that on a busy machine: what is above this grows
/// with the square of the text, or worse.
const LONG: Duration = Duration::from_secs(600);

/// Relative to the package, where tests are run: what the reader says of other files is the same
/// everywhere.
fn dir() -> PathBuf {
    PathBuf::from("tests/errors")
}

fn updating() -> bool {
    std::env::var_os("UPDATE").is_some()
}

/// Names of the kept files that end so.
fn kept(extension: &str) -> BTreeSet<String> {
    let files = std::fs::read_dir(dir()).unwrap().map(|f| f.unwrap().path());
    files
        .filter(|f| f.extension().is_some_and(|e| e == extension))
        .map(|f| f.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect()
}

/// What is wrong with this text for the file `path`; None when all is as it should be.
fn judge(name: &str, path: &Path) -> Option<String> {
    let Err(mut problems) = read_file(path) else {
        return Some(format!("{name}.yaml was taken for a scenario without a mistake"));
    };
    problems.file = format!("{name}.yaml");
    let got = problems.render(false) + "\n";
    let golden = dir().join(format!("{name}.txt"));
    if updating() {
        std::fs::write(golden, &got).unwrap();
    }
    let want = std::fs::read_to_string(dir().join(format!("{name}.txt"))).unwrap_or_default();
    let want = want.replace("\r\n", "\n");
    if want != got {
        return Some(format!("{name}\n--- kept\n{want}\n--- now\n{got}"));
    }
    // The first twenty are drawn, the others counted.
    let places = problems.list.iter().take(20).filter_map(|p| p.place);
    let unseen = places
        .map(|p| format!("{name}.yaml:{}:{}", p.line, p.column))
        .find(|place| !got.contains(place));
    unseen.map(|place| format!("{name}.txt does not say {place}"))
}

fn all(wrong: impl Iterator<Item = String>) {
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "{} differ:\n\n{}", wrong.len(), wrong.join("\n\n"));
}

#[test]
fn every_mistake_has_its_text() {
    all(kept("yaml").iter().filter_map(|name| judge(name, &dir().join(format!("{name}.yaml")))));
}

/// None of these may take for ever, or say more than fits on some screens.
#[test]
fn every_generated_mistake_has_its_text() {
    let temp = tempfile::tempdir().unwrap();
    all(generated::CASES.iter().filter_map(|(name, there)| {
        let path = temp.path().join(format!("{name}.yaml"));
        generated::make(there(), &path);
        let start = Instant::now();
        let wrong = judge(name, &path);
        let took = start.elapsed();
        let text = std::fs::read(dir().join(format!("{name}.txt"))).unwrap_or_default();
        match wrong {
            None if took > LONG => Some(format!("{name} took {took:?}")),
            None if text.len() > 32 * 1024 => Some(format!("{name}: {} bytes", text.len())),
            wrong => wrong,
        }
    }));
}

#[test]
fn every_text_has_its_mistake() {
    if updating() {
        return;
    }
    let mut files = kept("yaml");
    files.extend(generated::CASES.iter().map(|(name, _)| (*name).to_owned()));
    assert_eq!(kept("txt"), files);
}
