//! A matrix from its first control cell to its last.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::{Semaphore, watch};

use super::board::Board;
use super::engine::{Due, Engine, Round, Slot};
use super::rows::Rows;
use super::store::Store;
use super::take::{Table, Take};
use super::vote::LATE;
use super::{Cell, Control, Keep, Live, Summary, Wanted, control, gaps};
use crate::cli::keys::Keys;
use crate::cli::signals::{Ends, Told};
use crate::report::text::Look;
use crate::run::Lag;
use crate::scenario::Scenario;
use crate::verdict::Word;
use crate::verdict::words::signal;

/// Who is told what happens.
pub trait Tell {
    /// A control cell has been played.
    fn control(&mut self, control: &Control);
    /// A cell's verdict is settled.
    fn cell(&mut self, cell: &Cell);
    /// Something that people should know.
    fn say(&mut self, text: &str);
}

/// What has become of a matrix.
#[derive(Debug, Clone)]
pub struct Played {
    /// The results.
    pub summary: Summary,
    /// How it ended.
    pub end: End,
}

/// How a matrix ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Every cell was played.
    Whole,
    /// No client gets through a healthy proxy: nothing was judged.
    NothingJudged,
    /// We could not do our part for any client: nothing was judged.
    Unable,
    /// A command cannot be started, and why.
    NoCommand(String),
    /// Something cannot be written, and why.
    Disk(String),
    /// A signal has ended it.
    Interrupted(i32),
}

impl End {
    /// The exit code of a matrix that ended so; None where its cells say.
    pub fn code(&self) -> Option<i32> {
        match self {
            End::Whole => None,
            End::NoCommand(_) => Some(2),
            End::Disk(_) | End::Unable => Some(3),
            End::NothingJudged => Some(4),
            End::Interrupted(signal) => Some(128 + signal),
        }
    }

    /// Why there is not all of it.
    fn why(&self) -> Option<String> {
        match self {
            End::Whole => None,
            End::NothingJudged => Some("no client gets through a healthy proxy".to_owned()),
            End::Unable => Some("no healthy proxy could be played".to_owned()),
            End::NoCommand(text) | End::Disk(text) => Some(text.clone()),
            End::Interrupted(number) => Some(format!("ended by {}", signal(*number))),
        }
    }
}

/// Plays it. The results are in `wanted.out` as far as it got. `live`: the line that says what is
/// going on.
pub async fn play(wanted: Wanted, tell: &mut dyn Tell, live: Live) -> Played {
    let wanted = Arc::new(wanted);
    let mut rows = Rows::new(Arc::clone(&wanted));
    let store = match Store::open(&wanted.out) {
        Ok(store) => store,
        Err(error) => {
            let text = format!("cannot write to {}: {error}", wanted.out.display());
            return Played { summary: rows.summary(Some(text.clone())), end: End::Disk(text) };
        }
    };
    let (jobs, (send, stop)) = (Arc::new(Semaphore::new(wanted.jobs)), watch::channel(0));
    let table =
        Arc::new(Table { lag: Lag::new(), board: Arc::default(), keep: wanted.keep != Keep::None });
    // From here on, whatever ends it lets it clean up.
    let ears = Ears { ends: Ends::new().and_hangup(), asked: Told::usr1(), keys: Keys::new() };
    let ear =
        tokio::spawn(ears.hear(Arc::clone(&table.board), live.clone(), Arc::clone(&jobs), send));
    let drawn = tokio::spawn(live.clone().run(Arc::clone(&table.board)));
    let mut engine = Engine::new(Arc::clone(&wanted), table, jobs, stop.clone());
    let mut matrix = Matrix { wanted, rows: &mut rows, store, tell };
    let judged = matrix.play(&mut engine).await;
    // The terminal is as it was when they have gone.
    ear.abort();
    drawn.abort();
    let _ = tokio::join!(ear, drawn);
    live.clear();
    let number = *stop.borrow();
    let end = match (number, engine.no_command, engine.disk) {
        (0, Some(text), _) => End::NoCommand(text),
        (0, _, Some(text)) => End::Disk(text),
        (0, ..) if !judged && matrix.rows.unable => End::Unable,
        (0, ..) if !judged => End::NothingJudged,
        (0, ..) => End::Whole,
        (number, ..) => End::Interrupted(number),
    };
    let end = matrix.close(end);
    Played { summary: whole(&rows, &end), end }
}

/// All cells, those that were never played, too.
fn whole(rows: &Rows, end: &End) -> Summary {
    let mut summary = known(rows, end);
    gaps::fill(&mut summary);
    summary
}

/// The cells that were played.
fn known(rows: &Rows, end: &End) -> Summary {
    Summary { partial_exit: end.code(), ..rows.summary(end.why()) }
}

/// Who hears what people want.
struct Ears {
    ends: Ends,
    asked: Told,
    keys: Option<Keys>,
}

impl Ears {
    /// Hears, until it is dropped.
    async fn hear(
        mut self,
        board: Arc<Board>,
        live: Live,
        jobs: Arc<Semaphore>,
        send: watch::Sender<i32>,
    ) {
        loop {
            tokio::select! {
                biased;
                signal = self.ends.next() => {
                    jobs.close();
                    let _ = send.send(signal);
                    continue;
                }
                () = self.asked.next() => {}
                key = key(&mut self.keys) => if key != b't' {
                    continue;
                }
            }
            live.clear();
            for line in board.lines() {
                crate::cli::say(plain(&line));
            }
        }
    }
}

