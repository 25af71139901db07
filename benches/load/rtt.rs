//! One byte there and back through an open tunnel, with all who handle it on one core.

use std::io::{Read, Write};
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use super::backend::{ECHO, PATIENCE};
use super::client::Route;
use super::figures::percentile;
use super::pin;

/// The median in µs of `trips` round trips, after a tenth as many to warm up.
pub fn measure(route: Route, pid: Option<u32>, trips: usize) -> Result<f64> {
    let _pinned = pin::together(pid).context("taskset could not put all on one core")?;
    let mut stream = route.open()?;
    stream.write_all(&[ECHO])?;
    let mut byte = [0x5a];
    let mut times = Vec::with_capacity(trips);
    let began = Instant::now();
    for trip in 0..trips + trips / 10 {
        let since = Instant::now();
        ensure!(since - began < PATIENCE, "{trip} round trips took {PATIENCE:?}");
        stream.write_all(&byte)?;
        stream.read_exact(&mut byte)?;
        if trip >= trips / 10 {
            times.push(since.elapsed().as_secs_f64() * 1e6);
        }
    }
    Ok(percentile(&mut times, 50.0))
}
