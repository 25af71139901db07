//! Reads the types of a scenario out of its tree. Serde stops at the first mistake; here it is
//! written down with its place, a stand-in takes its place, and reading goes on.

use std::fmt;
use std::slice::Iter;

use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::collect::{Here, Shape, next_is, note};
use super::problem::{Problem, seen};
use super::tree::{Kind, Node, Sort};

/// A value of the tree, as serde reads it.
#[derive(Clone, Copy)]
pub(super) struct Typed<'t> {
    node: &'t Node,
    /// The key that it is the value of; of the list, when it is an item.
    key: &'t str,
    item: bool,
}

/// Reading cannot go on: why is written down already, or comes from serde and has no place yet.
#[derive(Debug)]
pub(super) enum Stop {
    Noted,
    Missing(&'static str),
    Serde(String),
}

impl<'t> Typed<'t> {
    /// The whole file.
    pub fn new(node: &'t Node) -> Self {
        Typed { node, key: "", item: false }
    }

    fn here(&self) -> Here {
        let shape = match self.node.kind {
            Kind::Null => Shape::Nothing,
            Kind::Scalar(..) => Shape::Word,
            Kind::List(_) => Shape::List,
            Kind::Map(_) => Shape::Map,
        };
        let name = match (self.key, self.item) {
            ("", _) => "a scenario".to_owned(),
            (key, true) => format!("an item of {}", seen(key)),
            (key, false) => seen(key),
        };
        Here { place: self.node.place, shape, name, what: self.node.what() }
    }

    /// Writes down that the value is not what has to be here.
    fn refuse(&self, advice: impl Into<String>) {
        note(self.here().cannot().help(advice));
    }

    fn seed<'de, S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Stop> {
        next_is(self.here());
        seed.deserialize(self)
    }

    /// What to write where `fields` are due.
    fn keys(&self, fields: &[&str]) -> String {
        let word = self.node.word();
        match (word.split_once(':'), self.key) {
            (Some((key, value)), _) if fields.contains(&key) => {
                format!("write a blank after the colon: {}", seen(&format!("{key}: {value}")))
            }
            (_, "") => {
                format!("a scenario is lines of `key: value`; its keys: {}", fields.join(", "))
            }
            _ => format!("write a map; its keys: {}", fields.join(", ")),
        }
    }

    /// What to write where lines of headers are due and a map of them is there.
    fn header_lines(&self, entries: &[(Node, Node)]) -> Option<String> {
        let [(name, value), ..] = entries else { return None };
        let is_word = |node: &Node| matches!(node.kind, Kind::Scalar(..));
        if !["headers", "set", "add"].contains(&self.key) || !is_word(name) || !is_word(value) {
            return None;
        }
        let line = seen(&format!("{}: {}", name.word(), value.word()));
        Some(format!("write a list of lines: `{}: [\"{}\"]`", self.key, line.trim_matches('`')))
    }

    fn whole<'de, V: Visitor<'de>>(&self, most: u64, visitor: V) -> Result<V::Value, Stop> {
        match self.node.kind {
            Kind::Scalar(_, Sort::Whole(n)) if (0..=i128::from(most)).contains(&n) => {
                visitor.visit_u64(n as u64)
            }
            // What is larger than any integer is read as a real number.
            Kind::Scalar(_, Sort::Whole(1..)) | Kind::Scalar(_, Sort::Real(1e19..)) => {
                self.refuse(format!("it can be at most {most}"));
                visitor.visit_u64(0)
            }
            Kind::Scalar(ref word, Sort::Text) if word.parse::<u64>().is_ok() => {
                self.refuse("write it without quotes");
                visitor.visit_u64(0)
            }
            _ => {
                self.refuse("write a whole number, 0 or more");
                visitor.visit_u64(0)
            }
        }
    }
}

