//! What is expected to fail: `badproxy.expected.yaml`.
//!
//! ```yaml
//! curl / tls/crl-hangs: SLOW
//! node / reply/fin-before-reply: {verdict: STORM, issue: nodejs/undici#3897, until: 2027-03-31}
//! "* / tls/no-close-notify": VAGUE
//! curl / reply/hang: [HANG, PASS]
//! ```
//!
//! The first entry that fits a cell counts for it. One of several verdicts tolerates each of them, and
//! with PASS among them no single matrix can tell that it is stale.

use std::fmt;
use std::path::Path;

use serde_json::{Value, json};
use time::{Date, Month};

use super::{Cell, Mark};
use crate::scenario::{Kind, Node, Place, Problem, Problems, glob, seen, tree_file, tree_text};
use crate::verdict::Class;

/// Its usual name.
pub const FILE: &str = "badproxy.expected.yaml";

/// The file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Baseline {
    /// How it is called in messages.
    pub file: String,
    /// In the order of the file.
    pub entries: Vec<Entry>,
    /// Its text, whose comments are kept when it is written anew.
    pub(super) text: String,
}

/// One line of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The client, with `*` for any run of characters.
    pub client: String,
    /// The scenario, with `*` for any run of characters.
    pub scenario: String,
    /// What is expected: one of these. FLAKY stands for any.
    pub verdicts: Vec<Mark>,
    /// Where it is followed up, e.g. `nodejs/undici#3897`.
    pub issue: Option<String>,
    /// The last day on which it is expected.
    pub until: Option<Date>,
    /// The line it begins in, from 1.
    pub line: usize,
}

impl Entry {
    /// Whether it is about this cell.
    pub fn fits(&self, client: &str, scenario: &str) -> bool {
        glob(&self.client, client) && glob(&self.scenario, scenario)
    }

    /// Whether this is what it expects. Plays that disagree are, when it has each of their verdicts.
    pub fn takes(&self, cell: &Cell) -> bool {
        if self.verdicts.contains(&cell.verdict) {
            return true;
        }
        let one = |word: &String| match word.parse::<Mark>() {
            // What was not judged is not held against anybody.
            Ok(mark) if matches!(mark.class(), Class::NotScored | Class::Inconclusive) => true,
            Ok(mark) => self.verdicts.contains(&mark),
            Err(_) => false,
        };
        cell.verdict == Mark::Flaky && self.verdicts.len() > 1 && cell.tally.keys().all(one)
    }

    /// Whether a cell may do either, so that one that passes says nothing about the entry.
    pub fn may_pass(&self) -> bool {
        self.any() || (self.verdicts.len() > 1 && self.verdicts.contains(&Mark::PASS))
    }

    /// Whether it expects nothing in particular.
    pub fn any(&self) -> bool {
        self.verdicts.contains(&Mark::Flaky)
    }

    /// What it expects, as it is written.
    pub fn verdict(&self) -> String {
        match self.verdicts.as_slice() {
            [one] => one.to_string(),
            more => {
                let words: Vec<&str> = more.iter().map(|mark| mark.shown()).collect();
                format!("[{}]", words.join(", "))
            }
        }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} / {}: {}", self.client, self.scenario, self.verdict())
    }
}

impl Baseline {
    /// The entry that counts for a cell, and its number.
    pub fn find(&self, client: &str, scenario: &str) -> Option<(usize, &Entry)> {
        self.entries.iter().enumerate().find(|(_, entry)| entry.fits(client, scenario))
    }
}

/// Its JSON Schema, for editors.
pub fn schema() -> Value {
    let words: Vec<&str> =
        Mark::all().filter(|mark| *mark != Mark::Missing).map(Mark::shown).collect();
    let verdict = json!({
        "description": "What is expected; of several, each is.",
        "anyOf": [
            {"enum": words},
            {"type": "array", "items": {"enum": words}, "minItems": 1, "uniqueItems": true},
        ],
    });
    let scalar = json!({"type": ["string", "number", "boolean"]});
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "badproxy baseline, version 1",
        "description": "What is expected to fail. The first entry that fits a cell counts.",
        "type": ["object", "null"],
        "propertyNames": {"pattern": "^\\s*\\S.* / .*\\S\\s*$"},
        "additionalProperties": {
            "description": "A cell, `client / scenario`, with `*` for any characters.",
            "anyOf": [verdict, {
                "type": "object",
                "required": ["verdict"],
                "additionalProperties": false,
                "properties": {
                    "verdict": verdict,
                    "issue": {
                        "description": "Where it is followed up, e.g. nodejs/undici#3897.",
                        "allOf": [scalar],
                    },
                    "until": {
                        "description": "The last day on which it is expected, e.g. 2027-03-31.",
                        "type": "string",
                        "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
                    },
                },
            }],
        },
    })
}

/// Reads a baseline from a file.
///
/// # Errors
///
/// Every mistake, with its place.
pub fn read_file(path: &Path) -> Result<Baseline, Problems> {
    let (tree, text) = tree_file(path)?;
    entries(&tree, &text, &path.display().to_string())
}

