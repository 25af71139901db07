//! One page that opens from disk: the matrix, each failure's four lines behind a click, a filter.
//! No network, and readable without JavaScript. It is XML, too, so that tests can read it as such.

use std::fmt::Write as _;

use super::matrix::{View, line, lines, remark, time};
use super::text::xml;
use crate::matrix::{Cell, Mark, Tally};
use crate::verdict::Class;

const STYLE: &str = include_str!("html.css");
const SCRIPT: &str = include_str!("html.js");

/// The page.
pub(super) fn render(view: &View<'_>) -> String {
    let title = safe(&view.title());
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'unsafe-inline'; script-src 'unsafe-inline'\"/>\n\
         <title>{title}</title>\n<style>\n{STYLE}</style></head>\n<body>\n<h1>{title}</h1>\n"
    );
    for remark in view.remarks() {
        let _ = writeln!(out, "<p class=\"remark\">{}</p>", safe(&remark));
    }
    scores(view, &mut out);
    out += "<p id=\"tools\" hidden=\"hidden\"><input id=\"filter\" type=\"search\" \
            placeholder=\"filter, e.g. tls or STORM\" aria-label=\"filter\"/> \
            <label><input id=\"failures\" type=\"checkbox\"/> only failures</label></p>\n";
    matrix(view, &mut out);
    for (row, scenario) in view.rows().iter().enumerate() {
        for (column, client) in view.columns().iter().enumerate() {
            if let Some(cell) = view.summary.cell(client, scenario) {
                details(view, cell, &id(row, column), &mut out);
            }
        }
    }
    let _ = write!(out, "<script>\n{SCRIPT}</script>\n</body></html>\n");
    out
}

/// A stranger's text.
fn safe(text: &str) -> String {
    xml(&line(text))
}

fn id(row: usize, column: usize) -> String {
    format!("cell-{row}-{column}")
}

fn class(cell: &Cell) -> &'static str {
    match cell.class {
        Class::Fail => "fail",
        Class::Warning => "warn",
        Class::Pass => "pass",
        Class::Inconclusive | Class::NotScored => "open",
    }
}

fn scores(view: &View<'_>, out: &mut String) {
    *out += "<table><thead><tr><th>client</th><th>safety</th><th>robustness</th><th>clarity</th>\
             <th>not judged</th></tr></thead><tbody>\n";
    for client in view.columns() {
        let cells = view.summary.cells.iter().filter(|cell| cell.client == client);
        let tally = Tally::of(cells);
        let safety = tally.safety();
        let Tally { robustness, clarity, unjudged, .. } = tally;
        let _ = writeln!(
            out,
            "<tr><th>{}</th><td>{safety}</td><td>{robustness}</td><td>{clarity}</td>\
             <td>{unjudged}</td></tr>",
            safe(client)
        );
    }
    *out += "</tbody></table>\n";
}

fn matrix(view: &View<'_>, out: &mut String) {
    let (rows, columns) = (view.rows(), view.columns());
    *out += "<table id=\"matrix\"><thead><tr><th>scenario</th>";
    for client in &columns {
        let _ = write!(out, "<th>{}</th>", safe(client));
    }
    *out += "</tr></thead><tbody>\n";
    for (row, scenario) in rows.iter().enumerate() {
        let _ = write!(out, "<tr><th>{}</th>", safe(scenario));
        for (column, client) in columns.iter().enumerate() {
            match view.summary.cell(client, scenario) {
                Some(cell) => {
                    let word = match cell.verdict {
                        Mark::PASS => "✔",
                        mark => mark.shown(),
                    };
                    let _ = write!(
                        out,
                        "<td class=\"{}\"><a href=\"#{}\">{word}</a> <small>A{} {}</small></td>",
                        class(cell),
                        id(row, column),
                        cell.attempts,
                        time(cell.ms)
                    );
                }
                None => *out += "<td></td>",
            }
        }
        *out += "</tr>\n";
    }
    *out += "</tbody></table>\n";
}

fn details(view: &View<'_>, cell: &Cell, id: &str, out: &mut String) {
    let expected = if cell.quiet() || view.unexpected(cell) { "" } else { " (not counted)" };
    let _ = write!(
        out,
        "<section id=\"{id}\" class=\"{}\"><h2>{} {}{expected}</h2><p>{}</p><dl>",
        class(cell),
        cell.verdict,
        safe(&format!("{} / {}", cell.client, cell.scenario)),
        xml(&remark(cell))
    );
    let mut list = lines(cell);
    list.insert(0, ("in the field", line(&cell.consequence)));
    for note in &cell.notes {
        list.push(("note", line(note)));
    }
    for (label, text) in list.iter().filter(|(_, text)| !text.is_empty()) {
        let _ = write!(out, "<dt>{label}</dt><dd>{}</dd>", xml(text));
    }
    *out += "</dl></section>\n";
}
