//! Parts of a divided matrix, put together again. Pure.

use std::collections::BTreeMap;

use super::{Cell, Confirmed, Mark, Shard, Summary};
use crate::scenario::{Problem, seen};

/// A summary and how it is called in messages.
pub type Named = (String, Summary);

/// Puts parts together: every cell of the matrix is in what comes out. One that no part has is
/// MISSING, one that two parts have with different verdicts is FLAKY.
///
/// # Errors
///
/// Parts that are not of the same matrix: which, and how they differ.
pub fn merge(parts: Vec<Named>) -> Result<Summary, Problem> {
    let mut parts = parts.into_iter();
    let Some((first, mut whole)) = parts.next() else {
        return Err(Problem::new("there is nothing to merge"));
    };
    let mut shards: Vec<Option<Shard>> = vec![whole.shard];
    let mut cells: BTreeMap<(String, String), Cell> = BTreeMap::new();
    take(std::mem::take(&mut whole.cells), &mut cells);
    for (file, part) in parts {
        alike(&first, &whole, &file, &part)?;
        shards.push(part.shard);
        take(part.cells, &mut cells);
        for scenario in part.scenarios {
            if !whole.scenarios.contains(&scenario) {
                whole.scenarios.push(scenario);
            }
        }
        for client in part.clients {
            if !whole.clients.iter().any(|known| known.name == client.name) {
                whole.clients.push(client);
            }
        }
        whole.controls.extend(part.controls);
        whole.started = whole.started.min(part.started);
        if part.partial && !whole.partial {
            whole.partial_why = part.partial_why;
        }
        whole.partial |= part.partial;
    }
    // What a part did not get to is MISSING now, and speaks for itself.
    if whole.partial {
        let why = whole.partial_why.as_deref().unwrap_or("it ended early");
        whole.partial_why = Some(format!("a part was not played to its end: {why}"));
    }
    whole.shard = None;
    for client in &whole.clients {
        for scenario in &whole.scenarios {
            let key = (client.name.clone(), scenario.clone());
            let cell = cells.remove(&key).unwrap_or_else(|| missing(&key, &shards));
            whole.cells.push(cell);
        }
    }
    // Those whose client or scenario no list names.
    whole.cells.extend(cells.into_values());
    Ok(whole)
}

/// Refuses what is not of the same matrix.
fn alike(first: &str, whole: &Summary, file: &str, part: &Summary) -> Result<(), Problem> {
    let suite = |summary: &Summary| {
        let sum: String = summary.suite.sha256.chars().take(12).collect();
        format!("{} ({sum})", summary.suite.name)
    };
    let differs = |what: &str, one: String, other: String, help: &str| {
        let (first, file) = (seen(first), seen(file));
        Err(Problem::new(format!(
            "these are parts of two matrices: {what} of {first} is {}, of {file} {}",
            seen(&one),
            seen(&other)
        ))
        .help(help))
    };
    if whole.schema != part.schema {
        let help = "play all parts with the same version of badproxy";
        return differs("the schema", whole.schema.clone(), part.schema.clone(), help);
    }
    if whole.badproxy != part.badproxy {
        let help = "play all parts with the same version of badproxy";
        return differs("the version", whole.badproxy.clone(), part.badproxy.clone(), help);
    }
    if whole.suite.sha256 != part.suite.sha256 {
        let help = "play all parts with the same --suite, --scenario and --skip";
        return differs("the suite", suite(whole), suite(part), help);
    }
    for client in &part.clients {
        let known = whole.clients.iter().find(|known| known.name == client.name);
        if let Some(known) = known.filter(|known| known.argv != client.argv) {
            let what = format!("the command of client {}", seen(&client.name));
            let help = "give clients that differ different names: --client NAME=COMMAND";
            return differs(&what, known.argv.join(" "), client.argv.join(" "), help);
        }
    }
    Ok(())
}

fn take(list: Vec<Cell>, cells: &mut BTreeMap<(String, String), Cell>) {
    for cell in list {
        let key = (cell.client.clone(), cell.scenario.clone());
        match cells.remove(&key) {
            Some(other) => cells.insert(key, both(other, cell)),
            None => cells.insert(key, cell),
        };
    }
}

/// The same cell, played twice.
fn both(one: Cell, other: Cell) -> Cell {
    // What was not played there was played here.
    let idle = |cell: &Cell| matches!(cell.verdict, Mark::Missing | Mark::NotRun);
    if idle(&one) {
        return other;
    }
    if idle(&other) {
        return one;
    }
    let alike = one.verdict == other.verdict;
    // The one with more to say explains it.
    let (mut cell, less) = if one.verdict <= other.verdict { (one, other) } else { (other, one) };
    for (word, count) in less.tally {
        let sum = cell.tally.entry(word).or_default();
        *sum = sum.saturating_add(count);
    }
    cell.scores = cell.scores.and(less.scores);
    cell.lag_max_ms = cell.lag_max_ms.max(less.lag_max_ms);
    if alike {
        let of = |confirmed: Option<Confirmed>| confirmed.unwrap_or(Confirmed { same: 1, runs: 1 });
        let (a, b) = (of(cell.confirmed), of(less.confirmed));
        cell.confirmed = Some(Confirmed {
            same: a.same.saturating_add(b.same),
            runs: a.runs.saturating_add(b.runs),
        });
    } else {
        cell.notes.push(format!("two parts disagree: {} and {}", cell.verdict, less.verdict));
        cell.mark(Mark::Flaky);
        cell.confirmed = None;
    }
    cell
}

fn missing((client, scenario): &(String, String), shards: &[Option<Shard>]) -> Cell {
    let mut cell = Cell::missing(client, scenario);
    // Whose it was is known where all were divided into the same number.
    let of = shards.iter().flatten().map(|shard| shard.of).max();
    let owner = of.and_then(|of| {
        (1..=of).map(|index| Shard { index, of }).find(|shard| shard.has(client, scenario))
    });
    if let Some(owner) = owner {
        let there = shards.contains(&Some(owner));
        cell.summary = match there {
            true => format!("not in any part; part {owner} should have it"),
            false => format!("not in any part; part {owner}, which should have it, is not there"),
        };
    } else {
        "not in any part".clone_into(&mut cell.summary);
    }
    cell
}

#[cfg(test)]
#[path = "merge_tests.rs"]
mod tests;
