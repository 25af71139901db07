//! The JSON Schema of a scenario file, out of the same types that it is read into.

use serde_json::{Value, json};

use super::Scenario;

/// The JSON Schema of a scenario file, for editors.
pub fn schema() -> Value {
    let mut schema = schemars::schema_for!(Scenario).to_value();
    if let Some(object) = schema.as_object_mut() {
        object.insert("title".into(), "badproxy scenario, version 1".into());
    }
    as_read(&mut schema);
    schema
}

/// Makes a schema say what the reader does: a text may be written without quotes (`realm: 407`).
/// Defaults that say nothing are left out: editors would write them down.
fn as_read(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if object.get("default").is_some_and(|d| d.is_null() || *d == "" || *d == json!([])) {
                object.remove("default");
            }
            let closed = ["enum", "const", "pattern"].iter().any(|key| object.contains_key(*key));
            match object.get_mut("type").filter(|_| !closed) {
                Some(kind) if *kind == "string" => *kind = json!(["string", "number", "boolean"]),
                Some(kind) if *kind == json!(["string", "null"]) => {
                    *kind = json!(["string", "number", "boolean", "null"]);
                }
                _ => {}
            }
            object.values_mut().for_each(as_read);
        }
        Value::Array(items) => items.iter_mut().for_each(as_read),
        _ => {}
    }
}
