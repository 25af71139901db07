//! What a baseline makes of a matrix.

use time::Month;

use super::*;
use crate::matrix::baseline::read;
use crate::matrix::example::{cell, summary};

fn today() -> Date {
    Date::from_calendar_date(2026, Month::November, 26).unwrap()
}

/// The exit code and all that is said.
fn of(cells: Vec<Cell>, baseline: &str) -> (i32, Vec<String>) {
    strictly(cells, baseline, false)
}

fn strictly(cells: Vec<Cell>, baseline: &str, strict: bool) -> (i32, Vec<String>) {
    let (summary, baseline) = (summary(cells), read(baseline, "b.yaml").unwrap());
    let out = outcome(&summary, &baseline, today(), strict);
    let unexpected = out.unexpected.iter().map(|u| {
        let Unexpected { cell: Cell { client, scenario, verdict, .. }, instead_of } = u;
        format!("unexpected {client} / {scenario}: {verdict} {instead_of:?}")
    });
    let said = unexpected
        .chain(out.stale.iter().map(ToString::to_string))
        .chain(out.notes)
        .chain(out.why)
        .collect();
    (out.code, said)
}

const STORM: Mark = Mark::Word(Word::Storm);
const SLOW: Mark = Mark::Word(Word::Slow);
const FIN: &str = "reply/fin-before-reply";

#[test]
fn without_a_baseline_failures_are_unexpected() {
    assert_eq!(of(vec![cell("a", FIN, Mark::PASS), cell("a", "x/y", SLOW)], "{}").0, 0);
    assert_eq!(of(vec![cell("a", FIN, STORM)], "").0, 1);
    assert_eq!(of(vec![cell("a", FIN, Mark::Flaky)], "").0, 1);
    assert_eq!(of(vec![cell("a", FIN, Mark::Missing)], "").0, 1);
    assert_eq!(strictly(vec![cell("a", "x/y", SLOW)], "", true).0, 1);
    for (word, code) in [(Word::Unsupported, 4), (Word::Harness, 3), (Word::Inconclusive, 5)] {
        assert_eq!(of(vec![cell("a", FIN, word)], "").0, code, "{word}");
    }
}

/// Of a part, what another part will play is not said; what no part has is, and what was meant.
#[test]
fn entries_of_other_parts_are_no_strays() {
    let baseline = "a / x/1: [STORM, PASS]\na / x/2: [STORM, PASS]\na / x/3: [STORM, PASS]\n\
                    aa / x/1: STORM\na / reply/hnag: HANG\na / x/11: STORM\n\"a / *\": SLOW\n";
    let mut whole = summary(["x/1", "x/2", "x/3"].map(|name| cell("a", name, Mark::PASS)).into());
    whole.scenarios = ["x/1", "x/2", "x/3"].map(str::to_owned).to_vec();
    let baseline = read(baseline, "b.yaml").unwrap();
    let said = |summary: &Summary| {
        let out = outcome(summary, &baseline, today(), false);
        assert_eq!((out.code, out.strays), (0, 4), "{:?}", out.stale);
        out.notes.iter().map(|note| note.replace(" is about no cell of this matrix", "")).collect()
    };
    let want: Vec<String> = said(&whole);
    let about = [
        "b.yaml:4: `aa / x/1: STORM`; no client here is called `aa`",
        "b.yaml:5: `a / reply/hnag: HANG`; did you mean `reply/hang`?",
        "b.yaml:6: `a / x/11: STORM`; did you mean `x/1`?",
        "b.yaml:7: `a / *: SLOW`",
    ];
    assert_eq!(want, about);
    for index in 1..=3 {
        let mut part = whole.clone();
        let shard = crate::matrix::Shard { index, of: 3 };
        part.shard = Some(shard);
        let deal = crate::matrix::Deal::of(&whole);
        part.cells.retain(|cell| deal.has(Some(shard), &cell.client, &cell.scenario));
        assert_eq!(part.cells.len(), 1);
        assert_eq!(said(&part), want, "{shard}");
    }
}

/// A matrix that ended early ends so again when it is read back, whatever its cells are.
#[test]
fn what_ended_early_keeps_its_exit_code() {
    for mark in [Mark::PASS, Mark::Missing, STORM] {
        let mut early = summary(vec![cell("a", FIN, mark)]);
        early.partial_exit = Some(130);
        let code = |summary: &Summary| outcome(summary, &Baseline::default(), today(), false).code;
        assert_ne!(code(&early), 130, "{mark}: a whole one has no such code");
        early.partial = true;
        assert_eq!(code(&early), 130, "{mark}");
    }
}

