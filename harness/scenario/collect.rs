//! Gathers the mistakes of one file, so that several are reported together.
//!
//! A value that reads as YAML but means nothing (`after: soon`) need not stop the reading: the
//! mistake is written down here with its place, a stand-in takes the place of the value, and
//! reading goes on. [`super::read()`] refuses the file if anything was written down.

use std::borrow::Cow;
use std::cell::RefCell;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, IgnoredAny};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::problem::{Place, Problem};

thread_local! {
    static GATHERED: RefCell<Option<Vec<Problem>>> = const { RefCell::new(None) };
    static HERE: RefCell<Option<Here>> = const { RefCell::new(None) };
}

/// What is known of a value before it is read.
#[derive(Debug, Clone)]
pub(super) struct Here {
    pub place: Place,
    pub shape: Shape,
    /// How messages call it, e.g. "`delay`".
    pub name: String,
    /// What it is, for messages.
    pub what: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Word,
    Map,
    List,
    Nothing,
}

impl Here {
    /// What is here is not what has to be here.
    pub fn cannot(&self) -> Problem {
        let problem = match self.shape {
            Shape::Nothing => Problem::new(format!("{} has no value", self.name)),
            _ => Problem::new(format!("{} cannot be {}", self.name, self.what)),
        };
        problem.at(self.place)
    }
}

/// Says what is known of the value that is read next.
pub(super) fn next_is(here: Here) {
    HERE.with(|cell| *cell.borrow_mut() = Some(here));
}

/// What is known of the value that is read next; None when it does not come from a file.
fn here() -> Option<Here> {
    HERE.with(|cell| cell.borrow().clone())
}

/// Runs `read` and hands back what it gave and every mistake written down meanwhile.
pub(super) fn gather<T>(read: impl FnOnce() -> T) -> (T, Vec<Problem>) {
    GATHERED.with(|cell| *cell.borrow_mut() = Some(Vec::new()));
    let value = read();
    let problems = GATHERED.with(|cell| cell.borrow_mut().take()).unwrap_or_default();
    HERE.with(|cell| *cell.borrow_mut() = None);
    (value, problems)
}

/// Writes a mistake down.
pub(super) fn note(problem: Problem) {
    GATHERED.with(|cell| {
        if let Some(list) = cell.borrow_mut().as_mut() {
            list.push(problem);
        }
    });
}

fn gathering() -> bool {
    GATHERED.with(|cell| cell.borrow().is_some())
}

/// Writes a mistake down, or fails with it when nobody is gathering (JSON, say).
pub(crate) fn complain<E: Error>(at: Place, problem: Problem) -> Result<(), E> {
    if !gathering() {
        return Err(E::custom(problem.message));
    }
    note(problem.at(at));
    Ok(())
}

/// A value and where it stands in the file.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Where it stands; line 0 when it does not come from a file.
    pub place: Place,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Located<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let place = here().map(|here| here.place).unwrap_or_default();
        Ok(Located { value: T::deserialize(from)?, place })
    }
}

/// Two are equal when their values are, wherever they stand.
impl<T: PartialEq> PartialEq for Located<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Serialize> Serialize for Located<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(to)
    }
}

impl<T> From<T> for Located<T> {
    fn from(value: T) -> Self {
        Located { value, place: Place::default() }
    }
}

impl<T: JsonSchema> JsonSchema for Located<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }
    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }
    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }
    fn json_schema(with: &mut SchemaGenerator) -> Schema {
        T::json_schema(with)
    }
}

/// A value written as one word: parsed, or its mistake written down with its place.
pub(crate) fn word<'de, D: Deserializer<'de>, T: Default>(
    from: D,
    parse: fn(&str) -> Result<T, Problem>,
) -> Result<T, D::Error> {
    let here = here();
    if let Some(here) = here.as_ref().filter(|here| here.shape != Shape::Word) {
        let advice = parse("").err().map(|problem| problem.help).unwrap_or_default();
        return refuse(from, here, &advice.iter().map(String::as_str).collect::<Vec<_>>());
    }
    match parse(&String::deserialize(from)?) {
        Ok(value) => Ok(value),
        Err(problem) => {
            complain::<D::Error>(here.map(|here| here.place).unwrap_or_default(), problem)?;
            Ok(T::default())
        }
    }
}

/// Reads a word (`delay: 3s`), which `short` makes the value out of, or a map
/// (`delay: {time: 3s}`).
pub(crate) fn word_or_map<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    from: D,
    short: fn(&str) -> Result<T, Problem>,
    advice: &str,
) -> Result<T, D::Error> {
    match here() {
        Some(here) if here.shape == Shape::Word => word(from, short),
        Some(here) if here.shape != Shape::Map => refuse(from, &here, &[advice]),
        _ => match T::deserialize(from) {
            Ok(value) => Ok(value),
            Err(_) if gathering() => Ok(T::default()),
            Err(error) => Err(error),
        },
    }
}

/// Passes a value over that has the wrong shape, and writes that down.
fn refuse<'de, D: Deserializer<'de>, T: Default>(
    from: D,
    here: &Here,
    advice: &[&str],
) -> Result<T, D::Error> {
    IgnoredAny::deserialize(from)?;
    let problem = advice.iter().fold(here.cannot(), |problem, line| problem.help(*line));
    complain::<D::Error>(here.place, problem)?;
    Ok(T::default())
}

/// One value, or a list of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "one value, and nothing else")]
pub struct Several<T>(pub Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Several<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match here() {
            Some(here) if here.shape == Shape::List => each(from, "").map(Several),
            _ => T::deserialize(from).map(|one| Several(vec![one])),
        }
    }
}

impl<T: Serialize> Serialize for Several<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [one] => one.serialize(to),
            list => list.serialize(to),
        }
    }
}

impl<T: JsonSchema> JsonSchema for Several<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("Several_{}", T::schema_name()).into()
    }
    fn json_schema(with: &mut SchemaGenerator) -> Schema {
        let one = with.subschema_for::<T>();
        json_schema!({"anyOf": [one, {"type": "array", "minItems": 1, "items": one}]})
    }
}

/// A list; an item that cannot be read is left out, and the next one is read all the same.
pub(super) fn each<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
    advice: &str,
) -> Result<Vec<T>, D::Error> {
    if let Some(here) = here().filter(|here| here.shape != Shape::List) {
        return refuse(from, &here, &[advice]);
    }
    let items = Vec::<Attempt<T>>::deserialize(from)?;
    Ok(items.into_iter().filter_map(|Attempt(item)| item).collect())
}

/// A value; when it cannot be read, none, and reading goes on all the same.
pub(super) fn maybe<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> Result<Option<T>, D::Error> {
    let value = Option::<Attempt<T>>::deserialize(from)?;
    Ok(value.and_then(|Attempt(value)| value))
}

struct Attempt<T>(Option<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Attempt<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match T::deserialize(from) {
            Ok(item) => Ok(Attempt(Some(item))),
            Err(_) if gathering() => Ok(Attempt(None)),
            Err(error) => Err(error),
        }
    }
}
