//! `badproxy schema`

use std::io::Write;

use clap::Args;

use crate::matrix::{Summary, baseline};

/// Prints the JSON Schema of scenario files, for editors; or of what badproxy writes
///
/// For YAML language servers, put this in front of a scenario:
///   # yaml-language-server: $schema=badproxy.schema.json
#[derive(Debug, Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  badproxy schema > badproxy.schema.json
  badproxy schema --of summary > summary.schema.json"
)]
pub struct Schema {
    /// Of which files
    #[arg(long, value_enum, default_value = "scenario", value_name = "FILES")]
    of: Of,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Of {
    /// Scenarios, which are read.
    Scenario,
    /// Event files, which are written: one line of one.
    Events,
    /// `summary.json` of a matrix, which is written.
    Summary,
    /// `badproxy.expected.yaml`, which is read and written.
    Baseline,
}

impl Schema {
    pub(super) fn run(self) -> anyhow::Result<i32> {
        let schema = match self.of {
            Of::Scenario => crate::scenario::schema(),
            Of::Events => crate::event::schema(),
            Of::Summary => Summary::json_schema(),
            Of::Baseline => baseline::schema(),
        };
        writeln!(super::stdout(), "{}", serde_json::to_string_pretty(&schema)?)?;
        Ok(0)
    }
}
