//! What a matrix leaves behind: `summary.json`, from which every report is made.
//!
//! Fields may be added; readers ignore what they do not know; removing one makes a new major of
//! [`SCHEMA`].

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Known, Mark, Scores, Shard};
use crate::scenario::Scenario;
use crate::verdict::{self, Class, Verdict, Word};

/// The name of the format.
pub const SCHEMA: &str = "badproxy.summary/1";

/// A matrix, or a part of one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// The name of the format: `badproxy.summary/1`.
    pub schema: String,
    /// The version of the program that has played it.
    pub badproxy: String,
    /// The scenarios that were asked for.
    pub suite: SuiteId,
    /// The seed that each cell's own is derived from.
    pub seed: u64,
    /// When it began, by the wall clock (RFC 3339).
    pub started: String,
    /// The machine.
    pub host: Host,
    /// The timeout that clients were told, in milliseconds; `null` when they were told none.
    #[serde(default)]
    pub timeout_ms: Option<u64>,
    /// How many cells were played at a time.
    pub jobs: u32,
    /// Whether clients ran in a sandbox (`--isolate`).
    #[serde(default)]
    pub isolate: bool,
    /// Which part of a divided matrix this is; `null` for a whole one.
    #[serde(default)]
    pub shard: Option<Shard>,
    /// Whether it ended before every cell was played.
    #[serde(default)]
    pub partial: bool,
    /// Why it is partial.
    #[serde(default)]
    pub partial_why: Option<String>,
    /// The exit code of the matrix that ended early, e.g. 130 after Ctrl-C; `null` when it was not
    /// there any more to give one.
    #[serde(default)]
    pub partial_exit: Option<i32>,
    /// The baseline that it was held against, as it was then; `null` when there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Known>,
    /// Whether warnings count as failures (`--strict`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub strict: bool,
    /// The clients: the columns of the table.
    pub clients: Vec<Client>,
    /// The names of all scenarios of the matrix, those of other shards included: its rows.
    pub scenarios: Vec<String>,
    /// What was tried before anything was judged.
    #[serde(default)]
    pub controls: Vec<Control>,
    /// What was judged: by client, then in the order of scenarios.
    pub cells: Vec<Cell>,
}

/// Which scenarios a matrix is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SuiteId {
    /// Its name, e.g. `2026.11`.
    pub name: String,
    /// SHA-256 of the scenarios' names and texts, in hexadecimal.
    pub sha256: String,
    /// How many scenarios there are.
    pub count: usize,
}

/// The machine that has played it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Host {
    /// As Rust calls it, e.g. `linux`.
    pub os: String,
    /// As Rust calls it, e.g. `x86_64`.
    pub arch: String,
    /// Processors that this program may use.
    pub cpus: usize,
}

impl Host {
    /// This machine.
    pub fn here() -> Host {
        Host {
            os: std::env::consts::OS.to_owned(),
            arch: std::env::consts::ARCH.to_owned(),
            cpus: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }
}

/// A client: a column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Client {
    /// How it is called in tables.
    pub name: String,
    /// Its command and arguments, with placeholders (`{target}`) as they were given and secrets
    /// masked.
    pub argv: Vec<String>,
}

/// A try at a healthy proxy, or at the origin itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Control {
    /// The client.
    pub client: String,
    /// Which one, e.g. `control/plain`.
    pub name: String,
    /// Whether it went as it has to.
    pub passed: bool,
    /// Why not; or what is worth knowing.
    #[serde(default)]
    pub why: String,
    /// How long it took, in milliseconds.
    #[serde(default)]
    pub ms: f64,
}

