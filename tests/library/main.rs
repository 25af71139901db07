//! The library as the tests of a Rust client use it.

mod arms;
mod blocking;
mod builder;
mod client;
mod dates;
mod face;
#[path = "../support/late.rs"]
mod late;
#[path = "../support/login.rs"]
mod login;
mod logins;
mod plain;
mod report;
mod same;
#[path = "../support/side_by_side.rs"]
mod side_by_side;
