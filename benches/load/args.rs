//! What `scripts/bench` passes on. The script has the help; here is only what it may say.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

/// One of the columns of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    Direct,
    Haproxy,
    Tinyproxy,
    Squid,
    Badproxy,
}

impl Who {
    pub const ALL: [Who; 5] =
        [Who::Direct, Who::Haproxy, Who::Tinyproxy, Who::Squid, Who::Badproxy];

    pub fn name(self) -> &'static str {
        match self {
            Who::Direct => "direct",
            Who::Haproxy => "haproxy",
            Who::Tinyproxy => "tinyproxy",
            Who::Squid => "squid",
            Who::Badproxy => "badproxy",
        }
    }
}

/// One measure, named by the word `--only` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Measure {
    Tunnel,
    Rtt,
    Open,
    Idle,
    Start,
    Delay,
    Cell,
    Suite,
}

impl Measure {
    pub const ALL: [Measure; 8] = [
        Measure::Tunnel,
        Measure::Rtt,
        Measure::Open,
        Measure::Idle,
        Measure::Start,
        Measure::Delay,
        Measure::Cell,
        Measure::Suite,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Measure::Tunnel => "tunnel",
            Measure::Rtt => "rtt",
            Measure::Open => "open",
            Measure::Idle => "idle",
            Measure::Start => "start",
            Measure::Delay => "delay",
            Measure::Cell => "cell",
            Measure::Suite => "suite",
        }
    }

    /// Whether it starts what it needs itself.
    pub fn has_its_own(self) -> bool {
        matches!(self, Measure::Idle | Measure::Start | Measure::Cell | Measure::Suite)
    }

    /// Whether `who` takes part: `start` and `delay` compare badproxy with one thing only, `cell` and
    /// `suite` are about what nobody else has.
    pub fn has(self, who: Who) -> bool {
        match self {
            Measure::Tunnel | Measure::Rtt | Measure::Open => true,
            Measure::Idle => who != Who::Direct,
            Measure::Start => matches!(who, Who::Tinyproxy | Who::Badproxy),
            Measure::Delay => matches!(who, Who::Direct | Who::Badproxy),
            Measure::Cell | Measure::Suite => who == Who::Badproxy,
        }
    }
}

/// A run, as asked for.
#[derive(Debug)]
pub struct Options {
    pub rounds: usize,
    pub quick: bool,
    pub measures: Vec<Measure>,
    pub contenders: Vec<Who>,
    pub json: Option<PathBuf>,
    /// Where the proxies' configurations and outputs go; the script makes and removes it.
    pub dir: PathBuf,
    pub badproxy: PathBuf,
    /// The scenario that delays the reply to CONNECT by `delay::ASKED`.
    pub scenario: PathBuf,
}

impl Options {
    pub fn parse(args: impl Iterator<Item = String>) -> Result<Options> {
        // `cargo bench` adds --bench to whatever it starts.
        let mut args = args.filter(|arg| arg != "--bench");
        let mut options = Options {
            rounds: 0,
            quick: false,
            measures: Measure::ALL.to_vec(),
            contenders: Who::ALL.to_vec(),
            json: None,
            dir: PathBuf::new(),
            badproxy: PathBuf::from("target/release/badproxy"),
            scenario: PathBuf::new(),
        };
        let mut chosen = false;
        while let Some(flag) = args.next() {
            if flag == "--quick" {
                options.quick = true;
                continue;
            }
            let value =
                args.next().with_context(|| format!("{flag}: unknown, or lacks a value"))?;
            match flag.as_str() {
                "--rounds" => options.rounds = rounds(&value)?,
                "--only" => {
                    chosen = true;
                    options.measures = words(&value, &Measure::ALL, Measure::name)?;
                }
                "--without" => {
                    for left_out in words(&value, &Who::ALL[1..], Who::name)? {
                        options.contenders.retain(|who| *who != left_out);
                    }
                }
                "--json" => options.json = Some(value.into()),
                "--dir" => options.dir = value.into(),
                "--badproxy" => options.badproxy = value.into(),
                "--scenario" => options.scenario = value.into(),
                _ => bail!("{flag}: no such option"),
            }
        }
        if options.dir.as_os_str().is_empty() {
            bail!("start it with scripts/bench, which raises the limits it needs");
        }
        if options.quick && !chosen {
            options.measures.retain(|measure| *measure != Measure::Suite);
        }
        if options.rounds == 0 {
            options.rounds = if options.quick { 2 } else { 5 };
        }
        Ok(options)
    }
}

fn rounds(text: &str) -> Result<usize> {
    match text.parse() {
        Ok(rounds @ 1..=99) => Ok(rounds),
        _ => bail!("--rounds {text}: a number from 1 to 99 is wanted"),
    }
}

/// The members of `all` named in a comma-separated list, in the order of `all`.
fn words<T: Copy + PartialEq>(
    list: &str,
    all: &[T],
    name: impl Fn(T) -> &'static str,
) -> Result<Vec<T>> {
    let mut found = Vec::new();
    for word in list.split(',') {
        let Some(one) = all.iter().copied().find(|one| name(*one) == word) else {
            let known: Vec<_> = all.iter().map(|one| name(*one)).collect();
            bail!("{word:?} is none of {}", known.join(", "));
        };
        found.push(one);
    }
    Ok(all.iter().copied().filter(|one| found.contains(one)).collect())
}
