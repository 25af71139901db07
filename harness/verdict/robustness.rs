//! NOT-EXERCISED, STORM, HANG, CRASH, FAILED.

use super::words::{count, in_ms, many, ms, signal, time};
use super::{Case, Ending, Finding, Word};
use crate::scenario::{Outcome, Way};

pub(super) fn find(case: &Case<'_>, found: &mut Vec<Finding>) {
    not_exercised(case, found);
    too_many(case, found);
    too_often(case, found);
    too_soon(case, found);
    hang(case, found);
    crash(case, found);
    failed(case, found);
}

/// Nobody came, although nothing kept the client from coming.
fn not_exercised(case: &Case<'_>, found: &mut Vec<Finding>) {
    // A SYN that was seen and not answered is no connection, but the client has come.
    let came = case.conduct.attempts > 0 || case.conduct.syns > 0 || case.bypassed();
    // One that goes around the proxy, and may, is not always seen: `open` says so.
    if !came && !case.may_not_arrive() && case.way() == Way::Proxy {
        let (pac, dns) = (case.scenario.has_pac(), case.scenario.has_dns());
        // In the sandbox nothing else can be asked; where a bypass is seen, that is where we are.
        let limit = match dns && !pac && !case.terms.bypass_observable {
            true => "so nothing was tested: in `run --isolate` whoever looks a name up asks it",
            false => "so nothing was tested",
        };
        let measured = match (pac, dns) {
            (true, _) if case.conduct.fetches > 0 => {
                "the client fetched the PAC file and dialled none of its proxies"
            }
            (true, _) => "the client never fetched the PAC file, nor connected to the proxy",
            (_, true) => "the client never asked the name server, nor connected to the proxy",
            _ => "the client never connected to the proxy",
        };
        found.push(case.finding(Word::NotExercised, "attempts", measured, limit));
    }
}

fn too_many(case: &Case<'_>, found: &mut Vec<Finding>) {
    let allowed = case.scenario.expect.attempts.most();
    // Where the origin itself sends the client on, that is another request; and where nothing goes
    // wrong, who has its answer and asks for the next page (a test suite, say) does not come back.
    let pages = match case.conduct.faults.is_empty() {
        true => case.conduct.pages().saturating_sub(1),
        false => 0,
    };
    let most = allowed.saturating_add(case.conduct.redirects()).saturating_add(pages);
    // A stream that was refused is a request, though nobody has numbered it.
    let refused = case.conduct.refused;
    let attempts = case.conduct.attempts.saturating_add(refused);
    // Where no SYN is answered, each of them is an attempt. Not added up: one that is answered
    // late becomes a connection.
    let syns = case.conduct.syns;
    if syns > most.max(attempts) {
        let limit = format!("{} allowed", many(most, "attempt"));
        found.push(case.finding(Word::Storm, "attempts", many(syns, "SYN"), limit));
    } else if attempts > most {
        let times = case.conduct.times();
        let span = match (times.first(), times.last()) {
            _ if refused > 0 => format!(" ({} refused)", many(refused, "stream")),
            // Of the later ones no time is kept.
            (Some(first), Some(last)) if times.len() as u64 == attempts => {
                format!(" in {}", ms(last - first))
            }
            _ => String::new(),
        };
        let measured = format!("{}{span}", many(attempts, "attempt"));
        let limit = format!("{} allowed", count(most));
        found.push(case.finding(Word::Storm, "attempts", measured, limit));
    }
}

/// Questions of one name and type that a good client may ask. glibc asks each of three servers twice,
/// Chromium four times, and either does so anew for each attempt.
const QUERIES: u64 = 100;
/// Times that a good client may fetch the PAC file. One that fetches it for each attempt, and again
/// when it was not to be had, stays below.
const FETCHES: u64 = 20;

/// Queries and fetches are no attempts. They have ceilings of their own, which grow with the attempts
/// that are allowed.
fn too_often(case: &Case<'_>, found: &mut Vec<Finding>) {
    let attempts = case.scenario.expect.attempts.most();
    let queries = QUERIES.max(attempts.saturating_mul(QUERIES / 5));
    let fetches = FETCHES.max(attempts.saturating_mul(FETCHES / 5));
    if case.conduct.repeated > queries {
        let measured =
            format!("asked {} times for one name and type", count(case.conduct.repeated));
        let limit = format!("{} allowed", count(queries));
        found.push(case.finding(Word::Storm, "queries", measured, limit));
    }
    if case.conduct.fetches > fetches {
        let measured = format!("asked {} times for the PAC file", count(case.conduct.fetches));
        let limit = format!("{} allowed", count(fetches));
        found.push(case.finding(Word::Storm, "fetches", measured, limit));
    }
}

/// An attempt earlier than the scenario asks: counted from the fault to the request that repeats what
/// met it. The pause seen here may be shorter than the client's own by as much as we were late, and by
/// a timer's millisecond.
fn too_soon(case: &Case<'_>, found: &mut Vec<Finding>) {
    let Some(gap) = case.scenario.expect.gap.filter(|_| case.mistaken().is_none()) else { return };
    let asked = in_ms(gap.min.0) * case.scenario.scale.unwrap_or(1.0);
    let slack = case.terms.lag_max_ms.max(0.0) + 1.0;
    let shortest = case.conduct.soonest();
    if let Some(shortest) = shortest.filter(|shortest| shortest + slack < asked) {
        let measured = format!("came back after {}", ms(shortest));
        let limit = format!("{} were asked for", ms(asked));
        found.push(case.finding(Word::Storm, "gap", measured, limit));
    }
}

fn hang(case: &Case<'_>, found: &mut Vec<Finding>) {
    if case.ending == Ending::Hung {
        let measured = format!("still running after {}", ms(case.conduct.ran().unwrap_or(0.0)));
        let limit = match case.terms.no_timeout {
            true => format!("{} allowed", time(case.terms.hang)),
            false => case.told(),
        };
        found.push(case.finding(Word::Hang, "running", measured, limit));
    }
}

fn crash(case: &Case<'_>, found: &mut Vec<Finding>) {
    let measured = match case.ending {
        Ending::Signal(number) => format!("ended by {}", signal(number)),
        Ending::Abort(code) => format!("exit code {code}, which stands for a crash"),
        _ => return,
    };
    found.push(case.finding(Word::Crash, "signal", measured, ""));
}

/// A failure where success was asked for; how it failed is for the other rules.
fn failed(case: &Case<'_>, found: &mut Vec<Finding>) {
    let Ending::Failure(code) = case.ending else { return };
    let open = case.cut_by_us() || case.mistaken().is_some() || case.lacks_scheme();
    if case.expects(Outcome::Success) && !open {
        let limit = "success was to be had";
        found.push(case.finding(Word::Failed, "outcome", case.exit(code), limit));
    }
}
