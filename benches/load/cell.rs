//! What a cell of a matrix costs beyond the client's own time, and how long a whole suite takes.

use std::fs::{self, File};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::args::Who;
use super::contender::Yard;

/// A matrix of so many cells, and one of `cells` more, differ by those alone: starting, the control
/// cells and the last cell's 200 ms for late retries are in both.
const FEW: usize = 10;

/// In clear: with TLS, most of the client's time would be that for reading its certificates.
const TARGET: &str = "http://target.badproxy.test/";

/// Milliseconds a run.
pub struct Sample {
    /// Of curl through a healthy badproxy that stands.
    pub bare: f64,
    /// Of a cell in which the same curl is played.
    pub cell: f64,
}

pub fn measure(yard: &Yard, plain: &str, cells: usize) -> Result<Sample> {
    let bare = {
        let running = yard.start(Who::Badproxy, plain)?;
        let proxy = format!("http://{}", running.route.to);
        let since = Instant::now();
        for _ in 0..cells {
            let mut curl = Command::new("curl");
            curl.args(["-sS", "-o", "/dev/null", "-x", &proxy, TARGET]).env_remove("no_proxy");
            let status = curl.stdin(Stdio::null()).status().context("curl did not start")?;
            ensure!(status.success(), "curl, through a healthy proxy: {status}");
        }
        since.elapsed()
    };
    let (few, many) = (matrix(yard, FEW)?, matrix(yard, FEW + cells)?);
    let each = |time: Duration| time.as_secs_f64() * 1e3 / cells as f64;
    Ok(Sample { bare: each(bare), cell: each(many.saturating_sub(few)) })
}

/// Seconds for curl behind the newest frozen suite, and how many scenarios are in that.
pub fn suite(yard: &Yard) -> Result<(f64, usize)> {
    let client = ["curl", "-sS", "--max-time", "{timeout}", "{target}"];
    let took = play(yard, &["--keep", "none"], &client)?;
    let file = fs::read_to_string(yard.dir.join("matrix/summary.json"))?;
    let summary: serde_json::Value = serde_json::from_str(&file)?;
    ensure!(summary["partial"] == false, "the matrix ended early: {}", summary["partial_why"]);
    let count = summary["scenarios"].as_array().map_or(0, Vec::len);
    Ok((took.as_secs_f64(), count))
}

/// So many healthy cells, one after the other.
fn matrix(yard: &Yard, cells: usize) -> Result<Duration> {
    let mut args = ["--jobs", "1", "--confirm", "0", "--keep", "none"].map(str::to_owned).to_vec();
    for number in 0..cells {
        let path = yard.dir.join(format!("cell-{number}.yaml"));
        let text = format!("name: bench/cell-{number}\nclient: {{target: \"{TARGET}\"}}\n");
        fs::write(&path, text).with_context(|| path.display().to_string())?;
        args.extend(["--scenario".to_owned(), path.display().to_string()]);
    }
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let took = play(yard, &args, &["curl", "-sS", "-o", "/dev/null", "{target}"])?;
    let file = fs::read_to_string(yard.dir.join("matrix/summary.json"))?;
    let summary: serde_json::Value = serde_json::from_str(&file)?;
    let all = summary["cells"].as_array().context("a summary without cells")?;
    let passed = all.iter().filter(|cell| cell["verdict"] == "PASS").count();
    ensure!(passed == cells, "{passed} of {cells} healthy cells passed");
    Ok(took)
}

fn play(yard: &Yard, args: &[&str], client: &[&str]) -> Result<Duration> {
    let stderr = yard.dir.join("matrix.err");
    let mut command = Command::new(&yard.badproxy);
    command.arg("matrix").args(args).arg("--out").arg(yard.dir.join("matrix")).arg("--");
    command.args(client).stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&stderr)?);
    let since = Instant::now();
    let status = command.status().context("badproxy did not start")?;
    let took = since.elapsed();
    // 1: curl by default takes an error page for a success, which some scenarios call WRONG.
    let ended = matches!(status.code(), Some(0 | 1));
    ensure!(ended, "badproxy matrix: {status}: {}", fs::read_to_string(&stderr)?.trim());
    Ok(took)
}
