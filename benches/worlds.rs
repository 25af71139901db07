//! What a world costs: its start and stop on sockets (goal: 300 µs at p50) and in memory (30 µs), and
//! the memory of a thousand that are alive (100 KiB each).
//!
//! `cargo bench --bench worlds`

use std::time::{Duration, Instant};

use badproxy::Scenario;

const ROUNDS: usize = 2001;
const ALIVE: usize = 1000;

fn main() {
    let scenario = Scenario::new().at(badproxy::Stage::Reply).reset().build();
    let scenario = scenario.unwrap_or_else(|problems| panic!("{problems}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.unwrap_or_else(|error| panic!("no runtime: {error}"));
    runtime.block_on(async {
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            let begin = Instant::now();
            let world = scenario.start().await.unwrap_or_else(|error| panic!("{error}"));
            drop(world);
            // The port is closed when the task that holds it has gone.
            tokio::task::yield_now().await;
            times.push(begin.elapsed());
        }
        say("start and stop on sockets", times, 300);
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            let begin = Instant::now();
            let world = scenario.simulate().unwrap_or_else(|error| panic!("{error}"));
            drop(world);
            tokio::task::yield_now().await;
            times.push(begin.elapsed());
        }
        say("start and stop in memory", times, 30);
        let before = resident();
        let mut worlds = Vec::new();
        for _ in 0..ALIVE {
            worlds.push(scenario.start().await.unwrap_or_else(|error| panic!("{error}")));
        }
        tokio::task::yield_now().await;
        let each = resident().saturating_sub(before) / ALIVE as u64;
        println!("{ALIVE} worlds alive: {each} KiB each  <= 100 {}", word(each <= 100));
        for world in &worlds {
            std::hint::black_box(world.ca_pem());
        }
        let each = resident().saturating_sub(before) / ALIVE as u64;
        println!("{ALIVE} worlds alive, with roots: {each} KiB each  <= 100 {}", word(each <= 100));
    });
}

fn say(what: &str, mut times: Vec<Duration>, goal: u128) {
    times.sort_unstable();
    let at = |share: usize| times[(times.len() - 1) * share / 100].as_micros();
    let met = word(at(50) <= goal);
    println!("{what}: p50 {} us, p99 {} us of {ROUNDS}  <= {goal} {met}", at(50), at(99));
}

fn word(met: bool) -> &'static str {
    if met { "met" } else { "missed" }
}

/// What this process has in memory, in KiB; 0 where /proc does not say.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
