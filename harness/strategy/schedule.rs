//! Schedules: spells of trouble and of health.

use std::fmt;

use proptest::collection::vec;
use proptest::prelude::*;

use super::trouble::{Trouble, trouble};
use crate::scenario::{Scenario, read};

/// Some attempts in a row that meet the same thing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Spell {
    /// How many; at least 1.
    pub attempts: u64,
    /// What they meet; None: a healthy proxy.
    pub trouble: Option<Trouble>,
}

impl Spell {
    /// So many attempts in a row that meet this; None is a healthy proxy. 0 counts as 1.
    pub fn new(attempts: u64, trouble: Option<Trouble>) -> Self {
        Spell { attempts: attempts.max(1), trouble }
    }
}

/// What goes wrong, attempt by attempt. After the last spell the proxy is healthy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Schedule {
    /// One after the other.
    pub spells: Vec<Spell>,
}

/// How schedules are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Weights {
    /// The most spells. Default: 4.
    pub spells: usize,
    /// How many of a hundred spells are long. Default: 20, "mostly short outages".
    pub long: u32,
    /// The most attempts in a short spell. Default: 3.
    pub short_most: u64,
    /// The most attempts in a long spell. Default: 20.
    pub long_most: u64,
    /// How many of a hundred spells are healthy ones. Default: 20.
    pub healthy: u32,
}

impl Default for Weights {
    fn default() -> Self {
        Weights { spells: 4, long: 20, short_most: 3, long_most: 20, healthy: 20 }
    }
}

/// Schedules of this kind.
pub fn schedule(weights: &Weights) -> impl Strategy<Value = Schedule> + use<> {
    let Weights { spells, long, short_most, long_most, healthy } = *weights;
    let long = long.min(100);
    // proptest refuses a weight of 0.
    let attempts = match long {
        0 => (1..=short_most.max(1)).boxed(),
        100 => (1..=long_most.max(1)).boxed(),
        _ => prop_oneof![
            100 - long => 1..=short_most.max(1),
            long => 1..=long_most.max(1),
        ]
        .boxed(),
    };
    let ill = || trouble().prop_map(Some);
    let meets = match healthy.min(100) {
        0 => ill().boxed(),
        100 => Just(None).boxed(),
        healthy => prop_oneof![healthy => Just(None), 100 - healthy => ill()].boxed(),
    };
    let spell = (attempts, meets);
    vec(spell.prop_map(|(attempts, trouble)| Spell { attempts, trouble }), 0..=spells)
        .prop_map(|spells| Schedule { spells })
}

impl Schedule {
    /// Of these spells.
    pub fn new(spells: Vec<Spell>) -> Self {
        Schedule { spells }
    }

    /// How many attempts it takes until the proxy is healthy for good.
    pub fn attempts(&self) -> u64 {
        let last = self.spells.iter().rposition(|spell| spell.trouble.is_some());
        self.spells[..last.map_or(0, |at| at + 1)].iter().map(|spell| spell.attempts).sum()
    }

    /// The first attempt that a healthy proxy (or a slow one) answers, from 1.
    pub fn first_good(&self) -> u64 {
        let mut next = 1;
        for spell in &self.spells {
            if spell.trouble.as_ref().is_none_or(|trouble| !trouble.fails()) {
                break;
            }
            next += spell.attempts;
        }
        next
    }

    /// As a scenario file. It begins with a comment that says what it is.
    pub fn to_yaml(&self) -> String {
        self.to_string()
    }

    /// As a scenario.
    ///
    /// # Panics
    ///
    /// Never for what [`schedule()`] makes; when a spell made by hand is none that can be played,
    /// with what is wrong and where.
    pub fn scenario(&self) -> Scenario {
        let yaml = self.to_yaml();
        read(&yaml, "schedule").unwrap_or_else(|problems| panic!("{problems}\n{yaml}"))
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "name: test/schedule\nabout: A schedule of trouble that a property test has found.\n",
        )?;
        let mut next = 1;
        let mut begun = false;
        for spell in &self.spells {
            let (first, last) = (next, next + spell.attempts - 1);
            next = last + 1;
            let Some(trouble) = &spell.trouble else { continue };
            if !begun {
                f.write_str("rules:\n")?;
                begun = true;
            }
            let at = serde_json::to_string(&trouble.at()).unwrap_or_default();
            let at = at.trim_matches('"');
            let range = if first == last { first.to_string() } else { format!("{first}-{last}") };
            writeln!(f, "  - {{at: {at}, when: {{attempt: {range}}}, do: {trouble}}}")?;
        }
        Ok(())
    }
}
