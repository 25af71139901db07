use super::*;
use crate::stage::Stage;

#[test]
fn list_and_directory_agree() {
    let root = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios"));
    let mut files = Vec::new();
    let dirs = std::fs::read_dir(root).unwrap().map(|d| d.unwrap().path());
    for dir in dirs.filter(|path| path.is_dir()) {
        let inside = std::fs::read_dir(&dir).unwrap().map(|f| f.unwrap().path());
        for file in inside.filter(|file| file.extension().is_some_and(|e| e == "yaml")) {
            let name = file.strip_prefix(root).unwrap().with_extension("");
            files.push(name.to_str().unwrap().replace('\\', "/"));
        }
    }
    files.sort();
    let mut listed: Vec<_> = CATALOGUE.iter().map(|e| e.name.to_owned()).collect();
    listed.sort();
    assert_eq!(listed, files);
}

#[test]
fn every_scenario_reads_and_says_what_people_need() {
    for entry in CATALOGUE {
        let s = entry.scenario().unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(s.name, entry.name);
        for (what, text) in [
            ("about", &s.about),
            ("why", &s.why),
            ("consequence", &s.consequence),
            ("good_client", &s.good_client),
        ] {
            assert!(text.len() > 20, "{}: {what}", entry.name);
        }
        assert!(s.wire.len() >= 2, "{}: wire", entry.name);
        assert!(!s.seen.is_empty() || entry.name == "ok/plain", "{}: seen", entry.name);
        let known =
            entry.stage() == "ok" || Stage::ALL.iter().any(|stage| stage.word() == entry.stage());
        assert!(known, "{}: no such stage", entry.name);
    }
}

/// `list` has the beginning of what a scenario is about: it has to tell it from its neighbours.
#[test]
fn no_two_begin_alike() {
    let mut begun = std::collections::BTreeMap::new();
    for entry in CATALOGUE {
        let about = entry.scenario().unwrap().about;
        let about = about.split_whitespace().collect::<Vec<_>>().join(" ");
        let first = about.split(". ").next().unwrap_or_default().to_owned();
        if let Some(other) = begun.insert(first, entry.name) {
            panic!("{other} and {} begin with the same sentence", entry.name);
        }
    }
}

#[test]
fn in_the_order_of_stages() {
    let place = |e: &Entry| Stage::ALL.iter().position(|s| s.word() == e.stage());
    assert!(CATALOGUE.is_sorted_by_key(place));
}

#[test]
fn slips_are_recognised() {
    assert_eq!(near("fin-before-reply"), Some("reply/fin-before-reply"));
    assert_eq!(near("reply/fin-before-repl"), Some("reply/fin-before-reply"));
    assert_eq!(near("qqqqqqq"), None);
}
