//! `delay`: waits, then goes on.

use std::io;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use super::{ANYWHERE, After, Cx, Fault};
use crate::rng::Rng;
use crate::scenario::{Length, Problem, Word};
use crate::stage::Stage;
use crate::verdict::words::time;

/// Waits, then the stage goes on. Drawn anew for each attempt, from the seed.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Delay {
    /// The time, or the middle of `jitter`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Length>,
    /// Up to this much more or less than `time`, evenly spread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jitter: Option<Length>,
    /// Evenly spread between two times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uniform: Option<Between>,
    /// Normally distributed, cut at 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub normal: Option<Normal>,
}

/// Two times.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Between {
    /// The shortest.
    pub from: Length,
    /// The longest.
    pub to: Length,
}

/// A bell curve.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Normal {
    /// The middle.
    pub mean: Length,
    /// The standard deviation.
    pub deviation: Length,
}

impl Delay {
    fn order(&self) -> Result<(), Problem> {
        match &self.uniform {
            Some(b) if b.to < b.from => Err(Problem::new("`uniform` ends before it starts")
                .about("uniform.to")
                .help(format!("write a `to` of at least `{}`", b.from))),
            _ => Ok(()),
        }
    }

    fn draw(&self, rng: &mut Rng) -> Duration {
        if let Some(Between { from, to }) = &self.uniform {
            return rng.between(from.0, to.0);
        }
        if let Some(Normal { mean, deviation }) = &self.normal {
            let seconds = mean.0.as_secs_f64() + rng.normal() * deviation.0.as_secs_f64();
            return Duration::from_secs_f64(seconds.max(0.0));
        }
        let time = self.time.unwrap_or_default().0;
        let jitter = self.jitter.unwrap_or_default().0;
        rng.between(time.saturating_sub(jitter), time + jitter)
    }
}

impl Fault for Delay {
    const AT: &'static [Stage] = ANYWHERE;
    const ABOUT: &'static str = "Waits (fixed, jitter, uniform or normal), then goes on";
    const EXAMPLE: &'static str = "{at: dial, do: {delay: 3s}}";

    fn from_word(word: &str) -> Result<Self, Problem> {
        Ok(Delay { time: Some(Length::parse(word)?), ..Delay::default() })
    }

    fn word_schema(with: &mut SchemaGenerator) -> Option<Schema> {
        Some(with.subschema_for::<Length>())
    }

    fn check(&self, _: Stage) -> Result<(), Problem> {
        let ways = [
            (self.time.is_some(), "time"),
            (self.uniform.is_some(), "uniform"),
            (self.normal.is_some(), "normal"),
        ];
        let ways: Vec<&'static str> =
            ways.iter().filter(|(is, _)| *is).map(|(_, way)| *way).collect();
        match ways[..] {
            [] => Err(Problem::new("`delay` does not say how long").help(
                "write `{time: 3s}`, `{uniform: {from: 1s, to: 2s}}` or `{normal: {mean: 1s, \
                 deviation: 100ms}}`",
            )),
            [one, other, ..] => {
                Err(Problem::new(format!("`{one}` and `{other}` exclude each other"))
                    .about(other)
                    .help("`delay` takes one of: time, uniform, normal"))
            }
            [way] if way != "time" && self.jitter.is_some() => {
                Err(Problem::new(format!("`jitter` cannot go with `{way}`"))
                    .about("jitter")
                    .help("it goes with `time`: `{time: 3s, jitter: 500ms}`"))
            }
            _ => self.order(),
        }
    }

    async fn act(&self, cx: &mut Cx<'_, '_>) -> io::Result<After> {
        let asked = cx.conn.scaled(self.draw(&mut cx.rng));
        // Written down when it begins: a client that leaves meanwhile has met it.
        cx.did(format!("waits {}", time(asked)), false);
        let start = cx.conn.log().now_ms();
        match cx.stage {
            Stage::Pac => cx.wait_hearing(asked).await?,
            _ => cx.wait_watching(asked).await,
        }
        let took = cx.conn.log().now_ms() - start;
        cx.passed(format!("waited {took:.1} ms"));
        Ok(After::Go)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_stay_in_their_bounds() {
        let ms = |n| Length(Duration::from_millis(n));
        let mut rng = Rng::new(3);
        let even = Delay { time: Some(ms(100)), jitter: Some(ms(20)), ..Delay::default() };
        let cut =
            Delay { normal: Some(Normal { mean: ms(1), deviation: ms(10) }), ..Delay::default() };
        for _ in 0..500 {
            assert!((80..=120).contains(&even.draw(&mut rng).as_millis()));
            assert!(cut.draw(&mut rng) < Duration::from_secs(1));
        }
    }
}
