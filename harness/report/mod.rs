//! Reports: views of the event log, one form a file.
//!
//! Nothing is in a report that is not in the events; nothing a client sends can break out of its
//! place in one.

pub mod catalogue;
mod fold;
pub mod human;
pub mod jsonl;
mod lines;
pub(crate) mod text;

pub use human::Human;
