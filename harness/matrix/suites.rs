//! Suites: which scenarios a matrix is of. A frozen one is data and never changes, so that a new
//! scenario turns nobody's CI red by itself.

use std::collections::BTreeSet;

use ring::digest::{Context, SHA256};

use super::SuiteId;
use crate::catalogue::{CATALOGUE, Entry, find};
use crate::scenario::{Problem, seen};

/// Frozen suites by the month they were frozen in, oldest first.
const FROZEN: &[(&str, &str)] = &[("2026.11", include_str!("../../scenarios/suites/2026.11.txt"))];

/// Every shipped scenario that plays without a sandbox; grows with every version.
pub const LATEST: &str = "latest";
/// Every shipped scenario; grows with every version. Some need `--isolate`.
pub const ALL: &str = "all";

/// Some scenarios, under a name.
#[derive(Debug, Clone)]
pub struct Suite {
    /// Its name.
    pub name: String,
    /// Its scenarios, in the order of the catalogue.
    pub entries: Vec<&'static Entry>,
}

impl Suite {
    /// What a summary says of it.
    pub fn id(&self) -> SuiteId {
        id(&self.name, self.entries.iter().map(|entry| (entry.name, entry.yaml)))
    }
}

/// What a summary says of these scenarios: names and texts, in this order.
pub fn id<'s>(name: &str, scenarios: impl IntoIterator<Item = (&'s str, &'s str)>) -> SuiteId {
    let mut hash = Context::new(&SHA256);
    let mut count = 0;
    for (name, text) in scenarios {
        for part in [name, text] {
            hash.update(&(part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        count += 1;
    }
    SuiteId { name: name.to_owned(), sha256: hex(hash.finish().as_ref()), count }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The suite that is played when none is asked for: the newest frozen one.
pub fn newest() -> &'static str {
    FROZEN.last().map_or(LATEST, |(name, _)| name)
}

/// The names of all suites.
pub fn names() -> Vec<&'static str> {
    FROZEN.iter().map(|(name, _)| *name).chain([LATEST, ALL]).collect()
}

/// The suite of this name.
///
/// # Errors
///
/// There is none: with the nearest name, and all of them.
pub fn named(name: &str) -> Result<Suite, Problem> {
    let entries = match (FROZEN.iter().find(|(frozen, _)| *frozen == name), name) {
        (Some((_, text)), _) => frozen(text),
        (None, LATEST) => CATALOGUE.iter().filter(|entry| plays_anywhere(entry)).collect(),
        (None, ALL) => CATALOGUE.iter().collect(),
        (None, _) => {
            let problem = Problem::new(format!("there is no suite {}", seen(name)));
            return Err(problem.known("there are", name, &names()));
        }
    };
    Ok(Suite { name: name.to_owned(), entries })
}

/// The scenarios of a list, in the order of the catalogue.
fn frozen(text: &str) -> Vec<&'static Entry> {
    // A test holds that every name exists.
    let names: BTreeSet<&str> = lines(text).filter(|name| find(name).is_some()).collect();
    CATALOGUE.iter().filter(|entry| names.contains(entry.name)).collect()
}

/// The names in a list: one a line; lines that begin with `#` are for people.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn plays_anywhere(entry: &Entry) -> bool {
    entry.scenario().is_ok_and(|scenario| scenario.needs() == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was frozen, by the SHA-256 of its names. To change one is to change what other
    /// people's CI holds their clients to: write a new one instead.
    const SUMS: &[(&str, &str)] =
        &[("2026.11", "1305f391d3df29f7f3fe4fa5e027fdf77b6cd5d4cc4fe889d3e62dc5d3bef623")];

    #[test]
    fn a_frozen_suite_never_changes() {
        let sums: Vec<(&str, String)> = FROZEN
            .iter()
            .map(|(name, text)| (*name, id("", lines(text).map(|line| (line, ""))).sha256))
            .collect();
        let sums: Vec<(&str, &str)> =
            sums.iter().map(|(name, sum)| (*name, sum.as_str())).collect();
        assert_eq!(sums, SUMS);
        let mut names: Vec<&str> = FROZEN.iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        assert!(names.iter().zip(FROZEN).all(|(name, (frozen, _))| name == frozen));
    }

    #[test]
    fn every_name_of_a_frozen_suite_is_a_scenario_that_plays_without_a_sandbox() {
        for (suite, text) in FROZEN {
            let names: Vec<&str> = lines(text).collect();
            for name in &names {
                let entry = find(name).unwrap_or_else(|| panic!("{suite}: no scenario {name}"));
                assert!(plays_anywhere(entry), "{suite}: {name} needs a sandbox");
            }
            assert_eq!(named(suite).unwrap().entries.len(), names.len(), "{suite}: a name twice");
        }
    }

    #[test]
    fn suites_by_name() {
        let all = named(ALL).unwrap();
        assert_eq!(all.entries.len(), CATALOGUE.len());
        let latest = named(LATEST).unwrap();
        assert!(latest.entries.len() < all.entries.len());
        let default = named(newest()).unwrap();
        assert!(default.entries.iter().any(|entry| entry.name == "reply/fin-before-reply"));
        assert_eq!(default.id().count, default.entries.len());
        assert_ne!(default.id().sha256, latest.id().sha256);
    }

    #[test]
    fn slips_are_recognised() {
        let text: String = named("lates").unwrap_err().into();
        assert!(text.contains("did you mean `latest`?"), "{text}");
        let text: String = named("2026.12").unwrap_err().into();
        assert!(text.contains("2026.11") && text.contains("latest"), "{text}");
    }

    #[test]
    fn the_sum_is_of_names_and_texts_and_their_bounds() {
        let of = |list: &[(&str, &str)]| id("x", list.iter().copied()).sha256;
        let sums = [of(&[("a", "bc")]), of(&[("ab", "c")]), of(&[("a", "b"), ("c", "")]), of(&[])];
        assert_eq!(sums.iter().collect::<BTreeSet<_>>().len(), 4);
    }
}