#[test]
fn expected_and_failing_is_fine_and_expected_but_passing_is_stale() {
    let baseline = "a / reply/fin-before-reply: {verdict: STORM, issue: a/b#1}\n";
    assert_eq!(of(vec![cell("a", FIN, STORM)], baseline), (0, vec![]));
    let (code, said) = of(vec![cell("a", FIN, Mark::PASS)], baseline);
    assert_eq!(code, 1);
    let want = "b.yaml:1: `a / reply/fin-before-reply: STORM` (a/b#1) is PASS now: stale, remove \
                line 1";
    assert_eq!(said, [want]);
    // A warning is better than a storm.
    assert_eq!(of(vec![cell("a", FIN, SLOW)], baseline).0, 1);
}

#[test]
fn another_failure_than_the_expected_one_is_unexpected() {
    let (code, said) = of(vec![cell("a", FIN, Word::Hang)], "\"* / reply/*\": STORM\n");
    assert_eq!(code, 1);
    assert_eq!(said.len(), 1);
    assert!(said[0].ends_with("HANG Some((\"STORM\", 1))"), "{said:?}");
    // A worse one than the expected blemish, too.
    assert_eq!(of(vec![cell("a", FIN, STORM)], "a / reply/*: SLOW\n").0, 1);
}

#[test]
fn what_is_absent_or_not_judged_is_tolerated() {
    let baseline = "a / reply/fin-before-reply: STORM\na / reply/hnag: HANG\n";
    let (code, said) = of(vec![cell("a", "x/y", Mark::PASS)], baseline);
    assert_eq!(code, 0);
    assert!(said[0].contains("is about no cell of this matrix"), "{said:?}");
    assert!(said[1].ends_with("did you mean `reply/hang`?"), "{said:?}");
    let other = || cell("a", "x/y", Mark::PASS);
    assert_eq!(of(vec![cell("a", FIN, Word::Unsupported), other()], baseline).0, 0);
    // But it is not taken for a pass.
    assert_eq!(of(vec![cell("a", FIN, Word::Inconclusive)], baseline).0, 5);
    assert_eq!(of(vec![cell("a", FIN, Mark::Missing)], baseline).0, 1);
}

/// A fault that the client does not come to is not observable; one for which we were late is in doubt.
#[test]
fn what_was_not_met_is_tolerated_beside_others_and_lateness_is_not() {
    let open = |rule: &str| {
        let mut cell = cell("a", FIN, Word::Inconclusive);
        let finding = serde_json::json!({"verdict": "INCONCLUSIVE", "rule": rule});
        cell.findings = vec![serde_json::from_value(finding).unwrap()];
        cell
    };
    for rule in ["never-met", "protocol", "ceiling", "lag"] {
        let late = if rule == "lag" { 5 } else { 0 };
        for other in [Mark::PASS, SLOW] {
            assert_eq!(of(vec![open(rule), cell("a", "x/y", other)], "").0, late, "{rule}");
        }
        // Expected or not: what fails counts for more.
        assert_eq!(of(vec![open(rule), cell("a", "x/y", STORM)], "").0, 1, "{rule}");
        let baseline = "a / reply/*: INCONCLUSIVE\n";
        assert_eq!(of(vec![open(rule), cell("a", "x/y", Mark::PASS)], baseline).0, 0, "{rule}");
        // Where nothing else was judged, nothing was.
        assert_eq!(of(vec![open(rule), cell("a", "x/y", Word::Unsupported)], "").0, 5, "{rule}");
    }
}

#[test]
fn an_entry_whose_day_is_over_fails_and_says_so() {
    let entry = |until| format!("a / reply/*: {{verdict: STORM, until: {until}}}\n");
    let storm = || vec![cell("a", FIN, STORM)];
    assert_eq!(of(storm(), &entry("2026-11-26")).0, 0);
    let (code, said) = of(storm(), &entry("2026-11-25"));
    assert_eq!(code, 1);
    assert!(said[0].contains("until 2026-11-25, and that is over"), "{said:?}");
    assert_eq!(said.len(), 1, "the cell is not held against the client as well: {said:?}");
    let (summary, baseline) = (summary(storm()), read(&entry("2026-11-25"), "x.yaml").unwrap());
    assert_eq!(outcome(&summary, &baseline, today(), false).expected, 0, "nor expected");
}

#[test]
fn what_is_flaky_may_pass_and_may_fail() {
    for mark in [Mark::PASS, Mark::Flaky, STORM, SLOW] {
        assert_eq!(of(vec![cell("a", FIN, mark)], "a / reply/*: FLAKY\n").0, 0, "{mark}");
    }
}