/// Reads a baseline from YAML text. `file` is how it is called in messages.
///
/// # Errors
///
/// Every mistake, with its place.
pub fn read(text: &str, file: &str) -> Result<Baseline, Problems> {
    entries(&tree_text(text, file)?, text, file)
}

const FORM: &str =
    "an entry is `client / scenario: VERDICT`, e.g. `curl / reply/fin-before-reply: STORM`";

fn entries(tree: &Node, text: &str, file: &str) -> Result<Baseline, Problems> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut list = Vec::new();
    let mut entries = Vec::new();
    match &tree.kind {
        Kind::Null => {}
        Kind::Map(map) => {
            for (key, value) in map {
                entries.extend(entry(key, value, &mut list));
            }
        }
        _ => list.push(
            Problem::new(format!("a baseline is a map of cells and verdicts, not {}", tree.what()))
                .at(tree.place)
                .help(FORM),
        ),
    }
    if !list.is_empty() {
        list.sort_by_key(|problem| problem.place);
        return Err(Problems { file: file.to_owned(), text: text.to_owned(), list });
    }
    Ok(Baseline { file: file.to_owned(), entries, text: text.to_owned() })
}

fn entry(key: &Node, value: &Node, list: &mut Vec<Problem>) -> Option<Entry> {
    // The last one: a client may be called anything, a scenario may not.
    let Some((client, scenario)) = key.word().rsplit_once(" / ") else {
        let problem = Problem::new(format!("{} names no cell", key.what())).at(key.place);
        // `curl/reply/reset`: the blanks are missing.
        let near = key.word().split_once('/').filter(|(_, rest)| rest.contains('/'));
        let problem = match near {
            Some((client, scenario)) => {
                let (client, scenario) = (client.trim(), scenario.trim());
                problem.help(format!("did you mean `{client} / {scenario}`?"))
            }
            None => problem,
        };
        list.push(problem.help(FORM).help("for all clients write `\"* / reply/reset\": STORM`"));
        return None;
    };
    let (client, scenario) = (client.trim().to_owned(), scenario.trim().to_owned());
    if client.is_empty() || scenario.is_empty() {
        let what = if client.is_empty() { "client" } else { "scenario" };
        let problem = Problem::new(format!("{} names no {what}", key.what())).at(key.place);
        list.push(problem.help(FORM));
        return None;
    }
    let mut entry = Entry {
        client,
        scenario,
        verdicts: Vec::new(),
        issue: None,
        until: None,
        line: key.place.line,
    };
    match &value.kind {
        Kind::Map(settings) => detailed(key.place, settings, &mut entry, list)?,
        _ => entry.verdicts = verdicts(value, list)?,
    }
    Some(entry)
}

const KEYS: [&str; 3] = ["verdict", "issue", "until"];

/// `{verdict: STORM, issue: ..., until: ...}`
fn detailed(
    at: Place,
    settings: &[(Node, Node)],
    entry: &mut Entry,
    list: &mut Vec<Problem>,
) -> Option<()> {
    let (before, mut found) = (list.len(), None);
    for (key, value) in settings {
        match key.word() {
            "verdict" => found = Some(verdicts(value, list)),
            "issue" => entry.issue = word(value, "`issue`", "e.g. `nodejs/undici#3897`", list),
            "until" => entry.until = date(value, list),
            other => list.push(Problem::unknown("key", other, &KEYS).at(key.place)),
        }
    }
    match found {
        Some(verdicts) => entry.verdicts = verdicts?,
        None => list.push(
            Problem::new("`verdict` is missing: what is expected here?")
                .at(at)
                .help("e.g. `{verdict: STORM, issue: nodejs/undici#3897}`"),
        ),
    }
    (list.len() == before).then_some(())
}

/// `STORM`, or `[HANG, PASS]`
fn verdicts(value: &Node, list: &mut Vec<Problem>) -> Option<Vec<Mark>> {
    let Kind::List(items) = &value.kind else { return Some(vec![verdict(value, list)?]) };
    let (before, mut marks) = (list.len(), Vec::new());
    for item in items {
        let Some(mark) = verdict(item, list) else { continue };
        if marks.contains(&mark) {
            list.push(Problem::new(format!("{mark} is there twice")).at(item.place));
        }
        marks.push(mark);
    }
    if items.is_empty() {
        let problem = Problem::new("no verdict is in the list").at(value.place);
        list.push(problem.help("write e.g. `[HANG, PASS]`"));
    }
    (list.len() == before).then_some(marks)
}

fn verdict(value: &Node, list: &mut Vec<Problem>) -> Option<Mark> {
    let text = word(value, "a verdict", "e.g. `STORM`", list)?;
    match text.parse() {
        // Nobody can expect what was not played.
        Ok(Mark::Missing) => {
            let problem = Problem::new("MISSING cannot be expected").at(value.place);
            list.push(problem.help("take the entry out: a cell that is not played is tolerated"));
            None
        }
        Ok(mark) => Some(mark),
        Err(_) => {
            list.push(Mark::unknown(&text).at(value.place));
            None
        }
    }
}

