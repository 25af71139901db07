//! The first process inside: it starts the command, collects what ends, and takes everything with
//! it when it ends itself.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::Stdio;

use rustix::process::{Pid, Signal, WaitOptions};
use tokio::net::UnixDatagram;
use tokio::signal::unix::{SignalKind, signal};

use super::control::{Command, Down, Up, next, send, waiting};
use super::{files, space};

/// Gives the exit code. `pids`: this is process 1 of a namespace.
pub(super) fn run(control: OwnedFd, pids: bool) -> i32 {
    let _ = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
    if pids && let Err(error) = files::mount_proc() {
        let errno = error.raw_os_error().unwrap_or(0);
        let _ = send(&control, &Up::Refused { step: "proc".to_owned(), errno }, &[]);
        return 3;
    }
    if !pids {
        // What its parents leave behind becomes a child of this one.
        let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
    }
    let _ = space::forget();
    let _ = send(&control, &Up::Alive, &[]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let code = match runtime {
        Ok(runtime) => runtime.block_on(serve(control, pids)).map_or(3, |()| 0),
        Err(_) => 3,
    };
    if !pids {
        end_children();
    }
    code
}

/// Does what the run says, until it says the last or is gone.
async fn serve(control: OwnedFd, pids: bool) -> io::Result<()> {
    let mut ended = signal(SignalKind::child())?;
    let control = waiting(control)?;
    let mut command = None;
    loop {
        tokio::select! {
            biased;
            _ = ended.recv() => collect(&control, command),
            message = next::<Down>(&control) => {
                // Nothing: whoever ran this is gone.
                let Some((message, with)) = message? else { return Ok(()) };
                match message {
                    Down::Run => match start(with) {
                        Ok(pid) => {
                            command = Some(pid);
                            send(&control, &Up::Spawned, &[])?;
                            collect(&control, command);
                        }
                        Err(error) => {
                            let errno = error.raw_os_error().unwrap_or(0);
                            send(&control, &Up::CannotSpawn { errno }, &[])?;
                        }
                    },
                    Down::Term => {
                        if let Some(pid) = command {
                            let _ = rustix::process::kill_process_group(pid, Signal::TERM);
                        }
                    }
                    Down::End => {
                        collect(&control, command);
                        let any = any_child();
                        if !pids {
                            end_children();
                        }
                        // Whoever hears it ends this process.
                        send(&control, &Up::Left { any }, &[])?;
                        return Ok(());
                    }
                }
            }
        }
    }
}

/// Starts the command in a process group of its own.
fn start(with: Vec<OwnedFd>) -> io::Result<Pid> {
    let mut with = with.into_iter();
    let (Some(order), Some(input)) = (with.next(), with.next()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let mut text = String::new();
    File::from(order).read_to_string(&mut text)?;
    let Command { argv, env } = serde_json::from_str(&text)?;
    let (program, arguments) = argv.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut command = std::process::Command::new(program);
    command.args(arguments).stdin(Stdio::from(input)).process_group(0);
    for (name, value) in env {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let child = command.spawn()?;
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    pid.ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// Collects all that has ended, and tells of the command.
fn collect(control: &UnixDatagram, command: Option<Pid>) {
    while let Ok(Some((pid, status))) = rustix::process::wait(WaitOptions::NOHANG) {
        if Some(pid) == command {
            let _ = send(control, &Up::Exited { status: status.as_raw() }, &[]);
        }
    }
}

/// Whether anything runs: what has lost its parent is a child of this process.
fn any_child() -> bool {
    rustix::process::wait(WaitOptions::NOHANG).is_ok()
}

/// Without a process namespace, what still runs is ended one by one, until nothing is left.
fn end_children() {
    let pid = rustix::process::getpid().as_raw_nonzero();
    let list = format!("/proc/{pid}/task/{pid}/children");
    while any_child() {
        let text = std::fs::read_to_string(&list).unwrap_or_default();
        let children = text.split_ascii_whitespace().filter_map(|word| word.parse().ok());
        let mut some = false;
        for child in children.filter_map(Pid::from_raw) {
            some |= rustix::process::kill_process(child, Signal::KILL).is_ok();
        }
        if !some {
            return;
        }
        let _ = rustix::process::wait(WaitOptions::empty());
    }
}