/// Whole numbers, by the largest of their type.
macro_rules! whole {
    ($($method:ident: $type:ty),*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
            self.whole(<$type>::MAX.into(), visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for Typed<'_> {
    type Error = Stop;

    whole!(deserialize_u8: u8, deserialize_u16: u16, deserialize_u32: u32, deserialize_u64: u64);

    /// For values that may be a word or something else: numbers are given as they are written.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        match &self.node.kind {
            Kind::Null => visitor.visit_unit(),
            Kind::Scalar(word, _) => visitor.visit_str(word),
            Kind::List(items) => visitor.visit_seq(Items { items: items.iter(), key: self.key }),
            Kind::Map(entries) => visitor.visit_map(Entries::new(entries, None)),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        match &self.node.kind {
            Kind::Scalar(_, Sort::Bool(yes)) => visitor.visit_bool(*yes),
            _ => {
                note(truth(self.here().cannot(), self.node.word()));
                visitor.visit_bool(false)
            }
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        match self.node.kind {
            Kind::Scalar(_, Sort::Whole(n)) => visitor.visit_f64(n as f64),
            Kind::Scalar(_, Sort::Real(n)) if n.is_finite() => visitor.visit_f64(n),
            _ => {
                self.refuse("write a number, e.g. `0.5`");
                visitor.visit_f64(1.0)
            }
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        match &self.node.kind {
            Kind::Scalar(word, _) => visitor.visit_str(word),
            Kind::Null => {
                self.refuse("write one, or take the key out; an empty text is `\"\"`");
                visitor.visit_str("")
            }
            Kind::Map(_) => {
                self.refuse("write a text; if it has a colon in it, put it in quotes");
                visitor.visit_str("")
            }
            Kind::List(_) => {
                self.refuse("write a text");
                visitor.visit_str("")
            }
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        self.deserialize_string(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        self.deserialize_string(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        match self.node.kind {
            Kind::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Stop> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        let items: &[Node] = match &self.node.kind {
            Kind::List(items) => items,
            Kind::Scalar(word, _) => {
                let word = seen(word);
                let word = word.trim_matches('`');
                // In a list a colon would make a map of it.
                let quote = if word.contains(": ") { "\"" } else { "" };
                self.refuse(format!("write a list: `{}: [{quote}{word}{quote}]`", self.key));
                &[]
            }
            Kind::Map(entries) => {
                self.refuse(
                    self.header_lines(entries)
                        .unwrap_or_else(|| "write a list: each item begins with `- `".to_owned()),
                );
                &[]
            }
            Kind::Null => {
                self.refuse("write a list, or take the key out; an empty list is `[]`");
                &[]
            }
        };
        visitor.visit_seq(Items { items: items.iter(), key: self.key })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        let entries: &[(Node, Node)] = match &self.node.kind {
            Kind::Map(entries) => entries,
            _ => {
                self.refuse(format!("write a map: `{}: {{NAME: VALUE}}`", self.key));
                &[]
            }
        };
        visitor.visit_map(Entries::new(entries, None))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        let Kind::Map(entries) = &self.node.kind else {
            self.refuse(self.keys(fields));
            // What is missing in the stand-in is no mistake of its own.
            return visitor.visit_map(Entries::new(&[], None)).map_err(|_: Stop| Stop::Noted);
        };
        // What is missing may be there under a name that is not known: that is said already.
        let strange = entries.iter().any(|(key, _)| !fields.contains(&key.word()));
        visitor.visit_map(Entries::new(entries, Some(fields))).map_err(|stop: Stop| {
            let problem = match stop {
                Stop::Noted => return Stop::Noted,
                Stop::Missing(_) if strange => return Stop::Noted,
                Stop::Missing(field) => Problem::new(format!("`{field}:` is missing here"))
                    .help(format!("the keys here: {}", fields.join(", "))),
                Stop::Serde(message) => Problem::new(message),
            };
            note(problem.at(self.node.place));
            Stop::Noted
        })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        words: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        let word = self.node.word();
        let known = words.iter().find(|known| **known == word);
        if known.is_none() {
            let here = self.here();
            let name = here.name.rsplit(" of ").next().unwrap_or_default();
            note(here.cannot().known(&format!("{name} can be"), word, words));
        }
        let word = known.or(words.first()).copied().unwrap_or_default();
        visitor.visit_enum(StrDeserializer::new(word))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u128 f32 char bytes byte_buf unit unit_struct tuple tuple_struct
    }
}

/// Advice where `true` or `false` is due.
fn truth(problem: Problem, word: &str) -> Problem {
    let problem = problem.help("write `true` or `false`, without quotes");
    let lower = word.to_ascii_lowercase();
    if ["yes", "no", "on", "off", "y", "n"].contains(&lower.as_str()) {
        return problem
            .help("`yes`, `no`, `on` and `off` mean different things to different YAML readers");
    }
    problem
}

struct Items<'t> {
    items: Iter<'t, Node>,
    key: &'t str,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Stop;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Stop> {
        let Some(node) = self.items.next() else { return Ok(None) };
        Typed { node, key: self.key, item: true }.seed(seed).map(Some)
    }
}

struct Entries<'t> {
    entries: Iter<'t, (Node, Node)>,
    /// The keys that are known; None when any will do.
    fields: Option<&'static [&'static str]>,
    value: Option<Typed<'t>>,
}

/// A key that is not known here. In the effect `headers` it is most often the name of a header.
fn strange(key: &Node, value: &Node, fields: &[&str]) -> Problem {
    let problem = Problem::unknown("key", key.word(), fields);
    let of_headers = ["remove", "set", "add"].iter().all(|field| fields.contains(field));
    match value.kind {
        Kind::Scalar(..) if of_headers && problem.help.len() == 1 => {
            let line = seen(&format!("{}: {}", key.word(), value.word()));
            problem
                .help(format!("for a header of this name: `set: [\"{}\"]`", line.trim_matches('`')))
        }
        _ => problem,
    }
}

impl<'t> Entries<'t> {
    fn new(entries: &'t [(Node, Node)], fields: Option<&'static [&'static str]>) -> Self {
        Entries { entries: entries.iter(), fields, value: None }
    }

    /// The next entry whose key is known; the others are written down.
    fn next(&mut self) -> Option<(&'t Node, &'t Node)> {
        loop {
            let (key, value) = self.entries.next()?;
            if !matches!(key.kind, Kind::Scalar(..)) {
                let what = format!("a key cannot be {}", key.what());
                note(Problem::new(what).at(key.place).help("write one word, then a colon"));
            } else if let Some(fields) = self.fields.filter(|f| !f.contains(&key.word())) {
                note(strange(key, value, fields).at(key.place));
            } else {
                return Some((key, value));
            }
        }
    }
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Stop;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Stop> {
        let Some((key, value)) = self.next() else { return Ok(None) };
        self.value = Some(Typed { node: value, key: key.word(), item: false });
        Typed { node: key, key: key.word(), item: false }.seed(seed).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Stop> {
        match self.value.take() {
            Some(value) => value.seed(seed),
            None => Err(Stop::Serde("a value without a key".to_owned())),
        }
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stop::Noted => f.write_str("a mistake"),
            Stop::Missing(field) => write!(f, "`{field}:` is missing"),
            Stop::Serde(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for Stop {}

impl de::Error for Stop {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Stop::Serde(message.to_string())
    }

    fn missing_field(field: &'static str) -> Self {
        Stop::Missing(field)
    }
}
