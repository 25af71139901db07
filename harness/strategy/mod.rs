//! Strategies for property tests of retry logic (feature `proptest`): schedules of what goes wrong,
//! attempt by attempt, that shrink towards the healthy proxy.
//!
//! [`schedule()`] gives a [`Schedule`]: spells of trouble and of health, one after the other, and
//! health for ever after. [`Weights`] say how long they are and what is in them. [`Schedule::scenario`]
//! is what is started; [`Schedule::to_yaml`] is the same as a file, which `badproxy run` plays.
//! [`hold()`] runs a property, shrinks what breaks it, keeps the smallest schedule as a YAML file and
//! says how to play that over real sockets.
//!
//! ```
//! use badproxy::strategy::{Config, Weights, hold, schedule};
//!
//! // Here a client would be run against `simulate(schedule.scenario(), ..)`.
//! let config = Config::new("doc_example").cases(20);
//! hold(&config, schedule(&Weights::default()), |schedule| {
//!     if schedule.attempts() < 1000 { Ok(()) } else { Err("too long".into()) }
//! });
//! ```
//!
//! What shrinks: spells are left out and made shorter, and trouble becomes simpler trouble (a reset
//! becomes a close, that an answer, that a delay). So the smallest schedule is what breaks the
//! property and nothing else.

mod effect;
mod hold;
mod schedule;
#[cfg(test)]
mod tests;
mod trouble;

pub use effect::{rule, step};
pub use hold::{Config, hold};
pub use schedule::{Schedule, Spell, Weights, schedule};
pub use trouble::{Trouble, trouble};
