//! `do:` one effect or a list of them, each with its place in the file.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_yaml::{Location, Spanned};

use super::collect::complain;
use super::problem::{Place, Problem};
use crate::fault::Effect;

/// One effect and where it stands in the file.
#[derive(Debug, Clone)]
pub struct Step {
    /// What happens.
    pub effect: Effect,
    /// Where it was written.
    pub place: Place,
}

/// The value of `do:`. A one-word effect needs no map (`do: reset`), a single step needs no list,
/// and a single step may name what comes `then:` (`do: {challenge: basic, then: close}`).
#[derive(Debug, Clone, Default)]
pub struct Steps(pub Vec<Step>);

/// As read, before the words are looked up: a visitor does not know its own place, so the caller
/// that does looks them up.
enum Raw {
    Word(String),
    Map(Vec<Step>),
    List(Vec<Step>),
}

fn bare(word: &str, at: Location) -> Result<Option<Step>, Box<Problem>> {
    if let Some(effect) = Effect::bare(word) {
        return Ok(Some(Step { effect, place: at.into() }));
    }
    if Effect::WORDS.contains(&word) {
        return Err(Box::new(
            Problem::new(format!("`{word}` needs a value"))
                .help(format!("for example:  {}", Effect::example(word).unwrap_or(word))),
        ));
    }
    Err(Box::new(Problem::unknown("effect", word, Effect::WORDS)))
}

impl Raw {
    fn steps<E: serde::de::Error>(self, at: Location) -> Result<Vec<Step>, E> {
        match self {
            Raw::Map(steps) | Raw::List(steps) => Ok(steps),
            Raw::Word(word) => match bare(&word, at) {
                Ok(step) => Ok(step.into_iter().collect()),
                Err(problem) => complain(at, *problem).map(|()| Vec::new()),
            },
        }
    }
}

impl<'de> Deserialize<'de> for Steps {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let raw = Spanned::<Raw>::deserialize(from)?;
        let empty_list = matches!(&raw.value, Raw::List(list) if list.is_empty());
        if empty_list {
            complain::<D::Error>(
                raw.referenced,
                Problem::new("an empty list does nothing").help("write an effect, or take the rule out"),
            )?;
        }
        raw.value.steps(raw.referenced).map(Steps)
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
        f.write_str("an effect, or a list of effects")
    }

    fn visit_str<E>(self, word: &str) -> Result<Raw, E> {
        Ok(Raw::Word(word.to_owned()))
    }

    fn visit_u64<E>(self, n: u64) -> Result<Raw, E> {
        Ok(Raw::Word(n.to_string()))
    }

    fn visit_bool<E>(self, yes: bool) -> Result<Raw, E> {
        Ok(Raw::Word(yes.to_string()))
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Word(String::new()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Raw, A::Error> {
        let mut steps = Vec::new();
        while let Some(item) = list.next_element::<Spanned<Raw>>()? {
            steps.extend(item.value.steps::<A::Error>(item.referenced)?);
        }
        Ok(Raw::List(steps))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
        let mut steps: Vec<Step> = Vec::new();
        while let Some(key) = map.next_key::<Spanned<String>>()? {
            let (word, at) = (key.value.as_str(), key.referenced);
            if word == "then" {
                if steps.is_empty() {
                    complain::<A::Error>(at, Problem::new("`then` comes after an effect"))?;
                }
                let next = map.next_value::<Steps>()?;
                steps.extend(next.0);
                continue;
            }
            if !steps.is_empty() {
                complain::<A::Error>(
                    at,
                    Problem::new(format!("`{word}` is a second effect in one step"))
                        .help("give each effect its own `- ` line, or write `then:`"),
                )?;
            }
            match Effect::read(word, &mut map)? {
                Some(effect) => steps.push(Step { effect, place: at.into() }),
                None => {
                    map.next_value::<serde::de::IgnoredAny>()?;
                    complain::<A::Error>(at, Problem::unknown("effect", word, Effect::WORDS))?;
                }
            }
        }
        Ok(Raw::Map(steps))
    }
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
