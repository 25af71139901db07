//! The helper: this program, started again. Its first form makes the namespaces and waits for its
//! second, which is the first process inside.

use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use super::control::{Up, send};
use super::plan::{Plan, Tap};
use super::space::{self, Failed};
use super::{VERB, files, init, net, sockets, tap};

/// `__sandbox enter PLAN` and `__sandbox init`: what the arguments after the verb say. Standard
/// input is the control socket. Gives the exit code.
pub fn helper(arguments: &[OsString]) -> i32 {
    let words: Vec<&str> = arguments.iter().filter_map(|word| word.to_str()).collect();
    let control = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3);
    match (words.as_slice(), control) {
        (["enter", plan], Ok(control)) => match serde_json::from_str(plan) {
            Ok(plan) => enter(&plan, &control),
            Err(_) => 2,
        },
        (["init", pids], Ok(control)) => init::run(control, *pids == "pids"),
        _ => 2,
    }
}

fn enter(plan: &Plan, control: &OwnedFd) -> i32 {
    // Whoever ends the run ends this, and this ends all that is inside.
    let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
    match prepare(plan, control) {
        Ok(status) => status,
        Err((step, error)) => {
            let errno = error.raw_os_error().unwrap_or(0);
            let _ = send(control, &Up::Refused { step: step.to_owned(), errno }, &[]);
            3
        }
    }
}

fn prepare(plan: &Plan, control: &OwnedFd) -> Result<i32, Failed> {
    space::make(plan.pids)?;
    files::mount_all(&plan.files)?;
    net::up(plan).map_err(|e| ("net", e))?;
    let (at, fds) = sockets::make(plan).map_err(|e| ("sockets", e))?;
    if plan.tap == Tap::Take {
        tap::take(at.first().map_or(0, SocketAddr::port)).map_err(|e| ("clsact", e))?;
    }
    space::keep_for_init().map_err(|e| ("caps", e))?;
    let mut init = spawn(plan, control).map_err(|e| ("init", e))?;
    let with: Vec<_> = fds.iter().map(AsFd::as_fd).collect();
    send(control, &Up::Ready { at }, &with).map_err(|e| ("control", e))?;
    drop(fds);
    let status = init.wait().map_err(|e| ("init", e))?;
    Ok(status.code().unwrap_or(3))
}

/// The first process inside. `/proc/self/exe` is this program, wherever it is, and still is when
/// its file has been replaced.
fn spawn(plan: &Plan, control: &OwnedFd) -> io::Result<std::process::Child> {
    let mut init = Command::new("/proc/self/exe");
    init.arg(VERB).arg("init").arg(if plan.pids { "pids" } else { "no-pids" });
    init.stdin(Stdio::from(control.try_clone()?));
    // As `enter` was called.
    init.arg0("badproxy");
    init.spawn()
}
