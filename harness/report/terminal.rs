//! A matrix on a terminal: stages as groups, one line a cell, or one column a client.

use std::fmt::Write as _;

use super::matrix::{View, gaps, line, lines, remark, time};
use super::text::{Ink, Look, cut, wrap};
use crate::matrix::control::DIRECT;
use crate::matrix::outcome::Unexpected;
use crate::matrix::{Cell, Control, Fraction, Mark, Tally};
use crate::verdict::Class;

/// The width of what stands before the cells: the stage.
const STAGE: usize = 10;
/// The longest name of a scenario that has a column of its own.
const NAME: usize = 34;
/// The width of a word: `NOT-EXERCISED`.
const WORD: usize = 13;
/// The longest name of a client over a column.
const CLIENT: usize = 12;
/// Failures that are explained where not all are asked for.
const EXPLAINED: usize = 3;
/// Narrower than this, nothing is cut any further.
const NARROWEST: usize = 40;

/// The report.
pub(super) fn render(view: &View<'_>) -> String {
    let look = Look { colour: view.colour, ascii: false };
    let width = view.width.max(NARROWEST);
    let page = Page { view, look, width };
    let columns = view.columns();
    let mut out = page.header(&columns);
    match &columns[..] {
        [client] => page.one(client, &mut out),
        _ => page.many(&columns, &mut out),
    }
    page.scores(&columns, &mut out);
    page.explain(&mut out);
    page.end(&mut out);
    let _ = writeln!(out, "exit {}", view.outcome.code);
    out
}

/// The last lines alone, where somebody has seen the cells: fractions, and what nobody expected.
pub(crate) fn totals(view: &View<'_>) -> String {
    let look = Look { colour: view.colour, ascii: false };
    let page = Page { view, look, width: view.width.max(NARROWEST) };
    let mut out = String::new();
    page.scores(&view.columns(), &mut out);
    page.end(&mut out);
    out
}

struct Page<'v> {
    view: &'v View<'v>,
    look: Look,
    width: usize,
}

fn ink(cell: &Cell) -> Ink {
    match cell.class {
        Class::Fail => Ink::Bad,
        Class::Warning => Ink::Warn,
        Class::Pass => Ink::Good,
        Class::Inconclusive | Class::NotScored => Ink::Faint,
    }
}

