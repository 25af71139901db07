//! `badproxy schema`

use std::io::Write;

use clap::Args;

/// Prints the JSON Schema of scenario files, for editors
///
/// For YAML language servers, put this in front of a scenario:
///   # yaml-language-server: $schema=badproxy.schema.json
#[derive(Debug, Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Example:
  badproxy schema > badproxy.schema.json"
)]
pub struct Schema {}

impl Schema {
    pub(super) fn run(self) -> anyhow::Result<i32> {
        let schema = serde_json::to_string_pretty(&crate::scenario::schema())?;
        writeln!(std::io::stdout(), "{schema}")?;
        Ok(0)
    }
}
