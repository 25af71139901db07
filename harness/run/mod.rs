//! The wrapped command: started behind the broken proxy, watched, ended, judged.

pub mod child;
pub mod environment;
pub mod syn;
pub mod trust;

use std::fs::File;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use serde_json::json;

use crate::event::{Header, SCHEMA, What};
use crate::log::Log;
use crate::report::human::Human;
use crate::report::jsonl;
use crate::scenario::Scenario;
use crate::stage::Stage;
use crate::start::{Running, Setup, start};
use crate::verdict::{Class, Terms, Verdict, Word, judge};
use child::To;
use environment::Setting;
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
    /// Print the verdict's first line alone.
    pub quiet: bool,
    /// End with the command's own exit code.
    pub pass_exit: bool,
    /// Warnings count as failures.
    pub strict: bool,
    /// Whether the CA variables are set.
    pub trust: bool,
    /// Whether there are colours.
    pub colour: bool,
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
    Exited(std::io::Result<std::process::ExitStatus>),
    Hung,
    Interrupted(i32),
}

/// Runs it. Gives the exit code.
///
/// # Errors
///
/// What keeps a run from starting: a port, a file, a command that is not there.
pub async fn run(order: Order) -> anyhow::Result<i32> {
    if order.scenario.requires > 0 {
        eprintln!(
            "badproxy: {} needs tier {} (a sandbox or root), which this version does not have yet: \
             it is not run as something weaker",
            order.scenario.name, order.scenario.requires
        );
        return Ok(i32::from(Word::Harness.exit_code()));
    }
    let mut setup = order.setup.clone();
    if setup.direct.is_none() {
        setup.direct = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    }
    let running = match start(order.scenario.clone(), &setup).await {
        Ok(running) => running,
        Err(error) => {
            eprintln!("badproxy: cannot start the proxy: {error:#}");
            return Ok(i32::from(Word::Harness.exit_code()));
        }
    };
    let log = running.shared.log.clone();
    let files = Trust::write(&running.shared.authority).context("cannot write the CA files")?;
    let target = target(&running);
    let settings =
        environment::settings(&running, &files, order.trust, &target, order.timeout);
    let argv: Vec<String> =
        order.command.iter().map(|a| environment::substitute(a, &settings)).collect();
    let human = attach(&order, &running, &log)?;
    log.note(None, What::RunStarted { proxy: running.shown_url(), target: log.secrets().mask(&target) });
    let syn_rule = running.scenario().rules.iter().position(|r| r.at.value == Stage::Syn);
    let watcher = syn_rule
        .map(|rule| tokio::spawn(syn::watch(running.address, rule + 1, log.clone())));
    let lag = Arc::new(Mutex::new(0.0f64));
    let ticker = tokio::spawn(tick(Arc::clone(&lag)));
    let to = match order.format {
        Format::Human => (To::Stdout, To::Stderr),
        Format::Jsonl => (To::Stderr, To::Stderr),
    };
    let mut wrapped = match child::spawn(&argv, &settings, to, &log) {
        Ok(wrapped) => wrapped,
        Err(error) => {
            log.hang_up();
            let program = argv.first().map_or("", String::as_str);
            eprintln!("badproxy: cannot run `{program}`: {}", explain(&error));
            return Ok(2);
        }
    };
    let masked = argv.iter().map(|a| log.secrets().mask(a)).collect();
    log.note(None, What::Spawned { pid: wrapped.pid(), argv: masked, env_set: shown(&settings, &log) });
    let ending = wait(&mut wrapped, deadline(order.timeout, order.no_timeout)).await;
    let (status, killed) = match &ending {
        Ending::Exited(Ok(status)) => (Some(*status), false),
        Ending::Exited(Err(_)) => (None, false),
        Ending::Hung | Ending::Interrupted(_) => (wrapped.kill().await, true),
    };
    let mut exited = exited(status, killed);
    // The time of the end is now; what is left of the output comes after it.
    let at = log.now_ms();
    if !matches!(ending, Ending::Interrupted(_)) {
        tokio::time::sleep(GRACE).await;
    }
    let leftover = wrapped.clean_up().await;
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
            log.note(None, What::RunEnded {
                verdict: "interrupted".to_owned(),
                findings: Vec::new(),
                lag_max_ms: lag,
                events_dropped: log.events().1,
            });
            log.hang_up();
            eprintln!("badproxy: interrupted; the command and everything it started is ended");
            return Ok(128 + signal);
        }
        _ => conclude(&order, &running, &log, lag),
    };
    if let Some(human) = human {
        let again = again(&order, &running);
        let conduct = log.conduct();
        human.lock().unwrap_or_else(PoisonError::into_inner).verdict(&verdict, &conduct, &again);
    }
    log.hang_up();
    let code = match (order.pass_exit, status.and_then(|s| s.code())) {
        (true, Some(code)) => code,
        (true, None) => 1,
        (false, _) if order.strict && verdict.word.class() == Class::Warning => 1,
        (false, _) => i32::from(verdict.word.exit_code()),
    };
    Ok(code)
}

/// The URL that the client is to fetch. `{origin}` in it is the origin's own address.
fn target(running: &Running) -> String {
    let target = running.scenario().target().to_owned();
    match running.direct {
        Some(at) => target.replace("{origin}", &at.to_string()),
        None => target,
    }
}

