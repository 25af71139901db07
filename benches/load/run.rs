//! The rounds: every contender once a round, another one first each time, so that a machine
//! that grows slower or faster does so for all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};

use super::args::{Measure, Options, Who};
use super::backend::{self, Backend};
use super::contender::{Running, Yard};
use super::figures::{Figure, Figures, percentile};
use super::{cell, delay, guard, idle, open, report, rtt, start, tunnel};

/// The healthy scenario of badproxy's catalogue.
const PLAIN: &str = "ok/plain";

/// How much of everything.
pub struct Sizes {
    /// Time for a bulk tunnel, both ways together.
    tunnel: Duration,
    trips: usize,
    open: Duration,
    pub tunnels: usize,
    /// Memory hardly varies, and filling a proxy takes seconds: fewer rounds.
    pub idle_rounds: usize,
    starts: usize,
    /// Delayed CONNECTs in all rounds together.
    pub delays: usize,
    /// Cells in a round.
    cells: usize,
}

const FULL: Sizes = Sizes {
    tunnel: Duration::from_millis(1000),
    trips: 3000,
    open: Duration::from_millis(700),
    tunnels: 9500,
    idle_rounds: 3,
    starts: 10,
    delays: 200,
    cells: 50,
};

const QUICK: Sizes = Sizes {
    tunnel: Duration::from_millis(400),
    trips: 1000,
    open: Duration::from_millis(300),
    tunnels: 2000,
    idle_rounds: 1,
    starts: 5,
    delays: 40,
    cells: 20,
};

pub fn main() -> ExitCode {
    let mut args = std::env::args().skip(1).peekable();
    if args.next_if(|arg| arg == guard::WORD).is_some() {
        guard::stand(args);
        return ExitCode::SUCCESS;
    }
    let options = match Options::parse(args) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("bench: {error:#}\nbench: scripts/bench --help says more");
            return ExitCode::from(2);
        }
    };
    match bench(options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(3),
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::from(3)
        }
    }
}

/// Measures and reports; whether all of it could be measured.
fn bench(options: Options) -> Result<bool> {
    let _guard = guard::post(&options.dir)?;
    let mut sizes = if options.quick { QUICK } else { FULL };
    let (room, held_down_by) = idle::room(sizes.tunnels);
    sizes.tunnels = room;
    let backend = backend::start()?;
    let yard = Yard::new(options.dir.clone(), options.badproxy.clone(), backend.addr, room);
    let machine = report::Machine::look(&options);
    let mut run = Run {
        options,
        sizes,
        figures: Figures::default(),
        notes: Vec::new(),
        failed: BTreeSet::new(),
        yard,
        backend,
        running: BTreeMap::new(),
        delaying: None,
        delays: BTreeMap::new(),
    };
    if let Some(limit) = held_down_by {
        run.notes.push(format!("idle: only {room} tunnels, held down by {limit}"));
    }
    for measure in run.options.measures.clone() {
        let since = Instant::now();
        eprint!("bench: {} ", measure.name());
        let measured = run.rounds_of(measure);
        eprintln!(" {:.0} s", since.elapsed().as_secs_f64());
        measured?;
    }
    run.derive();
    report::table(&run, &machine);
    if let Some(path) = &run.options.json {
        let text = serde_json::to_string_pretty(&report::json(&run, &machine))? + "\n";
        std::fs::write(path, text).with_context(|| path.display().to_string())?;
    }
    Ok(run.failed.is_empty())
}

/// Times of CONNECTs that were not delayed and of those that were.
#[derive(Default)]
struct Delays {
    plain: Vec<f64>,
    delayed: Vec<f64>,
}

pub struct Run {
    pub options: Options,
    pub sizes: Sizes,
    pub figures: Figures,
    /// What the table's reader must know besides.
    pub notes: Vec<String>,
    /// What could not be measured; it is not tried again.
    pub failed: BTreeSet<(Measure, Who)>,
    yard: Yard,
    backend: Backend,
    /// The instances that serve tunnel, rtt, open and delay.
    running: BTreeMap<Who, Running>,
    /// badproxy once more, with the delaying scenario.
    delaying: Option<Running>,
    delays: BTreeMap<Who, Delays>,
}

impl Run {
    fn rounds_of(&mut self, measure: Measure) -> Result<()> {
        let contenders: Vec<Who> =
            self.options.contenders.iter().copied().filter(|who| measure.has(*who)).collect();
        for round in 0..self.rounds(measure) {
            for turn in 0..contenders.len() {
                let who = contenders[(round + turn) % contenders.len()];
                if self.failed.contains(&(measure, who)) {
                    continue;
                }
                self.make_ready(measure, who)?;
                let Err(error) = self.once(measure, who) else { continue };
                if who == Who::Direct {
                    return Err(error.context(format!("{} without a proxy", measure.name())));
                }
                self.fail(measure, who, error);
            }
            eprint!(".");
        }
        Ok(())
    }

    pub fn rounds(&self, measure: Measure) -> usize {
        match measure {
            Measure::Idle => self.sizes.idle_rounds.min(self.options.rounds),
            // A minute, most of which is the scenarios' own.
            Measure::Suite => 1,
            _ => self.options.rounds,
        }
    }

