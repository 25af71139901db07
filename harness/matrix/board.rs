//! What is going on: the cells that are being played, for whoever wants to look.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::conduct::Conduct;
use crate::log::Log;
use crate::verdict::words::{client_did, ms};

/// Who plays what.
#[derive(Debug, Clone)]
pub(super) struct Seat {
    /// The client's name.
    pub client: String,
    /// The scenario's name.
    pub scenario: String,
    /// The time after which it has hung.
    pub deadline: Duration,
}

/// A cell that is being played.
#[derive(Clone)]
pub(super) struct Playing {
    /// Who plays what.
    pub seat: Seat,
    /// Since when.
    pub since: Instant,
    /// Its log, as soon as there is one.
    pub log: Option<Log>,
}

impl Playing {
    /// What the client has done so far, in lines.
    pub(super) fn lines(&self) -> Vec<String> {
        let Seat { client, scenario, deadline } = &self.seat;
        let ran = self.since.elapsed().as_secs_f64() * 1e3;
        let whole = ms(deadline.as_secs_f64() * 1e3);
        let head = format!("{client}  {scenario}  {} of {whole}", ms(ran));
        let Some(log) = &self.log else { return vec![format!("{head}: not started yet")] };
        let (now, start) = (log.now_ms(), log.conduct());
        let did = client_did(&start).replace("; its end was not seen", "");
        let mut lines = vec![format!("{head}: {did}; {}", phase(&start, now))];
        for (name, heard) in [("stdout", &start.stdout), ("stderr", &start.stderr)] {
            let text = heard.text();
            let last: Vec<&str> = text.trim_end().lines().rev().take(3).collect();
            lines.extend(last.into_iter().rev().map(|line| format!("    {name}  {line}")));
        }
        lines
    }
}

impl Playing {
    /// Where it is, in few words.
    pub(super) fn short(&self) -> String {
        let phase = match &self.log {
            Some(log) => log.with_conduct(|conduct| phase(conduct, log.now_ms())),
            None => "is prepared".to_owned(),
        };
        let ran = ms(self.since.elapsed().as_secs_f64() * 1e3);
        let whole = ms(self.seat.deadline.as_secs_f64() * 1e3);
        format!("{}  {phase}, {ran} of {whole}", self.seat.scenario)
    }
}

/// Where a client is, and who is silent.
fn phase(conduct: &Conduct, now: f64) -> String {
    if let Some(silence) = conduct.silent.values().next() {
        return format!("silent at {} for {}", silence.at, ms((now - silence.since).max(0.0)));
    }
    match conduct.reached {
        Some(stage) => format!("got to {stage}"),
        None => "has not come yet".to_owned(),
    }
}

#[derive(Default)]
struct State {
    next: u64,
    playing: BTreeMap<u64, Playing>,
    done: usize,
    total: usize,
}

/// The board.
#[derive(Default)]
pub(super) struct Board {
    state: Mutex<State>,
}

impl Board {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// So many more are to be played.
    pub(super) fn expect(&self, more: usize) {
        self.state().total += more;
    }

    /// A cell begins. Gives its number.
    pub(super) fn sit(&self, seat: Seat) -> u64 {
        let mut state = self.state();
        state.next += 1;
        let number = state.next;
        state.playing.insert(number, Playing { seat, since: Instant::now(), log: None });
        number
    }

    /// Its world stands.
    pub(super) fn started(&self, number: u64, log: Log) {
        if let Some(playing) = self.state().playing.get_mut(&number) {
            (playing.since, playing.log) = (Instant::now(), Some(log));
        }
    }

    /// It has ended.
    pub(super) fn leave(&self, number: u64) {
        let mut state = self.state();
        state.playing.remove(&number);
        state.done += 1;
    }

    /// What every client that runs has done so far.
    pub(super) fn lines(&self) -> Vec<String> {
        let (playing, done, total) = self.look();
        let head = format!("{} running, {done} of {total} played", playing.len());
        std::iter::once(head).chain(playing.iter().flat_map(Playing::lines)).collect()
    }

    /// Those that are being played, how many have ended, and how many there are in all.
    pub(super) fn look(&self) -> (Vec<Playing>, usize, usize) {
        let state = self.state();
        (state.playing.values().cloned().collect(), state.done, state.total)
    }
}
