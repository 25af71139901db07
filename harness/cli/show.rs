//! `badproxy show NAME`

use std::io::Write;

use clap::Args;

use super::{Colour, narrow, print, scenario};
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
        let mut out = super::stdout();
        if self.yaml {
            out.write_all(yaml.as_bytes())?;
            return Ok(0);
        }
        let width = super::width().min(100);
        writeln!(out, "{}\n", read.name)?;
        let steps = read.wire.iter().enumerate().map(|(i, step)| format!("{}. {step}", i + 1));
        let steps: Vec<String> = steps.map(|step| narrow::text(&step, width)).collect();
        for (title, text) in [
            ("On the wire", narrow::text(&read.about, width)),
            ("Step by step", steps.join("\n")),
            ("In the field", narrow::text(&read.why, width)),
            ("Consequence", narrow::text(&read.consequence, width)),
            ("A good client", narrow::text(&read.good_client, width)),
            ("Not imitated", narrow::text(&read.cannot, width)),
        ] {
            if !text.trim().is_empty() {
                writeln!(out, "{title}\n{text}\n")?;
            }
        }
        if !read.seen.is_empty() {
            writeln!(out, "Seen in\n{}\n", narrow::text(&read.seen.join(", "), width))?;
        }
        let (called, target) = (&self.scenario, read.target());
        let isolate = if read.example_isolates() { "--isolate " } else { "" };
        let command = match read.example.trim() {
            "" => read.example().replace("{target}", target),
            own => own.to_owned(),
        };
        // What is to be copied is broken for a terminal alone.
        let room = super::width_of_output();
        let line = format!("badproxy run {isolate}{called} -- {command}");
        writeln!(out, "Play it\n{}\n", narrow::command(&line, room))?;
        if let Some((_, needs)) = NEEDS.iter().find(|(part, _)| command.contains(part)) {
            writeln!(out, "{}\n", narrow::text(&format!("It needs {needs}"), width))?;
        }
        write!(out, "YAML\n{}", narrow::yaml(&yaml, &read, room))?;
        Ok(0)
    }
}

/// What is not on every machine: a part of the command, and where it comes from.
const NEEDS: &[(&str, &str)] = &[
    ("import pypac", "Python with pypac: pip install pypac"),
    ("from websockets", "Python with websockets: pip install websockets python-socks"),
    ("node -e", "Node.js: curl before 8.1 speaks no HTTP/2 to a proxy"),
    ("openssl s_client", "openssl: curl speaks no DNS over TLS"),
];
