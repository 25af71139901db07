//! The table for people and the file for programs; both are views of the same figures.

use std::process::Command;

use serde_json::{Map, Value, json};

use super::args::{Measure, Options, Who};
use super::figures::Figure;
use super::proc;
use super::run::Run;

/// What the figures were measured on, and what was measured.
pub struct Machine {
    cpu: String,
    cores: usize,
    kernel: String,
    /// Before the run: what others were doing to the machine.
    load: String,
    versions: Vec<(Who, String)>,
}

impl Machine {
    pub fn look(options: &Options) -> Machine {
        let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = info.lines().find_map(|line| line.strip_prefix("model name"));
        let model = model.map_or("unknown", |rest| rest.trim_start_matches([' ', '\t', ':']));
        let load = proc::line("/proc/loadavg");
        let badproxy = options.badproxy.display().to_string();
        let versions = options.contenders.iter().filter_map(|who| {
            let (program, flag) = match who {
                Who::Direct => return None,
                Who::Badproxy => (badproxy.as_str(), "--version"),
                other => (other.name(), "-v"),
            };
            Some((*who, version(program, flag)))
        });
        Machine {
            cpu: model.to_owned(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            kernel: proc::line("/proc/sys/kernel/osrelease"),
            load: load.split(' ').next().unwrap_or_default().to_owned(),
            versions: versions.collect(),
        }
    }
}

/// The first word of the program's own answer that begins with a digit.
fn version(program: &str, flag: &str) -> String {
    let output = Command::new(program).arg(flag).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let text = text.unwrap_or_default();
    let number =
        text.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    number.unwrap_or("of unknown version").to_owned()
}

/// Prints the table, no line of it wider than 100 columns.
pub fn table(run: &Run, machine: &Machine) {
    let Machine { cpu, cores, kernel, load, versions } = machine;
    let versions: Vec<_> =
        versions.iter().map(|(who, version)| format!("{} {version}", who.name())).collect();
    println!("{cores} x {cpu}, Linux {kernel}, load average {load} before the run");
    println!("{}", versions.join(", "));
    println!();
    let judged = run.options.contenders.contains(&Who::Badproxy);
    let head: String = run.options.contenders.iter().map(|who| cell(*who, who.name())).collect();
    let goals = if judged { "  goal for badproxy" } else { "" };
    println!("{:<28}{head}{goals}", "");
    for figure in Figure::ALL {
        let measure = measure_of(figure);
        if !run.options.measures.contains(&measure) {
            continue;
        }
        let (_, label, decimals) = figure.words();
        let cells = run.options.contenders.iter().map(|who| {
            let text = match run.figures.median(figure, *who) {
                _ if run.failed.contains(&(measure, *who)) => "failed".to_owned(),
                Some(value) => format!("{value:.decimals$}"),
                None => "-".to_owned(),
            };
            cell(*who, &text)
        });
        let cells: String = cells.collect();
        let goal = if judged { goal(run, figure) } else { String::new() };
        println!("{}", format!("{label:<28}{cells}{goal}").trim_end());
    }
    println!();
    for line in remarks(run) {
        println!("{line}");
    }
}

/// Columns are as wide as their names and the figures need, and one apart.
fn cell(who: Who, text: &str) -> String {
    let width = who.name().len().max(7) + 1;
    format!("{text:>width$}")
}

fn goal(run: &Run, figure: Figure) -> String {
    let Some(judged) = run.figures.judge(figure) else { return String::new() };
    let ratio = judged.ratio.map_or(String::new(), |ratio| format!("x{ratio:.2}"));
    let verdict = match judged.met {
        Some(true) => "met",
        Some(false) => "missed",
        None => "-",
    };
    format!("  {:<14}{ratio:>6} {verdict}", judged.goal)
}

fn remarks(run: &Run) -> Vec<String> {
    let rounds = run.options.rounds;
    let mut lines = vec![format!(
        "Medians over {rounds} interleaved rounds{}; shares and additions are of the same round.",
        match run.rounds(Measure::Idle) {
            idle if idle == rounds || !run.options.measures.contains(&Measure::Idle) => "".into(),
            idle => format!(" ({idle} for idle)"),
        }
    )];
    if run.options.contenders.contains(&Who::Badproxy) {
        lines.push("xN: badproxy's figure over that proxy's, the median over rounds.".into());
    }
    if run.options.measures.contains(&Measure::Idle) {
        lines.push(format!(
            "Idle: resident memory of the process with {} tunnels open; the kernel's is not in it.",
            run.sizes.tunnels
        ));
    }
    // Of the proxies that badproxy is held against: their spread is what a ratio near 1 is worth.
    let yardsticks = [
        (Figure::TunnelRate, Who::Haproxy),
        (Figure::Rtt, Who::Haproxy),
        (Figure::Opens, Who::Tinyproxy),
    ];
    let spreads = yardsticks.into_iter().filter_map(|(figure, who)| {
        let spread = run.figures.spread(figure, who)? * 100.0;
        Some((spread, format!("{} {} {spread:.0} %", measure_of(figure).name(), who.name())))
    });
    let (spreads, texts): (Vec<_>, Vec<_>) = spreads.unzip();
    if rounds > 1 && !texts.is_empty() {
        lines.push(format!("Spread over rounds, highest less lowest: {}.", texts.join(", ")));
    }
    if spreads.iter().any(|spread| *spread > 30.0) {
        lines
            .push("That is much: something else was running, and ratios near 1 say little.".into());
    }
    lines.extend(run.notes.iter().cloned());
    lines
}

/// Everything, with each round's values.
pub fn json(run: &Run, machine: &Machine) -> Value {
    let versions: Map<_, _> =
        machine.versions.iter().map(|(who, text)| (who.name().into(), json!(text))).collect();
    let mut figures = Map::new();
    for figure in Figure::ALL {
        let measured: Vec<_> = Who::ALL
            .into_iter()
            .filter_map(|who| Some((who, run.figures.median(figure, who)?)))
            .collect();
        if measured.is_empty() {
            continue;
        }
        let medians: Map<_, _> =
            measured.iter().map(|(who, median)| (who.name().into(), json!(median))).collect();
        let rounds: Map<_, _> = measured
            .iter()
            .map(|(who, _)| (who.name().into(), json!(run.figures.rounds(figure, *who))))
            .collect();
        let goal = run
            .figures
            .judge(figure)
            .map(|judged| json!({"goal": judged.goal, "ratio": judged.ratio, "met": judged.met}));
        let entry = json!({"median": medians, "rounds": rounds, "goal": goal});
        figures.insert(figure.words().0.into(), entry);
    }
    let failed: Vec<_> = run.failed.iter().map(|(m, who)| [m.name(), who.name()]).collect();
    json!({
        "machine": {
            "cpu": machine.cpu,
            "cores": machine.cores,
            "kernel": machine.kernel,
            "load_average_before": machine.load,
        },
        "versions": versions,
        "rounds": run.options.rounds,
        "quick": run.options.quick,
        "idle_tunnels": run.sizes.tunnels,
        "figures": figures,
        "failed": failed,
        "notes": run.notes,
    })
}

fn measure_of(figure: Figure) -> Measure {
    match figure {
        Figure::TunnelRate | Figure::TunnelShare | Figure::TunnelCpu => Measure::Tunnel,
        Figure::Rtt | Figure::RttAdded => Measure::Rtt,
        Figure::Opens | Figure::OpensShare => Measure::Open,
        Figure::Idle => Measure::Idle,
        Figure::Start => Measure::Start,
        Figure::DelayP50 | Figure::DelayP99 => Measure::Delay,
        Figure::Cell | Figure::CellAdded => Measure::Cell,
        Figure::Suite => Measure::Suite,
    }
}
