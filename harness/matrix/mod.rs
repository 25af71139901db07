//! Many scenarios against many clients: what comes out of it, as data.
//!
//! - [`summary`]: what a matrix leaves behind, and what every report of one is made from;
//!   [`mark`]: the word of a cell; [`scores`]: the three fractions.
//! - [`suites`]: which scenarios; [`baseline`]: what is expected to fail.
//! - [`outcome`]: the one held against the other, and the exit code; [`expect`]: a baseline
//!   written anew.
//! - [`shard`]: which cells are whose when several machines divide a matrix.

pub mod baseline;
#[cfg(test)]
pub mod example;
pub mod expect;
pub mod mark;
pub mod outcome;
pub mod scores;
pub mod shard;
pub mod suites;
pub mod summary;

pub use mark::Mark;
pub use scores::{Fraction, Scores, Tally};
pub use shard::Shard;
pub use summary::{Cell, Client, Confirmed, Control, Exit, Finding, Host, SuiteId, Summary};