/// One scenario, played to one client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cell {
    /// The client's name.
    pub client: String,
    /// The scenario's name.
    pub scenario: String,
    /// The stage that the scenario is filed under, the part of its name before the slash.
    pub stage: String,
    /// What this does to a client that is not ready for it: the scenario's own words.
    #[serde(default)]
    pub consequence: String,
    /// The word.
    pub verdict: Mark,
    /// What the word means for whoever waits for it.
    pub class: Class,
    /// What was measured, in one line.
    #[serde(default)]
    pub summary: String,
    /// What was found, gravest first; empty for PASS.
    #[serde(default)]
    pub findings: Vec<Finding>,
    /// What is worth knowing and no finding.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Connections to the proxy, and further requests on one of them.
    #[serde(default)]
    pub attempts: u64,
    /// From the start of the command to its end, in milliseconds.
    #[serde(default)]
    pub ms: f64,
    /// How the command ended; `null` when that was not seen.
    #[serde(default)]
    pub exit: Option<Exit>,
    /// How many of its runs had this verdict; `null` when it was played only once.
    #[serde(default)]
    pub confirmed: Option<Confirmed>,
    /// Each verdict that its runs had, and how many had it.
    #[serde(default)]
    pub tally: BTreeMap<String, u32>,
    /// How it counts towards the three fractions.
    #[serde(default)]
    pub scores: Scores,
    /// The most that badproxy itself was late, in milliseconds.
    #[serde(default)]
    pub lag_max_ms: f64,
    /// The seed of this cell.
    #[serde(default)]
    pub seed: u64,
    /// The command line that plays it again.
    #[serde(default)]
    pub again: String,
    /// The directory with its events and its output, relative to this file; `null` when none
    /// was kept.
    #[serde(default)]
    pub dir: Option<String>,
}

/// One thing found, with the four lines that explain it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// Which word it earns.
    pub verdict: Mark,
    /// By which rule: one short word, e.g. `attempts`.
    #[serde(default)]
    pub rule: String,
    /// What was measured.
    #[serde(default)]
    pub measured: String,
    /// What was allowed.
    #[serde(default)]
    pub limit: String,
    /// What the proxy did.
    #[serde(default)]
    pub proxy_did: String,
    /// What the client did.
    #[serde(default)]
    pub client_did: String,
    /// What a good client does.
    #[serde(default)]
    pub good_client: String,
    /// The setting that likely helps; `null` when none is known.
    #[serde(default)]
    pub fix: Option<String>,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Exit {
    /// Its exit code.
    #[serde(default)]
    pub code: Option<i32>,
    /// The signal that ended it.
    #[serde(default)]
    pub signal: Option<i32>,
    /// Whether badproxy has ended it.
    #[serde(default)]
    pub killed_by_us: bool,
}

/// So many runs of so many had the cell's verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Confirmed {
    /// Runs with this verdict.
    pub same: u32,
    /// All runs.
    pub runs: u32,
}

impl From<&verdict::Finding> for Finding {
    fn from(finding: &verdict::Finding) -> Self {
        Finding {
            verdict: finding.word.into(),
            rule: finding.rule.to_owned(),
            measured: finding.measured.clone(),
            limit: finding.limit.clone(),
            proxy_did: finding.proxy_did.clone(),
            client_did: finding.client_did.clone(),
            good_client: finding.good_client.clone(),
            fix: finding.fix.clone(),
        }
    }
}

impl Cell {
    /// A cell that nobody has played.
    pub fn missing(client: &str, scenario: &str) -> Cell {
        Cell {
            client: client.to_owned(),
            scenario: scenario.to_owned(),
            stage: scenario.split('/').next().unwrap_or_default().to_owned(),
            consequence: String::new(),
            verdict: Mark::Missing,
            class: Mark::Missing.class(),
            summary: "never played".to_owned(),
            findings: Vec::new(),
            notes: Vec::new(),
            attempts: 0,
            ms: 0.0,
            exit: None,
            confirmed: None,
            tally: BTreeMap::new(),
            scores: Scores::default(),
            lag_max_ms: 0.0,
            seed: 0,
            again: String::new(),
            dir: None,
        }
    }

    /// A cell with this verdict. How the command ended, its times, its seed and what repeats it
    /// are for the caller to fill in.
    pub fn judged(
        client: &str,
        scenario: &Scenario,
        verdict: &Verdict,
        bypass_observable: bool,
    ) -> Cell {
        Cell {
            consequence: scenario.consequence.trim().to_owned(),
            verdict: verdict.word.into(),
            class: verdict.word.class(),
            summary: verdict.summary.clone(),
            findings: verdict.findings.iter().map(Finding::from).collect(),
            notes: verdict.notes.clone(),
            scores: Scores::of(verdict, bypass_observable),
            tally: BTreeMap::from([(verdict.word.shown().to_owned(), 1)]),
            ..Cell::missing(client, &scenario.name)
        }
    }

