//! `delay`: waits, then goes on.

use std::io;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;

use super::{ANYWHERE, After, Cx, Fault};
use crate::rng::Rng;
use crate::scenario::{Length, Word};
use crate::stage::Stage;

/// Waits, then the stage goes on. Drawn anew for each attempt, from the seed.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Delay {
    /// The time, or the middle of `jitter`.
    #[serde(default)]
    pub time: Option<Length>,
    /// Up to this much more or less than `time`, evenly spread.
    #[serde(default)]
    pub jitter: Option<Length>,
    /// Evenly spread between two times.
    #[serde(default)]
    pub uniform: Option<Between>,
    /// Normally distributed, cut at 0.
    #[serde(default)]
    pub normal: Option<Normal>,
}

/// Two times.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Between {
    /// The shortest.
    pub from: Length,
    /// The longest.
    pub to: Length,
}

/// A bell curve.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Normal {
    /// The middle.
    pub mean: Length,
    /// The standard deviation.
    pub deviation: Length,
}

impl Delay {
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

    fn from_word(word: &str) -> Result<Self, String> {
        Ok(Delay { time: Some(Length::parse(word)?), ..Delay::default() })
    }

    fn word_schema(with: &mut SchemaGenerator) -> Option<Schema> {
        Some(with.subschema_for::<Length>())
    }

    fn check(&self, _: Stage) -> Result<(), String> {
        let ways = usize::from(self.time.is_some())
            + usize::from(self.uniform.is_some())
            + usize::from(self.normal.is_some());
        if ways != 1 {
            return Err("`delay` takes exactly one of `time`, `uniform` and `normal`".to_owned());
        }
        if self.jitter.is_some() && self.time.is_none() {
            return Err("`jitter` goes with `time`".to_owned());
        }
        match &self.uniform {
            Some(b) if b.to < b.from => Err("`uniform` ends before it starts".to_owned()),
            _ => Ok(()),
        }
    }

    async fn act(&self, cx: &mut Cx<'_, '_>) -> io::Result<After> {
        let asked = cx.conn.scaled(self.draw(&mut cx.rng));
        // Written down when it begins: a client that leaves meanwhile has met it.
        cx.did(format!("waits {:.1} ms", asked.as_secs_f64() * 1e3), false);
        let start = cx.conn.log().now_ms();
        cx.conn.clock().sleep(asked).await;
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
        let cut = Delay {
            normal: Some(Normal { mean: ms(1), deviation: ms(10) }),
            ..Delay::default()
        };
        for _ in 0..500 {
            assert!((80..=120).contains(&even.draw(&mut rng).as_millis()));
            assert!(cut.draw(&mut rng) < Duration::from_secs(1));
        }
    }
}
