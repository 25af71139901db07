//! GitHub Actions: at most ten annotations, one a word, and the table for the step summary.

use super::matrix::{View, line};
use crate::matrix::Mark;
use crate::matrix::outcome::Unexpected;

/// GitHub shows ten errors a step and drops the others.
const MOST: usize = 10;
/// GitHub refuses a step summary of more than 1 MiB.
const LARGEST: usize = 1024 * 1024 - 4096;
/// Cells that one annotation names.
const NAMED: usize = 5;

/// Workflow commands, one a line.
pub(super) fn commands(view: &View<'_>) -> String {
    let out = view.outcome;
    let mut words: Vec<Mark> = out.unexpected.iter().map(|one| one.cell.verdict).collect();
    words.sort_unstable();
    words.dedup();
    let mut list: Vec<String> = words.into_iter().map(|word| of_word(view, word)).collect();
    list.extend(out.stale.iter().map(|stale| {
        let (file, line, text) = (property(&stale.file), stale.line, data(&stale.text));
        format!("::error title=stale baseline,file={file},line={line}::{text}")
    }));
    list.extend(out.why.iter().map(|why| format!("::error title=badproxy::{}", data(why))));
    if list.len() > MOST {
        let more = list.split_off(MOST - 1).len();
        list.push(format!(
            "::error title=badproxy::{more} more kinds of failures: see the summary"
        ));
    }
    list.iter().map(|line| line.clone() + "\n").collect()
}

fn of_word(view: &View<'_>, word: Mark) -> String {
    let all: Vec<&Unexpected<'_>> =
        view.outcome.unexpected.iter().filter(|one| one.cell.verdict == word).collect();
    let named: Vec<String> = all
        .iter()
        .take(NAMED)
        .map(|Unexpected { cell, .. }| {
            format!("{} / {}: {}", cell.client, cell.scenario, cell.summary)
        })
        .collect();
    let more = match all.len() - named.len() {
        0 => String::new(),
        n => format!("\nand {n} more"),
    };
    let s = if all.len() == 1 { "" } else { "s" };
    let title = property(&format!("{word} in {} cell{s}", all.len()));
    let text: Vec<String> = named.iter().map(|text| data(text)).collect();
    format!("::error title={title}::{}{}", text.join("%0A"), more.replace('\n', "%0A"))
}

/// The page for the file that `GITHUB_STEP_SUMMARY` names.
pub fn step_summary(view: &View<'_>) -> String {
    super::markdown::render(view, LARGEST)
}

/// A stranger's text behind a command.
fn data(text: &str) -> String {
    line(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A stranger's text as a property of a command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
