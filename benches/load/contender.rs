//! The proxies: how each is configured, started and ended. Every instance has a free port of
//! 127.0.0.1 and files of its own in the run's directory, so Debian's services do not matter.
//!
//! Each is left at its defaults except for what the measure needs: no log, no cache, room for
//! the tunnels. haproxy runs in TCP mode straight to the backend; it has no CONNECT.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};

use super::args::Who;
use super::backend::PATIENCE;
use super::client::Route;
use super::guard;

/// Between two looks at whether a proxy is ready.
const POLL: Duration = Duration::from_millis(2);

/// What starting a contender takes.
pub struct Yard {
    pub dir: PathBuf,
    pub badproxy: PathBuf,
    pub backend: SocketAddr,
    /// How many tunnels at once a proxy must have room for.
    pub tunnels: usize,
    started: std::cell::Cell<usize>,
}

/// A contender that answers; ended when dropped.
pub struct Running {
    pub route: Route,
    process: Option<Process>,
}

impl Running {
    /// The process to look at; the direct connection has none.
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(|process| process.child.id())
    }

    /// `error`, with what the proxy wrote to its standard error.
    pub fn explain(&self, error: anyhow::Error) -> anyhow::Error {
        match &self.process {
            Some(process) => process.explain(error),
            None => error,
        }
    }
}

