//! Opening a sandbox, from outside: the helper is started, and hands the sockets back.

use std::io;
use std::os::fd::OwnedFd;
use std::process::Stdio;

use tempfile::TempDir;
use tokio::net::UnixDatagram;
use tokio::process::Command;

use super::control::{Up, next, pair, waiting};
use super::files::NAMES;
use super::inside::{Inside, Opened};
use super::plan::Plan;
use super::why::Refused;
use super::{VERB, why};
use crate::run::orphans::Known;

/// Opens a sandbox with these sockets. `hosts`: lines for its `/etc/hosts`.
///
/// # Errors
///
/// What keeps this system from having one, and what helps.
pub async fn open(mut plan: Plan, hosts: &[(std::net::IpAddr, String)]) -> Result<Opened, Refused> {
    let dir = files(hosts).map_err(|error| Refused::other("files", &error))?;
    plan.files = dir.path().to_owned();
    plan.pids = true;
    match helper(&plan).await {
        // In a container `/proc` may be partly covered, and then there is no second one; what the
        // command leaves behind is found without.
        Err((step, _)) if step == "proc" => {
            plan.pids = false;
            helper(&plan).await
        }
        opened => opened,
    }
    .map(|(child, control, at, fds, known)| {
        let inside = Inside::new(control, dir, known);
        Opened { inside, child, at, fds }
    })
    .map_err(|(step, error)| why::here(&step, &error))
}

type Failed = (String, io::Error);
type Helped = (tokio::process::Child, UnixDatagram, Vec<std::net::SocketAddr>, Vec<OwnedFd>, Known);

async fn helper(plan: &Plan) -> Result<Helped, Failed> {
    let failed = |step: &str| {
        let step = step.to_owned();
        move |error: io::Error| (step, error)
    };
    let (ours, theirs) = pair().map_err(failed("control"))?;
    let control = waiting(ours).map_err(failed("control"))?;
    let plan = serde_json::to_string(plan).map_err(|e| ("control".to_owned(), e.into()))?;
    let mut helper = Command::new("/proc/self/exe");
    helper.arg0("badproxy").arg(VERB).arg("enter").arg(plan).stdin(Stdio::from(theirs));
    helper.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).process_group(0);
    let child = helper.spawn().map_err(failed("helper"))?;
    let known = Known::new(child.id());
    // Its copy of their end; without it, the end of the helper would not be seen.
    drop(helper);
    let (mut sockets, mut alive) = (None, false);
    loop {
        let message = next(&control).await.map_err(failed("helper"))?;
        match message {
            Some((Up::Ready { at }, fds)) => sockets = Some((at, fds)),
            Some((Up::Alive, _)) => alive = true,
            Some((Up::Refused { step, errno }, _)) => {
                return Err((step, io::Error::from_raw_os_error(errno)));
            }
            Some(_) => {}
            None => return Err(("helper".to_owned(), io::ErrorKind::UnexpectedEof.into())),
        }
        if alive && let Some((at, fds)) = sockets.take() {
            return Ok((child, control, at, fds, known));
        }
    }
}

/// The files for its `/etc`.
fn files(hosts: &[(std::net::IpAddr, String)]) -> io::Result<TempDir> {
    let dir = tempfile::Builder::new().prefix("badproxy-").tempdir()?;
    let named = hosts.iter().map(|(ip, name)| format!("{ip} {name}\n"));
    let hosts = ["127.0.0.1 localhost\n::1 localhost\n".to_owned()];
    let hosts: String = hosts.into_iter().chain(named).collect();
    let texts = [
        "nameserver 127.0.0.1\n",
        "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nservices: files\n\
         protocols: files\n",
        &hosts,
        // All addresses of a name in hosts, not only its first.
        "multi on\n",
    ];
    for (name, text) in NAMES.iter().zip(texts) {
        std::fs::write(dir.path().join(name), text)?;
    }
    Ok(dir)
}