async fn wait(wrapped: &mut child::Wrapped, deadline: Duration) -> Ending {
    let interrupt = crate::cli::signals::interrupted();
    tokio::select! {
        biased;
        status = wrapped.wait() => Ending::Exited(status),
        signal = interrupt => Ending::Interrupted(signal),
        () = tokio::time::sleep(deadline) => Ending::Hung,
    }
}

fn exited(status: Option<std::process::ExitStatus>, killed_by_us: bool) -> What {
    #[cfg(unix)]
    let signal = {
        use std::os::unix::process::ExitStatusExt;
        status.and_then(|s| s.signal())
    };
    #[cfg(not(unix))]
    let signal = None;
    What::Exited { code: status.and_then(|s| s.code()), signal, killed_by_us, leftover: false }
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
    log.note(None, What::RunEnded {
        verdict: verdict.word.to_string(),
        findings: verdict.findings.iter().map(|f| f.word.to_string()).collect(),
        lag_max_ms,
        events_dropped: log.events().1,
    });
    verdict
}

/// A way around the proxy can be seen only where the client could go it: when its target is the
/// origin's own address.
fn observable(order: &Order, running: &Running) -> bool {
    let target = order.scenario.client.target.as_deref().unwrap_or_default();
    target.contains("{origin}") && running.direct.is_some_and(|at| !at.ip().is_loopback())
}

/// Attaches the reports to the log.
fn attach(order: &Order, running: &Running, log: &Log) -> anyhow::Result<Option<Arc<Mutex<Human>>>> {
    let header = jsonl::header(&header(order, running));
    if let Some(path) = &order.events {
        let mut file = File::create(path)
            .with_context(|| format!("cannot write the events to {}", path.display()))?;
        writeln!(file, "{header}")?;
        let mut broken = false;
        log.listen(Box::new(move |event| {
            if !broken && writeln!(file, "{}", jsonl::line(event)).is_err() {
                broken = true;
                eprintln!("badproxy: the event file cannot be written any more: it ends early");
            }
        }));
    }
    match order.format {
        Format::Jsonl => {
            let mut out = std::io::stdout();
            writeln!(out, "{header}")?;
            log.listen(Box::new(move |event| {
                let _ = writeln!(out, "{}", jsonl::line(event)).and_then(|()| out.flush());
            }));
            Ok(None)
        }
        Format::Human => {
            let mut human = Human::new(
                Box::new(std::io::stderr()),
                order.colour,
                crate::cli::width(),
                order.quiet,
            );
            human.header(&order.scenario.name, &running.shown_url(), running.shared.seed);
            let human = Arc::new(Mutex::new(human));
            let live = Arc::clone(&human);
            log.listen(Box::new(move |event| {
                live.lock().unwrap_or_else(PoisonError::into_inner).event(event);
            }));
            Ok(Some(human))
        }
    }
}

/// The first line of the event file.
fn header(order: &Order, running: &Running) -> Header {
    let scenario = running.scenario();
    let wall = std::time::SystemTime::now();
    Header {
        schema: SCHEMA,
        badproxy: env!("CARGO_PKG_VERSION"),
        scenario: scenario.name.clone(),
        seed: running.shared.seed,
        host: json!({
            "os": std::env::consts::OS,
            "arch": std::env::consts::ARCH,
            "cpus": std::thread::available_parallelism().map_or(1, usize::from),
        }),
        reference_time: json!({
            "clock_type": "monotonic",
            "epoch": "unknown",
            "wall_clock_time": humantime::format_rfc3339_millis(wall).to_string(),
        }),
        limits: json!({
            "attempts": scenario.expect.attempts.most(),
            "fast_ms": 2000,
            "hang_ms": deadline(order.timeout, order.no_timeout).as_millis() as u64,
            "timeout_ms": order.timeout.as_millis() as u64,
        }),
        observable: json!({
            "bypass": observable(order, running),
            "dns": false,
            "egress": false,
        }),
    }
}

/// The command line that repeats this run.
fn again(order: &Order, running: &Running) -> String {
    let quote = |a: &String| match a.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:=@%+,{}".contains(c)) {
        true if !a.is_empty() => a.clone(),
        _ => format!("'{}'", a.replace('\'', "'\\''")),
    };
    let command: Vec<String> = order.command.iter().map(quote).collect();
    format!(
        "badproxy run {} --seed {} -- {}",
        quote(&order.called),
        running.shared.seed,
        command.join(" ")
    )
}

/// The variables as they may be shown.
fn shown(settings: &[Setting], log: &Log) -> serde_json::Value {
    let secrets = log.secrets();
    settings
        .iter()
        .map(|(name, value)| {
            (*name, value.as_ref().map(|v| secrets.mask(v)))
        })
        .collect::<std::collections::BTreeMap<_, _>>()
        .into_iter()
        .map(|(name, value)| (name.to_owned(), json!(value)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn explain(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "no such command (is it on the PATH?)".to_owned(),
        std::io::ErrorKind::PermissionDenied => "it is not executable".to_owned(),
        _ => error.to_string(),
    }
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
