//! From the plays of a cell to its verdict. Pure.

use crate::verdict::Word;

/// What one play of a cell says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Vote {
    /// Its word.
    pub word: Word,
    /// It says nothing about the client: this program was late, or could not do its part.
    pub void: bool,
}

/// What all of them say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Count {
    /// The same: the word, how many plays say so, and the first of them.
    Agreed { word: Word, times: usize, play: usize },
    /// Not the same: each word in the order in which it came, and how often; and the first play that
    /// was not a PASS.
    Flaky { tally: Vec<(Word, usize)>, play: usize },
}

/// A play that says nothing about the client has another in its place, this often at most: a machine
/// is busy for a while.
pub(super) const LATE: usize = 3;

/// Whether the cell has to be played again: a word other than PASS is said `confirm` times more, and
/// what says nothing is played again.
pub(super) fn again(votes: &[Vote], confirm: usize) -> bool {
    let counted: Vec<Word> = votes.iter().filter(|vote| !vote.void).map(|v| v.word).collect();
    let void = votes.len() - counted.len();
    match counted.first() {
        _ if confirm == 0 || void > LATE => false,
        None => true,
        Some(Word::Pass | Word::Unsupported) => false,
        // Whoever disagrees once is flaky.
        Some(first) => counted.len() <= confirm && counted.iter().all(|word| word == first),
    }
}

/// Counts. There is at least one vote.
pub(super) fn count(votes: &[Vote]) -> Count {
    let mut tally: Vec<(Word, usize)> = Vec::new();
    let all_void = votes.iter().all(|vote| vote.void);
    for vote in votes.iter().filter(|vote| all_void || !vote.void) {
        match tally.iter_mut().find(|(word, _)| *word == vote.word) {
            Some((_, times)) => *times += 1,
            None => tally.push((vote.word, 1)),
        }
    }
    let first = |wanted: &dyn Fn(Word) -> bool| {
        votes.iter().position(|v| (all_void || !v.void) && wanted(v.word)).unwrap_or(0)
    };
    match tally.as_slice() {
        [] => Count::Agreed { word: Word::Inconclusive, times: 0, play: 0 },
        [(word, times)] => {
            Count::Agreed { word: *word, times: *times, play: first(&|w| w == *word) }
        }
        // Two ways in which nothing was said are not two answers.
        [(word, times), ..] if all_void => {
            Count::Agreed { word: *word, times: *times, play: first(&|w| w == *word) }
        }
        _ => Count::Flaky { play: first(&|word| word != Word::Pass), tally },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays until nobody asks for more.
    fn played(words: &[Word], confirm: usize) -> (usize, Count) {
        let mut votes = Vec::new();
        for word in words {
            let void = matches!(word, Word::Harness | Word::Inconclusive);
            votes.push(Vote { word: *word, void });
            if !again(&votes, confirm) {
                break;
            }
        }
        (votes.len(), count(&votes))
    }

    #[test]
    fn what_is_not_a_pass_is_said_twice() {
        use Word::*;
        let agreed = |word, times, play| Count::Agreed { word, times, play };
        assert_eq!(played(&[Pass, Storm], 1), (1, agreed(Pass, 1, 0)));
        assert_eq!(played(&[Unsupported, Storm], 1), (1, agreed(Unsupported, 1, 0)));
        assert_eq!(played(&[Storm, Storm, Pass], 1), (2, agreed(Storm, 2, 0)));
        assert_eq!(played(&[Storm, Pass], 0), (1, agreed(Storm, 1, 0)));
        assert_eq!(played(&[Hang; 9], 3), (4, agreed(Hang, 4, 0)));
    }

    #[test]
    fn who_disagrees_is_flaky() {
        use Word::*;
        let flaky = |tally: &[(Word, usize)], play| Count::Flaky { tally: tally.to_vec(), play };
        assert_eq!(played(&[Storm, Pass], 1), (2, flaky(&[(Storm, 1), (Pass, 1)], 0)));
        let three = [Hang, Hang, Crash, Hang];
        assert_eq!(played(&three, 3), (3, flaky(&[(Hang, 2), (Crash, 1)], 0)));
    }

    #[test]
    fn who_says_nothing_has_no_vote() {
        use Word::*;
        let agreed = |word, times, play| Count::Agreed { word, times, play };
        assert_eq!(played(&[Inconclusive, Pass], 1), (2, agreed(Pass, 1, 1)));
        assert_eq!(played(&[Harness, Storm, Storm, Pass], 1), (3, agreed(Storm, 2, 1)));
        assert_eq!(played(&[Slow, Inconclusive, Slow], 1), (3, agreed(Slow, 2, 0)));
        assert_eq!(played(&[Inconclusive; 9], 1), (4, agreed(Inconclusive, 4, 0)));
        assert_eq!(played(&[Inconclusive; 9], 0), (1, agreed(Inconclusive, 1, 0)));
        let late = [Harness, Inconclusive, Inconclusive, Inconclusive];
        assert_eq!(played(&late, 1), (4, agreed(Harness, 1, 0)));
        let once = [Inconclusive, Inconclusive, Inconclusive, Pass];
        assert_eq!(played(&once, 1), (4, agreed(Pass, 1, 3)));
    }
}
