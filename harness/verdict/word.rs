//! The words of a verdict, and what each means.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One word for a run, gravest first: the first that applies names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Word {
    /// This program could not do its part.
    Harness,
    /// The client says that it does not support this (exit code 77).
    Unsupported,
    /// The client never came to the proxy.
    NotExercised,
    /// A secret was seen where it does not belong.
    Leak,
    /// A success that was none.
    Wrong,
    /// The origin was reached around the proxy.
    Bypass,
    /// More attempts than allowed, or too soon.
    Storm,
    /// Still running when its time was up.
    Hang,
    /// Ended by a signal that was not ours.
    Crash,
    /// Failed where success was asked for.
    Failed,
    /// No fault was found, but what was to be judged did not happen.
    Inconclusive,
    /// A secret was seen in the client's own output.
    LeakLog,
    /// The target's name was looked up where the proxy has to do that.
    LocalDns,
    /// Failed, or succeeded, as asked, but late.
    Slow,
    /// Failed as asked, but does not say why.
    Vague,
    /// Nothing to find fault with.
    Pass,
}

/// What a word means for whoever waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Class {
    /// The client did wrong.
    #[serde(rename = "failure")]
    Fail,
    /// The client did right, with a blemish.
    Warning,
    /// The client did right.
    Pass,
    /// Nobody knows.
    Inconclusive,
    /// It says nothing about the client.
    NotScored,
}

impl Word {
    /// Every word, gravest first.
    pub const ALL: [Word; 16] = [
        Word::Harness,
        Word::Unsupported,
        Word::NotExercised,
        Word::Leak,
        Word::Wrong,
        Word::Bypass,
        Word::Storm,
        Word::Hang,
        Word::Crash,
        Word::Failed,
        Word::Inconclusive,
        Word::LeakLog,
        Word::LocalDns,
        Word::Slow,
        Word::Vague,
        Word::Pass,
    ];

    /// As reports, events and baselines write it.
    pub const fn shown(self) -> &'static str {
        match self {
            Word::Harness => "HARNESS",
            Word::Unsupported => "UNSUPPORTED",
            Word::NotExercised => "NOT-EXERCISED",
            Word::Leak => "LEAK",
            Word::Wrong => "WRONG",
            Word::Bypass => "BYPASS",
            Word::Storm => "STORM",
            Word::Hang => "HANG",
            Word::Crash => "CRASH",
            Word::Failed => "FAILED",
            Word::Inconclusive => "INCONCLUSIVE",
            Word::LeakLog => "LEAK-LOG",
            Word::LocalDns => "LOCAL-DNS",
            Word::Slow => "SLOW",
            Word::Vague => "VAGUE",
            Word::Pass => "PASS",
        }
    }

    /// What it means for whoever waits for it.
    pub const fn class(self) -> Class {
        match self {
            Word::Harness | Word::Unsupported => Class::NotScored,
            Word::NotExercised
            | Word::Leak
            | Word::Wrong
            | Word::Bypass
            | Word::Storm
            | Word::Hang
            | Word::Crash
            | Word::Failed => Class::Fail,
            Word::Inconclusive => Class::Inconclusive,
            Word::LeakLog | Word::LocalDns | Word::Slow | Word::Vague => Class::Warning,
            Word::Pass => Class::Pass,
        }
    }

    /// The exit code of a run with this verdict.
    pub const fn exit_code(self) -> u8 {
        match (self, self.class()) {
            (Word::Harness, _) => 3,
            // Nothing was judged, and 0 would say that all is well.
            (Word::Unsupported, _) => 5,
            (_, Class::Fail) => 1,
            (_, Class::Inconclusive) => 5,
            (_, Class::Pass | Class::Warning | Class::NotScored) => 0,
        }
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.shown())
    }
}
