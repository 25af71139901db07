//! `badproxy list --effects` and `--conditions`: the words of a scenario's rules, from the types
//! that they are read into.

use std::io::Write;

use serde_json::{Value, json};

use super::list::Format;
use super::narrow;
use crate::fault::Effect;

/// The words for `do`, with the stages where they can be used; with `at`, those of one stage.
pub(super) fn effects(format: Format, at: Option<&str>) -> anyhow::Result<i32> {
    let mut out = super::stdout();
    let (mut rows, width) = (Vec::new(), super::width_of_output());
    if format == Format::Md {
        writeln!(out, "| effect | what it does | at |\n| --- | --- | --- |")?;
    }
    for word in Effect::WORDS {
        let about = Effect::about(word).unwrap_or_default();
        let stages: Vec<&str> = Effect::stages(word).iter().map(|s| s.word()).collect();
        if at.is_some_and(|stage| !stages.contains(&stage)) {
            continue;
        }
        let example = Effect::example(word).unwrap_or_default();
        let (keys, stages_in_line) = (Effect::keys(word), stages.join(", "));
        match format {
            Format::Json => rows.push(json!({
                "effect": word, "about": about, "at": stages, "keys": keys, "example": example,
            })),
            Format::Md => writeln!(out, "| `{word}` | {about} | {stages_in_line} |")?,
            Format::Human => {
                let more = |text: &str| narrow::row(0, "", 16, text, width);
                writeln!(out, "{}", narrow::row(0, word, 16, about, width))?;
                writeln!(out, "{}", more(&format!("at {stages_in_line}")))?;
                if !keys.is_empty() {
                    writeln!(out, "{}", more(&format!("keys {}", keys.join(", "))))?;
                }
                writeln!(out, "{}\n", more(&format!("- {example}")))?;
            }
        }
    }
    if format == Format::Json {
        writeln!(out, "{}", serde_json::to_string_pretty(&rows)?)?;
    }
    Ok(0)
}

/// One key of `when`, or one word that it can have as its value.
struct Key {
    word: String,
    about: String,
    values: Vec<Key>,
}

/// The keys of `when`, and the words that some of them are one of.
pub(super) fn conditions(format: Format) -> anyhow::Result<i32> {
    let keys = keys_of_when(&crate::scenario::schema());
    let (mut out, width) = (super::stdout(), super::width_of_output());
    match format {
        Format::Json => {
            let values = |key: &Key| -> Vec<Value> {
                let row = |value: &Key| json!({"value": value.word, "about": value.about});
                key.values.iter().map(row).collect()
            };
            let row =
                |key: &Key| json!({"key": key.word, "about": key.about, "values": values(key)});
            let rows: Vec<Value> = keys.iter().map(row).collect();
            writeln!(out, "{}", serde_json::to_string_pretty(&rows)?)?;
        }
        Format::Md => {
            writeln!(out, "| key of `when` | what it asks |\n| --- | --- |")?;
            for key in &keys {
                let value = |value: &Key| format!(" `{}`: {}", value.word, value.about);
                let values: String = key.values.iter().map(value).collect();
                writeln!(out, "| `{}` | {}{values} |", key.word, key.about)?;
            }
        }
        Format::Human => {
            for key in &keys {
                writeln!(out, "{}", narrow::row(0, &key.word, 16, &key.about, width))?;
                for value in &key.values {
                    writeln!(out, "{}", narrow::row(19, &value.word, 12, &value.about, width))?;
                }
            }
            let all = "All that a `when` names has to hold: `when: {attempt: 2-, per: connection, \
                       host: \"*.test\"}`.";
            writeln!(out, "\n{}", narrow::plain(all, width))?;
            writeln!(
                out,
                "{}",
                narrow::plain("`badproxy schema` has the form of each value.", width)
            )?;
        }
    }
    Ok(0)
}

fn keys_of_when(schema: &Value) -> Vec<Key> {
    let keys = schema["$defs"]["When"]["properties"].as_object();
    let key = |(word, property): (&String, &Value)| Key {
        word: word.clone(),
        about: about(property),
        values: values(property, schema),
    };
    keys.into_iter().flatten().map(key).collect()
}

/// The words of an enumeration, wherever the property has it.
fn values(property: &Value, schema: &Value) -> Vec<Key> {
    let parts = property["anyOf"].as_array().into_iter().flatten().chain([property]);
    let named = parts.filter_map(|part| part["$ref"].as_str()?.strip_prefix("#/$defs/"));
    let choices = named.filter_map(|name| schema["$defs"][name]["oneOf"].as_array()).flatten();
    let value = |choice: &Value| {
        let word = choice["const"].as_str()?.to_owned();
        Some(Key { word, about: about(choice), values: Vec::new() })
    };
    choices.filter_map(value).collect()
}

/// Its description, on one line.
fn about(property: &Value) -> String {
    let text = property["description"].as_str().unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