/// A proxy's process, killed when dropped.
pub struct Process {
    pub child: Child,
    who: Who,
    service: String,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Drop for Process {
    fn drop(&mut self) {
        // Asked first: badproxy removes its CA files.
        let pid = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw);
        if let Some(pid) = pid {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        for _ in 0..100 {
            match self.child.try_wait() {
                Ok(None) => std::thread::sleep(std::time::Duration::from_millis(10)),
                _ => break,
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        if self.who == Who::Squid {
            guard::sweep(&format!("{}-", self.service));
        }
        let _ = fs::remove_file(&self.stdout);
        let _ = fs::remove_file(&self.stderr);
    }
}

impl Process {
    pub fn explain(&self, error: anyhow::Error) -> anyhow::Error {
        let text = fs::read_to_string(&self.stderr).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        let tail = lines[lines.len().saturating_sub(15)..].join("\n    ");
        if tail.is_empty() {
            anyhow!("{error:#} (its stderr is empty)")
        } else {
            anyhow!("{error:#}; its stderr:\n    {tail}")
        }
    }

    /// Fails as soon as the process has ended or has had its time.
    pub fn still_coming(&mut self, since: Instant) -> Result<()> {
        let error = match self.child.try_wait()? {
            Some(status) => anyhow!("{} ended early, {status}", self.who.name()),
            None if since.elapsed() > PATIENCE => {
                anyhow!("{} is not ready after {PATIENCE:?}", self.who.name())
            }
            None => return Ok(()),
        };
        Err(self.explain(error))
    }
}

impl Yard {
    pub fn new(dir: PathBuf, badproxy: PathBuf, backend: SocketAddr, tunnels: usize) -> Yard {
        Yard { dir, badproxy, backend, tunnels, started: Default::default() }
    }

    /// Starts `who` and waits until it accepts connections. `scenario` is for badproxy.
    pub fn start(&self, who: Who, scenario: &str) -> Result<Running> {
        let target = (!matches!(who, Who::Direct | Who::Haproxy)).then_some(self.backend);
        if who == Who::Direct {
            return Ok(Running { route: Route { to: self.backend, target }, process: None });
        }
        let since = Instant::now();
        let (to, process) = if who == Who::Badproxy {
            let mut process = self.spawn(who, 0, scenario)?;
            (announced(&mut process, since)?, process)
        } else {
            let port = free_port()?;
            let mut process = self.spawn(who, port, scenario)?;
            let to = SocketAddr::from(([127, 0, 0, 1], port));
            while TcpStream::connect(to).is_err() {
                process.still_coming(since)?;
                std::thread::sleep(POLL);
            }
            (to, process)
        };
        Ok(Running { route: Route { to, target }, process: Some(process) })
    }

    /// Starts the process and does not wait. Port 0 leaves the choice to badproxy.
    pub fn spawn(&self, who: Who, port: u16, scenario: &str) -> Result<Process> {
        let number = self.started.replace(self.started.get() + 1);
        let file = |ending: &str| self.dir.join(format!("{}-{number}.{ending}", who.name()));
        // squid names its shared memory after it; two with the same name do not start.
        let service = format!("{}{number}", guard::service(std::process::id()));
        let mut command = match who {
            Who::Direct => bail!("a direct connection has no process"),
            Who::Badproxy => {
                let mut command = Command::new(&self.badproxy);
                command.args(["serve", scenario, "--forward", "--listen"]);
                command.arg(format!("127.0.0.1:{port}")).args(["--quiet", "--format", "jsonl"]);
                command
            }
            Who::Haproxy => {
                configured("haproxy", &["-db", "-f"], file("conf"), self.haproxy(port))?
            }
            Who::Tinyproxy => {
                configured("tinyproxy", &["-d", "-c"], file("conf"), self.tinyproxy(port))?
            }
            Who::Squid => {
                let flags = ["-n", &service, "-N", "-d", "1", "-f"];
                configured("squid", &flags, file("conf"), self.squid(port))?
            }
        };
        // Files and not pipes: a pipe would need a reader, which would take CPU time from the
        // measure each time badproxy logs an event.
        let (stdout, stderr) = (file("out"), file("err"));
        command.stdin(Stdio::null());
        command.stdout(File::create(&stdout)?).stderr(File::create(&stderr)?);
        let child = command.spawn().with_context(|| format!("{} did not start", who.name()))?;
        Ok(Process { child, who, service, stdout, stderr })
    }

    fn haproxy(&self, port: u16) -> String {
        let (room, backend) = (self.tunnels + 64, self.backend);
        format!(
            "global\n  maxconn {room}\n\
             defaults\n  mode tcp\n  maxconn {room}\n  timeout connect 5s\n  \
             timeout client 10m\n  timeout server 10m\n\
             listen bench\n  bind 127.0.0.1:{port}\n  server backend {backend}\n"
        )
    }

    fn tinyproxy(&self, port: u16) -> String {
        let room = self.tunnels + 64;
        format!(
            "Port {port}\nListen 127.0.0.1\nTimeout 600\nMaxClients {room}\n\
             Allow 127.0.0.0/8\nLogLevel Critical\n"
        )
    }

    fn squid(&self, port: u16) -> String {
        // Two descriptors a tunnel, and squid keeps some for itself.
        let (files, dir) = (2 * self.tunnels + 400, self.dir.display());
        format!(
            "http_port 127.0.0.1:{port}\nacl near src 127.0.0.0/8\nhttp_access allow near\n\
             http_access deny all\ncache deny all\naccess_log none\ncache_log /dev/null\n\
             cache_store_log none\npid_filename none\npinger_enable off\n\
             visible_hostname bench.invalid\nmax_filedescriptors {files}\n\
             coredump_dir {dir}\nshutdown_lifetime 0 seconds\n"
        )
    }
}

fn configured(program: &str, flags: &[&str], path: PathBuf, config: String) -> Result<Command> {
    fs::write(&path, config).with_context(|| path.display().to_string())?;
    let mut command = Command::new(program);
    command.args(flags).arg(path);
    Ok(command)
}

/// A port that was free a moment ago; the other proxies cannot say which one they took.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Waits for badproxy's line that it is ready: an object with `"proxy": "http://ADDRESS"`.
fn announced(process: &mut Process, since: Instant) -> Result<SocketAddr> {
    loop {
        let text = fs::read_to_string(&process.stdout).unwrap_or_default();
        // The last piece has no end yet, and may be half a line.
        for line in text.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
            let Ok(event) = serde_json::from_str::<serde_json::Value>(line) else { continue };
            let Some(url) = event.get("proxy").and_then(|url| url.as_str()) else { continue };
            let addr = url.trim_start_matches("http://").trim_end_matches('/');
            return addr.parse().with_context(|| format!("badproxy said it listens at {url}"));
        }
        process.still_coming(since)?;
        std::thread::sleep(POLL);
    }
}
