//! `badproxy man`

use std::io::Write;

use clap::{Args, CommandFactory};

use super::say;

/// Prints the manual page (roff): `badproxy man | man -l -`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  badproxy man | man -l -
  badproxy man run > badproxy-run.1")]
pub struct Man {
    /// Of this verb instead
    verb: Option<String>,
}

impl Man {
    pub(super) fn run(self) -> anyhow::Result<i32> {
        let mut command = super::Cli::command();
        command.build();
        let command = match &self.verb {
            None => command,
            Some(verb) => match command.find_subcommand(verb) {
                Some(sub) => {
                    let name: &'static str = Box::leak(format!("badproxy-{verb}").into_boxed_str());
                    sub.clone().name(name)
                }
                None => {
                    say(format_args!("there is no verb `{verb}`"));
                    return Ok(2);
                }
            },
        };
        let mut page = Vec::new();
        clap_mangen::Man::new(command).render(&mut page)?;
        std::io::stdout().write_all(&page)?;
        Ok(0)
    }
}
