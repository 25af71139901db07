//! The results as they come in, and the summary that is made of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::engine::Slot;
use super::vote::{Count, Vote};
use super::{Cell, Confirmed, Control, Exit, Host, Mark, Summary, Wanted, control, summary};
use crate::run;
use crate::scenario::Scenario;

/// Results.
pub(super) struct Rows {
    wanted: Arc<Wanted>,
    started: String,
    /// The control cells, in the order in which they were played.
    pub controls: Vec<Control>,
    /// By client: the words that it says when all is well.
    pub void: Vec<BTreeSet<String>>,
    /// By client: whether it does not get through a healthy proxy, so that nothing is judged.
    pub out: Vec<bool>,
    /// Whether no client could be shown a healthy proxy, because of us.
    pub unable: bool,
    /// By client and scenario.
    cells: BTreeMap<(usize, usize), Cell>,
}

impl Rows {
    /// None yet.
    pub(super) fn new(wanted: Arc<Wanted>) -> Self {
        let clients = wanted.clients.len();
        let now = std::time::SystemTime::now();
        Rows {
            wanted,
            started: humantime::format_rfc3339_millis(now).to_string(),
            controls: Vec::new(),
            void: vec![BTreeSet::new(); clients],
            out: vec![true; clients],
            unable: true,
            cells: BTreeMap::new(),
        }
    }

    /// Whether a way around the proxy can be seen: known without a try.
    pub(super) fn direct(&self, client: usize) -> Control {
        let why = match self.wanted.isolate {
            true => "every way around the proxy is seen",
            false => "a way around the proxy cannot be seen here: --isolate sees each one",
        };
        Control {
            client: self.wanted.clients[client].name.clone(),
            name: control::DIRECT.to_owned(),
            passed: true,
            why: why.to_owned(),
            ms: 0.0,
        }
    }

    /// Those that need what is not there.
    pub(super) fn not_run(&mut self) {
        let wanted = Arc::clone(&self.wanted);
        let mine = wanted.mine();
        for client in (0..wanted.clients.len()).filter(|client| !self.out[*client]) {
            for (index, scenario) in wanted.scenarios.iter().enumerate() {
                if mine(client, index) && !wanted.runs(index) {
                    let cell = not_run(&wanted.clients[client].name, scenario);
                    self.cells.insert((client, index), cell);
                }
            }
        }
    }

    /// A cell whose verdict is settled.
    pub(super) fn settled(&mut self, slot: &Slot) -> Option<&Cell> {
        let cell = self.cell(slot)?;
        let key = (slot.client, slot.scenario);
        self.cells.insert(key, cell);
        self.cells.get(&key)
    }

    fn cell(&self, slot: &Slot) -> Option<Cell> {
        let (wanted, take) = (&self.wanted, slot.shown.as_ref()?);
        let scenario = &wanted.scenarios[slot.scenario];
        let client = &wanted.clients[slot.client].name;
        let mut cell = Cell::judged(client, scenario, &take.verdict, take.observable);
        let order = wanted.order(slot.client, scenario);
        cell.attempts = take.attempts;
        cell.ms = take.ms;
        cell.exit = take.exit.map(|exit| Exit {
            code: exit.code,
            signal: exit.signal,
            killed_by_us: exit.killed_by_us,
        });
        cell.lag_max_ms = slot.lag_max_ms;
        cell.seed = take.seed;
        cell.again = run::again(&order, take.seed);
        cell.dir = slot.dir.as_ref().map(|dir| dir.display().to_string());
        cell.tally = tally(&slot.votes);
        match slot.count()? {
            Count::Agreed { times, .. } => {
                let runs = slot.votes.iter().filter(|vote| !vote.void).count();
                cell.confirmed = (slot.votes.len() > 1)
                    .then_some(Confirmed { same: times as u32, runs: runs.max(times) as u32 });
            }
            Count::Flaky { tally, .. } => {
                let all: usize = tally.iter().map(|(_, times)| times).sum();
                let words: Vec<String> =
                    tally.iter().map(|(word, times)| format!("{word} {times}/{all}")).collect();
                cell.mark(Mark::Flaky);
                cell.summary = format!("{}; one of them: {}", words.join(", "), cell.summary);
            }
        }
        let void = |word: &&String| self.void[slot.client].contains(*word);
        let voided: Vec<String> =
            scenario.expect.explain.iter().filter(void).map(|word| format!("`{word}`")).collect();
        if !voided.is_empty() {
            let words = voided.join(", ");
            cell.notes.push(format!(
                "explain: the client says {words} when all is well, too: it does not count"
            ));
            // Nothing is left that could be looked for.
            if voided.len() == scenario.expect.explain.len() && cell.scores.clarity == Some(true) {
                cell.scores.clarity = None;
            }
        }
        Some(cell)
    }

    /// All of it. `partial`: why there is not more.
    pub(super) fn summary(&self, partial: Option<String>) -> Summary {
        let wanted = &self.wanted;
        Summary {
            schema: summary::SCHEMA.to_owned(),
            badproxy: env!("CARGO_PKG_VERSION").to_owned(),
            suite: wanted.suite.clone(),
            seed: wanted.seed,
            started: self.started.clone(),
            host: Host::here(),
            timeout_ms: (!wanted.no_timeout).then_some(wanted.timeout.as_millis() as u64),
            jobs: wanted.jobs as u32,
            isolate: wanted.isolate,
            shard: wanted.shard,
            partial: partial.is_some(),
            partial_why: partial,
            partial_exit: None,
            baseline: wanted.baseline.clone(),
            strict: wanted.strict,
            clients: wanted.clients.clone(),
            scenarios: wanted.scenarios.iter().map(|s| s.name.clone()).collect(),
            controls: self.controls.clone(),
            cells: self.cells.values().cloned().collect(),
        }
    }
}

fn tally(votes: &[Vote]) -> BTreeMap<String, u32> {
    let mut tally = BTreeMap::new();
    for vote in votes {
        *tally.entry(vote.word.shown().to_owned()).or_default() += 1;
    }
    tally
}

fn not_run(client: &str, scenario: &Scenario) -> Cell {
    let needs = match scenario.needs() {
        1 => "it needs the sandbox: --isolate",
        _ => "it needs root, for which nothing is built here",
    };
    let mut cell = Cell::missing(client, &scenario.name);
    cell.mark(Mark::NotRun);
    cell.consequence = scenario.consequence.trim().to_owned();
    cell.summary = format!("not run: {needs}");
    cell
}
