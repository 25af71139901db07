//! `badproxy report FILE`

use std::path::PathBuf;

use clap::Args;

use super::shown::{Shown, expected, held, show};
use super::{Colour, print};
use crate::matrix::load;
use crate::report::matrix::Form;

/// Renders what a matrix has left behind, in another form
///
/// It ends with 0 when the report is written, whatever is in it; with --check, as the matrix
/// itself would: with 130 where Ctrl-C has ended it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  badproxy report .badproxy/SEED                        the table, on the terminal
  badproxy report out/summary.json --format junit -o junit.xml
  badproxy report out --format html -o report.html      one page, opens from disk
  badproxy report out --format md --only-failures       to paste into a chat
  badproxy report out --baseline badproxy.expected.yaml --check")]
pub struct Report {
    /// `summary.json`, or the directory that it is in
    summary: PathBuf,
    /// The form
    #[arg(long, value_enum, default_value = "human")]
    format: Form,
    /// Leave out what passed
    #[arg(long)]
    only_failures: bool,
    /// Write it to this file; standard output otherwise
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// What is expected to fail [default: the matrix's own baseline, as it was then; an empty file: nothing]
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Let warnings (SLOW, VAGUE, LEAK-LOG, LOCAL-DNS) count as failures
    #[arg(long)]
    strict: bool,
    /// End with the matrix's own exit code
    #[arg(long)]
    check: bool,
    /// When there are colours
    #[arg(long, value_enum, default_value = "auto")]
    color: Colour,
}

impl Report {
    pub(super) fn run(self) -> anyhow::Result<i32> {
        let summary = match load::read(&self.summary) {
            Ok(summary) => summary,
            Err(problems) => {
                print(&problems, self.color);
                return Ok(2);
            }
        };
        let Some(baseline) = expected(self.baseline.as_deref(), &summary, self.color) else {
            return Ok(2);
        };
        let how = Shown {
            form: self.format,
            only_failures: self.only_failures,
            to: self.output.as_deref(),
            colour: self.color,
        };
        let code = show(&summary, &held(&summary, &baseline, self.strict), &how)?;
        Ok(if self.check { code } else { 0 })
    }
}
