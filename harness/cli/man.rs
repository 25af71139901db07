//! `badproxy man`

use std::io::Write;

use clap::{Args, CommandFactory};

/// Prints the manual page (roff): `badproxy man | man -l -`
#[derive(Debug, Args)]
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
                    eprintln!("badproxy: there is no verb `{verb}`");
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
