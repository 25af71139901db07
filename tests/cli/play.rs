//! Plays the real binary to its end and shows that it leaves nothing behind. Both `tests/cli` and
//! `tests/verdicts` are made of this.

use std::io::{ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use tempfile::TempDir;

/// Far above anything that a busy machine needs: only what never ends meets it.
const TOO_LONG: Duration = Duration::from_secs(120);
/// What was killed is gone by then; what was not (the tests' `sleep 100`) is not.
const GONE: Duration = Duration::from_secs(30);

/// A command line of badproxy, and what it is given.
pub struct Play {
    command: Command,
    input: Vec<u8>,
    tmp: TempDir,
}

/// How it went.
pub struct Played {
    pub status: ExitStatus,
    /// The exit code; -1 when a signal has ended it.
    pub code: i32,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

/// `badproxy ARGS`, in an environment without anybody's settings.
pub fn badproxy<S: AsRef<str>>(args: impl IntoIterator<Item = S>) -> Play {
    let mut command = Command::new(env!("CARGO_BIN_EXE_badproxy"));
    command.args(args.into_iter().map(|arg| arg.as_ref().to_owned()));
    let tmp = tempfile::tempdir().unwrap();
    // No ~/.curlrc; and what badproxy writes is written where it will be looked for.
    command.env("HOME", "/nonexistent").env("TMPDIR", tmp.path());
    for name in [
        "COLUMNS",
        "NO_COLOR",
        "CLICOLOR_FORCE",
        "TERM",
        "JAVA_TOOL_OPTIONS",
        "GITHUB_STEP_SUMMARY",
    ] {
        command.env_remove(name);
    }
    Play { command, input: Vec::new(), tmp }
}

impl Play {
    /// With this on its standard input, which its command inherits.
    pub fn input(mut self, bytes: &[u8]) -> Self {
        self.input = bytes.to_vec();
        self
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// In this directory.
    #[allow(dead_code, reason = "other targets have this file, too, and no use for it")]
    pub fn dir(mut self, dir: &std::path::Path) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// Started by a shell, after this line of it: limits, redirections.
    #[allow(dead_code, reason = "other targets have this file, too, and no use for it")]
    pub fn after(mut self, line: &str) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("{line}; exec \"$0\" \"$@\"")]);
        shell.arg(self.command.get_program()).args(self.command.get_args());
        for (name, value) in self.command.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        if let Some(dir) = self.command.get_current_dir() {
            shell.current_dir(dir);
        }
        self.command = shell;
        self
    }

    /// Plays it to its end.
    pub fn play(self) -> Played {
        self.play_with(|_| {})
    }

    /// Plays it to its end; `meanwhile` gets its process id when it was started.
    pub fn play_with(mut self, meanwhile: impl FnOnce(u32)) -> Played {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        self.command.stdin(OwnedFd::from(theirs)).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().unwrap();
        // The command holds our copy of its standard input.
        drop(self.command);
        let (stdout, stderr) = (read(child.stdout.take()), read(child.stderr.take()));
        let mut input = ours.try_clone().unwrap();
        let feed = std::thread::spawn(move || {
            // Whoever does not read it need not.
            let _ = input.write_all(&self.input);
            let _ = input.shutdown(std::net::Shutdown::Write);
        });
        meanwhile(child.id());
        let both = (stdout.recv_timeout(TOO_LONG), stderr.recv_timeout(TOO_LONG));
        let (Ok(stdout), Ok(stderr)) = both else {
            let _ = child.kill();
            panic!("badproxy did not end");
        };
        let status = child.wait().unwrap();
        let stderr = String::from_utf8_lossy(&stderr).into_owned();
        assert!(!stderr.contains("panicked"), "{stderr}");
        gone(&mut ours);
        feed.join().unwrap();
        let left: Vec<_> = std::fs::read_dir(self.tmp.path()).unwrap().collect();
        assert!(left.is_empty(), "left behind: {left:?}\n{stderr}");
        Played { status, code: status.code().unwrap_or(-1), stdout, stderr }
    }
}

impl Played {
    /// What came on standard output, as text.
    pub fn out(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap()
    }

    /// With this exit code.
    #[track_caller]
    pub fn ends(self, code: i32) -> Self {
        let out = String::from_utf8_lossy(&self.stdout);
        assert_eq!(self.code, code, "{:?}\nstdout: {out}\nstderr: {}", self.status, self.stderr);
        self
    }
}

fn read(pipe: Option<impl Read + Send + 'static>) -> mpsc::Receiver<Vec<u8>> {
    let (to, from) = mpsc::channel();
    std::thread::spawn(move || {
        let mut all = Vec::new();
        let _ = pipe.unwrap().read_to_end(&mut all);
        let _ = to.send(all);
    });
    from
}

/// The other end of its standard input is open as long as anything that it has started lives.
fn gone(input: &mut UnixStream) {
    input.set_read_timeout(Some(GONE)).unwrap();
    let mut nothing = [0; 1];
    match input.read(&mut nothing) {
        Ok(0) => {}
        // It has not read all that it was given.
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        other => panic!("something that the command has started still runs: {other:?}"),
    }
}

/// A scenario file with this text, in a directory that goes with it.
pub fn file(yaml: &str) -> (TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("scenario.yaml");
    std::fs::write(&path, yaml).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (dir, path)
}
