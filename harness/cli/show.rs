//! `badproxy show NAME`

use std::io::Write;

use clap::Args;

use super::{Colour, print, scenario};
use crate::catalogue;

/// Explains a scenario: what happens on the wire, why it matters, a good client, its YAML
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  badproxy show reply/fin-before-reply
  badproxy show --yaml reply/fin-before-reply > my-bug.yaml")]
pub struct Show {
    /// A name of `badproxy list`, or a YAML file
    scenario: String,
    /// The YAML alone, to start a scenario of your own from
    #[arg(long)]
    yaml: bool,
}

impl Show {
    pub(super) fn run(self) -> anyhow::Result<i32> {
        let read = match scenario(&self.scenario) {
            Ok(read) => read,
            Err(problems) => {
                print(&problems, Colour::Auto);
                return Ok(2);
            }
        };
        let yaml = match catalogue::find(&self.scenario) {
            Some(entry) => entry.yaml.to_owned(),
            None => std::fs::read_to_string(&self.scenario)?,
        };
        let mut out = std::io::stdout().lock();
        if self.yaml {
            out.write_all(yaml.as_bytes())?;
            return Ok(0);
        }
        let width = super::width().min(100);
        writeln!(out, "{}\n", read.name)?;
        let steps = read.wire.iter().enumerate().map(|(i, step)| format!("{}. {step}", i + 1));
        let steps: Vec<String> = steps.map(|step| wrap(&step, width.saturating_sub(2))).collect();
        for (title, text) in [
            ("On the wire", wrap(&read.about, width.saturating_sub(2))),
            ("Step by step", steps.join("\n")),
            ("In the field", wrap(&read.why, width.saturating_sub(2))),
            ("Consequence", wrap(&read.consequence, width.saturating_sub(2))),
            ("A good client", wrap(&read.good_client, width.saturating_sub(2))),
            ("Not imitated", wrap(&read.cannot, width.saturating_sub(2))),
        ] {
            if !text.trim().is_empty() {
                writeln!(out, "{title}\n{text}\n")?;
            }
        }
        if !read.seen.is_empty() {
            writeln!(out, "Seen in\n{}\n", wrap(&read.seen.join(", "), width.saturating_sub(2)))?;
        }
        let (called, target) = (&self.scenario, read.target());
        // In the sandbox a client asks our name server by itself.
        let asks = read.has_dns() && read.example.trim().is_empty();
        let isolate = if read.needs() > 0 || asks { "--isolate " } else { "" };
        let command = match read.example.trim() {
            "" => format!("curl -sS {target}"),
            own => own.to_owned(),
        };
        writeln!(out, "Play it\n  badproxy run {isolate}{called} -- {command}\n")?;
        if command.contains("import pypac") {
            writeln!(out, "  It needs Python with pypac: pip install pypac\n")?;
        }
        writeln!(out, "YAML")?;
        for line in yaml.lines() {
            writeln!(out, "  {line}")?;
        }
        Ok(0)
    }
}

/// Wraps a text at blanks, indented by two.
fn wrap(text: &str, width: usize) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().map_or(0, |l| l.chars().count());
        if line > 0 && line + 1 + word.chars().count() > width {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.iter().map(|l| format!("  {l}")).collect::<Vec<_>>().join("\n")
}
