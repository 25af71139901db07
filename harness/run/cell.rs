//! One cell: a command behind one scenario, from its port to its verdict. It prints nothing and ends
//! nothing but what it has started, so that several can be played at the same time.

use std::future::Future;
use std::net::SocketAddr;
use std::process::ExitStatus;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;

use super::lag::Lag;
use super::out::Out;
use super::reports::shown;
use super::trust::Trust;
use super::{child, environment, place, syn};
use crate::cli::signals::Ends;
use crate::event::What;
use crate::log::Log;
use crate::scenario::Scenario;
use crate::stage::Stage;
use crate::start::{Running, Setup};
use crate::verdict::{Syns, Terms, Verdict, Word, judge};

/// What to run, and how.
#[derive(Clone)]
pub struct Order {
    /// The scenario.
    pub scenario: Scenario,
    /// How it is called on a command line that repeats this one.
    pub called: String,
    /// The options of such a command line.
    pub options: Vec<String>,
    /// Ports, seed, names.
    pub setup: Setup,
    /// The command.
    pub command: Vec<String>,
    /// The client's own timeout, handed over as `{timeout}`.
    pub timeout: Duration,
    /// No timeout is handed over: the deadline is 30 s.
    pub no_timeout: bool,
    /// Whether the CA variables are set.
    pub trust: bool,
    /// Whether the command is put into a sandbox.
    pub isolate: bool,
    /// Whether the command has this program's standard input.
    pub stdin: bool,
}

/// Where the command's output goes, and what else it takes to play a cell.
pub(crate) struct Hands<'a> {
    /// Its standard output and its standard error.
    pub to: (Out, Out),
    /// The ticker.
    pub lag: &'a Lag,
    /// The right to have a command running, given back as soon as it has ended.
    pub permit: Option<OwnedSemaphorePermit>,
}

/// Who wants an end: the number of a signal.
pub(crate) trait Cancel: Send {
    /// The next one.
    fn next(&mut self) -> impl Future<Output = i32> + Send;
}

impl Cancel for Ends {
    async fn next(&mut self) -> i32 {
        Ends::next(self).await
    }
}

/// A cell that was played.
pub(crate) struct Cell {
    /// Its world. It ends when this is dropped.
    pub running: Running,
    /// The verdict, or the signal that has ended it before there was one.
    pub end: Result<Verdict, i32>,
    /// The signal that came when the command had ended, and its verdict stood.
    pub late: Option<i32>,
    /// How the command ended, where that was seen.
    pub status: Option<ExitStatus>,
    /// The most that this program itself was late, in milliseconds.
    pub lag_max_ms: f64,
    /// Whether a way around the proxy would have been seen.
    pub observable: bool,
}

/// Why a cell could not be played.
#[derive(Debug)]
pub(crate) enum Unable {
    /// We cannot do our part: a port, a file, a privilege.
    Harness(String),
    /// The command cannot be started.
    Command(String),
    /// Whoever wanted to listen cannot.
    Listener(anyhow::Error),
}

/// Late retries of detached helpers count until then.
const GRACE: Duration = Duration::from_millis(200);
/// Turns of the runtime after which everything has read that its peer is gone.
const TURNS: usize = 30;
/// Whoever wants an end meanwhile waits so long for the rest of what the command has said.
const PROMPT: Duration = Duration::from_secs(1);

/// The time after which a client that still runs has hung: three times its own timeout.
pub fn deadline(timeout: Duration, no_timeout: bool) -> Duration {
    if no_timeout { Duration::from_secs(30) } else { timeout * 3 }
}

/// How the command's time ended.
enum Ending {
    Exited(std::io::Result<ExitStatus>),
    Hung,
    Interrupted(i32),
}