impl Page<'_> {
    fn header(&self, columns: &[&str]) -> String {
        let mut title = self.view.title();
        if let [client] = columns {
            title += &format!(" · client {client}");
        }
        let mut out = cut(&line(&title), self.width) + "\n";
        let all = &self.view.summary.controls;
        let failed = all.iter().filter(|control| !control.passed);
        // With many clients, a line for each of those that went well would be a page.
        let list: Vec<&Control> = match columns {
            [_] => all.iter().collect(),
            _ => failed.collect(),
        };
        // Of `direct` it is only known whether a way around the proxy would be seen.
        let (direct, tried): (Vec<&Control>, Vec<&Control>) =
            all.iter().partition(|control| control.name == DIRECT);
        let well = tried.iter().filter(|control| control.passed).count();
        let unseen = |control: &Control| control.name == DIRECT && !self.view.summary.isolate;
        if columns.len() != 1 && well > 0 {
            let sign = self.look.paint(Ink::Good, "✔");
            let unseen = match direct.into_iter().filter(|control| unseen(control)).count() {
                0 => String::new(),
                n => format!(", {n} not observable (direct)"),
            };
            let tried = tried.len();
            let _ =
                writeln!(out, "{:<STAGE$}{sign} {well} of {tried} went well{unseen}", "control");
        }
        for control in list {
            let (sign, ink) = match control.passed {
                true if unseen(control) => ("○", Ink::Faint),
                true => ("✔", Ink::Good),
                false => ("✖", Ink::Bad),
            };
            let who = match columns {
                [_] => String::new(),
                _ => format!("{} ", control.client),
            };
            let name = control.name.strip_prefix("control/").unwrap_or(&control.name);
            let text = line(&format!("{who}{name}  {}  {}", time(control.ms), control.why));
            let text = cut(text.trim_end(), self.width.saturating_sub(STAGE + 2));
            let _ = writeln!(out, "{:<STAGE$}{} {text}", "control", self.look.paint(ink, sign));
        }
        out
    }

    /// A line a cell, by stage.
    fn one(&self, client: &str, out: &mut String) {
        let cells: Vec<&Cell> = self.view.cells().filter(|cell| cell.client == client).collect();
        let tails = cells.iter().map(|cell| tail(&cell.scenario).chars().count());
        let name = tails.max().unwrap_or(0).min(NAME).min(self.width / 3);
        let mut stage = None;
        for cell in cells {
            let first = stage != Some(&cell.stage);
            if first {
                out.push('\n');
            }
            stage = Some(&cell.stage);
            let label = if first { cut(&line(&cell.stage), STAGE - 1) } else { String::new() };
            let scenario = cut(&tail(&cell.scenario), name);
            let word = match cell.verdict {
                Mark::PASS => String::new(),
                mark => mark.to_string(),
            };
            let facts = format!("{:>7} A{:<4}", time(cell.ms), cell.attempts);
            let used = STAGE + 2 + name + 2 + WORD + 1 + facts.chars().count() + 1;
            let room = self.width.saturating_sub(used);
            let remark = match cell.verdict {
                Mark::PASS => String::new(),
                // Less than this says nothing.
                _ if room < 12 => String::new(),
                _ => cut(&remark(cell), room),
            };
            let ink = ink(cell);
            let text = format!(
                "{label:<STAGE$}{} {scenario:<name$}  {} {facts} {}",
                self.look.paint(ink, cell.verdict.sign()),
                self.look.paint(ink, &format!("{word:<WORD$}")),
                remark,
            );
            out.push_str(text.trim_end());
            out.push('\n');
        }
    }

    /// A row a scenario, a column a client. What does not fit beside each other comes below each
    /// other, and then those with the most failures come first.
    fn many(&self, columns: &[&str], out: &mut String) {
        let rows = self.view.rows();
        if rows.is_empty() {
            return;
        }
        let heads: Vec<String> = columns.iter().map(|name| cut(&line(name), CLIENT)).collect();
        let widest = rows.iter().map(|row| line(row).chars().count()).max().unwrap_or(0);
        let name = widest.min(NAME + STAGE).min(self.width / 2);
        let room = self.width.saturating_sub(name);
        let width = |at: usize| heads[at].chars().count() + 2;
        let mut order: Vec<usize> = (0..columns.len()).collect();
        if order.iter().map(|at| width(*at)).sum::<usize>() > room {
            let failures = |at: &usize| {
                let of = self.view.summary.cells.iter().filter(|c| c.client == columns[*at]);
                std::cmp::Reverse(of.filter(|cell| cell.class == Class::Fail).count())
            };
            order.sort_by_key(failures);
        }
        let mut order = &order[..];
        while !order.is_empty() {
            let mut used = 0;
            let fit = order.iter().take_while(|at| {
                used += width(**at);
                used <= room
            });
            let (block, rest) = order.split_at(fit.count().max(1));
            order = rest;
            self.block(block, columns, &heads, (&rows, name), out);
        }
        self.legend(out);
    }

    fn block(
        &self,
        block: &[usize],
        columns: &[&str],
        heads: &[String],
        (rows, name): (&[&str], usize),
        out: &mut String,
    ) {
        let _ = write!(out, "\n{:name$}", "");
        for at in block {
            let _ = write!(out, "  {}", self.look.paint(Ink::Label, &heads[*at]));
        }
        out.push('\n');
        for row in rows {
            let mut text = format!("{:<name$}", cut(&line(row), name));
            for at in block {
                let wide = heads[*at].chars().count();
                let (glyph, ink) = match self.view.summary.cell(columns[*at], row) {
                    Some(cell) => (cell.verdict.glyph(), ink(cell)),
                    None => (' ', Ink::Plain),
                };
                let (left, right) = ((wide.saturating_sub(1)) / 2, wide / 2);
                let glyph = self.look.paint(ink, &glyph.to_string());
                let _ = write!(text, "  {:left$}{glyph}{:right$}", "", "");
            }
            out.push_str(text.trim_end());
            out.push('\n');
        }
    }

    /// What the letters are, of those that are there.
    fn legend(&self, out: &mut String) {
        let there = |mark: &Mark| self.view.cells().any(|cell| cell.verdict == *mark);
        let list: Vec<String> =
            Mark::all().filter(there).map(|mark| format!("{} {mark}", mark.glyph())).collect();
        out.push('\n');
        for text in wrap(&list.join(" · "), self.width) {
            let _ = writeln!(out, "{text}");
        }
    }

    fn scores(&self, columns: &[&str], out: &mut String) {
        let tally = |client: &str| {
            Tally::of(self.view.summary.cells.iter().filter(|cell| cell.client == client))
        };
        out.push('\n');
        if let [client] = columns {
            let tally = tally(client);
            let safety = tally.safety();
            let Tally { robustness, clarity, unjudged, .. } = tally;
            let gap = if self.width < 80 { "\n" } else { "   " };
            let text = format!(
                "safety {safety}{gap}robustness {robustness}{gap}clarity {clarity}{gap}{unjudged} not judged"
            );
            let indent = if self.width < 80 { 0 } else { STAGE };
            let _ = writeln!(out, "{:indent$}{text}", "");
            return;
        }
        let wide = columns.iter().map(|name| line(name).chars().count()).max().unwrap_or(0).min(20);
        let _ = writeln!(out, "{:wide$}     safety  robust  clarity  not judged", "");
        for client in columns {
            let tally = tally(client);
            let Tally { safety, robustness, clarity, unjudged } = tally;
            let shown = |fraction: Fraction| match fraction.of {
                0 => "-".to_owned(),
                _ => fraction.to_string(),
            };
            let safety = if safety.of == 0 { "-".to_owned() } else { tally.safety() };
            let (robust, clarity) = (shown(robustness), shown(clarity));
            let name = cut(&line(client), wide);
            let _ = writeln!(
                out,
                "{name:<wide$}  {safety:>9}  {robust:>6}  {clarity:>7}  {unjudged:>10}"
            );
        }
    }

    /// The four lines of failures: all of them where only failures are asked for.
    fn explain(&self, out: &mut String) {
        let most = if self.view.only_failures { usize::MAX } else { EXPLAINED };
        // What was not played explains nothing.
        let (missing, mut all): (Vec<&Unexpected<'_>>, Vec<&Unexpected<'_>>) =
            self.view.outcome.unexpected.iter().partition(|one| one.cell.verdict == Mark::Missing);
        if gaps(missing.iter().map(|one| one.cell), true).is_none() {
            all.extend(missing);
        }
        for one in all.into_iter().take(most) {
            let cell = one.cell;
            let head = format!("{} {}", cell.verdict.sign(), cell.verdict);
            let of = format!("{} / {}", cell.client, cell.scenario);
            let text = line(&format!("{of}   {}", remark(cell)));
            let _ = writeln!(
                out,
                "\n{}   {}",
                self.look.paint(ink(cell), &head),
                cut(&text, self.width.saturating_sub(head.chars().count() + 3))
            );
            if let Some((mark, line)) = &one.instead_of {
                let _ = writeln!(out, "  {:<15}{mark}, in line {line} of the baseline", "expected");
            }
            for (label, text) in lines(cell) {
                // What is to be copied stays in one piece.
                let parts = match label {
                    "again" | "evidence" => vec![text],
                    _ => wrap(&text, self.width.saturating_sub(17)),
                };
                for (at, part) in parts.iter().enumerate() {
                    let label = if at == 0 { label } else { "" };
                    let part = line(part);
                    let _ = writeln!(
                        out,
                        "  {}{part}",
                        self.look.paint(Ink::Label, &format!("{label:<15}"))
                    );
                }
            }
        }
    }

    fn end(&self, out: &mut String) {
        let outcome = self.view.outcome;
        out.push('\n');
        if !outcome.unexpected.is_empty() {
            let all = outcome.unexpected.len();
            let missing = |one: &&Unexpected<'_>| one.cell.verdict == Mark::Missing;
            let one_client = self.view.columns().len() == 1;
            let gaps = gaps(outcome.unexpected.iter().map(|one| one.cell), one_client);
            let listed = |one: &&Unexpected<'_>| gaps.is_none() || !missing(one);
            let mut list: Vec<String> = outcome
                .unexpected
                .iter()
                .filter(listed)
                .map(|one| {
                    let client = match one_client {
                        true => String::new(),
                        false => format!("{} / ", one.cell.client),
                    };
                    let instead =
                        one.instead_of.as_ref().map(|(mark, _)| format!(" instead of {mark}"));
                    let instead = instead.unwrap_or_default();
                    format!("{}{instead} {client}{}", one.cell.verdict, one.cell.scenario)
                })
                .collect();
            list.extend(gaps);
            let text = format!("{all} unexpected: {}", list.join(" · "));
            for part in wrap(&line(&text), self.width) {
                let _ = writeln!(out, "{}", line(&part));
            }
        }
        for remark in self.view.remarks() {
            for part in wrap(&line(&remark), self.width) {
                let _ = writeln!(out, "{}", line(&part));
            }
        }
        if outcome.expected > 0 {
            let _ = writeln!(out, "{} as the baseline expects", outcome.expected);
        }
    }
}

/// A scenario's name without its stage.
fn tail(scenario: &str) -> String {
    line(scenario.split_once('/').map_or(scenario, |(_, tail)| tail))
}
