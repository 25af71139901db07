//! `do:` one effect or a list of them, each with its place in the file.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::collect::{Located, complain};
use super::problem::{Place, Problem, seen};
use crate::fault::Effect;

/// One effect and where it stands in the file.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Step {
    /// What happens.
    pub effect: Effect,
    /// Where it was written.
    pub place: Place,
}

/// Two are equal when their effects are, wherever they stand.
impl PartialEq for Step {
    fn eq(&self, other: &Self) -> bool {
        self.effect == other.effect
    }
}

/// The value of `do:`. A one-word effect needs no map (`do: reset`), a single step needs no list,
/// and a single step may name what comes `then:` (`do: {challenge: basic, then: close}`).
#[derive(Debug, Clone, Default, PartialEq)]
#[allow(clippy::exhaustive_structs, reason = "one value, and nothing else")]
pub struct Steps(pub Vec<Step>);

impl<'de> Deserialize<'de> for Steps {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let raw = Located::<Raw>::deserialize(from)?;
        match raw.value {
            Raw::List(steps) => Ok(Steps(steps)),
            one => one.step(raw.place).map(Steps),
        }
    }
}

impl Serialize for Step {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.effect.serialize(to)
    }
}

impl Serialize for Steps {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [one] => one.serialize(to),
            list => list.serialize(to),
        }
    }
}

/// As read, before the words are looked up: a visitor does not know its own place, so the caller
/// that does looks them up.
enum Raw {
    Nothing,
    Word(String),
    /// Nothing in it.
    Empty,
    Map(Vec<Step>),
    List(Vec<Step>),
}

impl Raw {
    /// One item of a list, or what stands there instead of a list.
    fn step<E: Error>(self, at: Place) -> Result<Vec<Step>, E> {
        let problem = match self {
            Raw::Map(steps) => return Ok(steps),
            Raw::Word(word) => match bare(&word) {
                Ok(effect) => return Ok(vec![Step { effect, place: at }]),
                Err(problem) => problem,
            },
            Raw::List(_) => Problem::new("a list inside a list")
                .help("steps run in order: write them all into one list"),
            Raw::Nothing => Problem::new("an effect is missing here").help(effects()),
            Raw::Empty => Problem::new("this does nothing").help(effects()),
        };
        complain(at, problem).map(|()| Vec::new())
    }
}

/// The effect that a word alone means.
fn bare(word: &str) -> Result<Effect, Problem> {
    if let Some(effect) = Effect::bare(word) {
        return Ok(effect);
    }
    if Effect::WORDS.contains(&word) {
        return Err(Problem::new(format!("`{word}` needs a value")).help(example(word)));
    }
    Err(unknown(word))
}

fn unknown(word: &str) -> Problem {
    let problem = Problem::unknown("effect", word, Effect::WORDS);
    match word.split_once(':') {
        Some((effect, value)) if Effect::WORDS.contains(&effect) => {
            Problem { help: Vec::new(), ..problem }
                .help(format!("write a blank after the colon: `{effect}: {}`", value.trim()))
        }
        _ => problem,
    }
}

fn example(word: &str) -> String {
    format!("for example: {}", Effect::example(word).unwrap_or(word))
}

fn effects() -> String {
    format!("write an effect: {}", Effect::WORDS.join(", "))
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
        f.write_str("an effect, or a list of effects")
    }

    fn visit_str<E>(self, word: &str) -> Result<Raw, E> {
        Ok(Raw::Word(word.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Nothing)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Raw, A::Error> {
        let mut items = 0;
        let mut steps = Vec::new();
        while let Some(item) = list.next_element::<Located<Raw>>()? {
            steps.extend(item.value.step::<A::Error>(item.place)?);
            items += 1;
        }
        Ok(if items == 0 { Raw::Empty } else { Raw::List(steps) })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
        let mut keys = 0;
        let mut steps: Vec<Step> = Vec::new();
        while let Some(key) = map.next_key::<Located<String>>()? {
            let (word, place) = (key.value.as_str(), key.place);
            if word == "then" {
                if keys == 0 {
                    let problem =
                        Problem::new("`then` comes after an effect").help(example("challenge"));
                    complain::<A::Error>(place, problem)?;
                }
                steps.extend(map.next_value::<Steps>()?.0);
            } else if keys > 0 {
                map.next_value::<IgnoredAny>()?;
                complain::<A::Error>(place, second(word))?;
            } else if let Some(effect) = Effect::read(word, &mut map)? {
                steps.push(Step { effect, place });
            } else {
                map.next_value::<IgnoredAny>()?;
                complain::<A::Error>(place, unknown(word))?;
            }
            keys += 1;
        }
        Ok(if keys == 0 { Raw::Empty } else { Raw::Map(steps) })
    }
}

fn second(word: &str) -> Problem {
    Problem::new(format!("{} is a second effect in one step", seen(word)))
        .help("give each effect a `- ` of its own, or write `then:` before the second")
}

impl JsonSchema for Steps {
    fn schema_name() -> Cow<'static, str> {
        "Steps".into()
    }

    fn json_schema(with: &mut SchemaGenerator) -> Schema {
        let step = Effect::step_schema(with);
        json_schema!({
            "description": "One effect, or a list of effects that run in order.",
            "anyOf": [step, {"type": "array", "minItems": 1, "items": step}],
        })
    }
}
