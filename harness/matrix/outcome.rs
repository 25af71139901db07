//! A matrix held against its baseline: what nobody expected, what is stale, and the exit code.
//! Pure: today's date is given.

use std::collections::BTreeMap;
use std::fmt;

use time::Date;

use super::baseline::{Baseline, Entry};
use super::control::AGAIN;
use super::{Cell, Control, Mark, Summary, stray};
use crate::verdict::{Class, Word};

/// What a matrix comes to.
#[derive(Debug, Clone, Default)]
pub struct Outcome<'s> {
    /// Cells against the client, or that disagree with the baseline, in the summary's order.
    pub unexpected: Vec<Unexpected<'s>>,
    /// What the baseline says that is no longer so.
    pub stale: Vec<Stale>,
    /// What is worth knowing and no failure: one line each.
    pub notes: Vec<String>,
    /// Entries that are about no cell of this matrix; each has a note.
    pub strays: usize,
    /// Cells that failed, or have a blemish, as the baseline expects.
    pub expected: usize,
    /// Why the exit code is what it is, where it is neither 0 nor 1.
    pub why: Option<String>,
    /// The exit code: 0, 1, 3, 4 or 5; of a matrix that ended early, its own.
    pub code: i32,
}

/// A cell that nobody expected.
#[derive(Debug, Clone)]
pub struct Unexpected<'s> {
    /// The cell.
    pub cell: &'s Cell,
    /// What the baseline has for it, and the line.
    pub instead_of: Option<(String, usize)>,
}

/// An entry of the baseline that has to go, or to be given another day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stale {
    /// The baseline, as it is called in messages.
    pub file: String,
    /// The line that the entry begins in, from 1.
    pub line: usize,
    /// What is wrong with it, and what to do.
    pub text: String,
}

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.text)
    }
}

/// How an entry fared.
#[derive(Default)]
struct Fared<'s> {
    /// Cells it is about.
    met: usize,
    /// One that was as it says, or could not be judged.
    holds: bool,
    /// One that was better.
    better: Option<&'s Cell>,
}

/// Holds a summary against a baseline. `strict`: warnings count as failures.
pub fn outcome<'s>(
    summary: &'s Summary,
    baseline: &Baseline,
    today: Date,
    strict: bool,
) -> Outcome<'s> {
    let mut out = Outcome::default();
    let mut fared: BTreeMap<usize, Fared<'s>> = BTreeMap::new();
    for cell in &summary.cells {
        let Some((number, entry)) = baseline.find(&cell.client, &cell.scenario) else {
            if counts(cell, strict) {
                out.unexpected.push(Unexpected { cell, instead_of: None });
            }
            continue;
        };
        let fared = fared.entry(number).or_default();
        fared.met += 1;
        match held(entry, cell, strict) {
            Held::As => {
                fared.holds = true;
                let over = entry.until.is_some_and(|until| until < today);
                out.expected += usize::from(cell.class != Class::Pass && !over);
            }
            Held::Open => fared.holds = true,
            Held::Better => fared.better = Some(cell),
            Held::Otherwise => {
                // Worse than expected is no reason to take the entry out.
                fared.holds = true;
                let instead_of = Some((entry.verdict(), entry.line));
                out.unexpected.push(Unexpected { cell, instead_of });
            }
        }
    }
    // Those of other parts are reviewed there.
    for number in stray::of_other_parts(summary, baseline) {
        fared.entry(number).or_default();
    }
    for (number, entry) in baseline.entries.iter().enumerate() {
        review(entry, fared.get(&number), &baseline.file, today, summary, &mut out);
    }
    conclude(summary, baseline, &mut out);
    out
}

enum Held {
    As,
    Open,
    Better,
    Otherwise,
}

fn held(entry: &Entry, cell: &Cell, strict: bool) -> Held {
    if entry.takes(cell) {
        return Held::As;
    }
    // What was not judged says nothing about the entry; MISSING is nobody's fault but ours.
    if matches!(cell.class, Class::NotScored | Class::Inconclusive) {
        return Held::Open;
    }
    let fails = || entry.verdicts.iter().any(|mark| mark.class() == Class::Fail);
    match cell.class {
        Class::Fail if cell.verdict == Mark::Missing => Held::Otherwise,
        // Now this, now that: that is what is expected.
        _ if entry.any() => Held::As,
        Class::Pass => Held::Better,
        Class::Warning if fails() && !strict && !entry.may_pass() => Held::Better,
        _ if counts(cell, strict) => Held::Otherwise,
        _ if entry.may_pass() => Held::Open,
        // Another blemish than the one expected, and blemishes do not count.
        _ => Held::Better,
    }
}

/// Whether a cell counts against the client where nothing is expected of it.
fn counts(cell: &Cell, strict: bool) -> bool {
    match cell.class {
        Class::Fail => true,
        Class::Warning => strict,
        Class::Pass | Class::Inconclusive | Class::NotScored => false,
    }
}

