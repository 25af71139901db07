//! An open sandbox, from outside: the command in it, and its end.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use tempfile::TempDir;
use tokio::net::UnixDatagram;

use crate::run::orphans::Known;

use super::control::{Command, Down, Up, next, send};

/// A sandbox that was just opened.
pub struct Opened {
    /// The way to its first process.
    pub inside: Inside,
    /// The helper; its standard output and standard error are the command's.
    pub child: tokio::process::Child,
    /// Where the sockets of the plan are, in its order.
    pub at: Vec<SocketAddr>,
    /// These sockets, and then the two that see packets: IPv4, IPv6.
    pub fds: Vec<OwnedFd>,
}

/// The way to the first process inside.
pub struct Inside {
    control: UnixDatagram,
    status: Option<ExitStatus>,
    left: Option<bool>,
    over: bool,
    _files: TempDir,
    _known: Known,
}

impl Inside {
    pub(super) fn new(control: UnixDatagram, files: TempDir, known: Known) -> Self {
        Inside { control, status: None, left: None, over: false, _files: files, _known: known }
    }

    /// Starts the command with these variables set, or removed.
    ///
    /// # Errors
    ///
    /// What the system says: no such file, not executable.
    pub async fn spawn(
        &mut self,
        argv: &[String],
        env: Vec<(String, Option<String>)>,
        input: impl AsFd,
    ) -> io::Result<()> {
        let order = Command { argv: argv.to_vec(), env };
        let flags = rustix::fs::MemfdFlags::CLOEXEC;
        let mut file = File::from(rustix::fs::memfd_create("badproxy-command", flags)?);
        file.write_all(&serde_json::to_vec(&order)?)?;
        file.seek(SeekFrom::Start(0))?;
        send(&self.control, &Down::Run, &[file.as_fd(), input.as_fd()])?;
        loop {
            match next(&self.control).await? {
                Some((Up::Spawned, _)) => return Ok(()),
                Some((Up::CannotSpawn { errno }, _)) => {
                    return Err(io::Error::from_raw_os_error(errno));
                }
                Some(_) => {}
                None => return Err(io::Error::other("the sandbox has ended")),
            }
        }
    }

    /// Waits for the command's end.
    ///
    /// # Errors
    ///
    /// When the sandbox has ended before it.
    pub async fn wait(&mut self) -> io::Result<ExitStatus> {
        while self.status.is_none() && !self.over {
            self.listen().await?;
        }
        self.status.ok_or_else(|| io::Error::other("the sandbox has ended"))
    }

    /// Asks the command and its process group to end.
    pub fn term(&self) {
        let _ = send(&self.control, &Down::Term, &[]);
    }

    /// Ends all that is inside. Whether there was anything.
    pub async fn end(&mut self) -> bool {
        if send(&self.control, &Down::End, &[]).is_err() {
            return false;
        }
        while self.left.is_none() && !self.over && self.listen().await.is_ok() {}
        self.left.unwrap_or(false)
    }

    async fn listen(&mut self) -> io::Result<()> {
        match next(&self.control).await? {
            Some((Up::Exited { status }, _)) => self.status = Some(ExitStatus::from_raw(status)),
            Some((Up::Left { any }, _)) => self.left = Some(any),
            Some(_) => {}
            None => self.over = true,
        }
        Ok(())
    }
}
