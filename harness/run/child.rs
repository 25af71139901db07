//! The wrapped command: its own process group, its output passed on and looked at, its end.

use std::io::IsTerminal;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use super::ear::Ear;
use super::environment::Setting;
#[cfg(unix)]
use super::group;
use super::orphans::{self, Known};
use super::out::Out;
use super::strays;
use crate::log::Log;
#[cfg(target_os = "linux")]
use crate::sandbox::Inside;

/// A line that is not finished waits this long for its end, so that a secret that comes in two
/// parts is seen and masked as one.
const PATIENCE: Duration = Duration::from_millis(250);

/// A running command.
pub struct Wrapped {
    child: Child,
    pid: u32,
    readers: Vec<Reader>,
    /// What its environment is marked with; None in the sandbox, which nothing leaves.
    mark: Option<String>,
    _known: Known,
    /// Its sandbox: then the child is the helper, whose group has all that is inside below it.
    #[cfg(target_os = "linux")]
    inside: Option<Inside>,
}

/// Who reads one of its streams.
struct Reader {
    task: JoinHandle<()>,
    /// It waits for whoever reads us, and not for the command.
    passing: Arc<AtomicBool>,
}

/// Starts the command in a process group of its own, so that whatever it starts can be ended. Its
/// standard output and its standard error are passed on to these; `stdin`: it has our standard input.
///
/// # Errors
///
/// What the system says: no such file, not executable.
pub fn spawn(
    argv: &[String],
    settings: &[Setting],
    (stdout, stderr): (&Out, &Out),
    log: &Log,
    stdin: bool,
) -> std::io::Result<Wrapped> {
    let (program, arguments) = argv
        .split_first()
        .ok_or_else(|| std::io::Error::new(std::io::ErrorKind::InvalidInput, "no command"))?;
    let mut command = Command::new(program);
    command.args(arguments);
    for (name, value) in settings {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    // A terminal belongs to our process group: a command in another one that reads it is stopped.
    let stdin = stdin && !std::io::stdin().is_terminal();
    let input = if stdin { Stdio::inherit() } else { Stdio::null() };
    command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    let mark = strays::mark();
    command.env(strays::VARIABLE, &mark);
    let mut wrapped = Wrapped::new(command.spawn()?, (stdout, stderr), log);
    wrapped.mark = Some(mark);
    Ok(wrapped)
}

/// Starts the command in the sandbox, with the same care for its streams.
///
/// # Errors
///
/// What the system says: no such file, not executable.
#[cfg(target_os = "linux")]
pub async fn spawn_inside(
    opened: (Inside, Child),
    argv: &[String],
    settings: &[Setting],
    to: (&Out, &Out),
    log: &Log,
    ours: bool,
) -> std::io::Result<Wrapped> {
    let (mut inside, child) = opened;
    let env = settings.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let stdin = std::io::stdin();
    match ours && !stdin.is_terminal() {
        false => inside.spawn(argv, env, std::fs::File::open("/dev/null")?).await?,
        true => inside.spawn(argv, env, stdin).await?,
    }
    let mut wrapped = Wrapped::new(child, to, log);
    wrapped.inside = Some(inside);
    Ok(wrapped)
}

impl Wrapped {
    fn new(mut child: Child, (stdout, stderr): (&Out, &Out), log: &Log) -> Self {
        let child_id = child.id();
        let pid = child_id.unwrap_or(0);
        let mut readers = Vec::new();
        if let Some(pipe) = child.stdout.take() {
            readers.push(Reader::new(pipe, stdout, "stdout", log));
        }
        if let Some(pipe) = child.stderr.take() {
            readers.push(Reader::new(pipe, stderr, "stderr", log));
        }
        Wrapped {
            child,
            pid,
            readers,
            mark: None,
            _known: Known::new(child_id),
            #[cfg(target_os = "linux")]
            inside: None,
        }
    }
}

impl Reader {
    fn new(
        pipe: impl AsyncRead + Unpin + Send + 'static,
        to: &Out,
        stream: &'static str,
        log: &Log,
    ) -> Self {
        let passing = Arc::new(AtomicBool::new(false));
        let (to, log, flag) = (to.clone(), log.clone(), Arc::clone(&passing));
        let task = tokio::spawn(async move { pass_on(pipe, to, stream, log, &flag).await });
        Reader { task, passing }
    }

    /// Waits for the end of what it reads. A process that left the group may hold the pipe open
    /// for ever; whoever reads us slowly is waited for.
    async fn end(&mut self, patient: bool) {
        while tokio::time::timeout(Duration::from_secs(1), &mut self.task).await.is_err() {
            if !(patient && self.passing.load(Ordering::Relaxed)) {
                return self.task.abort();
            }
        }
    }
}

/// Passes a stream on as it comes, and writes down what it says.
async fn pass_on(
    mut pipe: impl AsyncRead + Unpin,
    to: Out,
    stream: &'static str,
    log: Log,
    passing: &AtomicBool,
) {
    let mut buffer = vec![0; 16 * 1024];
    let mut ear = Ear::new(stream, log);
    loop {
        let patience = if ear.waits() { PATIENCE } else { Duration::MAX };
        let n = match tokio::time::timeout(patience, pipe.read(&mut buffer)).await {
            Ok(Ok(n)) if n > 0 => n,
            Ok(_) => break,
            Err(_) => {
                ear.waits_no_more();
                continue;
            }
        };
        passing.store(true, Ordering::Relaxed);
        to.pass(&buffer[..n]).await;
        passing.store(false, Ordering::Relaxed);
        ear.hears(&buffer[..n]);
    }
    ear.ends();
}

/// Why a command could not be started.
pub(super) fn explain(program: &str, error: &std::io::Error) -> String {
    let (path, is_path) = (Path::new(program), program.contains('/'));
    let text = match error.kind() {
        std::io::ErrorKind::NotFound if path.is_file() && is_path => {
            "the interpreter that its first line names is not there"
        }
        std::io::ErrorKind::NotFound if program.contains(' ') => {
            "no such command; for a line of shell, write  -- sh -c '...'"
        }
        std::io::ErrorKind::NotFound if is_path => "no such file",
        std::io::ErrorKind::NotFound => "no such command (is it on the PATH?)",
        std::io::ErrorKind::PermissionDenied if path.is_dir() => "it is a directory",
        std::io::ErrorKind::PermissionDenied => "it is not executable",
        _ => return error.to_string(),
    };
    text.to_owned()
}

impl Wrapped {
    /// Its process id. Outside the sandbox it is its group's, too.
    pub fn pid(&self) -> u32 {
        #[cfg(target_os = "linux")]
        if self.inside.is_some() {
            // The helper's child is the first process inside, whose child is the command.
            return below(self.pid).and_then(below).unwrap_or(self.pid);
        }
        self.pid
    }

    /// Waits for its end.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub async fn wait(&mut self) -> std::io::Result<ExitStatus> {
        #[cfg(target_os = "linux")]
        if let Some(inside) = &mut self.inside {
            return inside.wait().await;
        }
        self.child.wait().await
    }

    /// Asks the whole group to end, and after half a second makes it.
    pub async fn kill(&mut self) -> Option<ExitStatus> {
        #[cfg(target_os = "linux")]
        if let Some(inside) = &mut self.inside {
            inside.term();
            let gentle = tokio::time::timeout(Duration::from_millis(500), inside.wait()).await;
            if let Ok(Ok(status)) = gentle {
                return Some(status);
            }
            // The first process inside ends, and with it all others.
            let _ = tokio::time::timeout(Duration::from_secs(1), inside.end()).await;
            group::signal(self.pid, rustix::process::Signal::KILL);
            return Some(std::os::unix::process::ExitStatusExt::from_raw(9));
        }
        #[cfg(unix)]
        {
            group::signal(self.pid, rustix::process::Signal::TERM);
            let gentle = tokio::time::timeout(Duration::from_millis(500), self.child.wait()).await;
            group::signal(self.pid, rustix::process::Signal::KILL);
            if let Ok(Ok(status)) = gentle {
                return Some(status);
            }
        }
        let _ = self.child.start_kill();
        self.child.wait().await.ok()
    }

    /// Ends what the command has left running, and waits for the rest of its output; `patient`:
    /// for as long as whoever reads us needs. Whether there was anything left.
    pub async fn clean_up(&mut self, patient: bool) -> bool {
        #[cfg(target_os = "linux")]
        let inside = match &mut self.inside {
            Some(inside) => inside.end().await,
            None => false,
        };
        #[cfg(all(unix, not(target_os = "linux")))]
        let inside = false;
        orphans::collect();
        #[cfg(unix)]
        let left = {
            let left = inside || (!self.is_inside() && group::lives(self.pid));
            group::signal(self.pid, rustix::process::Signal::KILL);
            left
        };
        // Windows has no process groups to ask; job objects need unsafe code.
        #[cfg(not(unix))]
        let left = false;
        // Once is enough: whatever is left of it then was killed.
        let left = self.mark.take().is_some_and(|mark| strays::end(&mark)) || left;
        // Of a sandbox this may be its first process, on its way out; what it left it has said.
        let orphan = orphans::end(Some(self.pid));
        #[cfg(unix)]
        let orphan = orphan && !self.is_inside();
        let left = orphan || left;
        for reader in &mut self.readers {
            reader.end(patient).await;
        }
        left
    }
}

/// The first child of a process that has one thread.
#[cfg(target_os = "linux")]
fn below(pid: u32) -> Option<u32> {
    let list = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
    list.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(unix)]
impl Wrapped {
    #[cfg(target_os = "linux")]
    fn is_inside(&self) -> bool {
        self.inside.is_some()
    }

    #[cfg(not(target_os = "linux"))]
    fn is_inside(&self) -> bool {
        false
    }
}

impl Drop for Wrapped {
    fn drop(&mut self) {
        #[cfg(unix)]
        if group::lives(self.pid) {
            group::signal(self.pid, rustix::process::Signal::KILL);
        }
        if let Some(mark) = &self.mark {
            strays::end(mark);
        }
        orphans::end(Some(self.pid));
    }
}
