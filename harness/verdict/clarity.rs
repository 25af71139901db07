//! SLOW, VAGUE and LOCAL-DNS: right, but late, without a reason, or with a word too many.

use super::lag::excused;
use super::words::{in_ms, many, ms, time};
use super::{Case, Ending, Finding, Word};
use crate::scenario::{Others, Outcome, ProxyScheme, Way};

/// A failure that the client could notice may take this long to be reported: twice the worst of
/// six healthy clients on a machine that was busy with other things.
const FAST_MS: f64 = 2000.0;
/// When this program itself was later than this, it cannot call anybody else late; nor when it was
/// late by all that is too much.
const LAG_MS: f64 = 200.0;

pub(super) fn find(case: &Case<'_>, found: &mut Vec<Finding>) {
    late_failure(case, found);
    late_success(case, found);
    vague(case, found);
    local_dns(case, found);
}

/// SLOW, unless this program was too slow itself to say so.
fn late(
    case: &Case<'_>,
    rule: &'static str,
    (took, allowed): (f64, f64),
    (measured, limit): (String, String),
) -> Finding {
    let lag = case.terms.lag_max_ms;
    if lag > LAG_MS || took - lag <= allowed {
        return excused(case, &format!("{measured}, {limit}"));
    }
    case.finding(Word::Slow, rule, measured, limit)
}

impl Case<'_> {
    /// The timeout that the client was told; whether it took it for its own, nobody knows.
    pub(super) fn told(&self) -> String {
        format!("BADPROXY_TIMEOUT said {}", time(self.terms.timeout))
    }
}

/// A failure long after the client could know of it: since the fault that it could notice, or,
/// when all it got was silence, since the timeout that it was told.
fn late_failure(case: &Case<'_>, found: &mut Vec<Finding>) {
    let (conduct, Ending::Failure(_)) = (case.conduct, case.ending) else { return };
    let Some(exit) = conduct.process.exit else { return };
    if case.expects(Outcome::Success) || !case.exercised() {
        return;
    }
    if let Some(since) = conduct.audible_since {
        // Pauses that the scenario asks for are not held against it.
        let asked = case.scenario.expect.gap.map_or(0.0, |gap| {
            let one = in_ms(gap.min.0) * case.scenario.scale.unwrap_or(1.0);
            one * conduct.attempts.saturating_sub(1) as f64
        });
        let (took, limit) = (exit.time - since, FAST_MS + asked);
        if took > limit {
            let measured = format!("failed {} after the fault", ms(took));
            let texts = (measured, format!("{} allowed", ms(limit)));
            found.push(late(case, "fast", (took, limit), texts));
        }
    } else if !case.terms.no_timeout {
        let (took, limit) =
            (conduct.ran().unwrap_or(0.0), in_ms(case.terms.timeout) * 1.2 + FAST_MS);
        if took > limit {
            let measured = format!("failed after {}", ms(took));
            found.push(late(case, "timeout", (took, limit), (measured, case.told())));
        }
    }
}

fn late_success(case: &Case<'_>, found: &mut Vec<Finding>) {
    let (Some(within), Ending::Success) = (case.scenario.expect.within, case.ending) else {
        return;
    };
    let limit = in_ms(within.0) * case.scenario.scale.unwrap_or(1.0);
    let took = case.conduct.ran().unwrap_or(0.0);
    if took > limit {
        let measured = format!("succeeded after {}", ms(took));
        let texts = (measured, format!("{} allowed", ms(limit)));
        found.push(late(case, "within", (took, limit), texts));
    }
}

/// The target's name was asked for, which only the proxy has to look up: whoever runs the name
/// server knows where the client goes, and where there is none the client fails.
fn local_dns(case: &Case<'_>, found: &mut Vec<Finding>) {
    let around = case.way() != Way::Proxy;
    let may = around || case.scenario.dns.as_ref().is_some_and(|dns| dns.others == Others::Origin);
    let host = host(case.scenario.target());
    // SOCKS4 knows no names.
    let names = case.scenario.proxy_scheme() != ProxyScheme::Socks4;
    if let Some(address) = case.conduct.asked_by_address().filter(|_| names && !may) {
        let measured = format!("asked the proxy for {address} and not for {host}");
        found.push(case.finding(Word::LocalDns, "address", measured, "the proxy looks it up"));
    }
    let Some(times) = case.conduct.asked.get(&host.to_ascii_lowercase()).filter(|_| !may) else {
        return;
    };
    let measured = format!("asked the name server for {host} ({})", many(*times, "time"));
    found.push(case.finding(Word::LocalDns, "target", measured, "the proxy looks it up"));
}

/// The host of a URL.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    host.split(':').next().unwrap_or_default().trim_end_matches('.')
}

/// A failure whose text has none of the words that would help its reader.
fn vague(case: &Case<'_>, found: &mut Vec<Finding>) {
    let words = &case.scenario.expect.explain;
    let (conduct, Ending::Failure(_)) = (case.conduct, case.ending) else { return };
    // After a ceiling the client's last words are about that.
    let ours = !conduct.ceilings.is_empty();
    if words.is_empty() || ours || !case.exercised() || conduct.says(words).is_some() {
        return;
    }
    if conduct.stdout.cut || conduct.stderr.cut {
        let measured =
            "not all of the client's output was kept: whether it names the cause is unknown";
        found.push(case.finding(Word::Inconclusive, "explain", measured, ""));
        return;
    }
    let mute = conduct.stdout.text().trim().is_empty() && conduct.stderr.text().trim().is_empty();
    let measured = if mute { "says nothing" } else { "does not name the cause" };
    let limit = format!("looked for: {}", words.join(", "));
    found.push(case.finding(Word::Vague, "explain", measured, limit));
}
