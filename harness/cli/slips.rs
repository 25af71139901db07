//! Command lines that lack a word, and what was meant by them.

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::catalogue::CATALOGUE;
use crate::report::text::shell;
use crate::stage::Stage;

/// What was meant, of a command line that was refused for a word that has no place in it. `words`: all of
/// them, the program's own name first.
pub(super) fn meant(words: &[String], error: &clap::Error) -> Option<String> {
    if error.kind() != ErrorKind::UnknownArgument {
        return None;
    }
    let Some(ContextValue::String(odd)) = error.get(ContextKind::InvalidArg) else { return None };
    if odd.starts_with('-') {
        return None;
    }
    match words.get(1).map(String::as_str) {
        Some("matrix" | "run") if !words.iter().any(|word| word == "--") => {
            let at = words.iter().skip(2).position(|word| word == odd)? + 2;
            let (before, command) = words.split_at(at);
            let before = shell(before.get(1..)?);
            Some(format!(
                "{} is no argument of badproxy: the client's command comes after `--`\n\n  badproxy \
                 {before} -- {}\n",
                crate::scenario::seen(odd),
                shell(command)
            ))
        }
        Some("list") => Some(format!("`list` takes no bare word: {}", find(odd))),
        _ => None,
    }
}

/// How scenarios are found by a word.
fn find(word: &str) -> String {
    match stage(word) {
        Some(stage) => format!("`badproxy list --stage {stage}` has the scenarios of that stage"),
        None => {
            let word = shell(&[word.to_owned()]);
            format!("`badproxy list --search {word}` has the scenarios whose name or text has it")
        }
    }
}

/// What to write instead of a name that no scenario has: the stage, or what has the word in it.
pub(super) fn instead(name: &str) -> Option<String> {
    let low = name.to_lowercase();
    let says = |yaml: &str| yaml.to_lowercase().contains(&low);
    // Half a name with a slash is a slip of its own, and a letter or two is in every text.
    let word = low.len() > 2 && !low.contains('/') && !low.contains(char::is_whitespace);
    let found = word && CATALOGUE.iter().any(|entry| entry.name.contains(&low) || says(entry.yaml));
    (stage(name).is_some() || found).then(|| find(name))
}

/// The stage of this name, of those that have scenarios.
pub(super) fn stage(name: &str) -> Option<&'static str> {
    let known = Stage::ALL.iter().map(|stage| stage.word()).chain(["ok"]);
    known.into_iter().find(|known| *known == name)
}
