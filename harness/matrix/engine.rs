//! Plays the cells: controls, then all of them some at a time, then alone those that are not a PASS.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::board::Seat;
use super::take::{NoTake, Stop, Table, Take, play};
use super::vote::{Count, Vote, again, count};
use super::{Keep, Wanted};
use crate::run;
use crate::verdict::Word;

/// A cell, and what was played of it.
pub(super) struct Slot {
    /// The client's place in the list.
    pub client: usize,
    /// The scenario's place in the list.
    pub scenario: usize,
    /// What each play says.
    pub votes: Vec<Vote>,
    /// The play that shows the verdict.
    pub shown: Option<Take>,
    /// Its place among the plays.
    pub index: usize,
    /// The latest that this program was in any of them, in milliseconds.
    pub lag_max_ms: f64,
    /// Its directory under the output, once something is in it.
    pub dir: Option<PathBuf>,
    /// Whether somebody was told of it.
    settled: bool,
}

impl Slot {
    fn new(client: usize, scenario: usize) -> Self {
        Slot {
            client,
            scenario,
            votes: Vec::new(),
            shown: None,
            index: 0,
            lag_max_ms: 0.0,
            dir: None,
            settled: false,
        }
    }

    /// What its plays say; None before the first.
    pub fn count(&self) -> Option<Count> {
        (!self.votes.is_empty()).then(|| count(&self.votes))
    }
}

/// Who plays, and how an end is made.
pub(super) struct Engine {
    /// What is asked for.
    pub wanted: Arc<Wanted>,
    /// What all plays share.
    pub table: Arc<Table>,
    jobs: Arc<Semaphore>,
    stop: Stop,
    /// The command that cannot be started.
    pub no_command: Option<String>,
    /// What could not be written.
    pub disk: Option<String>,
}

/// How a round ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Round {
    /// All were played.
    Whole,
    /// Somebody wants an end.
    Interrupted,
}

/// One play that is due.
pub(super) struct Due {
    /// Its place in the list of the round.
    pub slot: usize,
    /// What is played.
    pub order: run::Order,
    /// By whom.
    pub seat: Seat,
    /// What the output is searched for.
    pub words: Vec<String>,
}

impl Engine {
    /// `stop` tells the number of a signal; whoever sends it closes `jobs` first.
    pub(super) fn new(
        wanted: Arc<Wanted>,
        table: Arc<Table>,
        jobs: Arc<Semaphore>,
        stop: watch::Receiver<i32>,
    ) -> Self {
        Engine { wanted, table, jobs, stop: Stop(stop), no_command: None, disk: None }
    }

    /// The cells that can be played, in the order of the lists.
    pub(super) fn slots(&self, out: &[bool]) -> Vec<Slot> {
        let wanted = &self.wanted;
        let clients = (0..wanted.clients.len()).filter(|client| !out[*client]);
        let scenarios = 0..wanted.scenarios.len();
        let all = clients.flat_map(|c| scenarios.clone().map(move |s| (c, s)));
        let mine = wanted.mine();
        all.filter(|(c, s)| mine(*c, *s) && wanted.runs(*s)).map(|(c, s)| Slot::new(c, s)).collect()
    }

    /// Plays what is due, `alone` or as many at a time as was asked for. `done` gets each.
    pub(super) async fn round(
        &mut self,
        due: Vec<Due>,
        alone: bool,
        mut done: impl FnMut(&mut Self, usize, Take),
    ) -> Round {
        let permits = if alone { self.wanted.jobs as u32 } else { 1 };
        self.table.board.expect(due.len());
        let mut due = VecDeque::from(due);
        let mut playing = JoinSet::new();
        let mut end = Round::Whole;
        loop {
            tokio::select! {
                biased;
                Some(joined) = playing.join_next(), if !playing.is_empty() => {
                    let (slot, result): (usize, Result<Take, NoTake>) = match joined {
                        Ok(joined) => joined,
                        Err(error) => std::panic::resume_unwind(error.into_panic()),
                    };
                    match result {
                        Ok(take) => done(self, slot, take),
                        Err(NoTake::Interrupted) => end = Round::Interrupted,
                        Err(NoTake::Command(text)) => {
                            due.clear();
                            self.no_command = Some(text);
                        }
                    }
                }
                permit = Arc::clone(&self.jobs).acquire_many_owned(permits), if !due.is_empty() => {
                    let (Ok(permit), Some(next)) = (permit, due.pop_front()) else {
                        due.clear();
                        end = Round::Interrupted;
                        continue;
                    };
                    let (table, stop) = (Arc::clone(&self.table), self.stop.clone());
                    let Due { slot, order, seat, words } = next;
                    playing.spawn(async move {
                        (slot, play(table, order, seat, words, stop, permit).await)
                    });
                }
                else => return end,
            }
        }
    }