fn date(value: &Node, list: &mut Vec<Problem>) -> Option<Date> {
    let text = word(value, "`until`", "a day, e.g. `2027-03-31`", list)?;
    let date = day(&text);
    if date.is_none() {
        let problem = Problem::new(format!("{} is no day", seen(&text))).at(value.place);
        list.push(problem.help("write year, month and day, e.g. `2027-03-31`"));
    }
    date
}

/// Reads `2027-03-31`.
fn day(text: &str) -> Option<Date> {
    let mut parts = text.split('-');
    let mut part = |digits: usize| {
        let part = parts.next()?;
        let fits = part.len() == digits && part.bytes().all(|b| b.is_ascii_digit());
        fits.then(|| part.parse::<u16>().ok()).flatten()
    };
    let (year, month, day) = (part(4)?, part(2)?, part(2)?);
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    let date = Date::from_calendar_date(i32::from(year), month, u8::try_from(day).ok()?).ok();
    date.filter(|_| parts.next().is_none())
}

/// A value that is one word.
fn word(value: &Node, name: &str, example: &str, list: &mut Vec<Problem>) -> Option<String> {
    if let Kind::Scalar(text, _) = &value.kind
        && !text.is_empty()
    {
        return Some(text.clone());
    }
    let problem = Problem::new(format!("{name} cannot be {}", value.what())).at(value.place);
    list.push(problem.help(format!("write {example}")));
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::Word;
    use proptest::prelude::*;

    #[test]
    fn entries_are_read() {
        let text = "# ours\ncurl / tls/crl-hangs: SLOW\n\
                    \"* / reply/*\": {verdict: STORM, issue: a/b#1, until: 2027-03-31}\n";
        let baseline = read(text, "x.yaml").unwrap();
        let [first, second] = &baseline.entries[..] else { panic!() };
        assert_eq!(first.to_string(), "curl / tls/crl-hangs: SLOW");
        assert_eq!((first.line, second.line), (2, 3));
        assert_eq!(second.verdicts, [Mark::Word(Word::Storm)]);
        assert_eq!(second.issue.as_deref(), Some("a/b#1"));
        assert_eq!(second.until.unwrap().to_string(), "2027-03-31");
        assert_eq!(baseline.find("node", "reply/fin").unwrap().0, 1);
        assert!(baseline.find("node", "tls/crl-hangs").is_none());
    }

    #[test]
    fn an_empty_file_expects_nothing() {
        assert!(read("# nothing yet\n", "x.yaml").unwrap().entries.is_empty());
    }

    #[test]
    fn days() {
        assert!(day("2028-02-29").is_some());
        for wrong in ["2027-02-29", "2027-3-1", "27-03-01", "2027-03-01-1", "2027-03", "", "x"] {
            assert_eq!(day(wrong), None, "{wrong}");
        }
    }

    /// What an entry takes, of a cell that did one thing and of one that did several.
    #[test]
    fn what_an_entry_takes() {
        use crate::matrix::example::cell;
        let entry = |verdict: &str| {
            let text = format!("curl / a/b: {verdict}\n");
            read(&text, "x.yaml").unwrap_or_else(|e| panic!("{e}")).entries.remove(0)
        };
        let takes = |verdict: &str, did: Mark, each: &[&str]| {
            let mut cell = cell("curl", "a/b", did);
            cell.tally = each.iter().map(|word| ((*word).to_owned(), 1)).collect();
            entry(verdict).takes(&cell)
        };
        let hang = Mark::Word(Word::Hang);
        assert!(takes("HANG", hang, &["HANG"]) && !takes("HANG", Mark::PASS, &["PASS"]));
        let both = "[HANG, PASS]";
        assert!(takes(both, hang, &["HANG"]) && takes(both, Mark::PASS, &["PASS"]));
        assert!(!takes(both, Mark::Word(Word::Storm), &["STORM"]));
        // Not each of the two, but a third.
        assert!(takes(both, Mark::Flaky, &["HANG", "PASS"]));
        assert!(!takes(both, Mark::Flaky, &["HANG", "STORM"]));
        // What was not judged says nothing.
        assert!(takes(both, Mark::Flaky, &["HANG", "INCONCLUSIVE"]));
        // One verdict is no leave to do several, though it is among them; nor is a cell of one verdict flaky.
        assert!(!takes("HANG", Mark::Flaky, &["HANG", "INCONCLUSIVE"]));
        assert!(!takes(both, Mark::Word(Word::Storm), &["HANG", "PASS"]));
        assert!(takes("FLAKY", Mark::Flaky, &["HANG", "STORM"]));
        assert!(entry(both).may_pass() && entry("FLAKY").may_pass());
        assert!(!entry("PASS").may_pass() && !entry("HANG").may_pass());
        assert!(!entry("[HANG, STORM]").may_pass());
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "[a-z*/:{} \\n,\"'#-]{0,60}|.{0,40}") {
            if let Err(problems) = read(&text, "x.yaml") {
                prop_assert!(!problems.render(false).is_empty());
            }
        }
    }
}
