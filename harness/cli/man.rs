//! `badproxy man`

use std::io::Write;

use clap::{Args, Command, CommandFactory};

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
        super::stdout().write_all(page(&command)?.as_bytes())?;
        Ok(0)
    }
}

/// The page: clap's, but for what is to be copied.
fn page(command: &Command) -> std::io::Result<String> {
    let mut out = Vec::new();
    let man = clap_mangen::Man::new(command.clone());
    man.render_title(&mut out)?;
    man.render_name_section(&mut out)?;
    let mut synopsis = Vec::new();
    man.render_synopsis_section(&mut synopsis)?;
    let mut text = String::from_utf8_lossy(&synopsis).into_owned();
    for last in command.get_positionals().filter(|argument| argument.is_last_set()) {
        let name = last.get_id().as_str().to_uppercase();
        let word = format!("\\fI{name}\\fR");
        text = text.replace(&format!("<{word}>"), &format!("\\fB\\-\\-\\fR <{word}>"));
        text = text.replace(&format!("[{word}]"), &format!("[\\fB\\-\\-\\fR {word}]"));
    }
    out.extend(text.into_bytes());
    man.render_description_section(&mut out)?;
    man.render_options_section(&mut out)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut out)?;
    }
    let more = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    out.extend(sections(&more).into_bytes());
    if command.get_version().is_some() {
        man.render_version_section(&mut out)?;
    }
    Ok(String::from_utf8_lossy(&out).into_owned())
}

/// What stands below the options in a help text: each part under its heading, as it stands, so that it
/// can be copied.
fn sections(text: &str) -> String {
    let mut out = String::new();
    for part in text.split("\n\n").filter(|part| !part.trim().is_empty()) {
        let (first, rest) = part.split_once('\n').unwrap_or((part, ""));
        let (heading, lines) = match first.strip_suffix(':') {
            Some("Exit codes") => ("EXIT STATUS".to_owned(), rest),
            Some(heading) => (heading.to_uppercase(), rest),
            None => ("NOTES".to_owned(), part),
        };
        out += &format!(".SH {heading}\n.nf\n.nh\n");
        lines.lines().for_each(|line| out += &format!("{}\n", plain(line)));
        out += ".hy\n.fi\n";
    }
    out
}

/// A line in which every character stands for itself: roff makes typography of some.
fn plain(line: &str) -> String {
    let mut out = String::from("\\&");
    for c in line.chars() {
        match c {
            '\\' => out.push_str("\\e"),
            '-' => out.push_str("\\-"),
            '\'' => out.push_str("\\(aq"),
            '`' => out.push_str("\\(ga"),
            '^' => out.push_str("\\(ha"),
            '~' => out.push_str("\\(ti"),
            other => out.push(other),
        }
    }
    out
}
