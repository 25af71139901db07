//! `badproxy matrix -- COMMAND`

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use clap::Args;

use super::client::{client, named, part};
use super::run::{seed, time};
use super::shown::{Shown, held, show};
use super::{Colour, print, runtime, say, scenario};
use crate::catalogue::find;
use crate::matrix::baseline::{self, Baseline};
use crate::matrix::choose::{NoMatch, choose, skips_nothing};
use crate::matrix::screen::Screen;
use crate::matrix::{
    Client, End, Keep, Known, Live, Played, Shard, SuiteId, Summary, Wanted, expect, load, play,
    stray, suites,
};
use crate::report::matrix::{Form, View};
use crate::report::terminal::totals;
use crate::run::environment::misspelt;
use crate::scenario::{Length, Scenario};

/// Runs a client against many broken proxies, and says of each what it did
///
/// First a healthy proxy: a client that does not get through that one is not judged. Then every
/// scenario, several at a time; whatever is not a PASS is played once more, alone. Each cell has
/// its own proxy, certificates and seed, and the line that repeats it: `badproxy run SCENARIO
/// --seed N -- COMMAND`.
///
/// The command gets the environment and the words in braces that `badproxy run` gives it, and
/// nothing on its standard input. Exit code 77 says that it does not support what is asked for.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  badproxy matrix -- curl -sS --max-time {timeout} --proxy-cacert {cacert} {target}
  badproxy matrix --scenario reply --scenario 'auth/407-*' -- ./client {target}
  badproxy matrix --client 'curl=curl -sS {target}' --client 'py=python3 client.py {target}'
  badproxy matrix --junit junit.xml --format github -- ./client {target}

Exit codes:
  0  every verdict as expected       1  a verdict against a client, or FLAKY
  2  usage, or a file not readable   3  we could not do our part
  4  nothing judged: the client does not get through a healthy proxy, or
     supports nothing (77), or no scenario matches
  5  this machine was too busy to judge some of it, or all is INCONCLUSIVE; a
     fault that the client does not meet beside others that it does is tolerated
  129, 130, 143  interrupted: what was played until then is on disk, and marked as partial")]
pub struct Matrix {
    /// The command and its arguments, after `--`
    #[arg(last = true, required_unless_present = "client", conflicts_with = "client")]
    command: Vec<String>,
    /// A client with a name, instead of the command; several make columns (repeatable)
    #[arg(long, value_name = "NAME=COMMAND", value_parser = client)]
    client: Vec<Client>,
    /// The scenarios: a suite frozen by date, which never changes; `latest`: all that need no
    /// sandbox; `all` [default: the newest frozen one; with --scenario: all]
    #[arg(long, value_name = "NAME")]
    suite: Option<String>,
    /// Play only scenarios of this name, stage or pattern, e.g. `auth/407-*`, out of all that there
    /// are unless --suite names some; or this YAML file (repeatable)
    #[arg(long, value_name = "GLOB")]
    scenario: Vec<String>,
    /// Leave out scenarios of this name, stage or pattern (repeatable)
    #[arg(long, value_name = "GLOB")]
    skip: Vec<String>,
    /// Cells that are played at the same time [default: the number of processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: Option<u16>,
    /// The seed that those of the cells come from
    #[arg(long, value_name = "N", allow_hyphen_values = true, value_parser = seed)]
    seed: Option<u64>,
    /// The clients' own timeout, handed to them as {timeout}; who runs three times as long has hung
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = time)]
    timeout: Length,
    /// Hand over no timeout: a client has hung after 30 s
    #[arg(long, conflicts_with = "timeout")]
    no_timeout: bool,
    /// How often a verdict other than PASS is confirmed, alone; who disagrees is FLAKY
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u8).range(0..=20))]
    confirm: u8,
    /// Of which cells events and output are kept, at most 2 MiB each
    #[arg(long, value_enum, default_value = "failures")]
    keep: Keep,
    /// Where results are written [default: .badproxy/SEED]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Leave the CA variables alone: the clients trust what they trust
    #[arg(long)]
    no_trust: bool,
    /// Put each command into a sandbox of its own (Linux, no root needed): scenarios that need it
    /// are played, too, and every way around the proxy is seen
    #[arg(long)]
    isolate: bool,
    /// Play one part of the cells, e.g. 2/5, the second of five; or job/5, where the number comes
    /// from JOB_COMPLETION_INDEX (Kubernetes)
    #[arg(long, value_name = "K/N", value_parser = part)]
    shard: Option<Shard>,
    /// What is expected to fail; what is there and does not is as wrong as what fails and is not
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Write down what has failed as what is expected, to this file; of one that is there, entries that
    /// still hold stay with their comments
    #[arg(long, value_name = "FILE")]
    write_baseline: Option<PathBuf>,
    /// Let warnings (SLOW, VAGUE, LEAK-LOG, LOCAL-DNS) count as failures
    #[arg(long)]
    strict: bool,
    /// The form of what is printed on standard output; with any but `human` the line a cell goes to
    /// standard error
    #[arg(long, value_enum, default_value = "human")]
    format: Form,
    /// Write a JUnit report to this file, too
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write a report for browsers to this file, too: one page, which needs no network
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// When there are colours
    #[arg(long, value_enum, default_value = "auto")]
    color: Colour,
}

