//! What is asked for.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::board::Seat;
use super::engine::Due;
use super::gather;
use super::known::Known;
use super::shard::{Deal, Shard};
use super::summary::{Client, SuiteId};
use crate::rng::Rng;
use crate::run;
use crate::scenario::Scenario;
use crate::start::Setup;

/// Of which cells the evidence is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Keep {
    /// Of those that are not a PASS.
    Failures,
    /// Of all.
    All,
    /// Of none.
    None,
}

/// A matrix: clients, scenarios, and how they are played.
#[derive(Clone)]
pub struct Wanted {
    /// What the list of scenarios is called.
    pub suite: SuiteId,
    /// The clients.
    pub clients: Vec<Client>,
    /// The scenarios.
    pub scenarios: Vec<Scenario>,
    /// The files of those that are no shipped ones, by their names.
    pub files: BTreeMap<String, String>,
    /// The seed from which those of the cells come.
    pub seed: u64,
    /// The timeout that clients are told to use.
    pub timeout: Duration,
    /// They are told none: the deadline is 30 s.
    pub no_timeout: bool,
    /// Commands that run at the same time.
    pub jobs: usize,
    /// How often a verdict other than PASS is confirmed.
    pub confirm: usize,
    /// Of which cells the evidence is kept.
    pub keep: Keep,
    /// Where results are written.
    pub out: PathBuf,
    /// Whether commands are put into a sandbox.
    pub isolate: bool,
    /// Whether the CA variables are set.
    pub trust: bool,
    /// Options of a command line that repeats a cell.
    pub options: Vec<String>,
    /// Which part of the cells is played.
    pub shard: Option<Shard>,
    /// What it is held against.
    pub baseline: Option<Known>,
    /// Whether warnings count as failures.
    pub strict: bool,
}

impl Wanted {
    /// The seed of a cell. It fits on a command line; a scenario that has one of its own keeps it.
    pub fn cell_seed(&self, client: &str, scenario: &Scenario) -> u64 {
        let purpose = format!("cell {client} {}", scenario.name);
        scenario.seed.unwrap_or_else(|| Rng::derive(self.seed, &purpose, 0).next_u64() % 1_000_000)
    }

    /// How a cell is played.
    pub fn order(&self, client: usize, scenario: &Scenario) -> run::Order {
        let Client { name, argv } = &self.clients[client];
        run::Order {
            scenario: scenario.clone(),
            called: self.files.get(&scenario.name).unwrap_or(&scenario.name).clone(),
            options: self.options.clone(),
            setup: Setup {
                direct: Some(SocketAddr::from(([127, 0, 0, 1], 0))),
                seed: Some(self.cell_seed(name, scenario)),
                keep: 100,
                ..Setup::default()
            },
            command: argv.clone(),
            timeout: self.timeout,
            no_timeout: self.no_timeout,
            trust: self.trust,
            isolate: self.isolate,
            stdin: false,
        }
    }

    /// Whether a cell, by its client and scenario, is in the part that is played.
    pub(super) fn mine(&self) -> impl Fn(usize, usize) -> bool + '_ {
        let name = |client: usize| self.clients[client].name.as_str();
        let called = |scenario: usize| self.scenarios[scenario].name.as_str();
        let deal =
            Deal::new((0..self.clients.len()).map(name), (0..self.scenarios.len()).map(called));
        move |client, scenario| deal.has(self.shard, name(client), called(scenario))
    }

    /// Whether what the scenario needs is there.
    pub(super) fn runs(&self, scenario: usize) -> bool {
        self.scenarios[scenario].needs() <= u8::from(self.isolate)
    }

    /// That results cannot be written.
    pub(super) fn cannot_write(&self, error: &std::io::Error) -> String {
        format!("cannot write to {}: {error}", self.out.display())
    }

    /// A play of a cell.
    pub(super) fn due(&self, slot: usize, client: usize, scenario: &Scenario) -> Due {
        Due {
            slot,
            order: self.order(client, scenario),
            seat: Seat {
                client: self.clients[client].name.clone(),
                scenario: scenario.name.clone(),
                deadline: run::deadline(self.timeout, self.no_timeout),
            },
            words: Vec::new(),
        }
    }

    /// The directory of a cell, under `out`.
    pub fn dir(&self, client: usize, scenario: &str) -> PathBuf {
        gather::dir(&self.clients[client].name, scenario)
    }
}
