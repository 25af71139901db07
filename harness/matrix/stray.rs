//! Entries of a baseline that are about no cell that was played: another part of the matrix has it, or
//! nobody has, and then most likely a name is misspelt. Pure.

use std::collections::BTreeSet;

use super::Summary;
use super::baseline::{Baseline, Entry};
use crate::catalogue;
use crate::scenario::nearest;

/// The entries that count for a cell which this part or another one of a divided matrix plays.
pub(super) fn of_other_parts(summary: &Summary, baseline: &Baseline) -> BTreeSet<usize> {
    if summary.shard.is_none() {
        return BTreeSet::new();
    }
    let clients = summary.clients.iter();
    let cells = clients.flat_map(|client| summary.scenarios.iter().map(move |s| (&client.name, s)));
    let found = cells.filter_map(|(client, scenario)| baseline.find(client, scenario));
    found.map(|(number, _)| number).collect()
}

/// What is to be said of an entry that no part has a cell for, without its place.
pub(super) fn text(entry: &Entry, summary: &Summary) -> String {
    let mut text = format!("`{entry}` is about no cell of this matrix");
    let scenarios: Vec<&str> = summary.scenarios.iter().map(String::as_str).collect();
    let star = |name: &str| name.contains('*');
    let name = entry.scenario.as_str();
    if !star(name) && !scenarios.contains(&name) && catalogue::find(name).is_none() {
        // Those that are played before all others: a scenario of one's own is among them.
        match nearest(name, &scenarios).or_else(|| catalogue::near(name)) {
            Some(near) => text.push_str(&format!("; did you mean `{near}`?")),
            None => text.push_str(&format!("; no shipped scenario is called `{name}`")),
        }
    }
    let clients: Vec<&str> = summary.clients.iter().map(|client| client.name.as_str()).collect();
    let name = entry.client.as_str();
    if !star(name) && !clients.contains(&name) {
        text.push_str(&format!("; no client here is called `{name}`"));
        if let Some(near) = nearest(name, &clients) {
            text.push_str(&format!(", did you mean `{near}`?"));
        }
    }
    text
}

/// What is said once, when such entries were written down again.
pub fn kept(file: &str, count: usize) -> Option<String> {
    let (these, they) = match count {
        0 => return None,
        1 => ("the entry that is about no cell of this matrix stays", "it"),
        _ => ("the entries that are about no cell of this matrix stay", "they"),
    };
    // A baseline is shared by matrices of other clients and scenarios, and what somebody has written
    // about a cell, its issue and its day, is lost for good when a slip takes it out.
    Some(format!(
        "{file}: {these}, for {they} may be of another one: take out, or mend, what is misspelt"
    ))
}
