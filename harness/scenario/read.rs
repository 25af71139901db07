//! YAML text in, a scenario or the list of its mistakes out. The only place that calls the YAML
//! library.

use std::path::Path;

use serde_yaml::{Error, Options, options::DuplicateKeyPolicy};

use super::collect::gather;
use super::problem::{Place, Problem, Problems};
use super::{Scenario, check};
use crate::fault::Effect;

/// The longest file that is read.
const LARGEST: usize = 1024 * 1024;
/// The longest file that `send` sends.
const SENT: u64 = 64 * 1024 * 1024;

/// Reads a scenario from YAML text. `file` is how it is called in messages.
///
/// ```
/// let scenario = badproxy::scenario::read("rules:\n  - at: reply\n    do: close\n", "x.yaml");
/// assert_eq!(scenario.unwrap().rules.len(), 1);
/// ```
///
/// # Errors
///
/// Every mistake found, with its place, as [`Problems`].
pub fn read(text: &str, file: &str) -> Result<Scenario, Problems> {
    read_named(text, file, file)
}

/// Reads a scenario; `name` is used when it does not name itself.
///
/// # Errors
///
/// As [`read`].
pub fn read_named(text: &str, file: &str, name: &str) -> Result<Scenario, Problems> {
    let fail = |mut list: Vec<Problem>| {
        list.sort_by_key(|p| p.place);
        list.dedup();
        Err(Problems { file: file.to_owned(), text: text.to_owned(), list })
    };
    if text.len() > LARGEST {
        return fail(vec![Problem::new(format!(
            "the file has {} bytes; a scenario has at most {LARGEST}",
            text.len()
        ))]);
    }
    let empty = text.lines().all(|l| matches!(l.trim(), "" | "---") || l.trim().starts_with('#'));
    if empty {
        return fail(vec![
            Problem::new("the file is empty")
                .help("the smallest scenario is one line, `name: ok/plain`: a healthy proxy"),
        ]);
    }
    let (parsed, mut list) =
        gather(|| serde_yaml::from_str_with_options::<Scenario>(text, options()));
    match parsed {
        Err(error) => {
            list.push(explain(error.without_snippet()));
            fail(list)
        }
        Ok(mut scenario) => {
            if scenario.name.is_empty() {
                name.clone_into(&mut scenario.name);
            }
            list.extend(check::check(&scenario));
            if list.is_empty() { Ok(scenario) } else { fail(list) }
        }
    }
}

/// Reads a scenario from a file.
///
/// # Errors
///
/// As [`read`]; a file that cannot be read is one mistake without a place.
pub fn read_file(path: &Path) -> Result<Scenario, Problems> {
    let file = path.display().to_string();
    let fail = |message: String| {
        Err(Problems {
            file: file.clone(),
            text: String::new(),
            list: vec![Problem::new(message)],
        })
    };
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => return fail(format!("cannot read {file}: {error}")),
    };
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            return fail(format!("{file} is not UTF-8: byte {at} is the first that is wrong"));
        }
    };
    let name = path.file_stem().map_or_else(|| file.clone(), |s| s.to_string_lossy().into_owned());
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let mut scenario = read_named(text, &file, &name)?;
    let list = load(&mut scenario, path.parent().unwrap_or(Path::new("")));
    if list.is_empty() { Ok(scenario) } else { Err(Problems { file, text: text.to_owned(), list }) }
}

/// Reads the files that `send` steps name, beside the scenario file.
fn load(scenario: &mut Scenario, dir: &Path) -> Vec<Problem> {
    let mut list = Vec::new();
    for step in scenario.rules.iter_mut().flat_map(|rule| &mut rule.steps.0) {
        let Effect::SendBytes(send) = &mut step.effect else { continue };
        let Some(name) = &send.file else { continue };
        let path = dir.join(name);
        match std::fs::metadata(&path).map(|m| m.len()) {
            Ok(n) if n > SENT => {
                let text = format!("{} has {n} bytes; at most {SENT} are sent", path.display());
                list.push(Problem::new(text).at(step.place).help("use `repeat` for floods"));
                continue;
            }
            _ => {}
        }
        match std::fs::read(&path) {
            Ok(bytes) => send.loaded = Some(bytes),
            Err(error) => {
                let text = format!("cannot read {}: {error}", path.display());
                list.push(Problem::new(text).at(step.place));
            }
        }
    }
    list
}

fn options() -> Options {
    let mut options = Options::default();
    options.strict_booleans = true;
    options.duplicate_keys = DuplicateKeyPolicy::Error;
    options.with_snippet = false;
    options
}

/// The library's error in our words, with its place, the nearest word and what is allowed.
fn explain(error: &Error) -> Problem {
    let problem = match error {
        Error::SerdeUnknownField { field, expected, .. } => {
            Problem::unknown("key", field, expected)
        }
        Error::SerdeUnknownVariant { variant, expected, .. } => {
            Problem::unknown("word", variant, expected)
        }
        Error::SerdeMissingField { field, .. } => {
            Problem::new(format!("`{field}:` is missing here"))
        }
        Error::DuplicateMappingKey { key, .. } => {
            let key = key.as_deref().unwrap_or("a key");
            Problem::new(format!("`{key}` is there twice"))
                .help("only one of them could count: take one out")
        }
        Error::InvalidBooleanStrict { .. } => Problem::new("this is not `true` or `false`")
            .help("`yes`, `no`, `on` and `off` mean different things to different YAML readers"),
        Error::InvalidScalar { ty, .. } => Problem::new(format!("this is not {}", kind(ty))),
        Error::SerdeInvalidType { unexpected, expected, .. } => {
            Problem::new(format!("expected {expected}, found {unexpected}"))
        }
        Error::SerdeInvalidValue { unexpected, expected, .. } => {
            Problem::new(format!("expected {expected}, found {unexpected}"))
        }
        Error::MultipleDocuments { .. } => Problem::new("a second YAML document starts here")
            .help("one file is one scenario: put the second into a file of its own"),
        Error::NullIntoString { .. } => Problem::new("a value is missing here"),
        other => {
            let text = other.to_string();
            let text = text.split(" at line ").next().unwrap_or(&text);
            let problem = Problem::new(text);
            match text {
                t if t.contains("tabs disallowed") => {
                    problem.help("indent with spaces: YAML does not take tabs there")
                }
                t if t.contains("expected mapping start") => problem
                    .help("a scenario is a map: lines of `key: value`, e.g. `name: reply/reset`"),
                _ => problem,
            }
        }
    };
    match error.location() {
        Some(at) => problem.at(Place::from(at)),
        None => problem,
    }
}

fn kind(ty: &str) -> String {
    match ty {
        "u64" | "u32" | "u16" | "u8" | "usize" => {
            let most = match ty {
                "u8" => u64::from(u8::MAX),
                "u16" => u64::from(u16::MAX),
                "u32" => u64::from(u32::MAX),
                _ => u64::MAX,
            };
            format!("a whole number from 0 to {most}")
        }
        "f64" | "f32" => "a number".to_owned(),
        other => format!("a valid {other}"),
    }
}
