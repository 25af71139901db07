//! An effect as a person writes it: the word alone, its short form, or its map.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{Effect, Fault};

impl Serialize for Effect {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.write(to)
    }
}

/// Writes an effect in the shortest form that reads back as the same.
pub(super) fn write<F: Fault, S: Serializer>(
    word: &str,
    fault: &F,
    to: S,
) -> Result<S::Ok, S::Error> {
    if F::bare().as_ref() == Some(fault) {
        return to.serialize_str(word);
    }
    let mut map = to.serialize_map(Some(1))?;
    match short(fault) {
        Some(value) => map.serialize_entry(word, &value)?,
        None => map.serialize_entry(word, fault)?,
    }
    map.end()
}

/// The one value of its map, where that alone means the same.
fn short<F: Fault>(fault: &F) -> Option<Value> {
    let Ok(Value::Object(map)) = serde_json::to_value(fault) else { return None };
    let mut values = map.into_values();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let word = match &value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (F::from_word(&word).ok()? == *fault).then_some(value)
}
