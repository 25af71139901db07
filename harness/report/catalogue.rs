//! The catalogue as a page of Markdown: `badproxy list --format md`, kept as `scenarios/README.md`.

use std::fmt::Write as _;

use crate::catalogue::Entry;
use crate::field_bugs;
use crate::scenario::{Problems, Scenario};

/// Before the scenarios.
const INTRO: &str = "\
# The catalogue

Failures of proxies, by the stage of a connection at which they happen. Each is one YAML file here:
`badproxy run NAME -- COMMAND` plays it to a client, `badproxy show NAME` prints what stands below
and the file, `badproxy list --search WORD` and `--seen FB052` find one. Numbers such as FB052 are
rows of [field-bugs.tsv](field-bugs.tsv), the reports from the field that the catalogue is made from.

This page is generated from the files: change those, then run `scripts/docs`.
";

/// The whole page.
///
/// # Errors
///
/// Never for shipped scenarios: a test reads them all.
pub fn page(entries: &[&Entry]) -> Result<String, Problems> {
    let mut out = String::from(INTRO);
    let mut stages: Vec<&str> = entries.iter().map(|entry| entry.stage()).collect();
    stages.dedup();
    let _ = writeln!(out, "\n| stage | scenarios |\n| --- | --- |");
    for stage in &stages {
        let links: Vec<String> = entries
            .iter()
            .filter(|entry| entry.stage() == *stage)
            .map(|entry| format!("[{}](#{})", tail(entry), anchor(entry.name)))
            .collect();
        let _ = writeln!(out, "| [{stage}](#{stage}) | {} |", links.join(" · "));
    }
    for stage in &stages {
        let _ = writeln!(out, "\n## {stage}\n\n{}", moment(stage));
        for entry in entries.iter().filter(|entry| entry.stage() == *stage) {
            out += &section(entry, &entry.scenario()?);
        }
    }
    Ok(out)
}

/// What the stage is, in a sentence.
fn moment(stage: &str) -> &'static str {
    crate::stage::Stage::ALL
        .into_iter()
        .find(|known| known.word() == stage)
        .map_or("What a good client must not stumble over.", crate::stage::Stage::moment)
}

fn section(entry: &Entry, scenario: &Scenario) -> String {
    let mut out = format!("\n### {}\n\n{}\n", entry.name, flat(&scenario.about));
    if !scenario.wire.is_empty() {
        out.push('\n');
        for (index, step) in scenario.wire.iter().enumerate() {
            let _ = writeln!(out, "{}. {}", index + 1, flat(step));
        }
    }
    for (title, text) in [
        ("In the field", &scenario.why),
        ("Consequence", &scenario.consequence),
        ("A good client", &scenario.good_client),
        ("Not imitated", &scenario.cannot),
    ] {
        if !text.trim().is_empty() {
            let _ = writeln!(out, "\n**{title}:** {}", flat(text));
        }
    }
    if scenario.requires > 0 {
        let _ = writeln!(out, "\n**Needs** `--isolate`, the Linux sandbox.");
    }
    if !scenario.seen.is_empty() {
        let seen: Vec<String> = scenario.seen.iter().map(|seen| reference(seen)).collect();
        let _ = writeln!(out, "\n**Seen in** {}", seen.join(", "));
    }
    let _ = writeln!(out, "\n[{name}.yaml]({name}.yaml)", name = entry.name);
    out
}

fn reference(seen: &str) -> String {
    match field_bugs::link(seen) {
        Some(link) => format!("[{seen}]({link})"),
        None => seen.to_owned(),
    }
}

fn tail(entry: &Entry) -> &'static str {
    entry.name.split_once('/').map_or(entry.name, |(_, tail)| tail)
}

/// The anchor that a heading gets where Markdown is shown: punctuation falls out.
fn anchor(name: &str) -> String {
    let kept = |c: &char| c.is_ascii_alphanumeric() || ['-', '_'].contains(c);
    name.to_ascii_lowercase().chars().filter(kept).collect()
}

fn flat(text: &str) -> String {
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let code = |(at, part): (usize, &str)| match at % 2 {
        0 => part.replace('<', "&lt;"),
        // Between backquotes everything stands for itself.
        _ => part.to_owned(),
    };
    flat.split('`').enumerate().map(code).collect::<Vec<_>>().join("`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::CATALOGUE;

    #[test]
    fn every_scenario_has_a_heading_that_its_link_meets() {
        let all: Vec<&Entry> = CATALOGUE.iter().collect();
        let page = page(&all).unwrap();
        for entry in all {
            assert!(page.contains(&format!("\n### {}\n", entry.name)), "{}", entry.name);
            assert!(page.contains(&format!("(#{})", anchor(entry.name))), "{}", entry.name);
        }
    }

    #[test]
    fn what_is_code_stands_as_it_is() {
        assert_eq!(flat("a <b>\n `c <d>` <e"), "a &lt;b> `c <d>` &lt;e");
    }

    #[test]
    fn reports_are_links_and_rows_are_not() {
        assert_eq!(reference("FB052"), "FB052");
        assert_eq!(reference("a/b#7"), "[a/b#7](https://github.com/a/b/issues/7)");
    }
}