async fn key(keys: &mut Option<Keys>) -> u8 {
    match keys {
        Some(keys) => keys.next().await,
        None => std::future::pending().await,
    }
}

/// What strangers have written, fit for a terminal.
fn plain(text: &str) -> String {
    Look { colour: false, ascii: false }.safe(text)
}

struct Matrix<'a> {
    wanted: Arc<Wanted>,
    rows: &'a mut Rows,
    store: Store,
    tell: &'a mut dyn Tell,
}

impl Matrix<'_> {
    /// Whether anything could be judged.
    async fn play(&mut self, engine: &mut Engine) -> bool {
        self.controls(engine).await;
        if engine.no_command.is_some() || self.rows.out.iter().all(|out| *out) {
            return false;
        }
        self.rows.not_run();
        let mut slots = engine.slots(&self.rows.out);
        let (wanted, void) = (Arc::clone(&self.wanted), self.rows.void.clone());
        let due = |_: &Engine, slot: &Slot, index: usize| -> Due {
            let scenario = without(&wanted.scenarios[slot.scenario], &void[slot.client]);
            wanted.due(index, slot.client, &scenario)
        };
        let round = engine.settle(&mut slots, due, |engine, slot| {
            let Some(cell) = self.rows.settled(slot) else { return };
            self.tell.cell(cell);
            let rows = &self.rows;
            let written = self
                .store
                .now_and_then(|| rows.summary(Some("it is still being played".to_owned())));
            if let (Err(error), None) = (written, &engine.disk) {
                engine.disk = Some(self.wanted.cannot_write(&error));
            }
        });
        if round.await == Round::Whole {
            self.again(engine).await;
        }
        true
    }

    /// The first cells: whether each client works at all.
    async fn controls(&mut self, engine: &mut Engine) {
        let mut words: Vec<String> =
            self.wanted.scenarios.iter().flat_map(|s| s.expect.explain.clone()).collect();
        words.sort();
        words.dedup();
        let clients: Vec<usize> = (0..self.wanted.clients.len()).collect();
        let plain = control::plain();
        let round = self.healthy(engine, &clients, &plain, control::PLAIN, &words);
        if round.await == Round::Interrupted || engine.no_command.is_some() {
            return;
        }
        for client in &clients {
            let control = self.rows.direct(*client);
            self.tell.control(&control);
            self.rows.controls.push(control);
        }
        if control::wants_auth(&self.wanted.scenarios) {
            let works = self.working();
            self.healthy(engine, &works, &control::auth(), control::AUTH, &words).await;
        }
    }

    /// The last ones: whether each client still works.
    async fn again(&mut self, engine: &mut Engine) {
        let works = self.working();
        self.healthy(engine, &works, &control::plain(), control::AGAIN, &[]).await;
    }

    /// Those that get through a healthy proxy.
    fn working(&self) -> Vec<usize> {
        (0..self.rows.out.len()).filter(|client| !self.rows.out[*client]).collect()
    }

    /// Plays clients behind a healthy proxy. One that fails while we are late may have failed for that:
    /// it is played again.
    async fn healthy(
        &mut self,
        engine: &mut Engine,
        clients: &[usize],
        scenario: &Scenario,
        name: &str,
        words: &[String],
    ) -> Round {
        let (wanted, mut left) = (Arc::clone(&self.wanted), clients.to_vec());
        for more in (0..=LATE).rev() {
            let due = left.iter().map(|client| Due {
                words: words.to_vec(),
                ..wanted.due(*client, *client, scenario)
            });
            let (due, mut late) = (due.collect(), Vec::new());
            let round = engine.round(due, true, |_, client, take| {
                let works = control::works(&take);
                if !works && more > 0 && take.vote().void {
                    return late.push(client);
                }
                self.control(client, name, &take);
                self.rows.void[client].extend(take.said.iter().cloned());
                if name == control::PLAIN {
                    self.rows.out[client] = !works;
                    self.rows.unable &= take.verdict.word == Word::Harness;
                }
            });
            if round.await == Round::Interrupted {
                return Round::Interrupted;
            }
            left = late;
        }
        Round::Whole
    }

    fn control(&mut self, client: usize, name: &str, take: &Take) {
        let control = control::row(&self.wanted.clients[client].name, name, take);
        self.tell.control(&control);
        self.rows.controls.push(control);
    }

    /// Writes the results for good.
    fn close(self, end: End) -> End {
        // On a full disk there is no room for what is known without it.
        let summary = match end {
            End::Disk(_) => known(self.rows, &end),
            _ => whole(self.rows, &end),
        };
        match self.store.write(&summary) {
            Ok(()) => end,
            Err(error) if end == End::Whole => End::Disk(self.wanted.cannot_write(&error)),
            Err(error) => {
                self.tell.say(&self.wanted.cannot_write(&error));
                end
            }
        }
    }
}

/// The scenario without the words that the client says when all is well, too.
fn without(scenario: &Scenario, void: &BTreeSet<String>) -> Scenario {
    let mut scenario = scenario.clone();
    scenario.expect.explain.retain(|word| !void.contains(word));
    scenario
}