/// Each verdict of a list is fine, and so are plays that disagree on them; another one is not.
#[test]
fn one_of_several_verdicts() {
    let flaky = |words: &[(&str, u32)]| {
        let mut cell = cell("a", FIN, Mark::Flaky);
        cell.tally = words.iter().map(|(word, n)| ((*word).to_owned(), *n)).collect();
        cell
    };
    let (either, hang) = ("a / reply/*: [HANG, PASS]\n", Mark::Word(Word::Hang));
    let late = flaky(&[("HANG", 1), ("PASS", 1), ("INCONCLUSIVE", 2)]);
    let fine = [cell("a", FIN, Mark::PASS), cell("a", FIN, hang), cell("a", FIN, SLOW), late];
    for cell in fine {
        assert_eq!(of(vec![cell.clone()], either), (0, vec![]), "{}", cell.verdict);
    }
    let other = flaky(&[("HANG", 1), ("LEAK", 1)]);
    for cell in [cell("a", FIN, STORM), other, cell("a", FIN, Mark::Missing)] {
        let (code, said) = of(vec![cell], either);
        assert_eq!(code, 1);
        assert!(said[0].ends_with("Some((\"[HANG, PASS]\", 1))"), "{said:?}");
    }
    assert_eq!(strictly(vec![cell("a", FIN, SLOW)], either, true).0, 1);
    // Without PASS among them, one that passes is stale; one alone takes no disagreement.
    let (code, said) = of(vec![cell("a", FIN, Mark::PASS)], "a / reply/*: [HANG, STORM]\n");
    assert_eq!(code, 1);
    assert!(said[0].contains("`a / reply/*: [HANG, STORM]` is PASS now: stale"), "{said:?}");
    let now = flaky(&[("HANG", 1), ("PASS", 1)]);
    assert_eq!(of(vec![now], "a / reply/*: HANG\n").0, 1);
}

#[test]
fn a_wildcard_holds_as_long_as_one_cell_does() {
    let baseline = "\"* / *\": STORM\n";
    let cells = |second| vec![cell("a", FIN, STORM), cell("b", FIN, second)];
    assert_eq!(of(cells(Mark::PASS), baseline).0, 0);
    let both = vec![cell("a", FIN, Mark::PASS), cell("b", FIN, Mark::PASS)];
    let (code, said) = of(both, baseline);
    assert_eq!(code, 1);
    assert!(said[0].contains("better in all 2 cells"), "{said:?}");
}

#[test]
fn the_first_entry_that_fits_counts() {
    let baseline = "a / reply/fin-before-reply: PASS\na / reply/*: STORM\n";
    let cells = |first| vec![cell("a", FIN, first), cell("a", "reply/reset", STORM)];
    assert_eq!(of(cells(Mark::PASS), baseline).0, 0);
    assert_eq!(of(cells(STORM), baseline).0, 1);
}

#[test]
fn a_failure_counts_for_more_than_what_was_not_judged() {
    let cells = vec![cell("a", FIN, Word::Harness), cell("a", "x/y", STORM)];
    assert_eq!(of(cells, "").0, 1);
    let cells = vec![cell("a", FIN, Word::Harness), cell("a", "x/y", Word::Inconclusive)];
    assert_eq!(of(cells, "").0, 3);
}

/// Of clients that end with 77 behind everything, nothing is known.
#[test]
fn nothing_supported_is_4() {
    let no = |scenario| cell("a", scenario, Word::Unsupported);
    let not_run = |scenario| cell("a", scenario, Mark::NotRun);
    for (cells, why) in [
        (vec![no(FIN), no("x/y")], "does not support any of it (exit code 77)"),
        (vec![not_run(FIN)], "needs what is not there (NOT-RUN)"),
        (vec![no(FIN), not_run("x/y")], "1 of it (exit code 77), and 1 need what is not there"),
    ] {
        let (code, said) = of(cells.clone(), "");
        assert_eq!(code, 4);
        assert!(said[0].contains(why), "{said:?}");
        // Expected or not: there is still nothing.
        assert_eq!(of(cells.clone(), "\"a / *\": UNSUPPORTED\n").0, 4);
        // Of a part, the whole decides; and one cell that was judged is something.
        let mut part = summary(cells.clone());
        part.shard = Some(crate::matrix::Shard { index: 1, of: 5 });
        assert_eq!(outcome(&part, &Baseline::default(), today(), false).code, 0);
        let more = [cells, vec![cell("a", "x/z", Mark::PASS)]].concat();
        assert_eq!(of(more, "").0, 0);
    }
}

#[test]
fn nothing_judged_is_4_and_a_part_is_5() {
    let none = Baseline::default();
    let mut empty = summary(vec![]);
    assert_eq!(outcome(&empty, &none, today(), false).code, 4);
    // Not so for a shard that has no cell.
    empty.shard = Some(crate::matrix::Shard { index: 1, of: 5 });
    assert_eq!(outcome(&empty, &none, today(), false).code, 0);
    let mut part = summary(vec![cell("a", FIN, Mark::PASS)]);
    part.partial = true;
    part.partial_why = Some("interrupted".to_owned());
    let out = outcome(&part, &none, today(), false);
    assert_eq!((out.code, out.why.as_deref()), (5, Some("only a part was played: interrupted")));
    let mut failed = summary(vec![cell("a", FIN, Mark::PASS)]);
    failed.controls[0].passed = false;
    failed.controls[0].client = "b".to_owned();
    assert_eq!(outcome(&failed, &none, today(), false).code, 4);
}
