//! The library as the tests of a Rust client use it.

mod blocking;
mod builder;
mod client;
mod dates;
mod face;
mod report;
mod same;
