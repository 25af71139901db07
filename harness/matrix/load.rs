//! `summary.json`, read back.

use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::error::Category;

use super::summary::SCHEMA;
use super::{Summary, gaps};
use crate::scenario::{Problem, Problems, seen};

/// The usual name of a summary.
pub const FILE: &str = "summary.json";
/// The largest that is read: 256 MiB.
const LARGEST: u64 = 256 * 1024 * 1024;

/// The file that is meant: that of a directory, or this one.
pub fn path(given: &Path) -> PathBuf {
    if given.is_dir() { given.join(FILE) } else { given.to_owned() }
}

/// Reads a summary from a file, or from a directory that has one. What was never played is MISSING in
/// it, also where the program that played it was killed.
///
/// # Errors
///
/// Why it cannot be read, and what to do.
pub fn read(given: &Path) -> Result<Summary, Problems> {
    let path = path(given);
    let file = path.display().to_string();
    let problem =
        |problem| Problems { file: file.clone(), text: String::new(), list: vec![problem] };
    let mut bytes = Vec::new();
    let read =
        std::fs::File::open(&path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes));
    if let Err(error) = read {
        return Err(problem(match error.kind() {
            ErrorKind::NotFound => Problem::new("the summary cannot be read: it is not there")
                .help("a matrix writes one into its directory: give its name, or that directory"),
            _ => Problem::new(format!("the summary cannot be read: {error}")),
        }));
    }
    if bytes.len() as u64 > LARGEST {
        return Err(problem(Problem::new("the summary is larger than 256MiB")));
    }
    let mut summary = parse(&bytes).map_err(problem)?;
    gaps::fill(&mut summary);
    Ok(summary)
}

#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    schema: Option<String>,
}

/// Reads a summary from its bytes.
///
/// # Errors
///
/// Why they are none.
pub fn parse(bytes: &[u8]) -> Result<Summary, Problem> {
    // Of a file with a value a line, such as an event file, the first says what it is.
    let mut values = serde_json::Deserializer::from_slice(bytes).into_iter::<Head>();
    let head = match values.next() {
        Some(head) => head.map_err(|error| broken(&error))?,
        None => return Err(Problem::new("the summary is empty")),
    };
    match head.schema.as_deref() {
        Some(SCHEMA) => {}
        Some(other) if other.starts_with("badproxy.summary/") => {
            return Err(Problem::new(format!(
                "it is {}, and this program reads `{SCHEMA}`",
                seen(other)
            ))
            .help("read it with the version of badproxy that has written it"));
        }
        other => {
            let what = match other {
                Some(other) => format!("its schema is {}", seen(other)),
                None => "it has no `schema`".to_owned(),
            };
            return Err(Problem::new(format!("this is no summary of a matrix: {what}"))
                .help(format!("one begins with `\"schema\": \"{SCHEMA}\"`")));
        }
    }
    serde_json::from_slice(bytes).map_err(|error| broken(&error))
}

fn broken(error: &serde_json::Error) -> Problem {
    let (line, column) = (error.line(), error.column());
    if error.classify() == Category::Eof {
        let text = format!("the summary ends in the middle, at line {line}: it is truncated");
        return Problem::new(text).help(
            "it was copied or written only in part: play the matrix again, or fetch the whole file",
        );
    }
    let text = error.to_string();
    let text = text.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&text);
    // In one line, without what would garble a terminal.
    let text: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect();
    Problem::new(format!("line {line}, column {column}: {text}"))
        .help("the file is not as badproxy writes it")
}
