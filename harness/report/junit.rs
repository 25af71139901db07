//! JUnit XML, as Jenkins, GitLab and Surefire's readers take it: a suite a client, a case a cell.
//!
//! The schemas of both Jenkins' xunit plugin and Surefire allow no properties in a case, so that
//! measured values are lines of its `system-out`, `[[PROPERTY|name=value]]`, which readers of
//! JUnit files know; files kept are `[[ATTACHMENT|path]]`, which Jenkins and GitLab know.

use std::fmt::Write as _;

use super::matrix::{View, line, lines, remark};
use super::text::xml;
use crate::matrix::Mark;
use crate::matrix::{Cell, Summary};
use crate::verdict::{Class, Word};

/// What a case is in JUnit's words.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Case {
    Passed,
    /// Against the client, and nobody expected it.
    Failed,
    /// This program could not do its part.
    Broken,
    /// As expected, or not judged: with the reason.
    Skipped,
}

/// The document.
pub(super) fn render(view: &View<'_>) -> String {
    let clients = view.columns();
    let mut suites = String::new();
    let mut sums = Sums::default();
    for client in clients {
        let cells: Vec<&Cell> = view.cells().filter(|cell| cell.client == client).collect();
        let own = Sums::of(view, &cells);
        sums.add(&own);
        let name = xml(&format!("badproxy {}", line(client)));
        let _ = writeln!(
            suites,
            "  <testsuite name=\"{name}\" {} skipped=\"{}\">",
            own.shown(),
            own.skipped
        );
        suites += &properties(view.summary, client);
        for cell in cells {
            suites += &case(view, cell);
        }
        suites += "  </testsuite>\n";
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"badproxy\" {}>\n{suites}</testsuites>\n",
        sums.shown()
    )
}

/// How many of each.
#[derive(Default)]
struct Sums {
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
    ms: f64,
}

impl Sums {
    fn of(view: &View<'_>, cells: &[&Cell]) -> Sums {
        let mut sums = Sums { tests: cells.len(), ..Sums::default() };
        for cell in cells {
            match kind(view, cell) {
                Case::Passed => {}
                Case::Failed => sums.failures += 1,
                Case::Broken => sums.errors += 1,
                Case::Skipped => sums.skipped += 1,
            }
            sums.ms += if cell.ms.is_finite() { cell.ms } else { 0.0 };
        }
        sums
    }

    fn add(&mut self, other: &Sums) {
        self.tests += other.tests;
        self.failures += other.failures;
        self.errors += other.errors;
        self.ms += other.ms;
    }

    fn shown(&self) -> String {
        let Sums { tests, failures, errors, ms, .. } = self;
        let time = seconds(*ms);
        format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" time=\"{time}\"")
    }
}

/// Seconds, with three digits after the point, as both schemas want it.
fn seconds(ms: f64) -> String {
    let ms = if ms.is_finite() { ms.max(0.0) } else { 0.0 };
    format!("{:.3}", ms / 1000.0)
}

fn kind(view: &View<'_>, cell: &Cell) -> Case {
    match cell.class {
        _ if view.unexpected(cell) => Case::Failed,
        _ if cell.verdict == Mark::Word(Word::Harness) => Case::Broken,
        Class::Pass => Case::Passed,
        // Blemishes that do not count are still there to be read.
        Class::Warning => Case::Passed,
        Class::Fail | Class::Inconclusive | Class::NotScored => Case::Skipped,
    }
}

/// About the run.
fn properties(summary: &Summary, client: &str) -> String {
    let argv = summary.clients.iter().find(|c| c.name == client).map(|c| c.argv.join(" "));
    let list = [
        ("badproxy", summary.badproxy.clone()),
        ("suite", summary.suite.name.clone()),
        ("suite_sha256", summary.suite.sha256.clone()),
        ("seed", summary.seed.to_string()),
        ("started", summary.started.clone()),
        ("host", format!("{} {}", summary.host.os, summary.host.arch)),
        ("shard", summary.shard.map(|shard| shard.to_string()).unwrap_or_default()),
        ("command", argv.unwrap_or_default()),
    ];
    let mut out = String::from("    <properties>\n");
    for (name, value) in list.iter().filter(|(_, value)| !value.is_empty()) {
        let _ = writeln!(out, "      <property name=\"{name}\" value=\"{}\"/>", xml(&line(value)));
    }
    out + "    </properties>\n"
}

