//! `report` and `merge`: their words, their exit codes, what they write.

use std::path::{Path, PathBuf};

use badproxy::matrix::{Cell, Client, Host, Mark, SuiteId, Summary, summary::SCHEMA};
use badproxy::verdict::Word;
use tempfile::TempDir;

use crate::play::{Played, badproxy};

/// A matrix of one client.
fn matrix(cells: &[(&str, Mark)]) -> Summary {
    let cells: Vec<Cell> = cells
        .iter()
        .map(|(scenario, mark)| {
            let mut cell = Cell::missing("curl", scenario);
            cell.mark(*mark);
            cell
        })
        .collect();
    Summary {
        schema: SCHEMA.to_owned(),
        badproxy: env!("CARGO_PKG_VERSION").to_owned(),
        suite: SuiteId { name: "2026.11".to_owned(), sha256: "ab".repeat(32), count: cells.len() },
        seed: 7,
        started: "2026-11-26T11:00:00Z".to_owned(),
        host: Host::here(),
        timeout_ms: Some(5000),
        jobs: 1,
        isolate: false,
        shard: None,
        partial: false,
        partial_why: None,
        partial_exit: None,
        baseline: None,
        strict: false,
        clients: vec![Client { name: "curl".to_owned(), argv: vec!["curl".to_owned()] }],
        scenarios: cells.iter().map(|cell| cell.scenario.clone()).collect(),
        controls: Vec::new(),
        cells,
    }
}

const STORM: Mark = Mark::Word(Word::Storm);

struct There {
    dir: TempDir,
}