impl Matrix {
    pub(super) fn run(self) -> anyhow::Result<i32> {
        let clients = match self.client.is_empty() {
            true => vec![named(self.command.clone())],
            false => self.client.clone(),
        };
        for (index, client) in clients.iter().enumerate() {
            if clients[..index].iter().any(|other| other.name == client.name) {
                say(format_args!("two clients are called `{}`", client.name));
                return Ok(2);
            }
            if self.no_timeout && client.argv.iter().any(|word| word.contains("{timeout}")) {
                say(
                    "a command has {timeout} in it, and with --no-timeout there is none to fill in",
                );
                return Ok(2);
            }
        }
        if let Some(problem) = clients.iter().find_map(|client| misspelt(&client.argv)) {
            say(problem);
            return Ok(2);
        }
        // Before hours are spent on what has no place to go.
        let files = [&self.write_baseline, &self.junit, &self.html];
        for file in files.into_iter().flatten() {
            if let Err(problem) = expect::has_a_place(file) {
                say(problem);
                return Ok(3);
            }
        }
        let (suite, scenarios) = match self.scenarios()? {
            Ok(chosen) => chosen,
            Err(code) => return Ok(code),
        };
        let baseline = match self.baselines() {
            Ok(baseline) => baseline,
            Err(problems) => {
                print(&problems, self.color);
                return Ok(2);
            }
        };
        let seed = self.seed.unwrap_or_else(crate::start::draw_seed);
        let mut options = Vec::new();
        if self.timeout.0.as_secs_f64() != 5.0 {
            options.extend(["--timeout".to_owned(), self.timeout.to_string()]);
        }
        for (set, name) in [
            (self.no_timeout, "--no-timeout"),
            (self.no_trust, "--no-trust"),
            (self.isolate, "--isolate"),
        ] {
            options.extend(set.then(|| name.to_owned()));
        }
        let jobs = self.jobs.map_or_else(
            || std::thread::available_parallelism().map_or(1, usize::from),
            usize::from,
        );
        let wanted = Wanted {
            suite,
            clients,
            files: self
                .scenario
                .iter()
                .filter(is_file)
                .cloned()
                .zip(&scenarios)
                .map(|(file, read)| (read.name.clone(), file))
                .collect(),
            scenarios,
            seed,
            timeout: self.timeout.0,
            no_timeout: self.no_timeout,
            jobs,
            confirm: usize::from(self.confirm),
            keep: self.keep,
            out: self.out.clone().unwrap_or_else(|| PathBuf::from(format!(".badproxy/{seed}"))),
            isolate: self.isolate,
            trust: !self.no_trust,
            options,
            shard: self.shard,
            baseline: Known::of(&baseline),
            strict: self.strict,
        };
        let terminal =
            std::io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|t| t != "dumb");
        let live = Live::new(terminal.then(super::width));
        let mut screen = self.screen(&wanted, live.clone());
        screen.line(&header(&wanted));
        let out = wanted.out.clone();
        let adoption = crate::run::orphans::adopt();
        let Played { mut summary, end } = runtime()?.block_on(play(wanted, &mut screen, live));
        drop(adoption);
        self.tell(&mut screen, &mut summary, &end, baseline, &out)
    }

    /// The scenarios and what they are called, or the exit code when there are none.
    fn scenarios(&self) -> anyhow::Result<Result<(SuiteId, Vec<Scenario>), i32>> {
        let (mut all, mut texts) = (Vec::new(), Vec::new());
        for file in self.scenario.iter().filter(is_file) {
            match scenario(file) {
                Ok(scenario) => all.push(scenario),
                Err(problems) => {
                    print(&problems, self.color);
                    return Ok(Err(2));
                }
            }
            texts.push(std::fs::read_to_string(file).unwrap_or_default());
        }
        let patterns: Vec<String> =
            self.scenario.iter().filter(|name| !is_file(name)).cloned().collect();
        // Who names scenarios means those, whenever they were added.
        let default = if patterns.is_empty() { suites::newest() } else { suites::ALL };
        let name = self.suite.as_deref().unwrap_or(default);
        let suite = match suites::named(name) {
            Ok(suite) => suite,
            Err(problem) => {
                say(String::from(problem));
                return Ok(Err(2));
            }
        };
        if let Some(text) = skips_nothing(&self.skip) {
            say(text);
            return Ok(Err(4));
        }
        if !all.is_empty() && patterns.is_empty() && self.suite.is_none() {
            return Ok(Ok((named_suite("own", &all, &texts), all)));
        }
        let whole = patterns.is_empty() && self.skip.is_empty() && all.is_empty();
        match choose(suite.entries.clone(), &patterns, &self.skip) {
            // What is not played is not read.
            Ok(chosen) => {
                for entry in chosen {
                    let read = entry.scenario();
                    all.push(read.map_err(|problems| anyhow::anyhow!("{problems}"))?);
                }
            }
            Err(NoMatch { pattern: Some(pattern), near }) => {
                let near = near.map(|near| format!("did you mean `{near}`? "));
                say(format_args!(
                    "no scenario of suite {name} matches `{pattern}`: {}`badproxy list` shows all",
                    near.unwrap_or_default()
                ));
                return Ok(Err(4));
            }
            Err(NoMatch { pattern: None, .. }) => {
                say("no scenario is left to play: --skip leaves out all that was asked for");
                return Ok(Err(4));
            }
        }
        if whole {
            return Ok(Ok((suite.id(), all)));
        }
        Ok(Ok((named_suite(&format!("{name}, chosen"), &all, &texts), all)))
    }

    /// What is expected: the file of `--baseline`, or the one that is to be written anew.
    fn baselines(&self) -> Result<Baseline, crate::scenario::Problems> {
        match (&self.baseline, &self.write_baseline) {
            (Some(file), _) => baseline::read_file(file),
            (None, Some(file)) if file.exists() => baseline::read_file(file),
            _ => Ok(Baseline::default()),
        }
    }

    /// Where lines go: standard output, unless something else is printed there.
    fn screen(&self, wanted: &Wanted, live: Live) -> Screen {
        let (out, colour): (Box<dyn std::io::Write + Send>, _) = match self.format {
            Form::Human => (Box::new(std::io::stdout()), self.color.on(&std::io::stdout())),
            _ => (Box::new(std::io::stderr()), self.color.on(&std::io::stderr())),
        };
        let clients: Vec<&str> = wanted.clients.iter().map(|c| c.name.as_str()).collect();
        let scenarios: Vec<&str> = wanted.scenarios.iter().map(|s| s.name.as_str()).collect();
        let width = match self.format {
            Form::Human => super::width_on(&std::io::stdout()),
            _ => super::width_on(&std::io::stderr()),
        };
        Screen::new(out, colour, width, live).names(&clients, &scenarios)
    }

    /// What has become of it. Gives the exit code.
    fn tell(
        &self,
        screen: &mut Screen,
        summary: &mut Summary,
        end: &End,
        mut expected: Baseline,
        out: &Path,
    ) -> anyhow::Result<i32> {
        let mut unwritten = None;
        if let (Some(file), true) = (&self.write_baseline, summary.partial) {
            say(format_args!("{} is not written: only a part was played", file.display()));
        } else if let Some(file) = &self.write_baseline {
            let text = expect::text(summary, &expected);
            // What was played is shown all the same.
            if let Err(error) = expect::write(file, &text) {
                unwritten = Some(format!("cannot write {}: {error}", file.display()));
            }
            expected = baseline::read(&text, &file.display().to_string())
                .map_err(|problems| anyhow::anyhow!("{problems}"))?;
            // What reports hold it against from now on.
            summary.baseline = Known::of(&expected);
            let path = out.join(load::FILE);
            if let Err(error) = expect::write(&path, &summary.to_json()) {
                unwritten = Some(format!("cannot write {}: {error}", path.display()));
            }
        }
        let summary = &*summary;
        let mut held = held(summary, &expected, self.strict);
        if let (Some(file), false) = (&self.write_baseline, summary.partial) {
            held.notes.extend(stray::kept(&file.display().to_string(), held.strays));
        }
        let shown = |form, to| Shown { form, only_failures: false, to, colour: self.color };
        if self.format != Form::Human {
            show(summary, &held, &shown(self.format, None))?;
        }
        for (form, file) in [(Form::Junit, &self.junit), (Form::Html, &self.html)] {
            if let Some(file) = file {
                show(summary, &held, &shown(form, Some(file)))?;
            }
        }
        let code = match end.code() {
            Some(code) => code,
            None if unwritten.is_some() => 3,
            None => held.code,
        };
        unwritten.iter().for_each(say);
        match end {
            End::NoCommand(text) | End::Disk(text) => say(text),
            End::NothingJudged => say(
                "nothing was judged: no client gets through a healthy proxy (see control/plain)",
            ),
            End::Unable => {
                say("nothing was judged: badproxy could not do its part (see control/plain)")
            }
            End::Interrupted(_) => {
                say("interrupted; every command and what was found of all it started is ended");
            }
            // Beside the cells, the last lines say so.
            End::Whole if summary.cells.is_empty() => held.why.iter().for_each(say),
            End::Whole => {}
        }
        // Whoever started the part has to find its results, also when there are none.
        let none = *end == End::Whole && summary.cells.is_empty();
        if let (true, Some(part)) = (none, summary.shard) {
            let all = summary.clients.len() * summary.scenarios.len();
            screen.line(&format!("0 cells: of {all} in all, part {part} has none"));
            screen.line(&format!("results {}   exit {code}", out.join(load::FILE).display()));
        }
        if !summary.cells.is_empty() && !matches!(end, End::NoCommand(_)) {
            let partial = if summary.partial { ", partial" } else { "" };
            let results = format!("results {}{partial}", out.join("summary.json").display());
            if self.format == Form::Human && summary.clients.len() > 1 {
                // Clients as columns: the lines above came in the order in which cells ended.
                [results.as_str(), ""].iter().for_each(|line| screen.line(line));
                show(summary, &held, &shown(Form::Human, None))?;
            } else {
                screen.lines(|colour, width| {
                    totals(&View { summary, outcome: &held, only_failures: false, colour, width })
                });
                screen.line(&format!("{results}   exit {code}"));
            }
        }
        Ok(code)
    }
}

