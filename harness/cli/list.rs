//! `badproxy list`

use std::io::Write;

use clap::Args;
use serde_json::{Value, json};

use super::search::{self, Hit, Why};
use super::{Colour, language, narrow, say, slips};
use crate::catalogue::{CATALOGUE, Entry};
use crate::field_bugs;
use crate::matrix::suites::{self, Suite};
use crate::report::catalogue;
use crate::report::text::{Ink, Look};
use crate::scenario::Scenario;

/// Lists the scenarios, by stage, a line each
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  badproxy list --stage reply                      what can go wrong with the answer to CONNECT
  badproxy list --search gzip                      what has to do with gzip
  badproxy list --search 'socket hang up'          what makes a client print that
  badproxy list --seen nodejs/undici#3897          what plays a bug that was reported there
  badproxy list --suite latest                     what a matrix of that suite plays
  badproxy list --effects --stage tunnel           what a scenario of yours can do in the tunnel
  badproxy list --conditions                       when it can do it: the keys of `when`
  badproxy list --format json | jq -r '.[].name'   for scripts")]
pub struct List {
    /// Only those of one stage, e.g. reply
    #[arg(long, value_name = "STAGE")]
    stage: Option<String>,
    /// Only those behind which a client prints this text, which may be a line as it was printed or a part
    /// of one; then those whose name or text has these words, or what means the same. Words may be begun,
    /// and case does not count (repeatable)
    #[arg(long, value_name = "TEXT", num_args = 1..)]
    search: Vec<String>,
    /// Only those that play this row of the field-bug list (FB052, fb52) or this report (owner/repo#7)
    #[arg(long, value_name = "REPORT")]
    seen: Option<String>,
    /// Only those of a suite, e.g. 2026.11 or latest
    #[arg(long, value_name = "NAME")]
    suite: Option<String>,
    /// The effects that a scenario can use (with --stage: there), instead
    #[arg(long, conflicts_with_all = ["search", "seen", "suite"])]
    effects: bool,
    /// The keys of a rule's `when` and what they mean, instead
    #[arg(long, conflicts_with_all = ["effects", "stage", "search", "seen", "suite"])]
    conditions: bool,
    /// The form
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
}

/// So many scenarios are listed with the whole of what they are about.
const FEW: usize = 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For people.
    Human,
    /// One JSON array.
    Json,
    /// A page of Markdown.
    Md,
}

impl List {
    pub(super) fn run(self) -> anyhow::Result<i32> {
        if let Some(stage) = &self.stage {
            let known: Vec<&str> = slips::stages().collect();
            if !known.contains(&stage.as_str()) {
                let near = crate::scenario::nearest(stage, &known)
                    .map(|n| format!(" Did you mean `{n}`?"))
                    .unwrap_or_default();
                let known = known.join(", ");
                say(format_args!("unknown stage `{stage}`.{near} There are: {known}"));
                return Ok(2);
            }
        }
        match (self.effects, self.conditions) {
            (true, _) => language::effects(self.format, self.stage.as_deref()),
            (_, true) => language::conditions(self.format),
            _ => self.scenarios(),
        }
    }

    /// Whether a scenario was asked for.
    fn wants(&self, entry: &Entry, scenario: &Scenario, suite: Option<&Suite>) -> bool {
        suite.is_none_or(|suite| suite.entries.iter().any(|other| other.name == entry.name))
            && self.stage.as_deref().is_none_or(|stage| entry.stage() == stage)
            && self.seen.as_deref().is_none_or(|report| plays(scenario, report))
    }

    fn scenarios(&self) -> anyhow::Result<i32> {
        if let Some(report) = &self.seen
            && field_bugs::find(report).is_none()
            && field_bugs::link(report).is_none()
        {
            say(format_args!(
                "`{report}` is no report: write a row of the field-bug list, FB001 to FB{:03} (`--seen \
                 FB052`), or a thread as owner/repo#number (`--seen nodejs/undici#3897`); `--search` \
                 looks for words",
                field_bugs::all().len()
            ));
            return Ok(2);
        }
        let suite = match self.suite.as_deref().map(suites::named).transpose() {
            Ok(suite) => suite,
            Err(problem) => {
                say(String::from(problem));
                return Ok(2);
            }
        };
        let all = read()?;
        let asked = all.iter().filter(|(entry, s)| self.wants(entry, s, suite.as_ref()));
        let hits = search::hits(asked, &self.search);
        let code = if hits.is_empty() { self.nothing(&all) } else { 0 };
        let mut out = super::stdout();
        match self.format {
            Format::Human => human(&mut out, &hits)?,
            Format::Json => writeln!(out, "{}", serde_json::to_string_pretty(&rows(&hits))?)?,
            Format::Md => {
                // A page has its stages in their order.
                let found = |entry: &&Entry| hits.iter().any(|hit| hit.entry.name == entry.name);
                let entries: Vec<&Entry> = CATALOGUE.iter().filter(found).collect();
                let page = catalogue::page(&entries).map_err(|p| anyhow::anyhow!("{p}"))?;
                out.write_all(page.as_bytes())?;
            }
        }
        Ok(code)
    }