/// Plays it. `attach` is called when the world stands and before the command starts.
pub(crate) async fn cell(
    order: &Order,
    cancel: &mut impl Cancel,
    hands: Hands<'_>,
    attach: impl FnOnce(&Running) -> anyhow::Result<()>,
) -> Result<Cell, Unable> {
    if let Some(text) = place::unmet(order) {
        return Err(Unable::Harness(text));
    }
    let mut setup = order.setup.clone();
    if setup.direct.is_none() {
        setup.direct = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    }
    let (running, mut place) = place::open(order, &setup).await.map_err(Unable::Harness)?;
    let log = running.shared.log.clone();
    let files = Trust::write(&running.shared.authority)
        .map_err(|error| Unable::Harness(format!("cannot write the CA files: {error}")))?;
    let target = target(&running);
    let timeout = (!order.no_timeout).then_some(order.timeout);
    let settings = environment::settings(&running, &files, order.trust, &target, timeout);
    let argv: Vec<String> =
        order.command.iter().map(|a| environment::substitute(a, &settings)).collect();
    attach(&running).map_err(Unable::Listener)?;
    log.note(
        None,
        What::RunStarted { proxy: running.shown_url(), target: log.secrets().mask(&target) },
    );
    // In the sandbox, SYNs are seen as they come.
    let syn_rule = running.scenario().rules.iter().position(|r| r.at.value == Stage::Syn);
    let watcher = syn_rule
        .filter(|_| !order.isolate)
        .map(|rule| tokio::spawn(syn::watch(running.address, rule + 1, log.clone())));
    let lag = hands.lag.window();
    let to = (&hands.to.0, &hands.to.1);
    // The client may be at work before we know that it is there.
    let started = log.now_ms();
    let mut wrapped = match place.spawn(&argv, &settings, to, &log, order.stdin).await {
        Ok(wrapped) => wrapped,
        Err(error) => {
            log.hang_up();
            let program = argv.first().map_or("", String::as_str);
            let why = child::explain(program, &error);
            return Err(Unable::Command(format!("cannot run `{program}`: {why}")));
        }
    };
    let masked = argv.iter().map(|a| log.secrets().mask(a)).collect();
    log.note_at(
        started,
        None,
        What::Spawned { pid: wrapped.pid(), argv: masked, env_set: shown(&settings, &log) },
    );
    let time = deadline(order.timeout, order.no_timeout);
    let ending = wait(&mut wrapped, cancel, time).await;
    let (status, killed) = match &ending {
        Ending::Exited(Ok(status)) => (Some(*status), false),
        Ending::Exited(Err(_)) => (None, false),
        Ending::Hung | Ending::Interrupted(_) => {
            // Before the signal is sent: what the command leaves behind follows from it.
            let interrupted = matches!(ending, Ending::Interrupted(_));
            let after_ms = log.now_ms() - started;
            log.note(None, What::Killed { after_ms, interrupted });
            (wrapped.kill().await, true)
        }
    };
    drop(hands.permit);
    // Before it was gone its kernel closed what it had open: that is told first.
    for _ in 0..TURNS {
        tokio::task::yield_now().await;
    }
    log.note(None, exited(status, killed));
    let stopped = matches!(ending, Ending::Interrupted(_));
    let (leftover, late) = rest(&mut wrapped, cancel, stopped).await;
    // Who wants an end when the command has had its own takes nothing from what it did.
    let (ending, late) = match (leftover, late) {
        (None, Some(signal)) => (Ending::Interrupted(signal), None),
        (_, late) => (ending, late),
    };
    if leftover == Some(true) && !killed {
        log.note(None, What::Leftover {});
    }
    if let Some(watcher) = watcher {
        watcher.abort();
    }
    let lag_max_ms = lag.worst();
    let end = match ending {
        Ending::Interrupted(signal) => {
            ended(&log, "interrupted".to_owned(), Vec::new(), &[], lag_max_ms);
            Err(signal)
        }
        _ => Ok(conclude(order, &running, &log, lag_max_ms)),
    };
    let observable = observable(order, &running);
    Ok(Cell { running, end, late, status, lag_max_ms, observable })
}

