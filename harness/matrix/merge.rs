//! Parts of a divided matrix, put together again. Pure.

use std::collections::BTreeMap;

use super::{Cell, Deal, Mark, Shard, Summary};
use crate::scenario::{Problem, seen};

/// Cells, and the file that each is from.
type Cells = BTreeMap<(String, String), (Cell, String)>;

/// A summary and how it is called in messages.
pub type Named = (String, Summary);

/// Puts parts together: every cell of the matrix is in what comes out. One that no part has is
/// MISSING.
///
/// # Errors
///
/// Parts that are not of the same matrix, or have the same cell: which, and what is to be done.
pub fn merge(parts: Vec<Named>) -> Result<Summary, Problem> {
    let mut parts = parts.into_iter();
    let Some((first, mut whole)) = parts.next() else {
        return Err(Problem::new("there is nothing to merge"));
    };
    let mut played = vec![Part::of(&whole)];
    let mut cells = Cells::new();
    take(&first, std::mem::take(&mut whole.cells), &mut cells)?;
    for (file, part) in parts {
        alike(&first, &whole, &file, &part)?;
        played.push(Part::of(&part));
        take(&file, part.cells, &mut cells)?;
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
        // Which of two is meant, nobody has said.
        if whole.baseline != part.baseline {
            whole.baseline = None;
        }
        whole.strict |= part.strict;
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
        whole.partial_exit = None;
    }
    whole.shard = None;
    let deals: Vec<(Option<Shard>, Deal<'_>)> = played.iter().map(Part::deal).collect();
    for client in &whole.clients {
        for scenario in &whole.scenarios {
            let key = (client.name.clone(), scenario.clone());
            let cell = cells.remove(&key).map(|(cell, _)| cell);
            whole.cells.push(cell.unwrap_or_else(|| missing(&key, &deals)));
        }
    }
    // Those whose client or scenario no list names.
    whole.cells.extend(cells.into_values().map(|(cell, _)| cell));
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

fn take(file: &str, list: Vec<Cell>, cells: &mut Cells) -> Result<(), Problem> {
    // What was not played there may have been played here.
    let idle = |cell: &Cell| matches!(cell.verdict, Mark::Missing | Mark::NotRun);
    for cell in list {
        let key = (cell.client.clone(), cell.scenario.clone());
        match cells.get(&key) {
            Some((other, from)) if !idle(other) && !idle(&cell) => {
                return Err(twice(&cell, from, file));
            }
            Some(_) if idle(&cell) => {}
            _ => drop(cells.insert(key, (cell, file.to_owned()))),
        }
    }
    Ok(())
}

/// A cell that two parts have: one of them is another matrix, or is named twice.
fn twice(cell: &Cell, one: &str, other: &str) -> Problem {
    let (name, one, other) =
        (format!("{} / {}", cell.client, cell.scenario), seen(one), seen(other));
    let text = match one == other {
        true => format!("{one} is named twice: its cell {} would count twice", seen(&name)),
        false => format!("two parts have the cell {}: {one} and {other}", seen(&name)),
    };
    Problem::new(text).help(
        "name each part once, and of a part that was played again only one; parts of one matrix are \
         played with --shard 1/N to N/N, or have clients of different names",
    )
}

fn missing((client, scenario): &(String, String), deals: &[(Option<Shard>, Deal<'_>)]) -> Cell {
    let mut cell = Cell::missing(client, scenario);
    // The parts of one client may be others than those of another one.
    let owner = deals.iter().find_map(|(shard, deal)| deal.owner(client, scenario, (*shard)?.of));
    if let Some(owner) = owner {
        let there = deals.iter().any(|(shard, deal)| {
            *shard == Some(owner) && deal.owner(client, scenario, owner.of) == Some(owner)
        });
        cell.summary = match there {
            true => format!("not in any part; part {owner} should have it"),
            false => format!("not in any part; part {owner}, which should have it, is not there"),
        };
    } else {
        "not in any part".clone_into(&mut cell.summary);
    }
    cell
}

/// What a part was told.
struct Part {
    shard: Option<Shard>,
    clients: Vec<String>,
    scenarios: Vec<String>,
}

impl Part {
    fn of(summary: &Summary) -> Part {
        let clients = summary.clients.iter().map(|client| client.name.clone()).collect();
        Part { shard: summary.shard, clients, scenarios: summary.scenarios.clone() }
    }

    fn deal(&self) -> (Option<Shard>, Deal<'_>) {
        let clients = self.clients.iter().map(String::as_str);
        (self.shard, Deal::new(clients, self.scenarios.iter().map(String::as_str)))
    }
}

#[cfg(test)]
#[path = "merge_tests.rs"]
mod tests;
