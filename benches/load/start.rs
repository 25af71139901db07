//! From nothing to the first answered CONNECT.

use std::io::Write;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::args::Who;
use super::backend::PATIENCE;
use super::client::{Route, connect_from_elsewhere, reply};
use super::contender::{Yard, free_port};
use super::figures::percentile;

/// The median in ms over `starts` starts.
pub fn measure(yard: &Yard, who: Who, scenario: &str, starts: usize) -> Result<f64> {
    let mut times = Vec::with_capacity(starts);
    let began = Instant::now();
    // A proxy that takes seconds is not started ten times.
    while times.len() < starts && began.elapsed() < PATIENCE {
        times.push(once(yard, who, scenario)?.as_secs_f64() * 1e3);
    }
    Ok(percentile(&mut times, 50.0))
}

fn once(yard: &Yard, who: Who, scenario: &str) -> Result<Duration> {
    let port = free_port()?;
    let to = SocketAddr::from(([127, 0, 0, 1], port));
    let request = Route::request(yard.backend);
    let since = Instant::now();
    let mut process = yard.spawn(who, port, scenario)?;
    let mut stream = loop {
        if let Ok(stream) = connect_from_elsewhere(to) {
            break stream;
        }
        process.still_coming(since)?;
        // Costs at most a tenth of a millisecond, and leaves a core to the proxy.
        std::thread::sleep(Duration::from_micros(50));
    };
    let answered = stream.write_all(&request).and_then(|()| reply(&mut stream));
    let took = since.elapsed();
    answered.context("the first CONNECT").map_err(|error| process.explain(error))?;
    Ok(took)
}
