//! The library for tests: a scenario that is played inside the process of its client.

pub mod blocking;
mod ended;
mod events;
mod outcome;
mod settle;
mod start;
mod world;

pub use events::Events;
pub use outcome::Outcome;
pub use world::World;
