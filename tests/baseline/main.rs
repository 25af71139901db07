//! Mistakes in a baseline: what is said to each is kept in `tests/baseline/NAME.txt`, beside the
//! file that has the mistake, `tests/baseline/NAME.yaml`.
//!
//! `UPDATE=1 cargo test --test baseline` writes the texts anew; read the difference.

use std::path::{Path, PathBuf};

use badproxy::matrix::baseline::read_file;

fn names() -> Vec<String> {
    let files = std::fs::read_dir("tests/baseline").unwrap().map(|f| f.unwrap().path());
    let yaml = files.filter(|f: &PathBuf| f.extension().is_some_and(|e| e == "yaml"));
    let mut names: Vec<String> =
        yaml.map(|f| f.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

fn holds(name: &str, got: &str) {
    let golden = format!("tests/baseline/{name}.txt");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&golden, got).unwrap();
    }
    let want = std::fs::read_to_string(&golden).unwrap_or_default().replace("\r\n", "\n");
    assert!(want == got, "{name}\n--- kept\n{want}\n--- now\n{got}");
}

#[test]
fn every_mistake_has_its_text() {
    let names = names();
    assert!(names.len() >= 5, "the files were not found");
    for name in names {
        let path = format!("tests/baseline/{name}.yaml");
        let problems = read_file(Path::new(&path)).expect_err(&name);
        holds(&name, &(problems.render(false) + "\n"));
        for place in problems.list.iter().filter_map(|problem| problem.place) {
            let place = format!("{name}.yaml:{}:{}", place.line, place.column);
            assert!(problems.render(false).contains(&place), "{place} is not said");
        }
    }
}

#[test]
fn a_file_that_cannot_be_read_says_why() {
    let problems = read_file(Path::new("tests/baseline/nothing-here.yml")).unwrap_err();
    holds("nothing-here", &(problems.render(false) + "\n"));
    assert!(read_file(Path::new("tests/baseline")).is_err());
}
