//! Parts and wholes.

use proptest::prelude::*;

use super::*;
use crate::matrix::Known;
use crate::matrix::baseline::Baseline;
use crate::matrix::example::{cell, everything, summary};
use crate::matrix::outcome::outcome;
use crate::verdict::Word;

/// A matrix divided.
fn parts(whole: &Summary, of: u32) -> Vec<Named> {
    (1..=of)
        .map(|index| {
            let shard = Shard { index, of };
            let mut part = whole.clone();
            part.shard = Some(shard);
            let deal = Deal::of(whole);
            part.cells.retain(|cell| deal.has(Some(shard), &cell.client, &cell.scenario));
            part.controls.clear();
            (format!("part-{index}.json"), part)
        })
        .collect()
}

fn code(summary: &Summary) -> i32 {
    let today = time::Date::MIN;
    outcome(summary, &Baseline::default(), today, false).code
}

fn refused(change: impl FnOnce(&mut Summary)) -> String {
    let one = summary(vec![cell("curl", "a/b", Mark::PASS)]);
    let mut other = one.clone();
    change(&mut other);
    merge(vec![("one.json".to_owned(), one), ("two.json".to_owned(), other)]).unwrap_err().into()
}

#[test]
fn a_lost_part_is_missing_and_fails() {
    let cells = (0..20).map(|n| cell("curl", &format!("a/{n}"), Mark::PASS)).collect();
    let whole = summary(cells);
    assert_eq!(code(&whole), 0);
    let mut list = parts(&whole, 5);
    let lost = list.remove(2).1;
    assert!(!lost.cells.is_empty());
    let merged = merge(list).unwrap();
    assert_eq!(merged.cells.len(), 20);
    for cell in &merged.cells {
        let gone = lost.cells.iter().any(|other| other.scenario == cell.scenario);
        assert_eq!(cell.verdict == Mark::Missing, gone);
        assert!(!gone || cell.summary.contains("part 3/5, which should have it, is not there"));
    }
    assert_eq!(code(&merged), 1);
}

#[test]
fn a_cell_that_two_parts_have_is_refused() {
    let one = summary(vec![cell("curl", "a/b", Mark::PASS), cell("curl", "a/c", Mark::PASS)]);
    for word in [Mark::PASS, Word::Storm.into()] {
        let two = summary(vec![cell("curl", "a/c", word), cell("curl", "a/b", Mark::Missing)]);
        let list = [("p1/x.json", one.clone()), ("p2/x.json", two)];
        for turn in [[0, 1], [1, 0]] {
            let named = turn.map(|n| (list[n].0.to_owned(), list[n].1.clone())).to_vec();
            let text = String::from(merge(named).unwrap_err());
            assert!(text.starts_with("two parts have the cell `curl / a/c`: "), "{text}");
            assert!(text.contains("`p1/x.json`") && text.contains("`p2/x.json`"), "{text}");
            assert!(text.contains("name each part once"), "{text}");
        }
    }
    let same = ("p1/x.json".to_owned(), one);
    let text = String::from(merge(vec![same.clone(), same]).unwrap_err());
    assert!(text.starts_with("`p1/x.json` is named twice: its cell `curl / a/b`"), "{text}");
}

/// A part that was interrupted, and the same one played again with what it lacked.
#[test]
fn what_was_not_played_gives_way() {
    let gap = summary(vec![cell("curl", "a/b", Mark::Missing), cell("curl", "a/c", Mark::PASS)]);
    let rest = summary(vec![cell("curl", "a/b", Word::Storm), cell("curl", "a/c", Mark::NotRun)]);
    for list in [[gap.clone(), rest.clone()], [rest, gap]] {
        let named = list.into_iter().enumerate().map(|(n, part)| (n.to_string(), part)).collect();
        let merged = merge(named).unwrap();
        let words: Vec<Mark> = merged.cells.iter().map(|cell| cell.verdict).collect();
        assert_eq!(words, [Word::Storm.into(), Mark::PASS]);
    }
}

#[test]
fn clients_may_be_divided_too() {
    let one = summary(vec![cell("curl", "a/b", Mark::PASS)]);
    let two = summary(vec![cell("node", "a/b", Mark::PASS)]);
    let merged = merge(vec![("a".to_owned(), one), ("b".to_owned(), two)]).unwrap();
    assert_eq!(merged.cells.len(), 2);
    assert_eq!(code(&merged), 0);
}

#[test]
fn parts_of_two_matrices_are_refused() {
    let text = refused(|other| other.badproxy = "9.9.9".to_owned());
    assert!(text.contains("the version of `one.json` is `0.1.0`, of `two.json` `9.9.9`"), "{text}");
    let text = refused(|other| other.suite.sha256 = "cd".repeat(32));
    assert!(text.contains("the suite of") && text.contains("cdcdcdcdcdcd"), "{text}");
    assert!(text.contains("--suite"), "{text}");
    let text = refused(|other| other.schema = "badproxy.summary/2".to_owned());
    assert!(text.contains("the schema of"), "{text}");
    let text = refused(|other| other.clients[0].argv = vec!["other".to_owned()]);
    assert!(text.contains("the command of client `curl`"), "{text}");
    assert!(merge(Vec::new()).is_err());
}