    /// Starts what the measure needs and does not start itself. Failing here ends the run.
    fn make_ready(&mut self, measure: Measure, who: Who) -> Result<()> {
        if measure.has_its_own() {
            return Ok(());
        }
        if !self.running.contains_key(&who) {
            self.running.insert(who, self.yard.start(who, PLAIN)?);
        }
        if measure == Measure::Delay && who == Who::Badproxy && self.delaying.is_none() {
            let scenario = self.options.scenario.display().to_string();
            self.delaying = Some(self.yard.start(who, &scenario)?);
        }
        Ok(())
    }

    fn fail(&mut self, measure: Measure, who: Who, error: anyhow::Error) {
        // A fresh instance for the next measure: this one may be dead or stuck.
        let error = match self.running.remove(&who) {
            Some(running) if !measure.has_its_own() => running.explain(error),
            _ => error,
        };
        self.notes.push(format!("{}, {}: failed: {error:#}", measure.name(), who.name()));
        self.failed.insert((measure, who));
    }

    fn once(&mut self, measure: Measure, who: Who) -> Result<()> {
        let ready = self.running.get(&who);
        let ready = || ready.context("not started");
        match measure {
            Measure::Tunnel => {
                let (route, pid) = (ready()?.route, ready()?.pid());
                let sample = tunnel::measure(route, &self.backend, pid, self.sizes.tunnel)?;
                self.figures.push(Figure::TunnelRate, who, sample.gb_per_second());
                if pid.is_some() {
                    self.figures.push(Figure::TunnelCpu, who, sample.cpu_per_gb());
                }
            }
            Measure::Rtt => {
                let (route, pid) = (ready()?.route, ready()?.pid());
                let median = rtt::measure(route, pid, self.sizes.trips)?;
                self.figures.push(Figure::Rtt, who, median);
            }
            Measure::Open => {
                let rate = open::measure(ready()?.route, self.sizes.open)?;
                self.figures.push(Figure::Opens, who, rate);
            }
            Measure::Idle => {
                let fresh = self.yard.start(who, PLAIN)?;
                let pid = fresh.pid().context("no process")?;
                let kib = idle::measure(fresh.route, pid, self.sizes.tunnels)
                    .map_err(|error| fresh.explain(error))?;
                self.figures.push(Figure::Idle, who, kib);
            }
            Measure::Start => {
                let median = start::measure(&self.yard, who, PLAIN, self.sizes.starts)?;
                self.figures.push(Figure::Start, who, median);
            }
            Measure::Delay => self.delay(who)?,
            Measure::Cell => {
                let sample = cell::measure(&self.yard, PLAIN, self.sizes.cells)?;
                self.figures.push(Figure::Cell, Who::Direct, sample.bare);
                self.figures.push(Figure::Cell, who, sample.cell);
                self.figures.push(Figure::CellAdded, who, sample.cell - sample.bare);
            }
            Measure::Suite => {
                let (seconds, scenarios) = cell::suite(&self.yard)?;
                self.figures.push(Figure::Suite, who, seconds);
                self.notes.push(format!(
                    "suite: {scenarios} scenarios, cells as many at a time as there are processors"
                ));
            }
        }
        Ok(())
    }

    fn delay(&mut self, who: Who) -> Result<()> {
        let mut count = self.sizes.delays.div_ceil(self.options.rounds);
        let (plain, delaying) = if who == Who::Direct {
            // Half as many: nothing is promised for it, and each takes a tenth of a second.
            count = count.div_ceil(2);
            (delay::sleeper(Duration::ZERO)?, delay::sleeper(delay::ASKED)?)
        } else {
            let missing = || anyhow!("not started");
            let plain = self.running.get(&who).ok_or_else(missing)?;
            (plain.route.to, self.delaying.as_ref().ok_or_else(missing)?.route.to)
        };
        let times = self.delays.entry(who).or_default();
        let target = self.backend.addr;
        times.plain.extend(delay::replies(plain, target, Duration::ZERO, count)?);
        times.delayed.extend(delay::replies(delaying, target, delay::ASKED * 9 / 10, count)?);
        Ok(())
    }

    /// The figures that follow from others.
    fn derive(&mut self) {
        let percent = |value, direct| 100.0 * value / direct;
        self.figures.beside_direct(Figure::TunnelRate, Figure::TunnelShare, percent);
        self.figures.beside_direct(Figure::Opens, Figure::OpensShare, percent);
        self.figures.beside_direct(Figure::Rtt, Figure::RttAdded, |value, direct| value - direct);
        for (who, times) in &mut self.delays {
            if self.failed.contains(&(Measure::Delay, *who)) {
                continue;
            }
            // All rounds together: a round has too few for a p99.
            let expected = percentile(&mut times.plain, 50.0) + delay::ASKED.as_secs_f64() * 1e3;
            let errors: Vec<f64> = times.delayed.iter().map(|time| time - expected).collect();
            let mut off: Vec<f64> = errors.iter().map(|error| error.abs()).collect();
            self.figures.push(Figure::DelayP50, *who, percentile(&mut off, 50.0));
            self.figures.push(Figure::DelayP99, *who, percentile(&mut off, 99.0));
            let earliest = errors.iter().copied().fold(f64::MAX, f64::min);
            self.notes.push(format!(
                "delay, {}: {} of them, the earliest {earliest:+.2} ms from 100 ms",
                who.name(),
                errors.len()
            ));
        }
    }
}
