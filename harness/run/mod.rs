//! The wrapped command: started behind the broken proxy, watched, ended, judged.

pub mod child;
pub mod environment;
#[cfg(unix)]
mod group;
#[cfg(target_os = "linux")]
mod isolate;
pub mod out;
mod place;
mod reports;
pub mod syn;
pub mod trust;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::cli::signals::Ends;
use crate::event::What;
use crate::log::Log;
use crate::scenario::Scenario;
use crate::stage::Stage;
use crate::start::{Running, Setup};
use crate::verdict::{Class, Terms, Verdict, Word, judge};
use out::Out;
use reports::{again, attach, shown};
use trust::Trust;

/// The form of what is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// The conversation and the verdict, on standard error.
    Human,
    /// One event a line, on standard output; the command's output goes to standard error.
    Jsonl,
}

/// What to run, and how.
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
    /// Whether the CA variables are set.
    pub trust: bool,
    /// Whether there are colours.
    pub colour: bool,
    /// Whether the command is put into a sandbox.
    pub isolate: bool,
}

/// A tick this late means that the machine, not the client, was slow.
const TICK: Duration = Duration::from_millis(10);
/// Late retries of detached helpers count until then.
const GRACE: Duration = Duration::from_millis(200);

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

/// Runs it. Gives the exit code.
///
/// # Errors
///
/// What keeps a run from starting: a port, a file, a command that is not there.
pub async fn run(order: Order) -> anyhow::Result<i32> {
    // From here on, whatever ends the run lets it clean up.
    let mut ends = Ends::new().and_hangup();
    let (out, err) = (Out::stdout()?, Out::stderr()?);
    let (code, interrupted) = play(order, &mut ends, &out, &err).await?;
    // Who reads slowly is waited for, but not by somebody who wants an end.
    let patience = if interrupted { Duration::from_secs(1) } else { Duration::MAX };
    tokio::select! {
        biased;
        () = async { tokio::join!(out.written(), err.written()); } => Ok(code),
        signal = ends.next() => Ok(128 + signal),
        () = tokio::time::sleep(patience) => Ok(code),
    }
}

/// Gives the exit code, and whether a signal has ended it.
async fn play(order: Order, ends: &mut Ends, out: &Out, err: &Out) -> anyhow::Result<(i32, bool)> {
    if let Some(text) = place::unmet(&order) {
        err.say(text);
        return Ok((i32::from(Word::Harness.exit_code()), false));
    }
    let mut setup = order.setup.clone();
    if setup.direct.is_none() {
        setup.direct = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    }
    let (running, mut place) = match place::open(&order, &setup).await {
        Ok(opened) => opened,
        Err(text) => {
            err.say(text);
            return Ok((i32::from(Word::Harness.exit_code()), false));
        }
    };
    let log = running.shared.log.clone();
    let files = match Trust::write(&running.shared.authority) {
        Ok(files) => files,
        Err(error) => {
            err.say(format_args!("cannot write the CA files: {error}"));
            return Ok((i32::from(Word::Harness.exit_code()), false));
        }
    };
    let target = target(&running);
    let timeout = (!order.no_timeout).then_some(order.timeout);
    let settings = environment::settings(&running, &files, order.trust, &target, timeout);
    let argv: Vec<String> =
        order.command.iter().map(|a| environment::substitute(a, &settings)).collect();
    let human = attach(&order, &running, &log, (out, err))?;
    log.note(
        None,
        What::RunStarted { proxy: running.shown_url(), target: log.secrets().mask(&target) },
    );
    // In the sandbox, SYNs are seen as they come.
    let syn_rule = running.scenario().rules.iter().position(|r| r.at.value == Stage::Syn);
    let watcher = syn_rule
        .filter(|_| !order.isolate)
        .map(|rule| tokio::spawn(syn::watch(running.address, rule + 1, log.clone())));
    let lag = Arc::new(Mutex::new(0.0f64));
    let ticker = tokio::spawn(tick(Arc::clone(&lag)));
    let to = match order.format {
        Format::Human => (out, err),
        Format::Jsonl => (err, err),
    };
    let mut wrapped = match place.spawn(&argv, &settings, to, &log).await {
        Ok(wrapped) => wrapped,
        Err(error) => {
            log.hang_up();
            let program = argv.first().map_or("", String::as_str);
            err.say(format_args!("cannot run `{program}`: {}", child::explain(program, &error)));
            return Ok((2, false));
        }
    };
    let masked = argv.iter().map(|a| log.secrets().mask(a)).collect();
    log.note(
        None,
        What::Spawned { pid: wrapped.pid(), argv: masked, env_set: shown(&settings, &log) },
    );
    let time = deadline(order.timeout, order.no_timeout);
    let ending = wait(&mut wrapped, ends, time).await;
    let (status, killed) = match &ending {
        Ending::Exited(Ok(status)) => (Some(*status), false),
        Ending::Exited(Err(_)) => (None, false),
        Ending::Hung | Ending::Interrupted(_) => (wrapped.kill().await, true),
    };
    let mut exited = exited(status, killed);
    // The time of the end is now; what is left of the output comes after it.
    let at = log.now_ms();
    let patient = !matches!(ending, Ending::Interrupted(_));
    if patient {
        tokio::time::sleep(GRACE).await;
    }
    let (leftover, ending) = tokio::select! {
        biased;
        left = wrapped.clean_up(patient) => (left, ending),
        signal = ends.next() => (false, Ending::Interrupted(signal)),
    };
    if let What::Exited { leftover: left, .. } = &mut exited {
        *left = leftover && !killed;
    }
    log.note_at(at, None, exited);
    ticker.abort();
    if let Some(watcher) = watcher {
        watcher.abort();
    }
    let lag = *lag.lock().unwrap_or_else(PoisonError::into_inner);
    let verdict = match ending {
        Ending::Interrupted(signal) => {
            log.note(
                None,
                What::RunEnded {
                    verdict: "interrupted".to_owned(),
                    findings: Vec::new(),
                    lag_max_ms: lag,
                    events_dropped: log.events().1,
                },
            );
            log.hang_up();
            err.say("interrupted; the command and everything it started is ended");
            return Ok((128 + signal, true));
        }
        _ => conclude(&order, &running, &log, lag),
    };
    if let Some(human) = human {
        let again = again(&order, &running);
        human.lock().unwrap_or_else(PoisonError::into_inner).verdict(&verdict, &again);
    }
    log.hang_up();
    let code = match (order.pass_exit, status.and_then(|s| s.code())) {
        (true, Some(code)) => code,
        // As a shell says it.
        (true, None) => 128 + signal(status).unwrap_or(0),
        (false, _) if order.strict && verdict.word.class() == Class::Warning => 1,
        (false, _) => i32::from(verdict.word.exit_code()),
    };
    Ok((code, false))
}

