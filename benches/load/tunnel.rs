//! One bulk tunnel: how fast, and what it costs the proxy.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::backend::{Backend, CHUNK, PATIENCE, SINK, SOURCE};
use super::client::{Route, abort};
use super::proc;

#[derive(Default)]
pub struct Sample {
    bytes: u64,
    seconds: f64,
    cpu: f64,
}

impl Sample {
    pub fn gb_per_second(&self) -> f64 {
        self.bytes as f64 / 1e9 / self.seconds
    }

    pub fn cpu_per_gb(&self) -> f64 {
        self.cpu / (self.bytes as f64 / 1e9)
    }
}

/// Half the time from the backend, half the time to it: a proxy may be better at one.
pub fn measure(
    route: Route,
    backend: &Backend,
    pid: Option<u32>,
    time: Duration,
) -> Result<Sample> {
    let mut sample = Sample::default();
    down(route, pid, time / 2, &mut sample).context("bulk from the backend")?;
    // The proxy gets rid of the first tunnel before it is charged for the second.
    std::thread::sleep(Duration::from_millis(30));
    up(route, backend, pid, time / 2, &mut sample).context("bulk to the backend")?;
    Ok(sample)
}

fn cpu(pid: Option<u32>) -> Result<f64> {
    pid.map_or(Ok(0.0), proc::cpu_seconds)
}

fn down(route: Route, pid: Option<u32>, time: Duration, sample: &mut Sample) -> Result<()> {
    let mut stream = route.open()?;
    stream.write_all(&[SOURCE])?;
    let mut chunk = vec![0; CHUNK];
    stream.read_exact(&mut chunk)?;
    let (cpu_before, since) = (cpu(pid)?, Instant::now());
    let mut bytes = 0;
    while since.elapsed() < time {
        let n = stream.read(&mut chunk)?;
        ensure!(n > 0, "the tunnel closed after {bytes} bytes");
        bytes += n as u64;
    }
    sample.seconds += since.elapsed().as_secs_f64();
    sample.cpu += cpu(pid)? - cpu_before;
    sample.bytes += bytes;
    abort(&stream);
    Ok(())
}

fn up(
    route: Route,
    backend: &Backend,
    pid: Option<u32>,
    time: Duration,
    sample: &mut Sample,
) -> Result<()> {
    // A count from a tunnel that failed earlier is not ours.
    while backend.sunk.try_recv().is_ok() {}
    let mut stream = route.open()?;
    stream.write_all(&[SINK])?;
    let chunk = vec![0x5a; CHUNK];
    let (cpu_before, since) = (cpu(pid)?, Instant::now());
    while since.elapsed() < time {
        stream.write_all(&chunk)?;
    }
    stream.shutdown(Shutdown::Write)?;
    let sunk = backend.sunk.recv_timeout(PATIENCE).context("the end did not reach the backend")?;
    sample.seconds += (sunk.ended - since).as_secs_f64();
    sample.cpu += cpu(pid)? - cpu_before;
    sample.bytes += sunk.bytes;
    Ok(())
}
