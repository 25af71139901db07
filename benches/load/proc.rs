//! CPU time and memory of a process with all its threads and children, out of `/proc`.

use std::fs;

use anyhow::{Context, Result};

/// The unit of the times in `/proc/PID/stat`, per second. The kernel's own clock may run at
/// another rate; this one is part of its interface and is 100 wherever badproxy runs.
const TICKS: f64 = 100.0;

/// CPU seconds, user and system, of `pid`, its threads and its children.
pub fn cpu_seconds(pid: u32) -> Result<f64> {
    let mut ticks = 0;
    for pid in family(pid)? {
        // A child that ended meanwhile is in its parent's cutime and cstime.
        let Some(fields) = stat(pid) else { continue };
        // utime, stime, cutime, cstime: fields 14 to 17, counted from 1 with `state` the third.
        for field in &fields[11..15] {
            ticks += field.parse::<u64>().context("/proc/PID/stat")?;
        }
    }
    Ok(ticks as f64 / TICKS)
}

/// Resident memory in bytes of `pid` and its children.
pub fn rss_bytes(pid: u32) -> Result<u64> {
    let mut total = 0;
    for pid in family(pid)? {
        let Some(rss) = status(&pid.to_string(), "VmRSS:") else { continue };
        let kib = rss.strip_suffix(" kB").context("VmRSS is not in kB")?;
        total += kib.parse::<u64>().context("VmRSS")? * 1024;
    }
    Ok(total)
}

/// `pid` and its descendants, found by their parents: `/proc/PID/task/TID/children` is not in
/// every kernel.
fn family(pid: u32) -> Result<Vec<u32>> {
    let mut parents: Vec<(u32, u32)> = Vec::new();
    for entry in fs::read_dir("/proc").context("/proc")?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let Some(parent) = stat(pid).and_then(|fields| fields[1].parse().ok()) else { continue };
        parents.push((pid, parent));
    }
    let mut family = vec![pid];
    let mut next = 0;
    while next < family.len() {
        let parent = family[next];
        family.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
        next += 1;
    }
    Ok(family)
}

/// The fields of `/proc/PID/stat` from `state` on; what comes before may hold spaces.
fn stat(pid: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<String> =
        text[text.rfind(')')? + 1..].split_whitespace().map(str::to_owned).collect();
    (fields.len() > 15).then_some(fields)
}

/// The value of a line of `/proc/PID/status`.
pub fn status(pid: &str, key: &str) -> Option<String> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    text.lines().find_map(|line| line.strip_prefix(key)).map(|rest| rest.trim().to_owned())
}

/// The first line of a file in `/proc`, trimmed.
pub fn line(path: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().next().unwrap_or_default().trim().to_owned()
}
