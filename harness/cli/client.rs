//! What the command line of a matrix says of clients, and of the part that is played.

use crate::matrix::{Client, Shard, shard, words};

/// `NAME=COMMAND`
pub(super) fn client(text: &str) -> Result<Client, String> {
    let example = "write e.g. --client 'curl=curl -sS {target}'";
    let (name, command) = text.split_once('=').ok_or_else(|| example.to_owned())?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || name.len() > 40 || name.starts_with('.') || !name.chars().all(plain) {
        return Err(format!("a name has 1 to 40 letters, digits, `-`, `_` and `.`; {example}"));
    }
    Ok(Client { name: name.to_owned(), argv: words::split(command)? })
}

/// `K/N`
pub(super) fn part(text: &str) -> Result<Shard, String> {
    Shard::parse(text, std::env::var(shard::JOB_INDEX).ok().as_deref())
}

/// What a client without a name is called: its program.
pub(super) fn named(argv: Vec<String>) -> Client {
    let program = argv.first().map_or("", String::as_str);
    let program = program.rsplit('/').next().unwrap_or_default();
    let plain = |c: &char| c.is_ascii_alphanumeric() || "-_.".contains(*c);
    let name: String = program.chars().filter(plain).take(40).collect();
    let name = name.trim_start_matches('.');
    Client { name: if name.is_empty() { "client" } else { name }.to_owned(), argv }
}
