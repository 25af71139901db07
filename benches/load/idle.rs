//! What an idle tunnel costs in the proxy's memory (the kernel's socket buffers are not in it).

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::backend::{IDLE, PATIENCE};
use super::client::{Route, abort};
use super::proc;

/// Descriptors that are not tunnels: files, listeners, the runtimes.
const SPARE_FILES: usize = 450;

/// How many tunnels are opened at once.
const AT_A_TIME: usize = 16;

/// All of them must stand by then.
const DEADLINE: Duration = Duration::from_secs(30);

/// How many of `wanted` tunnels the system has room for, and what holds it down.
pub fn room(wanted: usize) -> (usize, Option<&'static str>) {
    let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let files = files.map_or(usize::MAX, |files| files as usize);
    // A tunnel takes two descriptors here (its two ends) and two in the proxy.
    let by_files = files.saturating_sub(SPARE_FILES) / 2;
    // All tunnels of a proxy go from 127.0.0.1 to one port of the backend.
    let range = proc::line("/proc/sys/net/ipv4/ip_local_port_range");
    let ends: Vec<usize> = range.split_whitespace().flat_map(str::parse).collect();
    let by_ports = if let [low, high] = ends[..] { (high - low) * 9 / 10 } else { 25_000 };
    match wanted.min(by_files).min(by_ports) {
        room if room == wanted => (room, None),
        room if room == by_files => (room, Some("ulimit -n")),
        room => (room, Some("ip_local_port_range")),
    }
}

/// KiB of resident memory that each of `tunnels` idle tunnels adds to `pid`, which has to be
/// fresh: memory freed by earlier work would be used first.
pub fn measure(route: Route, pid: u32, tunnels: usize) -> Result<f64> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // What a proxy allocates once, at its first connections, is not the tunnels'.
    release(runtime.block_on(open_all(route, AT_A_TIME))?);
    std::thread::sleep(Duration::from_millis(300));
    let before = proc::rss_bytes(pid)?;
    let held = runtime.block_on(open_all(route, tunnels))?;
    std::thread::sleep(Duration::from_millis(300));
    let after = proc::rss_bytes(pid)?;
    ensure!(before > 0 && after > 0, "the proxy is gone");
    release(held);
    Ok((after as f64 - before as f64) / 1024.0 / tunnels as f64)
}

async fn open_all(route: Route, tunnels: usize) -> Result<Vec<TcpStream>> {
    let since = Instant::now();
    let mut held = Vec::with_capacity(tunnels);
    let mut opening = JoinSet::new();
    for number in 0..tunnels {
        if opening.len() == AT_A_TIME {
            ensure!(since.elapsed() < DEADLINE, "{number} tunnels took {DEADLINE:?}");
            take(&mut opening, &mut held).await?;
        }
        opening.spawn(async move { timeout(PATIENCE, one(route, number)).await });
    }
    while !opening.is_empty() {
        take(&mut opening, &mut held).await?;
    }
    Ok(held)
}

type Opening = JoinSet<Result<Result<TcpStream>, tokio::time::error::Elapsed>>;

async fn take(opening: &mut Opening, held: &mut Vec<TcpStream>) -> Result<()> {
    let Some(opened) = opening.join_next().await else { return Ok(()) };
    let stream = opened?.context("took too long").and_then(|stream| stream);
    held.push(stream.with_context(|| format!("idle tunnel {}", held.len() + 1))?);
    Ok(())
}

/// A byte goes there and back, so that the tunnel is known to stand from end to end.
async fn one(route: Route, number: usize) -> Result<TcpStream> {
    // Eight source addresses, so that no range of ports is too small on this side.
    let source = Ipv4Addr::new(127, 0, 1, 1 + (number % 8) as u8);
    let mut stream = route.open_async(Some(source)).await?;
    stream.write_u8(IDLE).await?;
    ensure!(stream.read_u8().await? == IDLE, "another byte came back");
    Ok(stream)
}

fn release(held: Vec<TcpStream>) {
    held.iter().for_each(abort);
}