/// Whether this is a file of scenarios and no pattern of their names.
fn is_file(name: &&String) -> bool {
    name.ends_with(".yaml") || name.ends_with(".yml")
}

/// What some scenarios are called together.
fn named_suite(name: &str, scenarios: &[Scenario], texts: &[String]) -> SuiteId {
    let text = |index: usize, scenario: &Scenario| {
        let own = texts.get(index).cloned();
        own.or_else(|| find(&scenario.name).map(|entry| entry.yaml.to_owned())).unwrap_or_default()
    };
    let all: Vec<(&str, String)> =
        scenarios.iter().enumerate().map(|(i, s)| (s.name.as_str(), text(i, s))).collect();
    suites::id(name, all.iter().map(|(name, text)| (*name, text.as_str())))
}

/// The first line.
fn header(wanted: &Wanted) -> String {
    let clients: Vec<&str> = wanted.clients.iter().map(|c| c.name.as_str()).collect();
    format!(
        "badproxy {} · suite {} ({} scenario{}) · {} · seed {} · {} at a time",
        env!("CARGO_PKG_VERSION"),
        wanted.suite.name,
        wanted.scenarios.len(),
        if wanted.scenarios.len() == 1 { "" } else { "s" },
        clients.join(", "),
        wanted.seed,
        wanted.jobs
    )
}