fn case(view: &View<'_>, cell: &Cell) -> String {
    let (client, stage) = (xml(&line(&cell.client)), xml(&line(&cell.stage)));
    let mut out = format!(
        "    <testcase name=\"{}\" classname=\"{client}.{stage}\" time=\"{}\">\n",
        xml(&line(&cell.scenario)),
        seconds(cell.ms),
    );
    let message = xml(&format!("{}: {}", cell.verdict, remark(cell)));
    let kind = kind(view, cell);
    let text: String = explained(cell).iter().map(|line| xml(line) + "\n").collect();
    let _ = match kind {
        Case::Passed => Ok(()),
        Case::Failed => writeln!(
            out,
            "      <failure message=\"{message}\" type=\"{}\">\n{text}</failure>",
            cell.verdict
        ),
        Case::Broken => writeln!(
            out,
            "      <error message=\"{message}\" type=\"{}\">\n{text}</error>",
            cell.verdict
        ),
        Case::Skipped => {
            let why = match cell.class {
                Class::Fail => "as the baseline expects: ",
                _ => "not judged: ",
            };
            writeln!(out, "      <skipped message=\"{why}{message}\"/>")
        }
    };
    let _ = write!(out, "      <system-out>\n{}</system-out>\n", measured(cell, kind));
    out + "    </testcase>\n"
}

/// The four lines.
fn explained(cell: &Cell) -> Vec<String> {
    let mut text = vec![line(&cell.consequence)];
    text.extend(lines(cell).iter().map(|(label, text)| format!("{label}: {text}")));
    for finding in cell.findings.iter().skip(1) {
        let more = format!("also {}: {} {}", finding.verdict, finding.measured, finding.limit);
        text.push(line(more.trim()));
    }
    text.retain(|line| !line.is_empty());
    text
}

/// What was measured.
fn measured(cell: &Cell, kind: Case) -> String {
    let exit = cell.exit.map(|exit| match (exit.code, exit.signal, exit.killed_by_us) {
        (_, _, true) => "killed".to_owned(),
        (_, Some(signal), _) => format!("signal {signal}"),
        (code, None, _) => code.map(|code| code.to_string()).unwrap_or_default(),
    });
    let score = |score: Option<bool>| match score {
        Some(good) => good.to_string(),
        None => "not observable".to_owned(),
    };
    let first = cell.findings.first();
    let list = [
        ("verdict", cell.verdict.to_string()),
        ("attempts", cell.attempts.to_string()),
        ("exit", exit.unwrap_or_default()),
        ("rule", first.map(|finding| finding.rule.clone()).unwrap_or_default()),
        ("measured", first.map(|finding| finding.measured.clone()).unwrap_or_default()),
        ("limit", first.map(|finding| finding.limit.clone()).unwrap_or_default()),
        ("confirmed", cell.confirmed.map(|c| format!("{}/{}", c.same, c.runs)).unwrap_or_default()),
        ("safety", score(cell.scores.safety)),
        ("robustness", score(cell.scores.robustness)),
        ("clarity", score(cell.scores.clarity)),
        ("seed", cell.seed.to_string()),
    ];
    let mut out = String::new();
    for (name, value) in list.iter().filter(|(_, value)| !value.is_empty()) {
        // A bracket would end it.
        let value = line(value).replace("]]", "] ]");
        let _ = writeln!(out, "[[PROPERTY|{name}={}]]", xml(&value));
    }
    for note in &cell.notes {
        let _ = writeln!(out, "{}", xml(&line(note)));
    }
    if let Some(dir) = cell.dir.as_ref().filter(|_| kind != Case::Passed) {
        let _ = writeln!(out, "[[ATTACHMENT|{}]]", xml(&line(dir).replace("]]", "] ]")));
    }
    out
}