    /// Gives it another word, and the class that goes with it.
    pub fn mark(&mut self, mark: Mark) {
        self.verdict = mark;
        self.class = mark.class();
    }

    /// Whether there is nothing to say about it: PASS, or not supported by the client.
    pub fn quiet(&self) -> bool {
        matches!(self.verdict, Mark::Word(Word::Pass | Word::Unsupported))
    }
}

impl Summary {
    /// The cell of this client and scenario.
    pub fn cell(&self, client: &str, scenario: &str) -> Option<&Cell> {
        self.cells.iter().find(|cell| cell.client == client && cell.scenario == scenario)
    }

    /// As it is written to a file, with a line end.
    pub fn to_json(&self) -> String {
        // Only a map with keys that are not strings can fail, and there is none.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// Its JSON Schema.
    pub fn json_schema() -> serde_json::Value {
        let mut schema = schemars::schema_for!(Summary).to_value();
        if let Some(object) = schema.as_object_mut() {
            object.insert("title".into(), "badproxy summary, version 1".into());
        }
        schema
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conduct::Conduct;
    use crate::verdict::{Syns, Terms, judge};
    use std::time::Duration;

    fn summary() -> Summary {
        let terms = Terms {
            timeout: Duration::from_secs(5),
            hang: Duration::from_secs(15),
            lag_max_ms: 0.0,
            bypass_observable: true,
            no_timeout: false,
            syns: Syns::Waiting,
        };
        let scenario =
            crate::catalogue::find("reply/fin-before-reply").unwrap().scenario().unwrap();
        let verdict = judge(&scenario, &Conduct::default(), &terms);
        let cell = Cell::judged("curl", &scenario, &verdict, true);
        assert_eq!((cell.stage.as_str(), cell.class), ("reply", Class::Fail));
        assert_eq!(cell.findings.len(), verdict.findings.len());
        assert_eq!(cell.scores.robustness, Some(false));
        Summary {
            schema: SCHEMA.to_owned(),
            badproxy: "0.1.0".to_owned(),
            suite: SuiteId { name: "2026.11".to_owned(), sha256: "ab".to_owned(), count: 1 },
            seed: u64::MAX,
            started: "2026-11-26T11:00:00Z".to_owned(),
            host: Host::here(),
            timeout_ms: Some(5000),
            jobs: 1,
            isolate: false,
            shard: Some(Shard { index: 2, of: 5 }),
            partial: false,
            partial_why: None,
            partial_exit: None,
            baseline: None,
            strict: false,
            clients: vec![Client { name: "curl".to_owned(), argv: vec!["curl".to_owned()] }],
            scenarios: vec![scenario.name.clone()],
            controls: Vec::new(),
            cells: vec![cell],
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        let summary = summary();
        assert_eq!(serde_json::from_str::<Summary>(&summary.to_json()).unwrap(), summary);
    }

    #[test]
    fn fields_that_nobody_knows_yet_are_passed_over() {
        let mut json: serde_json::Value = serde_json::from_str(&summary().to_json()).unwrap();
        json["later"] = 1.into();
        json["cells"][0]["later"] = serde_json::json!({"a": []});
        json["cells"][0].as_object_mut().unwrap().remove("notes");
        let read: Summary = serde_json::from_value(json).unwrap();
        assert_eq!(read.cells.len(), 1);
    }

    #[test]
    fn the_schema_takes_it() {
        let validator = jsonschema::draft202012::new(&Summary::json_schema()).unwrap();
        let json: serde_json::Value = serde_json::from_str(&summary().to_json()).unwrap();
        let wrong: Vec<String> = validator.iter_errors(&json).map(|e| e.to_string()).collect();
        assert!(wrong.is_empty(), "{wrong:?}");
        assert!(!validator.is_valid(&serde_json::json!({"schema": "x"})));
    }
}