    /// Says that no scenario is as asked for. The exit code: a word that is nowhere is a slip, as an
    /// unknown stage is; a stage under which nothing is filed is none.
    fn nothing(&self, all: &[(&Entry, Scenario)]) -> i32 {
        let mut asked: Vec<String> = self.search.iter().map(|w| format!("--search {w}")).collect();
        asked.extend(self.seen.iter().map(|report| format!("--seen {report}")));
        asked.extend(self.suite.iter().map(|suite| format!("--suite {suite}")));
        let code = if asked.is_empty() { 0 } else { 2 };
        asked.extend(self.stage.iter().map(|stage| format!("--stage {stage}")));
        let asked = asked.join(" ");
        let texts: Vec<String> = all.iter().map(|(entry, s)| search::text(entry, s)).collect();
        let each = search::each(&self.search, texts.iter().map(String::as_str));
        say(format_args!("no scenario is found by {asked}{each}; `badproxy list` has them all"));
        code
    }
}

/// The scenarios under their stages, or under what they were found by.
fn human(out: &mut impl Write, hits: &[Hit<'_>]) -> anyhow::Result<()> {
    let width = super::width_of_output();
    let look = Look { colour: Colour::Auto.on(&std::io::stdout()), ascii: false };
    let mut above = String::new();
    for Hit { entry, scenario, why } in hits {
        let heading = why.map_or_else(|| entry.stage().to_owned(), Why::heading);
        if heading != above {
            if !above.is_empty() {
                writeln!(out)?;
            }
            let ink = if why.is_some() { Ink::Faint } else { Ink::Plain };
            for line in narrow::plain(&heading, width).lines() {
                writeln!(out, "{}", look.paint(ink, line))?;
            }
            above = heading;
        }
        let about = flat(&scenario.about);
        let row = narrow::row(2, entry.name, 34, &about, width);
        // Where there are columns and many to choose from, a line each.
        let whole = hits.len() <= FEW || width < narrow::COLUMNS;
        let line = || cut(&format!("  {:<34} {about}", entry.name), width);
        writeln!(out, "{}", if whole { row } else { line() })?;
    }
    if !hits.is_empty() {
        let line = "`badproxy show NAME` explains one, `badproxy run NAME -- COMMAND` plays it.";
        writeln!(out, "\n{}", narrow::plain(line, width))?;
    }
    Ok(())
}

/// The scenarios for programs.
fn rows(hits: &[Hit<'_>]) -> Vec<Value> {
    let row = |Hit { entry, scenario, why }: &Hit<'_>| {
        let mut row = json!({
            "name": entry.name,
            "stage": entry.stage(),
            "about": scenario.about.trim(),
            "wire": scenario.wire,
            "why": scenario.why.trim(),
            "consequence": scenario.consequence.trim(),
            "good_client": scenario.good_client.trim(),
            "cannot": scenario.cannot.trim(),
            "seen": scenario.seen,
            "requires": scenario.needs(),
        });
        if let Some(why) = why {
            row["found"] = why.json();
        }
        row
    };
    hits.iter().map(row).collect()
}

/// Whether the scenario plays a row of the list, or a row that has this report.
fn plays(scenario: &Scenario, report: &str) -> bool {
    let report = field_bugs::find(report).map_or(report, |bug| bug.id);
    scenario.seen.iter().any(|seen| {
        seen.eq_ignore_ascii_case(report)
            || field_bugs::find(seen)
                .is_some_and(|bug| bug.reports.iter().any(|r| r.eq_ignore_ascii_case(report)))
    })
}

/// Every scenario, read once.
fn read() -> anyhow::Result<Vec<(&'static Entry, Scenario)>> {
    let read = |entry: &'static Entry| match entry.scenario() {
        Ok(scenario) => Ok((entry, scenario)),
        Err(problems) => Err(anyhow::anyhow!("{problems}")),
    };
    CATALOGUE.iter().map(read).collect()
}

fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A line no wider than the terminal.
fn cut(line: &str, width: usize) -> String {
    if line.chars().count() <= width {
        return line.to_owned();
    }
    line.chars().take(width.saturating_sub(3)).collect::<String>() + "..."
}
