//! A small matrix for tests of what reads one.

use std::collections::BTreeMap;

use super::summary::SCHEMA;
use super::{
    Cell, Client, Confirmed, Control, Exit, Finding, Host, Mark, Scores, SuiteId, Summary,
};
use crate::verdict::Word;

/// A cell with this word, and a finding for it.
pub fn cell(client: &str, scenario: &str, mark: impl Into<Mark>) -> Cell {
    let mark = mark.into();
    let mut cell = Cell::missing(client, scenario);
    cell.mark(mark);
    cell.consequence = "Clients have flooded the proxy.".to_owned();
    cell.summary = "measured 7, 5 allowed".to_owned();
    cell.ms = 1234.5;
    cell.attempts = 1;
    cell.exit = Some(Exit { code: Some(1), signal: None, killed_by_us: false });
    cell.again = format!("badproxy run {scenario} --seed 7 -- {client} '{{target}}'");
    cell.seed = 7;
    cell.scores = match mark {
        Mark::Word(Word::Pass) => Scores::of_words(&[], true),
        Mark::Word(word) => Scores::of_words(&[word], true),
        Mark::Missing | Mark::Flaky | Mark::NotRun => Scores::default(),
    };
    cell.tally = BTreeMap::from([(mark.shown().to_owned(), 1)]);
    if mark != Mark::PASS {
        cell.findings = vec![Finding {
            verdict: mark,
            rule: "attempts".to_owned(),
            measured: "measured 7".to_owned(),
            limit: "5 allowed".to_owned(),
            proxy_did: "closed without a reply".to_owned(),
            client_did: "came back 7 times".to_owned(),
            good_client: "gives up after 2 attempts".to_owned(),
            fix: Some("set a limit".to_owned()),
        }];
        cell.confirmed = Some(Confirmed { same: 2, runs: 2 });
    }
    if mark == Mark::Word(Word::Storm) {
        cell.attempts = 3770;
    }
    cell
}

/// A whole matrix of these cells.
pub fn summary(cells: Vec<Cell>) -> Summary {
    let mut clients: Vec<Client> = Vec::new();
    let mut scenarios: Vec<String> = Vec::new();
    for cell in &cells {
        if !clients.iter().any(|client| client.name == cell.client) {
            clients.push(Client {
                name: cell.client.clone(),
                argv: vec![cell.client.clone(), "{target}".to_owned()],
            });
        }
        if !scenarios.contains(&cell.scenario) {
            scenarios.push(cell.scenario.clone());
        }
    }
    Summary {
        schema: SCHEMA.to_owned(),
        badproxy: "0.1.0".to_owned(),
        suite: SuiteId {
            name: "2026.11".to_owned(),
            sha256: "ab".repeat(32),
            count: scenarios.len(),
        },
        seed: 7,
        started: "2026-11-26T11:00:00Z".to_owned(),
        host: Host { os: "linux".to_owned(), arch: "x86_64".to_owned(), cpus: 2 },
        timeout_ms: Some(5000),
        jobs: 1,
        isolate: false,
        shard: None,
        partial: false,
        partial_why: None,
        partial_exit: None,
        baseline: None,
        strict: false,
        controls: clients
            .iter()
            .map(|client| Control {
                client: client.name.clone(),
                name: "control/plain".to_owned(),
                passed: true,
                why: String::new(),
                ms: 210.0,
            })
            .collect(),
        clients,
        scenarios,
        cells,
    }
}

/// One of everything, for two clients.
pub fn everything() -> Summary {
    let cells = Mark::all().enumerate().flat_map(|(n, mark)| {
        let scenario = format!("{}/case-{n}", if n < 9 { "reply" } else { "tls" });
        [cell("curl", &scenario, Mark::PASS), cell("node", &scenario, mark)]
    });
    let mut cells: Vec<Cell> = cells.collect();
    cells.sort_by(|a, b| a.client.cmp(&b.client));
    summary(cells)
}
