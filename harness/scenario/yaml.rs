//! YAML text in, a tree out. The only place that calls the YAML library.

use std::fmt;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_yaml::options::{DuplicateKeyPolicy, NonFiniteFloatPolicy};
use serde_yaml::{Location, Options, Spanned};

use super::problem::{Place, Problem};
use super::syntax;
use super::tree::{Kind, Node, Sort, once};

/// The deepest nesting that is read.
pub(super) const DEEPEST: usize = 16;
/// The most keys and values that are read, those that aliases stand for included.
pub(super) const MOST: usize = 20_000;

/// The tree of a YAML text, or why it is not YAML.
pub(super) fn tree(text: &str) -> Result<Node, Problem> {
    match serde_yaml::from_str_with_options::<Spanned<Raw>>(text, options()) {
        Ok(raw) => Ok(node(raw, text, false)),
        Err(error) => Err(syntax::explain(error.without_snippet(), text)),
    }
}

fn options() -> Options {
    let mut options = Options::default();
    options.strict_booleans = true;
    // Found later, with the line of the first one.
    options.duplicate_keys = DuplicateKeyPolicy::PassThrough;
    // A number that is no number is refused where a number is due, with its place.
    options.non_finite_float_policy = NonFiniteFloatPolicy::PassThrough;
    options.reject_unsupported_tags = true;
    options.with_snippet = false;
    if let Some(budget) = &mut options.budget {
        budget.max_depth = DEEPEST;
        budget.flow_nesting_limit = DEEPEST;
        budget.max_nodes = MOST;
    }
    options
}

/// The place of what the parser calls its location.
pub(super) fn place(at: Location) -> Place {
    Place {
        line: at.line() as usize,
        column: (at.column() as usize).max(1),
        len: (at.span().len() as usize).max(1),
    }
}

/// A value as the library gives it.
enum Raw {
    Null,
    Text(String),
    /// Anything else that is one word: how it was written is looked up in the file.
    Word(Sort),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<Raw>, Spanned<Raw>)>),
}

/// `inside`: it belongs to what an alias stands for.
fn node(raw: Spanned<Raw>, text: &str, inside: bool) -> Node {
    let place = place(if inside { raw.defined } else { raw.referenced });
    let alias = inside || raw.referenced != raw.defined;
    let kind = match raw.value {
        Raw::Null => Kind::Null,
        Raw::Text(word) => Kind::Scalar(word, Sort::Text),
        Raw::Word(sort) => Kind::Scalar(written(raw.defined, text), sort),
        Raw::List(items) => {
            Kind::List(items.into_iter().map(|item| node(item, text, alias)).collect())
        }
        Raw::Map(entries) => {
            let entry = |(key, value)| (node(key, text, alias), node(value, text, alias));
            Kind::Map(once(entries.into_iter().map(entry).collect()))
        }
    };
    Node { place: whole(place, &kind), kind }
}

/// The text of the file at this place.
fn written(at: Location, text: &str) -> String {
    let span = at.span();
    let bytes = span.byte_offset().zip(span.byte_len());
    let range = bytes.map(|(from, len)| from as usize..(from + len) as usize);
    range.and_then(|range| text.get(range)).unwrap_or_default().trim().to_owned()
}

/// A map without braces has no sign of its own: it is drawn at its first key.
fn whole(place: Place, kind: &Kind) -> Place {
    match kind {
        Kind::Map(entries) => match entries.first() {
            Some((key, _)) if (key.place.line, key.place.column) == (place.line, place.column) => {
                key.place
            }
            _ => Place { len: 1, ..place },
        },
        Kind::List(_) => Place { len: 1, ..place },
        _ => place,
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Read)
    }
}

struct Read;

impl<'de> Visitor<'de> for Read {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("YAML")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_str<E>(self, text: &str) -> Result<Raw, E> {
        Ok(Raw::Text(text.to_owned()))
    }

    fn visit_bool<E>(self, yes: bool) -> Result<Raw, E> {
        Ok(Raw::Word(Sort::Bool(yes)))
    }

    fn visit_u64<E>(self, n: u64) -> Result<Raw, E> {
        Ok(Raw::Word(Sort::Whole(n.into())))
    }

    fn visit_i64<E>(self, n: i64) -> Result<Raw, E> {
        Ok(Raw::Word(Sort::Whole(n.into())))
    }

    fn visit_i128<E>(self, n: i128) -> Result<Raw, E> {
        Ok(Raw::Word(Sort::Whole(n)))
    }

    fn visit_u128<E>(self, n: u128) -> Result<Raw, E> {
        Ok(Raw::Word(Sort::Whole(i128::try_from(n).unwrap_or(i128::MAX))))
    }

    fn visit_f64<E>(self, n: f64) -> Result<Raw, E> {
        Ok(Raw::Word(Sort::Real(n)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Raw::Map(entries))
    }
}
