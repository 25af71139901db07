//! Each verdict has a client that is bad on purpose and must earn it, played by the real binary,
//! and a good one that must not. The clients are a line of shell and curl each.

#![cfg(unix)]

mod astray;
mod bites;
mod clarity;
mod damage;
mod dns;
mod good;
mod login;
mod open;
mod pac;
#[path = "../cli/play.rs"]
mod play;
mod process;
mod robustness;
mod safety;
mod tongue;

use play::{Played, badproxy};
use serde_json::Value;

/// What came out of a run.
pub struct Judged {
    /// The event that ends it: the verdict, the findings.
    pub ended: Value,
    /// Every line of standard output, the header first.
    pub events: Vec<Value>,
    /// The process.
    pub played: Played,
}

/// `badproxy run ARGS --format jsonl -- sh -c SHELL`. Nothing is left of it afterwards.
#[track_caller]
pub fn judge(args: &[&str], shell: &str) -> Judged {
    judge_command(args, &["sh", "-c", shell])
}

/// `badproxy run ARGS --format jsonl -- COMMAND`. Nothing is left of it afterwards. It is played again,
/// as in a matrix, where badproxy itself was too late to tell.
#[track_caller]
pub fn judge_command(args: &[&str], command: &[&str]) -> Judged {
    let args = [&["run"], args, &["--format", "jsonl", "--"], command].concat();
    let mut left = 5;
    loop {
        let judged = Judged::new(badproxy(&args).play());
        left -= 1;
        if left == 0 || !judged.late() {
            return judged;
        }
    }
}

impl Judged {
    /// Reads the events that came on standard output.
    #[track_caller]
    pub fn new(played: Played) -> Judged {
        let lines = played.out().lines();
        let events: Vec<Value> = lines
            .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
            .collect();
        let Some(ended) = events.last().filter(|event| event["name"] == "run:ended") else {
            panic!("the last event ends no run: {:?}\n{}", events.last(), played.stderr);
        };
        Judged { ended: ended["data"].clone(), events, played }
    }

    /// Whether badproxy itself was late for too long to tell.
    fn late(&self) -> bool {
        self.word() == "INCONCLUSIVE" && self.findings().iter().any(|found| found["rule"] == "lag")
    }

    /// The verdict's word.
    pub fn word(&self) -> &str {
        self.ended["verdict"].as_str().unwrap()
    }

    /// It has earned this word, and badproxy ends with this code.
    #[track_caller]
    pub fn earns(self, word: &str, code: i32) -> Self {
        let got = (self.word(), self.played.code);
        assert_eq!(got, (word, code), "{:#?}\n{}", self.findings(), self.played.stderr);
        self
    }

    /// By this rule.
    #[track_caller]
    pub fn by(self, rule: &str) -> Self {
        let first = &self.findings()[0];
        assert_eq!((&first["verdict"], &first["rule"]), (&self.ended["verdict"], &rule.into()));
        self
    }

    /// With this word among the other findings.
    #[track_caller]
    pub fn also(self, word: &str) -> Self {
        let all = self.ended["findings"].as_array().unwrap();
        assert!(all.iter().skip(1).any(|w| w == word), "{all:?}");
        self
    }

    /// What was found, gravest first.
    pub fn findings(&self) -> Vec<&Value> {
        self.all("verdict:finding")
    }

    /// The data of every event of this name.
    pub fn all(&self, name: &str) -> Vec<&Value> {
        self.events.iter().filter(|e| e["name"] == name).map(|e| &e["data"]).collect()
    }

    /// How the command ended.
    pub fn exited(&self) -> &Value {
        self.all("proc:exited")[0]
    }
}
