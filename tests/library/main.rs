//! The library as the tests of a Rust client use it.

mod blocking;
mod client;
mod face;
mod report;
mod same;
