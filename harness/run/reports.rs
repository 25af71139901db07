//! What a run tells: its reports, and what stands in them about the run itself.

use std::fs::File;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use serde_json::json;

use super::cell::observable;
use super::environment::Setting;
use super::out::Out;
use super::{Format, Manner, Order, deadline};
use crate::event::{Event, Header, SCHEMA};
use crate::log::Log;
use crate::report::human::Human;
use crate::report::jsonl;
use crate::start::Running;

/// Attaches the reports to the log. What has happened so far comes first.
pub(super) fn attach(
    order: &Order,
    manner: &Manner,
    running: &Running,
    (out, err): (&Out, &Out),
) -> anyhow::Result<Option<Arc<Mutex<Human>>>> {
    let log = &running.shared.log;
    let header = jsonl::header(&header(order, running));
    let so_far = log.events().0;
    let lines = |events: &[Event]| -> String {
        events.iter().map(|event| jsonl::line(event) + "\n").collect()
    };
    if let Some(path) = &manner.events {
        let mut file = File::create(path)
            .with_context(|| format!("cannot write the events to {}", path.display()))?;
        write!(file, "{header}\n{}", lines(&so_far))
            .with_context(|| format!("cannot write the events to {}", path.display()))?;
        let (mut broken, err) = (false, err.clone());
        log.listen(Box::new(move |event| {
            if !broken && writeln!(file, "{}", jsonl::line(event)).is_err() {
                broken = true;
                err.say("the event file cannot be written any more: it ends early");
            }
        }));
    }
    match manner.format {
        Format::Jsonl => {
            let mut out = out.lines();
            // Without a reader there is a verdict all the same.
            let _ = write!(out, "{header}\n{}", lines(&so_far));
            log.listen(Box::new(move |event| {
                let _ = writeln!(out, "{}", jsonl::line(event));
            }));
            Ok(None)
        }
        Format::Human => {
            let width = crate::cli::width();
            let human = Human::new(Box::new(err.lines()), manner.colour, width, manner.quiet);
            let mut human = human.whole_lines(!crate::cli::fits(&std::io::stderr()));
            human.header(&order.scenario.name, &running.shown_url(), running.shared.seed);
            so_far.iter().for_each(|event| human.event(event));
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
pub(crate) fn header(order: &Order, running: &Running) -> Header {
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
            "dns": running.dns.is_some(),
            "egress": order.isolate,
        }),
    }
}

/// The command line that repeats this run.
pub(crate) fn again(order: &Order, seed: u64) -> String {
    let words =
        |list: &[String]| list.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
    let (options, space) = (words(&order.options), if order.options.is_empty() { "" } else { " " });
    format!(
        "badproxy run {} --seed {}{space}{options} -- {}",
        quoted(&order.called),
        seed,
        words(&order.command)
    )
}

/// A word of a shell's command line.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,{}".contains(c);
    match word.chars().all(plain) {
        true if !word.is_empty() => word.to_owned(),
        // On one line, also what has several.
        _ if word.contains(['\n', '\r', '\t']) => {
            let text = word.replace('\\', "\\\\").replace('\'', "\\'");
            let text = text.replace('\n', "\\n").replace('\r', "\\r").replace('\t', "\\t");
            format!("$'{text}'")
        }
        _ => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

/// The variables as they may be shown.
pub(super) fn shown(settings: &[Setting], log: &Log) -> serde_json::Value {
    let secrets = log.secrets();
    settings
        .iter()
        .map(|(name, value)| (*name, value.as_ref().map(|v| secrets.mask(v))))
        .collect::<std::collections::BTreeMap<_, _>>()
        .into_iter()
        .map(|(name, value)| (name.to_owned(), json!(value)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}