/// Whether an entry is still good.
fn review(
    entry: &Entry,
    fared: Option<&Fared<'_>>,
    file: &str,
    today: Date,
    summary: &Summary,
    out: &mut Outcome<'_>,
) {
    let line = entry.line;
    let stale = |text: String| Stale { file: file.to_owned(), line, text };
    let issue = entry.issue.as_ref().map(|issue| format!(" ({issue})")).unwrap_or_default();
    if let Some(until) = entry.until.filter(|until| *until < today) {
        out.stale.push(stale(format!(
            "`{entry}`{issue} was expected until {until}, and that is over: mend it, or give it \
             another day"
        )));
        return;
    }
    match fared {
        Some(Fared { holds: false, better: Some(cell), met }) => {
            let now = match met {
                1 => format!("is {} now", cell.verdict),
                n => format!("is better in all {n} cells now (in one of them {})", cell.verdict),
            };
            out.stale.push(stale(format!("`{entry}`{issue} {now}: stale, remove line {line}")));
        }
        Some(_) => {}
        None => {
            out.strays += 1;
            out.notes.push(format!("{file}:{line}: {}", stray::text(entry, summary)));
        }
    }
}

fn conclude(summary: &Summary, baseline: &Baseline, out: &mut Outcome<'_>) {
    let expected = |cell: &&Cell| {
        let entry = baseline.find(&cell.client, &cell.scenario);
        entry.is_some_and(|(_, entry)| entry.verdicts.contains(&cell.verdict))
    };
    let open = |mark: Mark| {
        let all = summary.cells.iter().filter(|cell| cell.verdict == mark);
        all.filter(|cell| !expected(cell)).count()
    };
    let harness = open(Mark::Word(Word::Harness));
    let inconclusive = open(Mark::Word(Word::Inconclusive));
    // What the client has not done (`never-met`) is not observable and tolerated, unless nothing
    // else is there: it comes out so each time, and nobody could mend it. What this machine was too busy
    // to see is not: the next play may say something else.
    let judged = |cell: &Cell| !matches!(cell.class, Class::Inconclusive | Class::NotScored);
    let nothing = !summary.cells.iter().any(judged);
    let late = summary.cells.iter().filter(|cell| {
        let lag = cell.findings.first().is_some_and(|finding| finding.rule == "lag");
        cell.class == Class::Inconclusive && lag && !expected(cell)
    });
    let late = late.count();
    let again = summary.controls.iter().find(|c| c.name == AGAIN && !c.passed);
    let unjudged = |client: &str| !summary.cells.iter().any(|cell| cell.client == client);
    let failed: Vec<&str> = summary
        .controls
        .iter()
        .filter(|control| !control.passed && unjudged(&control.client))
        .map(|control| control.client.as_str())
        .collect();
    let early = summary.partial_exit.filter(|_| summary.partial);
    let (code, why) = if let Some(code) = early {
        let why = summary.partial_why.as_deref().unwrap_or("it ended early");
        (code, Some(format!("only a part was played: {why}")))
    } else if !out.unexpected.is_empty() || !out.stale.is_empty() {
        (1, None)
    } else if harness > 0 {
        (3, Some(format!("badproxy could not do its part in {}", cells(harness))))
    } else if let Some(client) = failed.first() {
        (4, Some(format!("{client} does not get through a healthy proxy: nothing was judged")))
    } else if summary.cells.is_empty() && summary.shard.is_none() {
        (4, Some("no cell was played: nothing was judged".to_owned()))
    } else if summary.partial {
        let why = summary.partial_why.as_deref().unwrap_or("it ended early");
        (5, Some(format!("only a part was played: {why}")))
    } else if let Some(Control { client, .. }) = again {
        (
            5,
            Some(format!(
                "{client} does not get through a healthy proxy any more: all is in doubt"
            )),
        )
    } else if late > 0 {
        (5, Some(format!("this machine was too busy: {} not to be judged", were(late))))
    } else if inconclusive > 0 && nothing {
        (5, Some(format!("{} not to be judged", were(inconclusive))))
    } else if nothing && inconclusive == 0 && summary.shard.is_none() {
        (4, Some(format!("nothing was judged: {}", unscored(summary))))
    } else {
        (0, None)
    };
    (out.code, out.why) = (code, why);
}

/// What became of cells of which none was judged.
fn unscored(summary: &Summary) -> String {
    let count = |mark| summary.cells.iter().filter(|cell| cell.verdict == mark).count();
    let (no, not_run) = (count(Mark::Word(Word::Unsupported)), count(Mark::NotRun));
    match (no, not_run) {
        (0, _) => "every scenario needs what is not there (NOT-RUN), e.g. --isolate".to_owned(),
        (_, 0) => "the client does not support any of it (exit code 77)".to_owned(),
        (no, not_run) => format!(
            "the client does not support {no} of it (exit code 77), and {not_run} need what is not there \
             (NOT-RUN)"
        ),
    }
}

fn cells(n: usize) -> String {
    if n == 1 { "1 cell".to_owned() } else { format!("{n} cells") }
}

fn were(n: usize) -> String {
    format!("{} {}", cells(n), if n == 1 { "was" } else { "were" })
}

#[cfg(test)]
#[path = "outcome_tests.rs"]
mod tests;
