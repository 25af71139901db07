//! A scenario file as a tree in which every key and value knows its place. The types are read out
//! of it (`typed`); later checks look up in it where the value they complain of stands.

use std::collections::{HashMap, HashSet};

use super::collect::note;
use super::problem::{Place, Problem, seen};

/// A key or value.
#[derive(Debug)]
pub(crate) struct Node {
    /// Where it stands; what an alias stands for is where the alias is, what is inside that is
    /// where it was written.
    pub place: Place,
    pub kind: Kind,
}

#[derive(Debug)]
pub(crate) enum Kind {
    /// Nothing, `~` or `null`.
    Null,
    /// As it was written, without quotes, and what YAML takes it for.
    Scalar(String, Sort),
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
}

/// What YAML takes a scalar for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Sort {
    Text,
    Bool(bool),
    Whole(i128),
    Real(f64),
}

impl Node {
    /// The value below this path, e.g. `rules.0.when.sni`, or the nearest one above it.
    pub fn at(&self, path: &str) -> &Node {
        let mut node = self;
        for step in path.split('.').filter(|step| !step.is_empty()) {
            match node.below(step) {
                Some((_, value)) => node = value,
                None => break,
            }
        }
        node
    }

    /// Where the last key of this path stands.
    pub fn key(&self, path: &str) -> Place {
        let (above, last) = path.rsplit_once('.').unwrap_or(("", path));
        let node = self.at(above);
        node.below(last).map_or(node.place, |(key, _)| key.place)
    }

    /// One key of a map, or one item of a list (which is its own key), with its value.
    fn below(&self, step: &str) -> Option<(&Node, &Node)> {
        match &self.kind {
            Kind::Map(entries) => {
                entries.iter().find(|(key, _)| key.word() == step).map(|(key, value)| (key, value))
            }
            Kind::List(items) => items.get(step.parse::<usize>().ok()?).map(|item| (item, item)),
            _ => None,
        }
    }

    /// Where the value of `key` stands in the map of the effect at `step`, in a rule; the step
    /// itself when it is only a word.
    pub fn value_of(&self, rule: usize, step: Place, key: &str) -> Place {
        let rule = self.at(&format!("rules.{rule}"));
        rule.value_at(step).map_or(step, |value| value.at(key).place)
    }

    /// The value of the key that stands at this place.
    fn value_at(&self, place: Place) -> Option<&Node> {
        match &self.kind {
            Kind::Map(entries) => entries.iter().find_map(|(key, value)| {
                if key.place == place { Some(value) } else { value.value_at(place) }
            }),
            Kind::List(items) => items.iter().find_map(|item| item.value_at(place)),
            _ => None,
        }
    }

    /// Whether one of these places is its own or that of something inside it.
    pub fn has(&self, places: &HashSet<Place>) -> bool {
        places.contains(&self.place)
            || match &self.kind {
                Kind::Map(entries) => {
                    entries.iter().any(|(key, value)| key.has(places) || value.has(places))
                }
                Kind::List(items) => items.iter().any(|item| item.has(places)),
                _ => false,
            }
    }

    /// A scalar as it was written; nothing for anything else.
    pub fn word(&self) -> &str {
        match &self.kind {
            Kind::Scalar(word, _) => word,
            _ => "",
        }
    }

    /// What it is, for messages.
    pub fn what(&self) -> String {
        match &self.kind {
            Kind::Null => "nothing".to_owned(),
            Kind::Scalar(word, _) => seen(word),
            Kind::List(_) => "a list".to_owned(),
            Kind::Map(_) => "a map".to_owned(),
        }
    }
}

/// Takes out every key that is there a second time, and writes it down.
pub(super) fn once(entries: Vec<(Node, Node)>) -> Vec<(Node, Node)> {
    let mut lines: HashMap<String, usize> = HashMap::new();
    let mut kept = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        // Keys that are no words are refused when the types are read.
        if let Kind::Scalar(word, _) = &key.kind {
            match lines.get(word) {
                Some(line) => {
                    note(twice(&key, *line));
                    continue;
                }
                None => lines.insert(word.clone(), key.place.line),
            };
        }
        kept.push((key, value));
    }
    kept
}

fn twice(key: &Node, first: usize) -> Problem {
    let there = if key.place.line == first { String::new() } else { format!(" (line {first})") };
    Problem::new(format!("{} is there twice", seen(key.word())))
        .at(key.place)
        .help(format!("only one of them could count: take this or the first{there} out"))
}
