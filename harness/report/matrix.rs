//! A matrix as a report: what the forms have in common. One form a file: `terminal`, `markdown`,
//! `github`, `junit`, `json`, `html`.

use super::text::{Look, harmless};
use crate::matrix::outcome::Outcome;
use crate::matrix::{Cell, Finding, Mark, Summary};
use crate::verdict::Class;

/// The form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Form {
    /// For people, on a terminal.
    Human,
    /// Markdown: a table, and the failures folded.
    Md,
    /// Workflow commands of GitHub Actions; the table goes to its step summary.
    Github,
    /// JUnit XML: a case a cell.
    Junit,
    /// The summary itself.
    Json,
    /// The summary, one cell a line.
    Jsonl,
    /// A page that needs no network.
    Html,
}

/// What a report is made from.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// The matrix.
    pub summary: &'a Summary,
    /// Held against its baseline.
    pub outcome: &'a Outcome<'a>,
    /// Leave out what passed.
    pub only_failures: bool,
    /// With colours.
    pub colour: bool,
    /// The width of the terminal.
    pub width: usize,
}

/// The report as text. Of the form for GitHub only the workflow commands: see
/// [`super::github::step_summary`].
pub fn render(form: Form, view: &View<'_>) -> String {
    match form {
        Form::Human => super::terminal::render(view),
        Form::Md => super::markdown::render(view, usize::MAX),
        Form::Github => super::github::commands(view),
        Form::Junit => super::junit::render(view),
        Form::Json => view.summary.to_json(),
        Form::Jsonl => super::json::lines(view),
        Form::Html => super::html::render(view),
    }
}

impl<'a> View<'a> {
    /// The cells that the report is about.
    pub(super) fn cells(&self) -> impl Iterator<Item = &'a Cell> {
        let only = self.only_failures;
        self.summary.cells.iter().filter(move |cell| !only || !cell.quiet())
    }

    /// Whether nobody expected this cell.
    pub(super) fn unexpected(&self, cell: &Cell) -> bool {
        let alike = |other: &Cell| other.client == cell.client && other.scenario == cell.scenario;
        self.outcome.unexpected.iter().any(|one| alike(one.cell))
    }

    /// The scenarios that have a cell here, in the order of the matrix.
    pub(super) fn rows(&self) -> Vec<&'a str> {
        let mut rows: Vec<&str> = self.summary.scenarios.iter().map(String::as_str).collect();
        for cell in &self.summary.cells {
            if !rows.contains(&cell.scenario.as_str()) {
                rows.push(&cell.scenario);
            }
        }
        rows.retain(|row| self.cells().any(|cell| cell.scenario == *row));
        rows
    }

    /// The clients that have a cell or a control, in the order of the matrix.
    pub(super) fn columns(&self) -> Vec<&'a str> {
        let mut columns: Vec<&str> =
            self.summary.clients.iter().map(|client| client.name.as_str()).collect();
        for cell in &self.summary.cells {
            if !columns.contains(&cell.client.as_str()) {
                columns.push(&cell.client);
            }
        }
        columns
    }

    /// `badproxy 0.1.0 · suite 2026.11 (129 scenarios) · seed 7`
    pub(super) fn title(&self) -> String {
        let Summary { badproxy, suite, seed, shard, .. } = self.summary;
        let many = if suite.count == 1 { "" } else { "s" };
        let shard = shard.map(|shard| format!(" · shard {shard}")).unwrap_or_default();
        let (name, count) = (&suite.name, suite.count);
        format!("badproxy {badproxy} · suite {name} ({count} scenario{many}) · seed {seed}{shard}")
    }

    /// What is to be known beside the table: that it is a part, controls that failed, what is
    /// stale, why the exit code is what it is.
    pub(super) fn remarks(&self) -> Vec<String> {
        let mut out = Vec::new();
        if self.summary.partial {
            let why = self.summary.partial_why.as_deref().unwrap_or("it ended early");
            out.push(format!("only a part was played: {why}"));
        }
        for control in self.summary.controls.iter().filter(|control| !control.passed) {
            out.push(format!("{} of {}: {}", control.name, control.client, control.why));
        }
        out.extend(self.outcome.stale.iter().map(ToString::to_string));
        out.extend(self.outcome.notes.iter().cloned());
        out.extend(self.outcome.why.clone().filter(|_| !self.summary.partial));
        out
    }
}

/// Cells without a result that are told one by one.
const GAPS: usize = 5;
/// Those that are named where they are not.
const NAMED: usize = 3;

/// How many of these cells have no result, and the first of them; None where there are so few that each can
/// be told by itself.
pub(super) fn gaps<'c>(cells: impl Iterator<Item = &'c Cell>, one_client: bool) -> Option<String> {
    let all: Vec<&Cell> = cells.filter(|cell| cell.verdict == Mark::Missing).collect();
    let name = |cell: &&Cell| match one_client {
        true => cell.scenario.clone(),
        false => format!("{} / {}", cell.client, cell.scenario),
    };
    let names: Vec<String> = all.iter().take(NAMED).map(name).collect();
    let more = all.len() - names.len();
    let text = format!("MISSING in {} cells: {} and {more} more", all.len(), names.join(", "));
    (all.len() > GAPS).then_some(text)
}

/// The four lines that explain a finding, and how to see it again: label and text, without what
/// is unknown.
pub(super) fn lines(cell: &Cell) -> Vec<(&'static str, String)> {
    let first: Option<&Finding> = cell.findings.first();
    let text = |of: fn(&Finding) -> &str| first.map(of).unwrap_or_default().to_owned();
    let mut lines = vec![
        ("proxy did", text(|f| &f.proxy_did)),
        ("client did", text(|f| &f.client_did)),
        ("a good client", text(|f| &f.good_client)),
        ("likely fix", text(|f| f.fix.as_deref().unwrap_or_default())),
        ("again", cell.again.clone()),
        ("evidence", cell.dir.clone().unwrap_or_default()),
    ];
    lines.retain(|(_, text)| !text.is_empty());
    lines.iter_mut().for_each(|(_, text)| *text = line(text));
    lines
}

/// A stranger's text as one line that steers nothing: no control characters, and no command of
/// a CI system that reads what is printed.
pub(super) fn line(text: &str) -> String {
    harmless(&Look { colour: false, ascii: false }.safe(text))
}

/// A time.
pub(super) fn time(ms: f64) -> String {
    match ms {
        ms if !ms.is_finite() => "-".to_owned(),
        ms if ms < 10_000.0 => format!("{:.2} s", ms / 1000.0),
        ms => format!("{:.1} s", ms / 1000.0),
    }
}

/// What stands beside the word of a cell.
pub(super) fn remark(cell: &Cell) -> String {
    let tally: Vec<String> = cell.tally.iter().map(|(word, n)| format!("{n} {word}")).collect();
    match (&cell.confirmed, cell.tally.len()) {
        (_, 2..) => line(&format!("{} ({})", cell.summary, tally.join(", "))),
        (Some(confirmed), _) if confirmed.runs > 1 && cell.class != Class::Pass => {
            let crate::matrix::Confirmed { same, runs } = confirmed;
            line(&format!("{} ({same}/{runs})", cell.summary))
        }
        _ => line(&cell.summary),
    }
}

#[cfg(test)]
#[path = "matrix_tests.rs"]
mod tests;