/// The URL that the client is to fetch. `{origin}` in it is the origin's own address.
pub(crate) fn target(running: &Running) -> String {
    let target = running.scenario().target().to_owned();
    match running.direct {
        Some(at) => target.replace("{origin}", &at.to_string()),
        None => target,
    }
}

async fn wait(wrapped: &mut child::Wrapped, ends: &mut Ends, deadline: Duration) -> Ending {
    tokio::select! {
        biased;
        status = wrapped.wait() => Ending::Exited(status),
        signal = ends.next() => Ending::Interrupted(signal),
        () = tokio::time::sleep(deadline) => Ending::Hung,
    }
}

fn exited(status: Option<ExitStatus>, killed_by_us: bool) -> What {
    let (code, signal) = (status.and_then(|s| s.code()), signal(status));
    What::Exited { code, signal, killed_by_us, leftover: false }
}

/// The signal that has ended it.
#[cfg(unix)]
fn signal(status: Option<ExitStatus>) -> Option<i32> {
    use std::os::unix::process::ExitStatusExt;
    status.and_then(|s| s.signal())
}

#[cfg(not(unix))]
fn signal(_: Option<ExitStatus>) -> Option<i32> {
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
    };
    let verdict = judge(&scenario, &log.conduct(), &terms);
    for finding in &verdict.findings {
        log.note(None, finding.event());
    }
    log.note(
        None,
        What::RunEnded {
            verdict: verdict.word.to_string(),
            findings: verdict.findings.iter().map(|f| f.word.to_string()).collect(),
            lag_max_ms,
            events_dropped: log.events().1,
        },
    );
    verdict
}

/// In the sandbox every way around the proxy is seen. Elsewhere only where the client could go it: when its target is the
/// origin's own address.
fn observable(order: &Order, running: &Running) -> bool {
    if order.isolate {
        return true;
    }
    let target = order.scenario.client.target.as_deref().unwrap_or_default();
    target.contains("{origin}") && running.direct.is_some_and(|at| !at.ip().is_loopback())
}

/// Measures how late this process gets its turn.
async fn tick(worst: Arc<Mutex<f64>>) {
    loop {
        let start = tokio::time::Instant::now();
        tokio::time::sleep(TICK).await;
        let late = start.elapsed().saturating_sub(TICK).as_secs_f64() * 1e3;
        let mut worst = worst.lock().unwrap_or_else(PoisonError::into_inner);
        if late > *worst {
            *worst = late;
        }
    }
}
