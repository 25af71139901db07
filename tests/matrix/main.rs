//! `badproxy matrix`, played by the real binary: clients that are bad on purpose, one for each
//! verdict, and what can go wrong around them.

#![cfg(unix)]

mod bad_input;
mod baselines;
mod controls;
mod disk;
mod evidence;
mod isolate;
mod late;
mod missing;
#[path = "../cli/play.rs"]
mod play;
#[cfg(target_os = "linux")]
#[path = "../support/sandbox.rs"]
mod sandbox;
mod shards;
#[path = "../support/side_by_side.rs"]
mod side_by_side;
mod signals;
mod storm;
mod terminal;
mod verdicts;

use std::collections::BTreeMap;
use std::path::Path;

use play::{Play, Played, badproxy};
use serde_json::Value;
use tempfile::TempDir;

/// A client that works.
const GOOD: &str = "curl -sS --max-time {timeout} {target}";

/// Held by a test that takes the whole machine: one of them at a time.
pub fn whole_machine() -> std::sync::MutexGuard<'static, ()> {
    static ONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// A matrix that was played.
pub struct Matrix {
    /// The process.
    pub played: Played,
    /// Where its results are.
    pub out: TempDir,
    /// `summary.json`; null when there is none.
    pub summary: Value,
}

/// `badproxy matrix ARGS --out DIR -- sh -c SHELL`, ready to be played.
pub fn play(args: &[&str], shell: &str, out: &Path) -> Play {
    let out = ["--out", out.to_str().unwrap(), "--", "sh", "-c", shell];
    badproxy([&["matrix"], args, &out].concat())
}

/// The same, played.
#[track_caller]
pub fn matrix(args: &[&str], shell: &str) -> Matrix {
    let out = tempfile::tempdir().unwrap();
    let played = play(args, shell, out.path()).play();
    Matrix::new(played, out)
}

impl Matrix {
    /// Reads the summary.
    pub fn new(played: Played, out: TempDir) -> Matrix {
        let text = std::fs::read_to_string(out.path().join("summary.json"));
        let summary = text.map_or(Value::Null, |text| serde_json::from_str(&text).unwrap());
        Matrix { played, out, summary }
    }

    /// With this exit code.
    #[track_caller]
    pub fn ends(self, code: i32) -> Self {
        let out = String::from_utf8_lossy(&self.played.stdout);
        assert_eq!(self.played.code, code, "{out}\n{}", self.played.stderr);
        self
    }

    /// The words of all cells, by `CLIENT SCENARIO`.
    pub fn words(&self) -> BTreeMap<String, String> {
        let text = |cell: &Value, key: &str| cell[key].as_str().unwrap().to_owned();
        let cells = self.summary["cells"].as_array().unwrap().iter();
        cells
            .map(|cell| {
                let key = format!("{} {}", text(cell, "client"), text(cell, "scenario"));
                (key, text(cell, "verdict"))
            })
            .collect()
    }

    /// The cell of this scenario.
    #[track_caller]
    pub fn cell(&self, scenario: &str) -> &Value {
        let cells = self.summary["cells"].as_array().unwrap();
        cells.iter().find(|cell| cell["scenario"] == scenario).unwrap()
    }

    /// The control cell of this name.
    #[track_caller]
    pub fn control(&self, name: &str) -> &Value {
        let controls = self.summary["controls"].as_array().unwrap();
        controls.iter().find(|control| control["name"] == name).unwrap()
    }
}