/// The URL that the client is to fetch. `{origin}` in it is the origin's own address.
pub(crate) fn target(running: &Running) -> String {
    let target = running.scenario().target().to_owned();
    match running.direct {
        Some(at) => target.replace("{origin}", &at.to_string()),
        None => target,
    }
}

async fn wait(
    wrapped: &mut child::Wrapped,
    cancel: &mut impl Cancel,
    deadline: Duration,
) -> Ending {
    tokio::select! {
        biased;
        status = wrapped.wait() => Ending::Exited(status),
        signal = cancel.next() => Ending::Interrupted(signal),
        () = tokio::time::sleep(deadline) => Ending::Hung,
    }
}

/// What is left of the command is ended, and the rest of its output heard. Whether there was anything
/// left, None when that was not waited for; and the signal that came meanwhile.
async fn rest(
    wrapped: &mut child::Wrapped,
    cancel: &mut impl Cancel,
    stopped: bool,
) -> (Option<bool>, Option<i32>) {
    let end = async {
        if !stopped {
            tokio::time::sleep(GRACE).await;
        }
        wrapped.clean_up(!stopped).await
    };
    tokio::pin!(end);
    let mut signal = None;
    loop {
        tokio::select! {
            biased;
            left = &mut end => return (Some(left), signal),
            next = cancel.next(), if signal.is_none() => {
                signal = Some(next);
                if stopped {
                    return (None, signal);
                }
            }
            () = tokio::time::sleep(PROMPT), if signal.is_some() => return (None, signal),
        }
    }
}

fn exited(status: Option<ExitStatus>, killed_by_us: bool) -> What {
    let (code, signal) = (status.and_then(|s| s.code()), signal(status));
    What::Exited { code, signal, killed_by_us }
}

/// The signal that has ended it.
#[cfg(unix)]
pub(crate) fn signal(status: Option<ExitStatus>) -> Option<i32> {
    use std::os::unix::process::ExitStatusExt;
    status.and_then(|s| s.signal())
}

#[cfg(not(unix))]
pub(crate) fn signal(_: Option<ExitStatus>) -> Option<i32> {
    None
}

fn conclude(order: &Order, running: &Running, log: &Log, lag_max_ms: f64) -> Verdict {
    let scenario = running.scenario();
    let terms = Terms {
        timeout: order.timeout,
        hang: deadline(order.timeout, order.no_timeout),
        lag_max_ms,
        bypass_observable: observable(order, running),
        no_timeout: order.no_timeout,
        syns: match order.isolate {
            true => Syns::All,
            false if cfg!(target_os = "linux") => Syns::Waiting,
            false => Syns::None,
        },
    };
    let verdict = judge(&scenario, &log.conduct(), &terms);
    for finding in &verdict.findings {
        log.note(None, finding.event());
    }
    let words: Vec<Word> = verdict.findings.iter().map(|f| f.word).collect();
    ended(log, verdict.word.to_string(), words, &verdict.notes, lag_max_ms);
    verdict
}

/// The last event.
fn ended(log: &Log, verdict: String, findings: Vec<Word>, notes: &[String], lag_max_ms: f64) {
    let findings = findings.iter().map(ToString::to_string).collect();
    let (notes, events_dropped) = (notes.to_vec(), log.dropped());
    log.note(None, What::RunEnded { verdict, findings, notes, lag_max_ms, events_dropped });
}

/// In the sandbox every way around the proxy is seen. Elsewhere only where the client could go it: when its target is the
/// origin's own address.
pub(super) fn observable(order: &Order, running: &Running) -> bool {
    if order.isolate {
        return true;
    }
    let target = order.scenario.client.target.as_deref().unwrap_or_default();
    target.contains("{origin}") && running.direct.is_some_and(|at| !at.ip().is_loopback())
}

#[cfg(all(test, unix))]
mod tests;
