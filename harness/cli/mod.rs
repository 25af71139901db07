//! The command line: one verb a file.

mod check;
mod client;
mod completions;
pub(crate) mod keys;
mod language;
mod list;
mod man;
mod matrix;
mod merge;
mod narrow;
mod report;
mod run;
mod schema;
mod search;
mod serve;
mod served;
mod show;
mod shown;
pub(crate) mod signals;
mod slips;
mod stdout;

use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::path::Path;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

pub(crate) use stdout::UNWRITTEN;
use stdout::{Stdout, stdout};

use crate::catalogue;
use crate::scenario::{Problem, Problems, Scenario, read_file};

/// Plays broken proxies, so that client code meets them in a test before its users do.
#[derive(Debug, Parser)]
#[command(name = "badproxy", version, about, after_help = AFTER)]
pub struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

const AFTER: &str = "\
First steps:
  badproxy list                                          what can go wrong
  badproxy show reply/fin-before-reply                   one of them, explained
  badproxy run reply/fin-before-reply -- curl -sS https://target.badproxy.test/
  badproxy run my-bug.yaml -- ./my-test                  your own, from twelve lines of YAML
  badproxy matrix -- ./my-client {target}                a suite of them

Exit codes:
  0  every verdict as expected       1  a verdict against the client
  2  usage, or a file not readable   3  we could not do our part
  4  nothing judged (matrix)
  5  nothing judged: INCONCLUSIVE, UNSUPPORTED (run); too busy (matrix)
  129, 130, 143  interrupted (`serve` ends with 0: to be stopped is its end)
Warnings (SLOW, VAGUE, LEAK-LOG, LOCAL-DNS) end with 0, or with 1 under `--strict`.";

#[derive(Debug, Subcommand)]
enum Verb {
    Run(run::Run),
    Matrix(matrix::Matrix),
    Serve(serve::Serve),
    List(list::List),
    #[command(alias = "explain")]
    Show(show::Show),
    Check(check::Check),
    Report(report::Report),
    Merge(merge::Merge),
    Schema(schema::Schema),
    Completions(completions::Completions),
    Man(man::Man),
}

/// Reads the command line and does what it says. Gives the exit code.
pub fn main() -> i32 {
    #[cfg(target_os = "linux")]
    if std::env::args_os().nth(1).is_some_and(|verb| verb == crate::sandbox::VERB) {
        let arguments: Vec<_> = std::env::args_os().skip(2).collect();
        return crate::sandbox::helper(&arguments);
    }
    let page = Cli::command().term_width(width_of_help());
    let cli = match page.try_get_matches().and_then(|words| Cli::from_arg_matches(&words)) {
        Ok(cli) => cli,
        Err(error) => {
            let words: Vec<String> =
                std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
            if let Some(text) = slips::meant(&words, &error) {
                say(text);
                return error.exit_code();
            }
            return match error.print() {
                Ok(()) => error.exit_code(),
                Err(why) => unwritten(&Stdout::unwritten(why).into(), error.exit_code()),
            };
        }
    };
    // Those have threads of their own that write, and who does not read them must not keep us.
    let own = matches!(cli.verb, Verb::Run(_) | Verb::Serve(_));
    let result = match cli.verb {
        Verb::Run(verb) => verb.run(),
        Verb::Matrix(verb) => verb.run(),
        Verb::Serve(verb) => verb.run(),
        Verb::List(verb) => verb.run(),
        Verb::Show(verb) => verb.run(),
        Verb::Check(verb) => verb.run(),
        Verb::Report(verb) => verb.run(),
        Verb::Merge(verb) => verb.run(),
        Verb::Schema(verb) => verb.run(),
        Verb::Completions(verb) => verb.run(),
        Verb::Man(verb) => verb.run(),
    };
    let flushed = |code| if own { Ok(code) } else { Ok(stdout().flush().map(|()| code)?) };
    match result.and_then(flushed) {
        Ok(code) => code,
        Err(error) => unwritten(&error, 0),
    }
}

