//! An effect as a person writes it: the word alone, its short form, or its map. Read, written, and
//! described for editors.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::{Effect, Fault};
use crate::scenario::word_or_map;

/// The YAML word of a module: Rust keeps `await` and others for itself, so their files end in `_`.
pub(super) const fn word(module: &'static str) -> &'static str {
    let bytes = module.as_bytes();
    match bytes {
        [head @ .., b'_'] => match std::str::from_utf8(head) {
            Ok(word) => word,
            Err(_) => module,
        },
        _ => module,
    }
}

/// The value of an effect's key: its short form or its map.
pub(super) struct Short<F>(pub F);

impl<'de, F: Fault> Deserialize<'de> for Short<F> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let advice = format!("for example: {}", F::EXAMPLE);
        word_or_map::<D, F>(from, F::from_word, &advice).map(Short)
    }
}

/// The JSON Schemas of one effect: its word alone, if that means something, and its map. Each has
/// its description where editors look for it.
pub(super) fn schemas<F: Fault>(name: &str, with: &mut SchemaGenerator) -> Vec<Schema> {
    let full = with.subschema_for::<F>();
    let value = match F::word_schema(with) {
        Some(short) => json_schema!({"description": F::ABOUT, "anyOf": [short, full]}),
        None => json_schema!({"description": F::ABOUT, "anyOf": [full]}),
    };
    let then = json_schema!({"description": "What comes after it.", "$ref": "#/$defs/Steps"});
    let map = json_schema!({
        "type": "object",
        "description": F::ABOUT,
        "properties": {name: value, "then": then},
        "required": [name],
        "additionalProperties": false,
    });
    let bare = F::bare().map(|_| json_schema!({"const": name, "description": F::ABOUT}));
    bare.into_iter().chain([map]).collect()
}

/// The keys of an effect's map.
pub(super) fn keys<F: JsonSchema>() -> Vec<String> {
    let schema = schemars::schema_for!(F);
    let properties = schema.get("properties").and_then(|p| p.as_object());
    properties.map(|p| p.keys().cloned().collect()).unwrap_or_default()
}

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
