//! Numbers of a protocol that have names: either can be written.

use schemars::{Schema, json_schema};
use serde::Serializer;

use super::problem::Problem;

/// A byte by its name or its number. `wrong` says what the word is not, `what` leads the list of
/// names.
pub(crate) fn number(
    word: &str,
    names: &[(&str, u8)],
    wrong: String,
    what: &str,
) -> Result<u8, Problem> {
    if let Some((_, number)) = names.iter().find(|(name, _)| *name == word) {
        return Ok(*number);
    }
    let known: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
    word.parse().map_err(|_| {
        Problem::new(wrong).known(what, word, &known).help("any other is a number from 0 to 255")
    })
}

/// The name of a number, where it has one.
pub(crate) fn name_of<'n>(names: &[(&'n str, u8)], number: u8) -> Option<&'n str> {
    names.iter().find(|(_, n)| *n == number).map(|(name, _)| *name)
}

/// Writes a number by its name, where it has one.
pub(crate) fn write_number<S: Serializer>(
    names: &[(&str, u8)],
    number: u8,
    to: S,
) -> Result<S::Ok, S::Error> {
    match name_of(names, number) {
        Some(name) => to.serialize_str(name),
        None => to.serialize_u8(number),
    }
}

/// The schema of what [`number`] reads.
pub(crate) fn number_schema(names: &[(&str, u8)]) -> Schema {
    let names: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
    json_schema!({"anyOf": [{"enum": names}, {"type": "integer", "minimum": 0, "maximum": 255}]})
}
