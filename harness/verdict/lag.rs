//! The lag guard. A word whose evidence depends on elapsed time says nothing about the client when this
//! program did not get its turn for so long that this could be the reason: then it is INCONCLUSIVE, and
//! a matrix plays the cell again. Bytes and counts stay what they are.

use super::words::{in_ms, ms};
use super::{Case, Finding, Word};

/// Lateness is harmless below this part of the time that it could have used up: a busy machine takes
/// more from the client than from us, who sleep most of the time.
const PART: f64 = 0.1;
/// However long the client's timeout is: it has others, of which nobody has told us; none of them is
/// shorter than this, or than half of the one it was told.
const MOST_MS: f64 = 1000.0;

/// Takes the word from each finding that lateness could explain.
pub(super) fn guard(case: &Case<'_>, found: &mut [Finding]) {
    for finding in found {
        let Some(limit) = limit(case, finding) else { continue };
        if case.terms.lag_max_ms > limit {
            *finding = excused(case, &finding.summary());
        }
    }
}

/// The finding that stands in the place of another.
pub(super) fn excused(case: &Case<'_>, instead: &str) -> Finding {
    let late = ms(case.terms.lag_max_ms);
    let measured = format!("{instead}; but badproxy itself was late by {late}");
    case.finding(Word::Inconclusive, "lag", measured, "")
}

/// How late this program may have been, in milliseconds, with the finding standing all the same; None
/// where no clock is involved. SLOW and `gap` have times of their own, and are measured where they are
/// found.
fn limit(case: &Case<'_>, finding: &Finding) -> Option<f64> {
    match (finding.word, finding.rule) {
        // Where that is short, as late as a good client's own timeout leaves room for.
        (Word::Hang, _) => {
            let (hang, timeout) = (in_ms(case.terms.hang), in_ms(case.terms.timeout));
            Some((hang * PART).max(timeout.min(MOST_MS)))
        }
        // The client may have run out of its own time because of us, before it had dialled, met the
        // fault, or got its answer; and what it says then is about that.
        (Word::NotExercised | Word::Failed | Word::Vague, _) => patience(case),
        (Word::Inconclusive, "never-met" | "attempts" | "exit" | "way") => patience(case),
        // So may each of its attempts that met no fault.
        (Word::Storm, "attempts") => {
            let met: u64 = case.conduct.faults.values().sum();
            patience(case).filter(|_| met <= case.scenario.expect.attempts.most())
        }
        _ => None,
    }
}

/// The lateness that a client with a timeout does not notice; None for one that has ended before any of
/// its timeouts was over.
fn patience(case: &Case<'_>) -> Option<f64> {
    let timeout = match case.terms.no_timeout {
        true => f64::INFINITY,
        false => in_ms(case.terms.timeout),
    };
    let waited = case.conduct.ran().is_none_or(|ran| ran >= MOST_MS.min(timeout / 2.0));
    waited.then(|| MOST_MS.min(timeout * PART))
}