    /// Plays the cells of these slots until their verdicts are settled. `settled` gets each.
    pub(super) async fn settle(
        &mut self,
        slots: &mut [Slot],
        due: impl Fn(&Self, &Slot, usize) -> Due,
        mut settled: impl FnMut(&mut Self, &mut Slot),
    ) -> Round {
        let confirm = self.wanted.confirm;
        let mut left: Vec<usize> = (0..slots.len()).collect();
        let mut alone = false;
        while !left.is_empty() {
            let list = left.iter().map(|slot| due(self, &slots[*slot], *slot)).collect();
            let mut open = Vec::new();
            let round = self.round(list, alone, |engine, index, take| {
                let slot = &mut slots[index];
                engine.take(slot, take);
                match again(&slot.votes, confirm) {
                    true => open.push(index),
                    false => engine.settled(slot, &mut settled),
                }
            });
            let interrupted = round.await == Round::Interrupted;
            open.sort_unstable();
            if interrupted || self.no_command.is_some() {
                // What was seen is kept, though it was not confirmed.
                let seen = left.iter().filter(|slot| !slots[**slot].settled);
                for index in seen.copied().collect::<Vec<_>>() {
                    self.settled(&mut slots[index], &mut settled);
                }
                return Round::Interrupted;
            }
            (left, alone) = (open, true);
        }
        Round::Whole
    }

    fn settled(&mut self, slot: &mut Slot, tell: &mut impl FnMut(&mut Self, &mut Slot)) {
        if slot.votes.is_empty() {
            return;
        }
        slot.settled = true;
        let passed = matches!(slot.count(), Some(Count::Agreed { word: Word::Pass, .. }));
        if passed
            && self.wanted.keep == Keep::Failures
            && let Some(dir) = slot.dir.take()
        {
            let _ = std::fs::remove_dir_all(self.wanted.out.join(dir));
        }
        tell(self, slot);
    }

    /// Takes a play in: its vote, and what is kept of it when it is the one that shows the verdict.
    fn take(&mut self, slot: &mut Slot, mut take: Take) {
        let index = slot.votes.len();
        slot.votes.push(take.vote());
        slot.lag_max_ms = slot.lag_max_ms.max(take.lag_max_ms);
        let shown = match count(&slot.votes) {
            Count::Agreed { play, .. } | Count::Flaky { play, .. } => play,
        };
        if shown != index {
            return;
        }
        let files = take.files.take();
        let kept = match self.wanted.keep {
            Keep::None => false,
            Keep::All => true,
            Keep::Failures => take.verdict.word != Word::Pass,
        };
        if let (true, Some(files), None) = (kept, files, &self.disk) {
            let dir = self.wanted.dir(slot.client, &self.wanted.scenarios[slot.scenario].name);
            match files.write(&self.wanted.out.join(&dir)) {
                Ok(()) => slot.dir = Some(dir),
                Err(error) => {
                    let place = self.wanted.out.join(&dir);
                    self.disk = Some(format!("cannot write to {}: {error}", place.display()));
                    // Half of it helps nobody, and somebody needs the room.
                    let _ = std::fs::remove_dir_all(place);
                }
            }
        }
        (slot.shown, slot.index) = (Some(take), index);
    }
}
