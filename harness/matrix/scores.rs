//! Safety, robustness, clarity: three plain fractions, never blended into one number.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cell, Mark};
use crate::verdict::{Class, Verdict, Word};

/// How one cell counts towards the three fractions. `null`: it was not to be seen, and so it
/// counts neither for nor against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Scores {
    /// Free of LEAK, WRONG and BYPASS. A cell in which a way around the proxy could not have been
    /// seen is no evidence that the client took none.
    pub safety: Option<bool>,
    /// Free of STORM, HANG, CRASH, NOT-EXERCISED and FAILED.
    pub robustness: Option<bool>,
    /// Neither SLOW nor VAGUE. A client that never came, hung, crashed or succeeded where it had
    /// to fail has not said anything that could be clear.
    pub clarity: Option<bool>,
}

/// What speaks against a client's safety.
const UNSAFE: [Word; 3] = [Word::Leak, Word::Wrong, Word::Bypass];
/// What speaks against its robustness.
const FRAGILE: [Word; 5] = [Word::Storm, Word::Hang, Word::Crash, Word::NotExercised, Word::Failed];
/// What speaks against its clarity.
const UNCLEAR: [Word; 2] = [Word::Slow, Word::Vague];
/// With one of these there was nothing to be clear about.
const MUTE: [Word; 5] = [Word::Hang, Word::Crash, Word::NotExercised, Word::Failed, Word::Wrong];

impl Scores {
    /// How a verdict counts. `bypass_observable`: whether a way around the proxy would have been
    /// seen ([`crate::verdict::Terms::bypass_observable`]).
    pub fn of(verdict: &Verdict, bypass_observable: bool) -> Scores {
        let words: Vec<Word> = verdict.findings.iter().map(|finding| finding.word).collect();
        Scores::of_words(&words, bypass_observable)
    }

    pub(super) fn of_words(words: &[Word], bypass_observable: bool) -> Scores {
        let any = |of: &[Word]| words.iter().any(|word| of.contains(word));
        // What was not judged, or not to its end, may still have shown something bad.
        let open =
            words.iter().any(|word| matches!(word.class(), Class::NotScored | Class::Inconclusive));
        let score = |bad: &[Word], observable: bool| match any(bad) {
            true => Some(false),
            false => (observable && !open).then_some(true),
        };
        let came = !any(&[Word::NotExercised]);
        Scores {
            safety: score(&UNSAFE, bypass_observable && came),
            robustness: score(&FRAGILE, true),
            clarity: score(&UNCLEAR, !any(&MUTE)),
        }
    }

    /// Both of them: bad where one is bad, unseen where one is unseen.
    pub fn and(self, other: Scores) -> Scores {
        let both = |a: Option<bool>, b: Option<bool>| match (a, b) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (Some(true), Some(true)) => Some(true),
            _ => None,
        };
        Scores {
            safety: both(self.safety, other.safety),
            robustness: both(self.robustness, other.robustness),
            clarity: both(self.clarity, other.clarity),
        }
    }
}

/// So many of so many; `0/0` is "not observable" and never a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fraction {
    /// Free of what is counted against.
    pub good: usize,
    /// Where that could be seen.
    pub of: usize,
}

impl Fraction {
    fn add(&mut self, score: Option<bool>) {
        if let Some(good) = score {
            self.good += usize::from(good);
            self.of += 1;
        }
    }

    /// Whether nothing spoke against it, and something could have.
    pub fn whole(self) -> bool {
        self.of > 0 && self.good == self.of
    }
}

impl fmt::Display for Fraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.of {
            0 => f.pad("not observable"),
            of => f.pad(&format!("{}/{of}", self.good)),
        }
    }
}

/// The three fractions of some cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Cells free of LEAK, WRONG and BYPASS.
    pub safety: Fraction,
    /// Cells free of STORM, HANG, CRASH, NOT-EXERCISED and FAILED.
    pub robustness: Fraction,
    /// Cells that are neither SLOW nor VAGUE.
    pub clarity: Fraction,
    /// Cells that were not judged: HARNESS, UNSUPPORTED, INCONCLUSIVE, MISSING.
    pub unjudged: usize,
}

impl Tally {
    /// The fraction of safety in words. Where a way around the proxy cannot be seen, only what speaks
    /// against the client counts: `0/9` would look as if all had.
    pub fn safety(&self) -> String {
        match self.safety {
            Fraction { good: 0, of } if of > 0 => format!("{of} unsafe"),
            fraction => fraction.to_string(),
        }
    }

    /// Counts cells.
    pub fn of<'c>(cells: impl IntoIterator<Item = &'c Cell>) -> Tally {
        let mut tally = Tally::default();
        for cell in cells {
            tally.safety.add(cell.scores.safety);
            tally.robustness.add(cell.scores.robustness);
            tally.clarity.add(cell.scores.clarity);
            let class = cell.verdict.class();
            let open = matches!(class, Class::NotScored | Class::Inconclusive);
            tally.unjudged += usize::from(open || cell.verdict == Mark::Missing);
        }
        tally
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(words: &[Word], seen: bool) -> (Option<bool>, Option<bool>, Option<bool>) {
        let Scores { safety, robustness, clarity } = Scores::of_words(words, seen);
        (safety, robustness, clarity)
    }

    const YES: Option<bool> = Some(true);
    const NO: Option<bool> = Some(false);

    #[test]
    fn each_word_counts_where_it_belongs() {
        for (words, scores) in [
            (&[][..], (YES, YES, YES)),
            (&[Word::Leak], (NO, YES, YES)),
            (&[Word::Wrong], (NO, YES, None)),
            (&[Word::Bypass], (NO, YES, YES)),
            (&[Word::Storm], (YES, NO, YES)),
            (&[Word::Hang], (YES, NO, None)),
            (&[Word::Crash], (YES, NO, None)),
            (&[Word::Failed], (YES, NO, None)),
            (&[Word::NotExercised], (None, NO, None)),
            (&[Word::Slow], (YES, YES, NO)),
            (&[Word::Vague], (YES, YES, NO)),
            (&[Word::LeakLog], (YES, YES, YES)),
            (&[Word::LocalDns], (YES, YES, YES)),
            (&[Word::Storm, Word::Vague], (YES, NO, NO)),
            (&[Word::Inconclusive], (None, None, None)),
            (&[Word::Unsupported], (None, None, None)),
            (&[Word::Harness, Word::Leak], (NO, None, None)),
        ] {
            assert_eq!(of(words, true), scores, "{words:?}");
        }
    }

    #[test]
    fn what_could_not_be_seen_is_no_pass() {
        assert_eq!(of(&[], false), (None, YES, YES));
        assert_eq!(of(&[Word::Leak], false), (NO, YES, YES));
        assert_eq!(Fraction::default().to_string(), "not observable");
        assert!(!Fraction::default().whole());
    }

    #[test]
    fn of_two_runs_the_worse_counts() {
        let good = Scores { safety: YES, robustness: YES, clarity: None };
        let bad = Scores { safety: NO, robustness: None, clarity: NO };
        let both = Scores { safety: NO, robustness: None, clarity: NO };
        assert_eq!(good.and(bad), both);
        assert_eq!(bad.and(good), both);
    }
}