impl There {
    fn new() -> There {
        There { dir: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> &Self {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    fn matrix(&self, name: &str, cells: &[(&str, Mark)]) -> &Self {
        self.write(name, &matrix(cells).to_json())
    }

    /// Played in this directory, so that messages have no path of this machine in them.
    fn play(&self, words: &str) -> Played {
        badproxy(words.split_whitespace()).dir(self.dir.path()).play()
    }
}

/// What is said to a mistake is kept in `tests/reports/mistakes.txt`.
#[test]
fn mistakes() {
    let there = There::new();
    let whole = matrix(&[("reply/reset", Mark::PASS)]).to_json();
    let mut other = matrix(&[("reply/reset", Mark::PASS)]);
    other.badproxy = "9.9.9".to_owned();
    let mut suite = matrix(&[("reply/reset", Mark::PASS)]);
    suite.suite = SuiteId { name: "latest".to_owned(), sha256: "cd".repeat(32), count: 3 };
    there
        .write("out/summary.json", &whole)
        .write("cut.json", &whole[..whole.len() / 2])
        .write("empty.json", "\n")
        .write("other.json", &other.to_json())
        .write("suite.json", &suite.to_json())
        .write("later.json", &whole.replace("badproxy.summary/1", "badproxy.summary/2"))
        .write("strange.json", "{\"name\": \"something else\"}\n")
        .write("events.jsonl", "{\"schema\":\"badproxy.events/1\"}\n{\"time\":1}\n")
        .write("word.json", &whole.replace("\"PASS\"", "\"STROM\""))
        .write("lack.json", &whole.replace("\"scenario\"", "\"scenaro\""))
        .write("bad.yaml", "curl / reply/reset: STROM\n");
    let mut said = String::new();
    for words in [
        "report nothing.json",
        "report .",
        "report cut.json",
        "report empty.json",
        "report later.json",
        "report strange.json",
        "report events.jsonl",
        "report word.json",
        "report lack.json",
        "report out --baseline bad.yaml",
        "report out --baseline none.yaml",
        "report out -o no/such/dir/x.html",
        "merge out other.json -o all",
        "merge out suite.json -o all",
        "merge out cut.json later.json -o all",
        "merge out -o out/summary.json/x",
    ] {
        let played = there.play(words).ends(2);
        assert!(played.stdout.is_empty(), "{words}: {}", played.out());
        said += &format!("$ badproxy {words}\n{}\n", played.stderr.trim_end());
    }
    assert!(!there.path("all").exists(), "nothing is written");
    let path = Path::new("tests/reports/mistakes.txt");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &said).unwrap();
    }
    let want = std::fs::read_to_string(path).unwrap_or_default();
    assert!(want == said, "--- kept\n{want}\n--- now\n{said}");
}

#[test]
fn a_report_ends_with_0_and_with_check_as_the_matrix() {
    let there = There::new();
    there.matrix("out/summary.json", &[("reply/reset", Mark::PASS), ("reply/hang", STORM)]);
    there.write("b.yaml", "curl / reply/hang: STORM\n");
    let played = there.play("report out").ends(0);
    assert!(played.out().contains("1 unexpected: STORM reply/hang"), "{}", played.out());
    there.play("report out --check").ends(1);
    let played = there.play("report out --check --baseline b.yaml").ends(0);
    assert!(played.out().contains("1 as the baseline expects"), "{}", played.out());
}

/// The results know what the matrix was held against, and whether warnings counted.
#[test]
fn a_report_is_held_against_what_the_matrix_was() {
    let there = There::new();
    let mut own = matrix(&[("reply/reset", Mark::PASS), ("reply/hang", STORM)]);
    let known = "{\"file\": \"b.yaml\", \"text\": \"curl / reply/hang: STORM\\n\"}";
    own.baseline = serde_json::from_str(known).unwrap();
    there.write("out/summary.json", &own.to_json()).write("none.yaml", "");
    let played = there.play("report out --check").ends(0);
    assert!(played.out().contains("1 as the baseline expects"), "{}", played.out());
    there.play("report out --check --baseline none.yaml").ends(1);
    there.play("merge out -o all").ends(0);
    there.play("report all --check").ends(0);
    // Another one, named while the parts are merged, counts from then on.
    there.play("merge out -o all --baseline none.yaml").ends(1);
    there.play("report all --check").ends(1);
    own.strict = true;
    own.cells[0].mark(Mark::Word(Word::Slow));
    there.write("strict/summary.json", &own.to_json());
    let played = there.play("report strict --check").ends(1);
    assert!(played.out().contains("SLOW reply/reset"), "{}", played.out());
    // Somebody else has written it.
    let broken = own.to_json().replace(": STORM\\n", ": STROM\\n");
    there.write("broken/summary.json", &broken);
    let played = there.play("report broken").ends(2);
    assert!(played.stderr.contains("did you mean `STORM`?"), "{}", played.stderr);
}

/// Of the baselines of two parts none is chosen, and that is said.
#[test]
fn parts_with_different_baselines() {
    let there = There::new();
    for (dir, scenario, text) in
        [("a", "reply/reset", "curl / reply/reset: STORM\n"), ("b", "reply/hang", "# none\n")]
    {
        let mut part = matrix(&[(scenario, if dir == "a" { STORM } else { Mark::PASS })]);
        let known = serde_json::json!({"file": "b.yaml", "text": text});
        part.baseline = serde_json::from_value(known).unwrap();
        there.write(&format!("{dir}/summary.json"), &part.to_json());
    }
    let played = there.play("merge a b -o all").ends(1);
    assert!(played.stderr.contains("--baseline names one"), "{}", played.stderr);
}

#[test]
fn every_form_is_written_to_a_file_or_printed() {
    let there = There::new();
    there.matrix("out/summary.json", &[("reply/reset", Mark::PASS), ("reply/hang", STORM)]);
    for (form, sign) in [
        ("human", "badproxy 0"),
        ("md", "### badproxy"),
        ("junit", "<?xml"),
        ("json", "{\n  \"schema\""),
        ("jsonl", "{\"data\""),
        ("html", "<!DOCTYPE html>"),
        ("github", "::error"),
    ] {
        let played = there.play(&format!("report out --format {form}")).ends(0);
        assert!(played.out().starts_with(sign), "{form}: {}", played.out());
        let file = there.play(&format!("report out --format {form} -o report")).ends(0);
        assert!(file.stdout.is_empty());
        let written = std::fs::read_to_string(there.path("report")).unwrap();
        // What is printed for GitHub has the table behind it, where there is no other place for it.
        let table = if form == "github" { "### badproxy" } else { "" };
        let rest = played.out().strip_prefix(&written).map(str::to_owned);
        assert!(
            rest.is_some_and(|rest| rest.is_empty() == table.is_empty() && rest.starts_with(table))
        );
    }
}

#[test]
fn the_table_goes_to_the_step_summary() {
    let there = There::new();
    there.matrix("out/summary.json", &[("reply/hang", STORM)]).write("page.md", "before\n");
    let page = there.path("page.md");
    let played = badproxy(["report", "out", "--format", "github"])
        .dir(there.dir.path())
        .env("GITHUB_STEP_SUMMARY", page.to_str().unwrap())
        .play()
        .ends(0);
    assert!(played.out().starts_with("::error title=STORM in 1 cell::curl / reply/hang"));
    let text = std::fs::read_to_string(page).unwrap();
    assert!(text.starts_with("before\n### badproxy"), "{text}");
    let played = there.play("report out --format github").ends(0);
    assert!(played.stderr.contains("GITHUB_STEP_SUMMARY is not set"), "{}", played.stderr);
    assert!(played.out().contains("### badproxy"), "{}", played.out());
}

#[test]
fn parts_are_merged_and_judged_as_a_whole() {
    let there = There::new();
    let rows = ["reply/reset", "reply/hang"];
    for (part, row) in rows.iter().enumerate() {
        let mut summary = matrix(&rows.map(|row| (row, Mark::PASS)));
        summary.cells.retain(|cell| cell.scenario == *row);
        summary.cells[0].dir = Some("cells/x".to_owned());
        there.write(&format!("part-{part}/summary.json"), &summary.to_json());
        there.write(&format!("part-{part}/cells/x/events.jsonl"), row);
    }
    there.play("merge part-0 part-1 -o all").ends(0);
    let text = std::fs::read_to_string(there.path("all/summary.json")).unwrap();
    let whole: Summary = serde_json::from_str(&text).unwrap();
    assert_eq!(whole.cells.len(), 2);
    // The evidence is with it; a file of its own leads to where it was.
    for cell in &whole.cells {
        let events = there.path(&format!("all/{}/events.jsonl", cell.dir.as_deref().unwrap()));
        assert_eq!(std::fs::read_to_string(events).unwrap(), cell.scenario);
    }
    let played = there.play("merge part-0 -o all.json").ends(1);
    assert!(played.out().contains("MISSING reply/hang"), "{}", played.out());
    let text = std::fs::read_to_string(there.path("all.json")).unwrap();
    let part: Summary = serde_json::from_str(&text).unwrap();
    assert_eq!(part.cells[0].dir.as_deref(), Some("part-0/cells/x"));
    let played = there.play("report all.json --check").ends(1);
    assert!(played.out().contains("MISSING"), "{}", played.out());
}
