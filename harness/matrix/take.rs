//! One play of a cell, and what of it is needed afterwards.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, watch};

use super::board::{Board, Seat};
use super::evidence::{Evidence, Files, lock, stream};
use super::vote::Vote;
use crate::conduct::{Conduct, Exit, Heard, stands};
use crate::report::jsonl;
use crate::run::out::Out;
use crate::run::{self, Cancel, Hands, Lag, Order, Unable};
use crate::verdict::{Finding, Verdict, Word};

/// A play that came to its end.
pub(super) struct Take {
    /// The verdict.
    pub verdict: Verdict,
    /// Attempts of the client.
    pub attempts: u64,
    /// From the command's start to its end, in milliseconds.
    pub ms: f64,
    /// How the command ended.
    pub exit: Option<Exit>,
    /// The most that this program itself was late, in milliseconds.
    pub lag_max_ms: f64,
    /// Whether a way around the proxy would have been seen.
    pub observable: bool,
    /// The seed of its dice.
    pub seed: u64,
    /// Answers of the origin that came through the proxy.
    pub answers: u64,
    /// The words for which its output was searched, and which it contains.
    pub said: Vec<String>,
    /// The last lines of what it said.
    pub last_words: String,
    /// What is written down of it.
    pub files: Option<Files>,
}

impl Take {
    /// What it says about the client.
    pub fn vote(&self) -> Vote {
        let word = self.verdict.word;
        Vote { word, void: word == Word::Harness || (word == Word::Inconclusive && self.late()) }
    }

    /// Whether something was found that our own lateness could explain.
    pub fn late(&self) -> bool {
        self.verdict.findings.iter().any(|finding| finding.rule == "lag")
    }

    /// A play that we could not do.
    fn unable(measured: String, seed: u64) -> Take {
        let finding = Finding {
            word: Word::Harness,
            rule: "trouble",
            measured: measured.clone(),
            limit: String::new(),
            proxy_did: "nothing: it could not be started".to_owned(),
            client_did: "nothing: it was not started".to_owned(),
            good_client: String::new(),
            fix: None,
        };
        let verdict = Verdict {
            word: Word::Harness,
            summary: measured,
            proxy_did: finding.proxy_did.clone(),
            client_did: finding.client_did.clone(),
            good_client: String::new(),
            findings: vec![finding],
            notes: Vec::new(),
        };
        Take {
            verdict,
            attempts: 0,
            ms: 0.0,
            exit: None,
            lag_max_ms: 0.0,
            observable: false,
            seed,
            answers: 0,
            said: Vec::new(),
            last_words: String::new(),
            files: None,
        }
    }
}

/// Why there is no take.
pub(super) enum NoTake {
    /// A signal came.
    Interrupted,
    /// The command cannot be started.
    Command(String),
}

/// The signal that ends all cells, as each of them waits for it.
#[derive(Clone)]
pub(super) struct Stop(pub watch::Receiver<i32>);

impl Cancel for Stop {
    async fn next(&mut self) -> i32 {
        match self.0.changed().await {
            Ok(()) => *self.0.borrow_and_update(),
            Err(_) => std::future::pending().await,
        }
    }
}

/// What all plays share.
pub(super) struct Table {
    /// The ticker.
    pub lag: Lag,
    /// What is going on.
    pub board: Arc<Board>,
    /// Whether anything is written down.
    pub keep: bool,
}

/// Plays it. `words`: what its output is searched for.
pub(super) async fn play(
    table: Arc<Table>,
    order: Order,
    seat: Seat,
    words: Vec<String>,
    mut stop: Stop,
    permit: OwnedSemaphorePermit,
) -> Result<Take, NoTake> {
    let seed = order.setup.seed.unwrap_or_default();
    let hands =
        Hands { to: (Out::nowhere(), Out::nowhere()), lag: &table.lag, permit: Some(permit) };
    let mut evidence = None;
    let number = table.board.sit(seat);
    let played = run::cell(&order, &mut stop, hands, |running| {
        let log = running.shared.log.clone();
        if table.keep {
            let header = jsonl::header(&run::header(&order, running));
            evidence = Some(Evidence::listen(&header, &log));
        }
        table.board.started(number, log);
        Ok(())
    });
    let played = played.await;
    table.board.leave(number);
    let cell = match played {
        Ok(cell) => cell,
        Err(Unable::Command(text)) => return Err(NoTake::Command(text)),
        Err(Unable::Harness(text)) => return Ok(Take::unable(text, seed)),
        Err(Unable::Listener(error)) => return Ok(Take::unable(format!("{error:#}"), seed)),
    };
    let log = &cell.running.shared.log;
    log.hang_up();
    let Ok(verdict) = cell.end else { return Err(NoTake::Interrupted) };
    let conduct = log.conduct();
    let files = evidence.map(|evidence| Files {
        events: lock(&evidence).text(),
        stdout: stream(&conduct.stdout),
        stderr: stream(&conduct.stderr),
    });
    Ok(Take {
        attempts: conduct.attempts,
        ms: conduct.ran().unwrap_or(0.0),
        exit: conduct.process.exit,
        lag_max_ms: cell.lag_max_ms,
        observable: cell.observable,
        seed: cell.running.shared.seed,
        answers: conduct.nonces.proxied(),
        said: said(&conduct, words, &cell.running.shared.nonce),
        last_words: last_words(&conduct),
        verdict,
        files,
    })
}

/// The words that its output contains. The nonce is chance, and does not count.
fn said(conduct: &Conduct, words: Vec<String>, nonce: &str) -> Vec<String> {
    let text = |heard: &Heard| heard.text().replace(nonce, "").to_lowercase();
    let streams = [text(&conduct.stdout), text(&conduct.stderr)];
    let stands = |word: &String| {
        let word = word.to_lowercase();
        !word.is_empty() && streams.iter().any(|text| stands(text, &word))
    };
    words.into_iter().filter(stands).collect()
}

/// The last lines of what it said, standard error first.
fn last_words(conduct: &Conduct) -> String {
    let streams = [conduct.stderr.text(), conduct.stdout.text()];
    let text = streams.iter().map(|text| text.trim()).find(|text| !text.is_empty());
    let lines: Vec<&str> = text.unwrap_or_default().lines().rev().take(3).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}
