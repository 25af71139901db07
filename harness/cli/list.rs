//! `badproxy list`

use std::io::{IsTerminal, Write};

use clap::Args;
use serde_json::json;

use super::say;
use crate::catalogue::CATALOGUE;
use crate::fault::Effect;
use crate::stage::Stage;

/// Lists the scenarios, by stage, a line each
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  badproxy list --stage reply                      what can go wrong with the answer to CONNECT
  badproxy list --effects --stage tunnel           what a scenario of yours can do in the tunnel
  badproxy list --format json | jq -r '.[].name'   for scripts")]
pub struct List {
    /// Only those of one stage, e.g. reply
    #[arg(long, value_name = "STAGE")]
    stage: Option<String>,
    /// The effects that a scenario can use (with --stage: there), instead
    #[arg(long)]
    effects: bool,
    /// The form
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people.
    Human,
    /// One JSON array.
    Json,
}

impl List {
    pub(super) fn run(self) -> anyhow::Result<i32> {
        if let Some(stage) = &self.stage {
            let known: Vec<&str> = Stage::ALL.iter().map(|s| s.word()).chain(["ok"]).collect();
            if !known.contains(&stage.as_str()) {
                let near = crate::scenario::nearest(stage, &known)
                    .map(|n| format!(" Did you mean `{n}`?"))
                    .unwrap_or_default();
                let known = known.join(", ");
                say(format_args!("unknown stage `{stage}`.{near} There are: {known}"));
                return Ok(2);
            }
        }
        if self.effects { self.effects() } else { self.scenarios() }
    }

    fn scenarios(&self) -> anyhow::Result<i32> {
        let mut out = std::io::stdout().lock();
        let chosen = CATALOGUE
            .iter()
            .filter(|e| self.stage.as_deref().is_none_or(|stage| e.stage() == stage));
        let mut rows = Vec::new();
        let mut stage = "";
        // What goes to a file or a pipe is not cut, unless a width is asked for.
        let asked = out.is_terminal() || std::env::var_os("COLUMNS").is_some();
        let width = if asked { super::width() } else { usize::MAX };
        for entry in chosen {
            let scenario = entry.scenario().map_err(|p| anyhow::anyhow!("{p}"))?;
            if self.format == Format::Json {
                rows.push(json!({
                    "name": entry.name,
                    "stage": entry.stage(),
                    "about": scenario.about.trim(),
                    "wire": scenario.wire,
                    "why": scenario.why.trim(),
                    "consequence": scenario.consequence.trim(),
                    "good_client": scenario.good_client.trim(),
                    "cannot": scenario.cannot.trim(),
                    "seen": scenario.seen,
                    "requires": scenario.requires,
                }));
                continue;
            }
            if entry.stage() != stage {
                if !stage.is_empty() {
                    writeln!(out)?;
                }
                stage = entry.stage();
                writeln!(out, "{stage}")?;
            }
            let line = format!("  {:<30} {}", entry.name, telling(&scenario.about));
            writeln!(out, "{}", cut(&line, width))?;
        }
        if self.format == Format::Json {
            writeln!(out, "{}", serde_json::to_string_pretty(&rows)?)?;
        } else {
            writeln!(
                out,
                "\n`badproxy show NAME` explains one, `badproxy run NAME -- COMMAND` plays it."
            )?;
        }
        Ok(0)
    }

    fn effects(&self) -> anyhow::Result<i32> {
        let mut out = std::io::stdout().lock();
        let mut rows = Vec::new();
        for word in Effect::WORDS {
            let about = Effect::about(word).unwrap_or_default();
            let stages: Vec<&str> = Effect::stages(word).iter().map(|s| s.word()).collect();
            if self.stage.as_deref().is_some_and(|stage| !stages.contains(&stage)) {
                continue;
            }
            let example = Effect::example(word).unwrap_or_default();
            if self.format == Format::Json {
                rows.push(
                    json!({"effect": word, "about": about, "at": stages, "example": example}),
                );
                continue;
            }
            writeln!(
                out,
                "{word:<16} {about}\n{:<16} at {}\n{:<16} - {example}\n",
                "",
                stages.join(", "),
                ""
            )?;
        }
        if self.format == Format::Json {
            writeln!(out, "{}", serde_json::to_string_pretty(&rows)?)?;
        }
        Ok(0)
    }
}

/// A text on one line, from the first sentence on that no other scenario begins with.
fn telling(about: &str) -> String {
    let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let about = flat(about);
    let Some((first, rest)) = about.split_once(". ") else { return about };
    let alike = CATALOGUE
        .iter()
        .filter_map(|entry| entry.scenario().ok())
        .filter(|other| flat(&other.about).split(". ").next() == Some(first))
        .count();
    let rest = rest.trim_start();
    if alike > 1 && !rest.is_empty() { rest.to_owned() } else { about }
}

/// A line no wider than the terminal.
fn cut(line: &str, width: usize) -> String {
    if line.chars().count() <= width {
        return line.to_owned();
    }
    line.chars().take(width.saturating_sub(3)).collect::<String>() + "..."
}
