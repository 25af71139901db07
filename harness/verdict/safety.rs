//! LEAK, WRONG, BYPASS: decided by counts, bytes and exit codes, never by a clock.

use super::words::{count, many};
use super::{Case, Ending, Finding, Word};
use crate::scenario::{Damage, Outcome, Way};

pub(super) fn find(case: &Case<'_>, found: &mut Vec<Finding>) {
    leak(case, found);
    // First of its word: what an exit code only hints at, these bytes prove.
    bad_certificate(case, found);
    false_success(case, found);
    no_answer(case, found);
    damaged(case, found);
    bypass(case, found);
}

/// A secret where it does not belong; in the client's own output it is a warning.
fn leak(case: &Case<'_>, found: &mut Vec<Finding>) {
    for sight in case.conduct.sights.iter().filter(|sight| !sight.belongs()) {
        let word = if sight.spot.is_output() { Word::LeakLog } else { Word::Leak };
        let secret = sight.secret.replace('_', " ");
        let (spot, times) = (sight.spot.words(), many(sight.times, "time"));
        let measured = format!("{secret} seen at: {spot} ({times})");
        let mut finding = case.finding(word, "secret", measured, "not allowed there");
        finding.client_did = format!("gave its {secret} away ({spot}); {}", finding.client_did);
        found.push(finding);
    }
}

/// Exit 0 where the scenario leaves nothing to succeed with. A fault that was never met leaves
/// room for a true success, and one that went around the proxy is BYPASS.
fn false_success(case: &Case<'_>, found: &mut Vec<Finding>) {
    let proxied = case.conduct.nonces.proxied() > 0;
    let around = !proxied && case.conduct.nonces.direct > 0;
    if case.expects(Outcome::Failure)
        && case.ending == Ending::Success
        // Of a real target nobody knows whether it has answered.
        && (case.exercised() || (!proxied && case.conduct.foreign == 0))
        && !around
    {
        found.push(case.finding(Word::Wrong, "outcome", case.exit(0), "it had to fail"));
    }
}

/// Exit 0 without the one answer that only this run's origin can give.
fn no_answer(case: &Case<'_>, found: &mut Vec<Finding>) {
    let (nonces, success) = (&case.conduct.nonces, case.ending == Ending::Success);
    // Whether a real target has answered is not ours to know; `open` says so.
    let ours = case.conduct.foreign == 0;
    let left = case.expects(Outcome::Success) && case.conduct.left_unanswered();
    if success && ours && left && nonces.proxied() > 0 {
        let measured = format!("{}, but its last request was never answered", case.exit(0));
        found.push(case.finding(Word::Wrong, "unanswered", measured, ""));
    }
    if success && ours && nonces.proxied() == 0 && nonces.direct == 0 {
        let (why, limit) = match case.conduct.answers_in_clear() {
            0 => ("but the origin's answer was never fetched", ""),
            _ => {
                ("but the origin's answer was fetched in clear alone", "the target's URL says TLS")
            }
        };
        let measured = format!("{}, {why}", case.exit(0));
        found.push(case.finding(Word::Wrong, "nonce", measured, limit));
    }
}

/// Exit 0 with an answer of which the wire shows that it cannot be right.
fn damaged(case: &Case<'_>, found: &mut Vec<Finding>) {
    let shown = case.scenario.expect.damage == Damage::Noticed;
    if shown && case.ending == Ending::Success && case.took_damage() {
        let measured = format!("{}, with a damaged answer in what it got", case.exit(0));
        let limit = "the wire shows it, and no whole answer came after";
        found.push(case.finding(Word::Wrong, "damage", measured, limit));
    }
}

/// Application data under a certificate that is bad by construction, whatever the exit code.
fn bad_certificate(case: &Case<'_>, found: &mut Vec<Finding>) {
    for (defect, bytes) in &case.conduct.bad_data {
        let s = if *bytes == 1 { "" } else { "s" };
        let measured = format!(
            "sent {} byte{s} of application data under a bad certificate ({defect})",
            count(*bytes)
        );
        found.push(case.finding(Word::Wrong, "certificate", measured, "0 allowed"));
    }
}

fn bypass(case: &Case<'_>, found: &mut Vec<Finding>) {
    if case.bypassed() {
        let reached = case.conduct.direct.max(case.conduct.origin.direct);
        let times = reached + case.conduct.egress;
        let measured = match case.conduct.quic.first() {
            // Nothing answers it there. Where UDP is let out, it is HTTP/3 with the target.
            Some(to) if times == 0 => format!("QUIC to {to} around the proxy"),
            _ => format!("{} around the proxy", many(times.max(1), "connection")),
        };
        found.push(case.finding(Word::Bypass, "direct", measured, "none allowed"));
    }
    // Reversed: the proxy, and whoever reads its log, learns of a target that is none of its business.
    let requests = case.conduct.requests;
    if case.way() == Way::Direct && requests > 0 {
        let measured = format!("{} to the proxy", many(requests, "request"));
        let limit = "none allowed: the target is to be reached directly";
        found.push(case.finding(Word::Bypass, "proxied", measured, limit));
    }
}
