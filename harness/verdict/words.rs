//! How numbers and conduct are put into words.

use std::time::Duration;

use super::{Case, Ending};
use crate::conduct::Conduct;
use crate::report::text::of_connection;
use crate::scenario::{Outcome, Scenario};
use crate::stage::Stage;

/// Milliseconds. By hand, because `mul_f64` and its like panic when the result is too long.
pub(crate) fn in_ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// `3,770`.
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 attempt`, `3,770 attempts`.
pub(crate) fn many(n: u64, thing: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{} {thing}{s}", count(n))
}

/// `3.9 ms`, `250 ms`, `5.0 s`, `4 min 20 s`.
pub(crate) fn ms(ms: f64) -> String {
    match ms {
        t if t < 99.95 => format!("{t:.1} ms"),
        t if t < 999.5 => format!("{t:.0} ms"),
        t if t < 119_950.0 => format!("{:.1} s", t / 1e3),
        t if t < 1e12 => {
            let seconds = (t / 1e3).round() as u64;
            format!("{} min {} s", count(seconds / 60), seconds % 60)
        }
        t => format!("{:.0} s", t / 1e3),
    }
}

/// `5.0 s`, of a length of time.
pub(crate) fn time(time: Duration) -> String {
    ms(in_ms(time))
}

/// `SIGSEGV` for a signal that has this number everywhere.
pub(crate) fn signal(number: i32) -> String {
    let name = match number {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        5 => "SIGTRAP",
        6 => "SIGABRT",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        _ => return format!("signal {number}"),
    };
    format!("signal {number} ({name})")
}

/// What the proxy did: the first fault that the client could notice, else the first at all.
pub(super) fn proxy_did(scenario: &Scenario, conduct: &Conduct) -> String {
    let Some(met) = conduct.first_audible.as_ref().or(conduct.first_fault.as_ref()) else {
        let at_syn = scenario.rules.iter().find(|rule| rule.at.value == Stage::Syn);
        let at_syn = at_syn.filter(|_| scenario.shut());
        return match at_syn.and_then(|rule| rule.steps.0.first()) {
            Some(step) => match step.effect.word() {
                "refuse" => "answered every SYN with a RST".to_owned(),
                "blackhole" => "left every SYN unanswered".to_owned(),
                "unreachable" => "had no route to it".to_owned(),
                word => format!("{word} at syn"),
            },
            None if scenario.rules.is_empty() => "nothing wrong: no rule, no fault".to_owned(),
            None => "nothing wrong: no rule was met".to_owned(),
        };
    };
    let conn = met.conn.map(|conn| format!(" of {}", of_connection(conn))).unwrap_or_default();
    let all = conduct.faults.values().fold(0u64, |sum, n| sum.saturating_add(*n));
    let more = match all {
        0 | 1 => String::new(),
        n => format!("; {} in all", many(n, "fault")),
    };
    format!("{} at {}{conn}: {}{more}", met.effect, met.at, met.did)
}

/// What the client did: its attempts, the pauses between them, its end.
pub(crate) fn client_did(conduct: &Conduct) -> String {
    let came = match conduct.attempts {
        0 if conduct.syns > 0 => format!("sent {}, got no connection", many(conduct.syns, "SYN")),
        0 if conduct.queries > 0 => {
            let queries = if conduct.queries == 1 { "query" } else { "queries" };
            format!("sent {} {queries}, made no connection to the proxy", count(conduct.queries))
        }
        0 if conduct.fetches > 0 => {
            let times = many(conduct.fetches, "time");
            format!("asked for the PAC file {times}, made no connection to the proxy")
        }
        0 => "made no connection to the proxy".to_owned(),
        n => {
            let gap = conduct.median_gap().map(|gap| match n {
                2 => format!(", {} apart", ms(gap)),
                _ => format!(", a median of {} apart", ms(gap)),
            });
            format!("made {}{}", many(n, "attempt"), gap.unwrap_or_default())
        }
    };
    let absent = conduct.process.absent;
    let Some(exit) = conduct.process.exit else {
        let seen = if absent { "told" } else { "seen" };
        return format!("{came}; its end was not {seen}");
    };
    let ran = conduct.ran().unwrap_or(0.0);
    let end = match (exit.killed_by_us, exit.signal, exit.code) {
        (true, ..) => format!("was still running after {} and was killed", ms(ran)),
        (_, Some(number), _) => format!("was ended by {} after {}", signal(number), ms(ran)),
        (_, _, Some(0)) if absent => format!("reported success after {}", ms(ran)),
        (_, _, Some(_)) if absent => format!("reported a failure after {}", ms(ran)),
        (_, _, Some(code)) => format!("exited with {code} after {}", ms(ran)),
        _ => format!("ended after {}", ms(ran)),
    };
    format!("{came}, and {end}")
}

/// What a good client does, as the scenario says it or as its `expect` implies.
pub(super) fn good_client(scenario: &Scenario) -> String {
    if !scenario.good_client.is_empty() {
        return scenario.good_client.clone();
    }
    let most = many(scenario.expect.attempts.most(), "attempt");
    match scenario.outcome() {
        Outcome::Success => format!("gets the origin's answer with at most {most}"),
        Outcome::Failure => format!("fails after at most {most}, soon, and says why"),
        Outcome::Either => {
            format!("gets the origin's answer, or fails soon and says why; at most {most}")
        }
    }
}

/// The line beside PASS.
pub(super) fn passed(case: &Case<'_>) -> String {
    let conduct = case.conduct;
    let ran = conduct.ran().unwrap_or(0.0);
    let exit = |code: i32| match conduct.process.absent {
        true => String::new(),
        false => format!("exit {code}, "),
    };
    let attempts = match conduct.attempts {
        0 if conduct.went_around() => "around the proxy".to_owned(),
        0 => "no connection".to_owned(),
        n => many(n, "attempt"),
    };
    match case.ending {
        Ending::Success => {
            let (how, what) = match case.met {
                _ if case.took_damage() => {
                    ("cannot know", "a damaged answer, and nothing on the wire shows it,")
                }
                true if conduct.took_parts() => {
                    ("recovers", "the origin's answer in parts, as far as the wire shows,")
                }
                true => ("recovers", "the origin's answer"),
                false => ("works", "the origin's answer"),
            };
            format!("{how}: {what} after {}, {attempts}", ms(ran))
        }
        Ending::Failure(code) => match (conduct.audible_since, conduct.process.exit) {
            (Some(since), Some(end)) => {
                let late = ms((end.time - since).max(0.0));
                format!("fails fast: {}{late} after the fault, {attempts}", exit(code))
            }
            _ => format!(
                "fails in time: {}after {}, {attempts}",
                exit(code).replace(',', ""),
                ms(ran)
            ),
        },
        _ => attempts,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        assert_eq!(
            [0, 999, 1000, 3770, 1_234_567].map(count),
            ["0", "999", "1,000", "3,770", "1,234,567"]
        );
        assert_eq!(many(1, "attempt"), "1 attempt");
        assert_eq!(many(0, "attempt"), "0 attempts");
        let times = [0.04, 3.91, 99.96, 999.6, 5_000.0, 119_960.0, 260_000.0, f64::INFINITY];
        assert_eq!(
            times.map(ms),
            ["0.0 ms", "3.9 ms", "100 ms", "1.0 s", "5.0 s", "2 min 0 s", "4 min 20 s", "inf s"]
        );
        assert_eq!(ms(f64::NAN), "NaN s");
        assert_eq!(time(Duration::from_millis(250)), "250 ms");
        assert_eq!(signal(11), "signal 11 (SIGSEGV)");
        assert_eq!(signal(7), "signal 7");
    }
}
