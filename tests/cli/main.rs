//! The command line as its users meet it: the real binary, its words, its exit codes, what it
//! leaves behind (nothing).

#![cfg(unix)]

mod catalogue;
mod environment;
mod events;
mod examples;
mod help;
mod looks;
mod matrix_reports;
mod mistakes;
#[cfg(target_os = "linux")]
mod orphans;
mod play;
mod search;
mod serve;
mod signals;
mod streams;
mod targets;

use play::{Played, badproxy};

/// `badproxy WORDS`, played to its end.
pub fn run(words: &str) -> Played {
    badproxy(words.split_whitespace()).play()
}

/// `badproxy run OPTIONS -- COMMAND`, played to its end.
pub fn run_command(options: &str, command: &[&str]) -> Played {
    let words = ["run"].into_iter().chain(options.split_whitespace()).chain(["--"]);
    badproxy(words.chain(command.iter().copied())).play()
}

/// curl, as the README has it.
pub const CURL: &[&str] = &["curl", "-sS", "{target}"];
