//! Reports: views of the event log, one form a file.
//!
//! Nothing is in a report that is not in the events; nothing a client sends can break out of its
//! place in one.

pub mod catalogue;
mod fold;
pub mod github;
mod html;
pub mod human;
pub mod json;
pub mod jsonl;
mod junit;
mod lines;
mod markdown;
pub mod matrix;
pub(crate) mod terminal;
pub(crate) mod text;

pub use human::Human;
