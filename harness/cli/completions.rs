//! `badproxy completions SHELL`

use clap::builder::PossibleValuesParser;
use clap::{Args, Command, CommandFactory};
use clap_complete::{Shell, generate};

use crate::catalogue::CATALOGUE;
use crate::matrix::suites;

/// Prints completions for a shell
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  badproxy completions bash > ~/.local/share/bash-completion/completions/badproxy
  badproxy completions zsh > ~/.zfunc/_badproxy
  badproxy completions fish > ~/.config/fish/completions/badproxy.fish")]
pub struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self) -> anyhow::Result<i32> {
        let mut out = Vec::new();
        generate(self.shell, &mut with_names(), "badproxy", &mut out);
        std::io::Write::write_all(&mut super::stdout(), &out)?;
        Ok(0)
    }
}

/// The command line as a shell is to know it: where a scenario, a stage or a suite belongs, the names
/// that there are are offered. Only there: to the program itself a file is as good.
fn with_names() -> Command {
    let names = PossibleValuesParser::new(CATALOGUE.iter().map(|entry| entry.name));
    let stages = PossibleValuesParser::new(super::slips::stages());
    let suites = PossibleValuesParser::new(suites::names());
    [
        ("run", "scenario", &names),
        ("serve", "scenario", &names),
        ("show", "scenario", &names),
        ("list", "stage", &stages),
        ("list", "suite", &suites),
        ("matrix", "suite", &suites),
    ]
    .into_iter()
    .fold(super::Cli::command(), |command, (verb, argument, words)| {
        let offered = |argument: clap::Arg| argument.value_parser(words.clone());
        command.mut_subcommand(verb, |verb| verb.mut_arg(argument, offered))
    })
}
