//! Gathers the mistakes of one file, so that several are reported together.
//!
//! Serde stops at the first error. A value that reads as YAML but means nothing (`after: soon`)
//! need not stop it: the mistake is written down here with its place, a stand-in value takes its
//! place, and reading goes on. [`super::read`] refuses the file if anything was written down.

use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer};
use serde_yaml::{Location, Spanned};

use super::problem::{Place, Problem};

thread_local! {
    static GATHERED: RefCell<Option<Vec<Problem>>> = const { RefCell::new(None) };
}

/// Runs `read` and hands back what it gave and every mistake written down meanwhile.
pub(super) fn gather<T>(read: impl FnOnce() -> T) -> (T, Vec<Problem>) {
    GATHERED.with(|cell| *cell.borrow_mut() = Some(Vec::new()));
    let value = read();
    let problems = GATHERED.with(|cell| cell.borrow_mut().take()).unwrap_or_default();
    (value, problems)
}

/// Writes a mistake down; hands it back when nobody is gathering (JSON, say).
fn note(problem: Problem) -> Option<Problem> {
    GATHERED.with(|cell| match cell.borrow_mut().as_mut() {
        Some(list) => {
            list.push(problem);
            None
        }
        None => Some(problem),
    })
}

/// Writes a mistake down, or fails with it when nobody is gathering.
pub(crate) fn complain<E: serde::de::Error>(at: Location, problem: Problem) -> Result<(), E> {
    match note(problem.at(Place::from(at))) {
        None => Ok(()),
        Some(problem) => Err(E::custom(problem.message)),
    }
}

/// A value written as one word: parsed, or its mistake written down with its place.
pub(crate) fn word<'de, D: Deserializer<'de>, T: Default>(
    from: D,
    parse: fn(&str) -> Result<T, String>,
) -> Result<T, D::Error> {
    let text = Spanned::<String>::deserialize(from)?;
    match parse(&text.value) {
        Ok(value) => Ok(value),
        Err(message) => {
            complain::<D::Error>(text.referenced, Problem::new(message))?;
            Ok(T::default())
        }
    }
}

/// A value that may be written as one word (`delay: 3s`) or as a map (`delay: {time: 3s}`).
enum WordOrMap<T> {
    Word(String),
    Map(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for WordOrMap<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Read<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Read<T> {
            type Value = WordOrMap<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a word or a map")
            }
            fn visit_str<E>(self, word: &str) -> Result<Self::Value, E> {
                Ok(WordOrMap::Word(word.to_owned()))
            }
            fn visit_u64<E>(self, n: u64) -> Result<Self::Value, E> {
                Ok(WordOrMap::Word(n.to_string()))
            }
            fn visit_i64<E>(self, n: i64) -> Result<Self::Value, E> {
                Ok(WordOrMap::Word(n.to_string()))
            }
            fn visit_f64<E>(self, n: f64) -> Result<Self::Value, E> {
                Ok(WordOrMap::Word(n.to_string()))
            }
            fn visit_bool<E>(self, yes: bool) -> Result<Self::Value, E> {
                Ok(WordOrMap::Word(yes.to_string()))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(WordOrMap::Map)
            }
        }
        from.deserialize_any(Read(PhantomData))
    }
}

/// Reads a word or a map; `short` makes the value out of the word.
pub(crate) fn word_or_map<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    from: D,
    short: fn(&str) -> Result<T, String>,
) -> Result<T, D::Error> {
    let read = Spanned::<WordOrMap<T>>::deserialize(from)?;
    match read.value {
        WordOrMap::Map(full) => Ok(full),
        WordOrMap::Word(word) => match short(&word) {
            Ok(value) => Ok(value),
            Err(message) => {
                complain::<D::Error>(read.referenced, Problem::new(message))?;
                Ok(T::default())
            }
        },
    }
}

