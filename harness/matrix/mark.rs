//! The word of a cell: a verdict, or one of the two words that only a matrix knows.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::scenario::{Problem, nearest, seen};
use crate::verdict::{Class, Word};

/// What a cell has earned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Mark {
    /// The cell was to be played and nobody has: it counts as a failure.
    Missing,
    /// Runs of the same cell disagree: it counts as a failure.
    Flaky,
    /// It needs what this matrix was not given, e.g. `--isolate`.
    NotRun,
    /// They agree, or there was one.
    Word(Word),
}

impl Mark {
    /// PASS.
    pub const PASS: Mark = Mark::Word(Word::Pass);

    /// Every word, those of a matrix first, then the gravest.
    pub fn all() -> impl Iterator<Item = Mark> {
        [Mark::Missing, Mark::Flaky, Mark::NotRun]
            .into_iter()
            .chain(Word::ALL.into_iter().map(Mark::Word))
    }

    /// As reports, summaries and baselines write it, e.g. `NOT-EXERCISED`.
    pub const fn shown(self) -> &'static str {
        match self {
            Mark::Missing => "MISSING",
            Mark::Flaky => "FLAKY",
            Mark::NotRun => "NOT-RUN",
            Mark::Word(word) => word.shown(),
        }
    }

    /// What it means for whoever waits for it.
    pub const fn class(self) -> Class {
        match self {
            Mark::Missing | Mark::Flaky => Class::Fail,
            Mark::NotRun => Class::NotScored,
            Mark::Word(word) => word.class(),
        }
    }

    /// One letter or sign for a narrow table, different for every word, so that a table reads
    /// without colour: capital letters for failures, small ones for warnings.
    pub const fn glyph(self) -> char {
        match self {
            Mark::Missing => 'M',
            Mark::Flaky => 'K',
            Mark::NotRun => '○',
            Mark::Word(word) => match word {
                Word::Harness => '!',
                Word::Unsupported => '-',
                Word::NotExercised => 'N',
                Word::Leak => 'L',
                Word::Wrong => 'W',
                Word::Bypass => 'B',
                Word::Storm => 'S',
                Word::Hang => 'H',
                Word::Crash => 'C',
                Word::Failed => 'F',
                Word::Inconclusive => '?',
                Word::LeakLog => 'l',
                Word::LocalDns => 'd',
                Word::Slow => 's',
                Word::Vague => 'v',
                Word::Pass => '✔',
            },
        }
    }
}

impl Mark {
    /// The sign of its class, where the word itself stands beside it. What is neither good nor bad has the
    /// sign that stands for it in tables.
    pub fn sign(self) -> &'static str {
        match (self.class(), self) {
            (Class::Fail, _) => "✖",
            (Class::Warning, _) => "~",
            (Class::Pass, _) => "✔",
            (_, Mark::NotRun) => "○",
            (_, Mark::Word(Word::Unsupported)) => "-",
            (_, Mark::Word(Word::Harness)) => "!",
            _ => "?",
        }
    }
}

impl From<Word> for Mark {
    fn from(word: Word) -> Self {
        Mark::Word(word)
    }
}

impl From<Mark> for String {
    fn from(mark: Mark) -> String {
        mark.shown().to_owned()
    }
}

impl TryFrom<String> for Mark {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl FromStr for Mark {
    type Err = String;

    /// Reads a word in capitals.
    fn from_str(text: &str) -> Result<Self, String> {
        Mark::all().find(|mark| mark.shown() == text).ok_or_else(|| Mark::unknown(text).into())
    }
}

impl Mark {
    /// Why `text` is no word, and which one was probably meant.
    pub(crate) fn unknown(text: &str) -> Problem {
        let known: Vec<&str> = Mark::all().map(Mark::shown).collect();
        let lower: Vec<String> = known.iter().map(|word| word.to_lowercase()).collect();
        let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
        let problem = Problem::new(format!("{} is no verdict", seen(text)));
        let problem = match nearest(text, &lower) {
            Some(near) => problem.help(format!("did you mean `{}`?", near.to_uppercase())),
            None => problem,
        };
        problem.help(format!("there are: {}", known.join(", ")))
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.shown())
    }
}

impl JsonSchema for Mark {
    fn schema_name() -> Cow<'static, str> {
        "Mark".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let words: Vec<&str> = Mark::all().map(Mark::shown).collect();
        json_schema!({
            "type": "string",
            "description": "The word of a cell; more may be added.",
            "examples": words,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_word_reads_back_and_has_its_own_glyph() {
        let mut glyphs = BTreeSet::new();
        for mark in Mark::all() {
            assert_eq!(mark.shown().parse(), Ok(mark));
            let json = serde_json::to_string(&mark).unwrap();
            assert_eq!(serde_json::from_str::<Mark>(&json).unwrap(), mark);
            assert!(glyphs.insert(mark.glyph()), "{mark}: its glyph is taken");
            if !matches!(mark.class(), Class::Fail | Class::Warning) {
                assert_eq!(mark.sign(), mark.glyph().to_string(), "one sign, one meaning");
            }
            let capital = mark.glyph().is_ascii_uppercase();
            assert_eq!(capital, mark.class() == Class::Fail, "{mark}");
        }
        assert_eq!(glyphs.len(), Word::ALL.len() + 3);
    }

    #[test]
    fn a_slip_names_the_word_that_was_meant() {
        let error = "STROM".parse::<Mark>().unwrap_err();
        assert!(error.contains("did you mean `STORM`?"), "{error}");
        assert!("storm".parse::<Mark>().unwrap_err().contains("`STORM`"));
    }
}
