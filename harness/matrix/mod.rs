//! Many scenarios against many clients: what comes out of it, as data.
//!
//! - [`Wanted`]: what is asked for; [`play()`]: controls, cells, confirmations.
//! - [`summary`]: what a matrix leaves behind, and what every report of one is made from;
//!   [`mark`]: the word of a cell; [`scores`]: the three fractions.
//! - [`suites`]: which scenarios; [`baseline`]: what is expected to fail.
//! - [`outcome`]: the one held against the other, and the exit code; [`expect`]: a baseline
//!   written anew.
//! - [`load`]: a summary read back; [`merge`]: parts put together again.
//! - [`shard`]: which cells are whose when several machines divide a matrix.

mod amend;
pub mod baseline;
mod board;
pub mod choose;
pub(crate) mod control;
mod engine;
mod evidence;
#[cfg(test)]
pub mod example;
pub mod expect;
pub mod gaps;
pub mod gather;
mod known;
mod live;
pub mod load;
pub mod mark;
pub mod merge;
pub mod outcome;
mod play;
mod rows;
pub mod scores;
pub mod screen;
pub mod shard;
mod store;
pub mod stray;
pub mod suites;
pub mod summary;
mod take;
mod vote;
mod wanted;
pub mod words;

pub use known::Known;
pub use live::Live;
pub use mark::Mark;
pub use play::{End, Played, Tell, play};
pub use scores::{Fraction, Scores, Tally};
pub use shard::{Deal, Shard};
pub use summary::{Cell, Client, Confirmed, Control, Exit, Finding, Host, SuiteId, Summary};
pub use wanted::{Keep, Wanted};
