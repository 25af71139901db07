//! What was measured, round by round; medians, and whether badproxy meets its goals.

use std::collections::BTreeMap;

use super::args::Who;

/// A row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Figure {
    TunnelRate,
    TunnelShare,
    TunnelCpu,
    Rtt,
    RttAdded,
    Opens,
    OpensShare,
    Idle,
    Start,
    DelayP50,
    DelayP99,
    Cell,
    CellAdded,
    Suite,
}

/// What badproxy is held to.
#[derive(Clone, Copy, Debug)]
pub enum Goal {
    NoLessThan(Who),
    /// At most so many times what the other has.
    NoMoreThan(Who, f64),
    Limit(f64),
}

impl Figure {
    pub const ALL: [Figure; 14] = [
        Figure::TunnelRate,
        Figure::TunnelShare,
        Figure::TunnelCpu,
        Figure::Rtt,
        Figure::RttAdded,
        Figure::Opens,
        Figure::OpensShare,
        Figure::Idle,
        Figure::Start,
        Figure::DelayP50,
        Figure::DelayP99,
        Figure::Cell,
        Figure::CellAdded,
        Figure::Suite,
    ];

    /// Its name in the JSON file, its label in the table, and its decimals there.
    pub fn words(self) -> (&'static str, &'static str, usize) {
        match self {
            Figure::TunnelRate => ("tunnel.gb_per_s", "one tunnel, GB/s", 2),
            Figure::TunnelShare => ("tunnel.percent_of_direct", "  of direct, %", 0),
            Figure::TunnelCpu => ("tunnel.cpu_s_per_gb", "  proxy CPU, s per GB", 2),
            Figure::Rtt => ("rtt.us", "one byte there and back, µs", 1),
            Figure::RttAdded => ("rtt.added_us", "  added to direct, µs", 1),
            Figure::Opens => ("open.per_s", "tunnels/s, 16 at a time", 0),
            Figure::OpensShare => ("open.percent_of_direct", "  of direct, %", 0),
            Figure::Idle => ("idle.kib_per_tunnel", "idle tunnel, KiB of memory", 1),
            Figure::Start => ("start.ms", "start to first reply, ms", 1),
            Figure::DelayP50 => ("delay.error_p50_ms", "100 ms delay, p50 off by ms", 2),
            Figure::DelayP99 => ("delay.error_p99_ms", "  p99 off by, ms", 2),
            Figure::Cell => ("cell.ms", "curl in a cell, ms", 1),
            Figure::CellAdded => ("cell.added_ms", "  added to bare curl, ms", 1),
            Figure::Suite => ("suite.s", "curl behind the suite, s", 0),
        }
    }

    pub fn goal(self) -> Option<Goal> {
        match self {
            Figure::TunnelRate => Some(Goal::NoLessThan(Who::Haproxy)),
            Figure::TunnelCpu => Some(Goal::NoMoreThan(Who::Haproxy, 1.0)),
            Figure::RttAdded => Some(Goal::NoMoreThan(Who::Haproxy, 1.1)),
            Figure::Opens => Some(Goal::NoLessThan(Who::Tinyproxy)),
            Figure::Idle | Figure::Start => Some(Goal::Limit(6.0)),
            Figure::DelayP50 => Some(Goal::Limit(0.2)),
            Figure::DelayP99 => Some(Goal::Limit(0.6)),
            Figure::CellAdded => Some(Goal::Limit(30.0)),
            Figure::Suite => Some(Goal::Limit(120.0)),
            Figure::TunnelShare | Figure::Rtt | Figure::OpensShare | Figure::Cell => None,
        }
    }
}

/// A goal beside what was measured.
pub struct Judged {
    pub goal: String,
    /// badproxy's figure over the other's, in the same round; the median of that.
    pub ratio: Option<f64>,
    pub met: Option<bool>,
}

/// The values of every figure and contender, one a round.
#[derive(Default)]
pub struct Figures {
    rounds: BTreeMap<(Figure, Who), Vec<f64>>,
}

impl Figures {
    pub fn push(&mut self, figure: Figure, who: Who, value: f64) {
        self.rounds.entry((figure, who)).or_default().push(value);
    }

    pub fn rounds(&self, figure: Figure, who: Who) -> &[f64] {
        self.rounds.get(&(figure, who)).map_or(&[], Vec::as_slice)
    }

    pub fn median(&self, figure: Figure, who: Who) -> Option<f64> {
        median(self.rounds(figure, who))
    }

    /// Fills `into` with `of(value, direct's value in the same round)`.
    pub fn beside_direct(&mut self, from: Figure, into: Figure, of: impl Fn(f64, f64) -> f64) {
        let direct = self.rounds(from, Who::Direct).to_vec();
        for who in &Who::ALL[1..] {
            let own = self.rounds(from, *who).to_vec();
            for (value, direct) in own.iter().zip(&direct) {
                self.push(into, *who, of(*value, *direct));
            }
        }
    }

    /// How far the rounds lie apart, highest less lowest, as a share of their median.
    pub fn spread(&self, figure: Figure, who: Who) -> Option<f64> {
        let values = self.rounds(figure, who);
        let low = values.iter().copied().reduce(f64::min)?;
        let high = values.iter().copied().reduce(f64::max)?;
        Some((high - low) / median(values)?)
    }

    /// The judgement on badproxy; none where there is no goal. What is judged is what is shown,
    /// two decimals of it: more would be noise.
    pub fn judge(&self, figure: Figure) -> Option<Judged> {
        let own = self.rounds(figure, Who::Badproxy);
        let ratio = |other| {
            let pairs = own.iter().zip(self.rounds(figure, other));
            median(&pairs.map(|(own, other)| own / other).collect::<Vec<_>>()).map(hundredths)
        };
        Some(match figure.goal()? {
            Goal::NoLessThan(other) => Judged {
                goal: format!(">= {}", other.name()),
                ratio: ratio(other),
                met: ratio(other).map(|ratio| ratio >= 1.0),
            },
            Goal::NoMoreThan(other, times) => Judged {
                goal: match ((times - 1.0) * 100.0).round() {
                    0.0 => format!("<= {}", other.name()),
                    percent => format!("<= {}+{percent}%", other.name()),
                },
                ratio: ratio(other),
                met: ratio(other).map(|ratio| ratio <= times),
            },
            Goal::Limit(limit) => Judged {
                goal: format!("<= {limit}"),
                ratio: None,
                met: median(own).map(|value| hundredths(value) <= limit),
            },
        })
    }
}

fn hundredths(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (low, high) = (sorted.get(sorted.len().checked_sub(1)? / 2)?, sorted[sorted.len() / 2]);
    Some((low + high) / 2.0)
}

/// The nearest-rank percentile; sorts. Of nothing it is not a number.
pub fn percentile(values: &mut [f64], percent: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let rank = (values.len() as f64 * percent / 100.0).ceil() as usize;
    values.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
}
