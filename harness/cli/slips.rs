//! Command lines that lack a word, and what was meant by them.

use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::catalogue::CATALOGUE;
use crate::report::text::shell;
use crate::stage::Stage;

/// What was meant, of a command line that was refused for a word that has no place in it. `words`: all of
/// them, the program's own name first.
pub(super) fn meant(words: &[String], error: &clap::Error) -> Option<String> {
    let verb = words.get(1).map(String::as_str);
    let odd = match error.kind() {
        ErrorKind::UnknownArgument => error.get(ContextKind::InvalidArg),
        ErrorKind::InvalidSubcommand => error.get(ContextKind::InvalidSubcommand),
        ErrorKind::MissingRequiredArgument if verb == Some("matrix") => {
            return Some(
                "a matrix needs a client: write its command after `--`, or several with names\n\n  \
                 badproxy matrix -- ./client {target}\n  badproxy matrix --client \
                 'curl=curl -sS {target}' --client 'py=python3 client.py {target}'\n"
                    .to_owned(),
            );
        }
        _ => None,
    };
    let Some(ContextValue::String(odd)) = odd else { return None };
    if error.kind() == ErrorKind::InvalidSubcommand {
        // What clap guesses it says itself.
        let guessed = error.get(ContextKind::SuggestedSubcommand).is_some();
        return if guessed { None } else { no_verb(words, odd) };
    }
    if odd.starts_with('-') {
        return None;
    }
    match verb {
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

/// What was meant by a first word that is no verb: a scenario without one, or one misspelt more than
/// clap guesses.
fn no_verb(words: &[String], odd: &str) -> Option<String> {
    let rest = words.get(2..)?;
    let file = odd.ends_with(".yaml") || odd.ends_with(".yml");
    if crate::catalogue::find(odd).is_some() || file {
        let command = if rest.is_empty() { String::new() } else { format!(" {}", shell(rest)) };
        let verb = if rest.is_empty() { "show" } else { "run" };
        return Some(format!(
            "`{odd}` is a scenario, and no verb of badproxy\n\n  badproxy {verb} {odd}{command}\n"
        ));
    }
    let command = super::Cli::command();
    let verbs: Vec<&str> = command.get_subcommands().map(|verb| verb.get_name()).collect();
    let near = crate::scenario::nearest(odd, &verbs)?;
    Some(format!(
        "there is no verb {}; did you mean `{near}`? There are: {}\n",
        crate::scenario::seen(odd),
        verbs.join(", ")
    ))
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
    stages().find(|known| *known == name)
}

/// The stages that have scenarios, and what is filed like one.
pub(super) fn stages() -> impl Iterator<Item = &'static str> {
    Stage::ALL.iter().map(|stage| stage.word()).chain(["ok"])
}