/// The exit code of a mistake, which is told; `gone`: that of one whose reader has gone (`| head`), which
/// is no reason to complain.
fn unwritten(error: &anyhow::Error, gone: i32) -> i32 {
    let io = error.downcast_ref::<std::io::Error>();
    if io.is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe) {
        return gone;
    }
    say(format_args!("{error:#}"));
    if is_full(error) { 3 } else { 2 }
}

/// Whether what is wrong is the disk: that is nothing that the caller has written wrongly.
fn is_full(error: &anyhow::Error) -> bool {
    use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    let kinds = error.chain().filter_map(|e| e.downcast_ref::<std::io::Error>()).map(|e| e.kind());
    kinds.into_iter().any(|kind| matches!(kind, StorageFull | QuotaExceeded | FileTooLarge))
}

/// A line for people, on standard error. Unlike with `eprintln!`, it does no harm when nobody is
/// there to read it any more.
pub(crate) fn say(text: impl Display) {
    let _ = writeln!(std::io::stderr(), "badproxy: {text}");
}

/// The runtime of a verb: one thread, so that a healthy tunnel costs no hand-over.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

/// A scenario by its shipped name or its file.
fn scenario(name: &str) -> Result<Scenario, Problems> {
    if let Some(entry) = catalogue::find(name) {
        return entry.scenario();
    }
    let path = Path::new(name);
    let looks_like_a_file = path.extension().is_some_and(|e| e == "yaml" || e == "yml");
    if looks_like_a_file || path.exists() {
        return read_file(path);
    }
    let problem = Problem::new(format!("there is no scenario `{name}`, and no file of that name"));
    let problem = match catalogue::near(name).filter(|_| slips::stage(name).is_none()) {
        Some(near) => problem.help(format!("did you mean `{near}`?")),
        None => problem,
    };
    let problem = match slips::instead(name) {
        Some(text) => problem.help(text),
        None => problem,
    };
    let problem = problem.help("`badproxy list` shows all");
    Err(Problems { file: name.to_owned(), text: String::new(), list: vec![problem] })
}

/// The width of the terminal; 100 where there is none.
pub(crate) fn width() -> usize {
    let columns = std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok());
    let asked = columns.or_else(terminal);
    asked.filter(|w| *w > 0).unwrap_or(100)
}

/// The width of help texts: that of the terminal, at most 100.
fn width_of_help() -> usize {
    width_of_output().min(100)
}

/// Whether lines are made to fit: on a terminal, or where a width is asked for. What goes to a file or
/// a pipe keeps its whole lines.
pub(crate) fn fits(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() || std::env::var_os("COLUMNS").is_some()
}

/// The width of what goes there.
fn width_on(stream: &impl IsTerminal) -> usize {
    if fits(stream) { width() } else { usize::MAX }
}

/// The width of what is printed on standard output.
fn width_of_output() -> usize {
    width_on(&std::io::stdout())
}

/// The columns of the terminal behind one of the standard streams. Rows do not matter: a terminal
/// that says it has none can have columns all the same.
#[cfg(unix)]
fn terminal() -> Option<usize> {
    let columns = |size: rustix::termios::Winsize| usize::from(size.ws_col);
    let out = rustix::termios::tcgetwinsize(std::io::stdout());
    let out = out.or_else(|_| rustix::termios::tcgetwinsize(std::io::stderr()));
    out.or_else(|_| rustix::termios::tcgetwinsize(std::io::stdin())).ok().map(columns)
}

#[cfg(not(unix))]
fn terminal() -> Option<usize> {
    terminal_size::terminal_size().map(|(width, _)| usize::from(width.0))
}

/// When there are colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Colour {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Colour {
    fn on(self, terminal: &impl IsTerminal) -> bool {
        match self {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => {
                let set = |name| std::env::var_os(name).is_some_and(|v| !v.is_empty());
                let dumb = std::env::var_os("TERM").is_some_and(|t| t == "dumb");
                terminal.is_terminal() && !set("NO_COLOR") && !dumb
            }
        }
    }
}

/// Prints the mistakes of a file.
fn print(problems: &Problems, colour: Colour) {
    let _ = writeln!(std::io::stderr(), "{}", problems.render(colour.on(&std::io::stderr())));
}
