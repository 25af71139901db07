//! JSON Lines of a matrix: what it is, then one control or cell a line, then what it comes to.
//! The shape is that of event files: `name` and `data`.

use serde_json::{Value, json};

use super::matrix::View;
use crate::matrix::outcome::Outcome;
use crate::matrix::{Cell, Control, Summary};

/// All lines.
pub(super) fn lines(view: &View<'_>) -> String {
    let mut out = vec![started(view.summary)];
    out.extend(view.summary.controls.iter().map(control));
    out.extend(view.cells().map(cell));
    out.push(ended(view.outcome));
    out.join("\n") + "\n"
}

/// The first line: the summary without its cells and controls.
pub fn started(summary: &Summary) -> String {
    let mut data = json!(Summary { cells: Vec::new(), controls: Vec::new(), ..summary.clone() });
    if let Value::Object(map) = &mut data {
        map.remove("cells");
        map.remove("controls");
    }
    line("matrix:started", data)
}

/// A control.
pub fn control(control: &Control) -> String {
    line("matrix:control", json!(control))
}

/// A cell.
pub fn cell(cell: &Cell) -> String {
    line("matrix:cell", json!(cell))
}

/// The last line: the exit code and why.
pub fn ended(outcome: &Outcome<'_>) -> String {
    let unexpected: Vec<Value> = outcome
        .unexpected
        .iter()
        .map(|one| {
            let crate::matrix::Cell { client, scenario, verdict, .. } = one.cell;
            json!({"client": client, "scenario": scenario, "verdict": verdict})
        })
        .collect();
    let data = json!({
        "code": outcome.code,
        "why": outcome.why,
        "unexpected": unexpected,
        "stale": outcome.stale.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "expected": outcome.expected,
    });
    line("matrix:ended", data)
}

fn line(name: &str, data: Value) -> String {
    json!({"name": name, "data": data}).to_string()
}