#[test]
fn a_part_that_ended_early_is_said() {
    let mut part = summary(vec![cell("curl", "a/b", Mark::PASS)]);
    part.scenarios.push("a/c".to_owned());
    (part.partial, part.partial_why) = (true, Some("interrupted".to_owned()));
    part.partial_exit = Some(130);
    let merged = merge(vec![("a".to_owned(), part)]).unwrap();
    assert!(merged.partial);
    assert_eq!(merged.partial_exit, None, "the merge was not interrupted");
    assert_eq!(merged.cells[1].verdict, Mark::Missing);
    assert_eq!(code(&merged), 1);
}

/// Held against the same baseline, the whole is, too; of two, none is chosen.
#[test]
fn the_baseline_of_all_parts_is_that_of_the_whole() {
    let known = |text: &str| Some(Known { file: "b.yaml".to_owned(), text: text.to_owned() });
    let all = everything();
    for (own, other, want) in [("a", "a", known("a")), ("a", "b", None)] {
        let mut parts = parts(&all, 2);
        (parts[0].1.baseline, parts[1].1.baseline) = (known(own), known(other));
        parts[1].1.strict = true;
        let whole = merge(parts).unwrap();
        assert_eq!((whole.baseline, whole.strict), (want, true));
    }
}

/// A cell that its own part lacks, and one that nobody was to play.
#[test]
fn a_lost_cell_names_the_part_that_should_have_it() {
    let cells = (0..20).map(|n| cell("curl", &format!("a/{n}"), Mark::PASS)).collect();
    let whole = summary(cells);
    for (index, turn) in [(1, 0), (4, 3)] {
        let mut list = parts(&whole, 4);
        let lost = list[index as usize - 1].1.cells.remove(0);
        list.rotate_left(turn);
        let merged = merge(list).unwrap();
        let missing = merged.cells.iter().find(|cell| cell.verdict == Mark::Missing).unwrap();
        assert_eq!(missing.scenario, lost.scenario);
        assert_eq!(missing.summary, format!("not in any part; part {index}/4 should have it"));
    }
    // Two clients, of whom each has its own parts: both parts of one are there, one of the other's is not.
    let other = summary((0..20).map(|n| cell("node", &format!("a/{n}"), Mark::PASS)).collect());
    let mut list = parts(&whole, 2);
    let mut there = parts(&other, 2);
    let lost = there.remove(1).1;
    assert!(!lost.cells.is_empty());
    list.append(&mut there);
    for cell in merge(list).unwrap().cells.iter().filter(|cell| cell.verdict == Mark::Missing) {
        assert_eq!(cell.client, "node");
        assert!(cell.summary.ends_with("part 2/2, which should have it, is not there"));
    }
    let mut alone = summary(vec![cell("curl", "a/b", Mark::PASS)]);
    alone.scenarios.push("a/c".to_owned());
    assert_eq!(merge(vec![("a".to_owned(), alone)]).unwrap().cells[1].summary, "not in any part");
}

/// Whoever plays the parts: what each of them has is in the whole, from the earliest start on.
#[test]
fn each_part_has_its_share_in_the_whole() {
    let one = summary(vec![cell("curl", "a/b", Mark::PASS)]);
    let mut two = summary(vec![cell("curl", "a/c", Mark::PASS)]);
    two.cells.push(cell("curl", "of/no-list", Mark::PASS));
    let (first, second) = ("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z");
    for (a, b) in [(first, second), (second, first)] {
        let (mut one, mut two) = (one.clone(), two.clone());
        (one.started, two.started) = (a.to_owned(), b.to_owned());
        let controls = everything().controls;
        assert!(!controls.is_empty());
        (one.controls, two.controls) = (Vec::new(), controls.clone());
        let whole = merge(vec![("a".to_owned(), one), ("b".to_owned(), two)]).unwrap();
        assert_eq!(whole.started, first);
        assert_eq!(whole.controls, controls);
        assert_eq!(whole.scenarios, ["a/b", "a/c"]);
        let names: Vec<&str> = whole.cells.iter().map(|cell| cell.scenario.as_str()).collect();
        assert_eq!(names, ["a/b", "a/c", "of/no-list"]);
    }
}

/// Which part it was is no matter; of two reasons the first is told.
#[test]
fn any_part_that_ended_early_makes_the_whole_early() {
    for (reasons, want) in [
        ([None, None], None),
        ([Some("one"), None], Some("one")),
        ([None, Some("two")], Some("two")),
        ([Some("one"), Some("two")], Some("one")),
    ] {
        let parts = reasons.iter().zip(["a/b", "a/c"]).map(|(why, name)| {
            let mut part = summary(vec![cell("curl", name, Mark::PASS)]);
            (part.partial, part.partial_why) = (why.is_some(), why.map(str::to_owned));
            part.partial_exit = why.map(|_| 130);
            (name.to_owned(), part)
        });
        let whole = merge(parts.collect()).unwrap();
        let want = want.map(|why| format!("a part was not played to its end: {why}"));
        assert_eq!((whole.partial, &whole.partial_why), (want.is_some(), &want), "{reasons:?}");
        assert_eq!(whole.partial_exit, None);
    }
}

proptest! {
    /// Divided into any number of parts, in any order, the matrix comes back.
    #[test]
    fn what_was_divided_comes_back(of in 1u32..9, turn in 0usize..9) {
        let whole = everything();
        let mut list = parts(&whole, of);
        let turn = turn % list.len();
        list.rotate_left(turn);
        let mut merged = merge(list).unwrap();
        merged.controls = whole.controls.clone();
        prop_assert_eq!(merged, whole);
    }
}
