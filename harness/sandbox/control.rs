//! What run and helper say to each other: one JSON text a packet, descriptors beside it.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::Interest;
use tokio::net::UnixDatagram;

/// Descriptors in one packet, at most.
pub(super) const MOST: usize = 64;

/// From the helper to the run.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Up {
    /// The namespaces stand; the sockets come with it, those that see packets last.
    Ready { at: Vec<SocketAddr> },
    /// The first process inside can start the command.
    Alive,
    /// They do not: at which step, and what the system said.
    Refused { step: String, errno: i32 },
    /// The command runs.
    Spawned,
    /// The command cannot be started.
    CannotSpawn { errno: i32 },
    /// The command has ended, with this wait status.
    Exited { status: i32 },
    /// Whether anything that it has started was still running.
    Left { any: bool },
}

/// From the run to the helper.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Down {
    /// Start the command; a file with the [`Command`] and its standard input come with it.
    Run,
    /// Ask the command and its process group to end.
    Term,
    /// Say what is left, and end all of it.
    End,
}

/// What is to be started.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Command {
    pub argv: Vec<String>,
    /// Variables, with their values; None removes one.
    pub env: Vec<(String, Option<String>)>,
}

/// An end that can be waited for. To tokio it is a datagram socket: it is one, with an end.
pub(super) fn waiting(end: OwnedFd) -> io::Result<UnixDatagram> {
    let end = std::os::unix::net::UnixDatagram::from(end);
    end.set_nonblocking(true)?;
    UnixDatagram::from_std(end)
}

/// The next message of such an end; None when the other has gone.
pub(super) async fn next<T: DeserializeOwned>(
    from: &UnixDatagram,
) -> io::Result<Option<(T, Vec<OwnedFd>)>> {
    loop {
        from.readable().await?;
        match from.try_io(Interest::READABLE, || receive(from)) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(None),
            message => return message,
        }
    }
}

/// Two ends; a packet sent into one comes whole out of the other.
pub(super) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?)
}

/// Sends one message.
pub(super) fn send(to: impl AsFd, what: &impl Serialize, with: &[BorrowedFd]) -> io::Result<()> {
    let text = serde_json::to_vec(what)?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !with.is_empty() && !control.push(SendAncillaryMessage::ScmRights(with)) {
        return Err(io::Error::other("too many descriptors for one packet"));
    }
    sendmsg(to, &[IoSlice::new(&text)], &mut control, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Receives one message; None when the other end is closed.
fn receive<T: DeserializeOwned>(from: impl AsFd) -> io::Result<Option<(T, Vec<OwnedFd>)>> {
    let mut text = vec![0; 64 * 1024];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let n = loop {
        let mut parts = [IoSliceMut::new(&mut text)];
        match recvmsg(&from, &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC) {
            Ok(received) => break received.bytes,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    };
    let mut with = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(fds) = message {
            with.extend(fds);
        }
    }
    if n == 0 {
        return Ok(None);
    }
    Ok(Some((serde_json::from_slice(&text[..n])?, with)))
}
