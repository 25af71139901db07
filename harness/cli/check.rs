//! `badproxy check FILE...`

use std::io::{Read, Write};

use clap::Args;

use super::{Colour, print, scenario};
use crate::scenario::read;

/// Reads scenario files and points at every mistake
///
/// Exit code 0 when all are right, 2 when one is not. `-` reads standard input.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  badproxy check my-bug.yaml
  badproxy check --quiet scenarios/*.yaml
  badproxy show --yaml reply/reset | badproxy check -")]
pub struct Check {
    /// The files
    #[arg(required = true)]
    file: Vec<String>,
    /// Print nothing for files that are right
    #[arg(long, short)]
    quiet: bool,
    /// When there are colours
    #[arg(long, value_enum, default_value = "auto")]
    color: Colour,
}

impl Check {
    pub(super) fn run(self) -> anyhow::Result<i32> {
        let mut code = 0;
        for file in &self.file {
            let result = if file == "-" {
                let mut text = String::new();
                std::io::stdin().read_to_string(&mut text)?;
                read(&text, "standard input")
            } else {
                scenario(file)
            };
            match result {
                Ok(scenario) if !self.quiet => {
                    let rules = scenario.rules.len();
                    let s = if rules == 1 { "" } else { "s" };
                    writeln!(super::stdout(), "{file}: ok, {} ({rules} rule{s})", scenario.name)?;
                }
                Ok(_) => {}
                Err(problems) => {
                    print(&problems, self.color);
                    code = 2;
                }
            }
        }
        Ok(code)
    }
}
