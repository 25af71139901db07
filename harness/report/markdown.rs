//! Markdown: one table, and the failures folded below it; for pages, pull requests and chats.

use std::fmt::Write as _;

use super::matrix::{View, gaps, line, lines, remark, time};
use crate::matrix::{Cell, Mark, Tally};

/// The page, of at most `limit` bytes: what does not fit is counted instead. At least the first
/// lines are there.
pub(super) fn render(view: &View<'_>, limit: usize) -> String {
    let mut out = format!("### {}\n\n", text(&view.title()));
    let mut parts = vec![scores(view)];
    let remarks: String =
        view.remarks().iter().map(|remark| format!("- {}\n", text(remark))).collect();
    if !remarks.is_empty() {
        parts.push(remarks);
    }
    let table = table(view);
    if !table.is_empty() {
        parts.push(table);
    }
    for part in parts {
        if out.len() + part.len() + 200 > limit {
            out += "The table is too large for this page.\n";
            return out;
        }
        out += &part;
        out.push('\n');
    }
    let gaps = gaps(view.cells(), view.columns().len() == 1);
    let told = |cell: &&Cell| !cell.quiet() && (gaps.is_none() || cell.verdict != Mark::Missing);
    let failures: Vec<&Cell> = view.cells().filter(told).collect();
    if let Some(gaps) = &gaps {
        let _ = writeln!(out, "{}\n", text(gaps));
    }
    for (at, cell) in failures.iter().enumerate() {
        let part = failure(view, cell);
        if out.len() + part.len() + 200 > limit {
            let _ =
                writeln!(out, "{} more are not shown here: the page is full.", failures.len() - at);
            return out;
        }
        out += &part;
    }
    if failures.is_empty() && gaps.is_none() {
        out += "Nothing to explain: every cell passed.\n";
    }
    out
}

/// The fractions, a line a client.
fn scores(view: &View<'_>) -> String {
    let mut out = String::from(
        "| client | safety | robustness | clarity | not judged |\n| --- | --- | --- | --- | --- |\n",
    );
    for client in view.columns() {
        let cells = view.summary.cells.iter().filter(|cell| cell.client == client);
        let tally = Tally::of(cells);
        let safety = tally.safety();
        let Tally { robustness, clarity, unjudged, .. } = tally;
        let client = text(client);
        let _ = writeln!(out, "| {client} | {safety} | {robustness} | {clarity} | {unjudged} |");
    }
    out
}

/// One row a scenario, one column a client.
fn table(view: &View<'_>) -> String {
    let (rows, columns) = (view.rows(), view.columns());
    if rows.is_empty() {
        return String::new();
    }
    let mut out = String::from("| scenario |");
    for client in &columns {
        let _ = write!(out, " {} |", text(client));
    }
    let _ = writeln!(out, "\n| --- |{}", " --- |".repeat(columns.len()));
    for row in rows {
        let _ = write!(out, "| {} |", text(row));
        for client in &columns {
            let shown = match view.summary.cell(client, row) {
                Some(cell) if cell.verdict == Mark::PASS => format!("✔ {}", time(cell.ms)),
                Some(cell) if view.unexpected(cell) => format!("**{}**", cell.verdict),
                Some(cell) => cell.verdict.to_string(),
                None => String::new(),
            };
            let _ = write!(out, " {shown} |");
        }
        out.push('\n');
    }
    out
}

/// One failure, folded.
fn failure(view: &View<'_>, cell: &Cell) -> String {
    let word = cell.verdict;
    let expected = if view.unexpected(cell) { "" } else { " (not counted)" };
    let of = text(&format!("{} / {}", cell.client, cell.scenario));
    let head = format!("<b>{word}</b>{expected} {of}: {}", text(&remark(cell)));
    let mut block: Vec<String> = Vec::new();
    block.extend(lines(cell).iter().map(|(label, text)| format!("{label:<14} {text}")));
    if block.is_empty() {
        return format!("<details><summary>{head}</summary></details>\n\n");
    }
    let block = block.join("\n");
    let fence = fence(&block);
    format!("<details><summary>{head}</summary>\n\n{fence}text\n{block}\n{fence}\n\n</details>\n\n")
}

/// A fence that nothing inside can close.
fn fence(block: &str) -> String {
    let (mut longest, mut run) = (0, 0);
    for c in block.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    "`".repeat(3.max(longest + 1))
}

/// A stranger's text in a line of Markdown: nothing in it is a sign of Markdown, an element of
/// HTML, the end of a column, or the name of somebody to be called.
pub(super) fn text(strange: &str) -> String {
    let mut out = String::new();
    let line = line(strange);
    for (at, c) in line.trim().chars().enumerate() {
        match c {
            // The comment keeps the name from being one.
            '@' => out += "&#64;<!-- -->",
            // At the start of a line, signs and numbers make headings, lists and rules.
            c if at == 0 && (c.is_ascii_punctuation() || c.is_ascii_digit()) => {
                let _ = write!(out, "&#{};", u32::from(c));
            }
            '&' | '<' | '>' | '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '!' | '~' | '$' | '^'
            | '{' | '}' => {
                let _ = write!(out, "&#{};", u32::from(c));
            }
            c => out.push(c),
        }
    }
    // An empty column is one, and a text of blanks alone.
    if out.is_empty() { "&nbsp;".to_owned() } else { out }
}
