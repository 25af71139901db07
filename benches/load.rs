//! The load generator behind `scripts/bench`: badproxy beside a direct connection, haproxy,
//! tinyproxy and squid, in one run, in interleaved rounds.
//!
//! Run it through the script, which builds it, raises the limits and makes the directory it
//! works in. In reading order:
//!
//! - `args`: what the script passes on.
//! - `backend`: the server at the far end of every tunnel, a thread of this process.
//! - `contender`: the proxies; how each is configured, started and ended.
//! - `client`: the near end; opening a tunnel, blocking or not.
//! - `tunnel`, `rtt`, `open`, `idle`, `start`, `delay`, `cell`: one measure a file, named after the
//!   word that `--only` takes; `cell` has `suite`, too.
//! - `run`: the rounds.
//! - `figures`: what was measured, medians, and whether badproxy meets its goals.
//! - `report`: the table and the JSON file.
//! - `proc`, `pin`, `guard`: reading `/proc`, choosing the core, leaving nothing behind.
#![forbid(unsafe_code)]

// The inline module makes the files below live in benches/load/; other systems have no /proc.
#[cfg(target_os = "linux")]
mod load {
    pub mod args;
    pub mod backend;
    pub mod cell;
    pub mod client;
    pub mod contender;
    pub mod delay;
    pub mod figures;
    pub mod guard;
    pub mod idle;
    pub mod open;
    pub mod pin;
    pub mod proc;
    pub mod report;
    pub mod rtt;
    pub mod run;
    pub mod start;
    pub mod tunnel;
}

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    load::run::main()
}

#[cfg(not(target_os = "linux"))]
fn main() -> std::process::ExitCode {
    eprintln!("bench: needs Linux, it reads /proc for CPU time and memory");
    std::process::ExitCode::from(3)
}
