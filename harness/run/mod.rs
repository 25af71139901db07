//! The wrapped command: started behind the broken proxy, watched, ended, judged.

mod cell;
pub mod child;
#[cfg(unix)]
mod ear;
pub mod environment;
mod group;
#[cfg(target_os = "linux")]
mod isolate;
pub(crate) mod lag;
pub(crate) mod orphans;
pub mod out;
mod place;
mod reports;
mod strays;
pub mod syn;
pub mod trust;

use std::path::PathBuf;
use std::sync::PoisonError;
use std::time::Duration;

pub(crate) use cell::{Cancel, Cell, Hands, Unable, cell, signal, target};

pub use cell::{Order, deadline};
pub(crate) use lag::Lag;
pub(crate) use reports::{again, header, quoted};

use crate::cli::signals::Ends;
use crate::verdict::{Class, Word};
use out::Out;
use reports::attach;

/// The form of what is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    Human,
    /// One event a line, as JSON.
    Jsonl,
}

/// What is told of a run, and how it ends.
pub struct Manner {
    /// The form of what is printed.
    pub format: Format,
    /// Where the events are written, too.
    pub events: Option<PathBuf>,
    /// Print the verdict alone.
    pub quiet: bool,
    /// End with the command's own exit code.
    pub pass_exit: bool,
    /// Warnings count as failures.
    pub strict: bool,
    /// Whether there are colours.
    pub colour: bool,
}

/// Runs it. Gives the exit code.
///
/// # Errors
///
/// What keeps a run from starting: a port, a file, a command that is not there.
pub async fn run(order: Order, manner: Manner) -> anyhow::Result<i32> {
    // From here on, whatever ends the run lets it clean up.
    let mut ends = Ends::new().and_hangup();
    let (out, err) = (Out::stdout()?, Out::stderr()?);
    let (code, interrupted) = play(&order, &manner, &mut ends, &out, &err).await?;
    // Who reads slowly is waited for, but not by somebody who wants an end.
    let patience = if interrupted { Duration::from_secs(1) } else { Duration::MAX };
    tokio::select! {
        biased;
        () = async { tokio::join!(out.written(), err.written()); } => Ok(whole(code, &out)),
        signal = ends.next() => Ok(128 + signal),
        () = tokio::time::sleep(patience) => Ok(code),
    }
}

/// The exit code, unless what was to be on standard output is not all there.
fn whole(code: i32, out: &Out) -> i32 {
    let Some(why) = out.lost() else { return code };
    crate::cli::say(format_args!("{}: {why}", crate::cli::UNWRITTEN));
    i32::from(Word::Harness.exit_code())
}

/// Gives the exit code, and whether a signal has ended it.
async fn play(
    order: &Order,
    manner: &Manner,
    ends: &mut Ends,
    out: &Out,
    err: &Out,
) -> anyhow::Result<(i32, bool)> {
    let (lag, mut human) = (Lag::new(), None);
    let to = match manner.format {
        Format::Human => (out.clone(), err.clone()),
        Format::Jsonl => (err.clone(), err.clone()),
    };
    let hands = Hands { to, lag: &lag, permit: None };
    let played = cell(order, ends, hands, |running| {
        human = attach(order, manner, running, (out, err))?;
        Ok(())
    });
    let Cell { running, end, late, status, .. } = match played.await {
        Ok(cell) => cell,
        Err(Unable::Listener(error)) => return Err(error),
        Err(Unable::Harness(text)) => {
            err.say(text);
            return Ok((i32::from(Word::Harness.exit_code()), false));
        }
        Err(Unable::Command(text)) => {
            err.say(text);
            return Ok((2, false));
        }
    };
    if let (Some(human), Ok(verdict)) = (human, &end) {
        let again = again(order, running.shared.seed);
        human.lock().unwrap_or_else(PoisonError::into_inner).verdict(verdict, &again);
    }
    running.shared.log.hang_up();
    let verdict = match end {
        Ok(verdict) => verdict,
        Err(signal) => {
            err.say("interrupted; the command and what was found of all it started is ended");
            return Ok((128 + signal, true));
        }
    };
    if let Some(signal) = late {
        return Ok((128 + signal, true));
    }
    let code = match (manner.pass_exit, status.and_then(|s| s.code())) {
        (true, Some(code)) => code,
        // As a shell says it.
        (true, None) => 128 + signal(status).unwrap_or(0),
        (false, _) if manner.strict && verdict.word.class() == Class::Warning => 1,
        (false, _) => i32::from(verdict.word.exit_code()),
    };
    Ok((code, false))
}
