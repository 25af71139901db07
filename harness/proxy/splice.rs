//! The tunnel between two sockets: the shared buffer for small talk, splice for bulk (Linux).
//!
//! Splice moves pages between sockets inside the kernel: a third of the CPU of copying. A pipe
//! costs descriptors and a detour for small messages, so a direction borrows one only after it
//! has moved a good deal, and gives it back when it falls idle.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::os::fd::OwnedFd;
use std::task::{Context, Poll, ready};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice};
use tokio::io::Interest;
use tokio::net::TcpStream;

use super::relay::{Both, Failed, Half, outcome, refused, reset_without_fin};
use crate::conn::Conn;
use crate::event::Who;
use crate::wire::Wire;

/// A direction that has moved this much is bulk.
const BULK: u64 = 256 * 1024;
/// Bytes that a pipe holds.
const PIPE: usize = 256 * 1024;

type Pipe = (OwnedFd, OwnedFd);

thread_local! {
    static SPARE: RefCell<Vec<Pipe>> = const { RefCell::new(Vec::new()) };
}

fn borrow_pipe() -> Option<Pipe> {
    if let Some(pipe) = SPARE.with_borrow_mut(Vec::pop) {
        return Some(pipe);
    }
    let (out, into) = pipe_with(PipeFlags::NONBLOCK | PipeFlags::CLOEXEC).ok()?;
    // Without the privilege for more, the default size does too.
    let _ = fcntl_setpipe_size(&into, PIPE);
    Some((out, into))
}

fn give_back(pipe: Pipe) {
    SPARE.with_borrow_mut(|spare| {
        if spare.len() < 16 {
            spare.push(pipe);
        }
    });
}

/// Whether the peer has ended its direction, as the kernel knows it now: what the runtime has been
/// told of is older.
fn fin_has_come(socket: &TcpStream) -> bool {
    let mut asked = [PollFd::new(socket, PollFlags::RDHUP)];
    poll(&mut asked, Some(&Timespec::default())).is_ok_and(|n| n > 0)
}

/// One direction: small talk by [`Half`], bulk by splice.
struct Way {
    half: Half,
    pipe: Option<Pipe>,
    held: usize,
    /// The last splice has stopped short, and no FIN had come before it.
    stopped: bool,
    bulk: bool,
    eof: bool,
    done: bool,
}

impl Way {
    fn new(half: Half) -> Self {
        Way { half, pipe: None, held: 0, stopped: false, bulk: false, eof: false, done: false }
    }

    fn is_done(&self) -> bool {
        self.done || self.half.is_done()
    }

    /// Bytes that the other side has not taken yet.
    fn held(&self) -> u64 {
        self.half.carried() + self.held as u64
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut TcpStream,
        to: &mut TcpStream,
        room: u64,
        last: bool,
    ) -> Poll<Result<bool, Failed>> {
        let enough = self.half.moved.saturating_add(room);
        if !self.bulk {
            if ready!(self.half.poll(cx, from, to, BULK.min(enough), last))? {
                return Poll::Ready(Ok(true));
            }
            self.bulk = self.half.moved >= BULK;
        }
        loop {
            if self.done {
                return Poll::Ready(Ok(true));
            }
            if self.held > 0 {
                ready!(to.poll_write_ready(cx)).map_err(|error| Failed::Write(error.kind()))?;
                let Some((out, _)) = &self.pipe else {
                    return Poll::Ready(Err(Failed::Write(io::ErrorKind::Other)));
                };
                let open = !fin_has_come(to);
                let moved = to.try_io(Interest::WRITABLE, || {
                    let flags = SpliceFlags::MOVE | SpliceFlags::NONBLOCK;
                    Ok(splice(out, None, &*to, None, self.held, flags)?)
                });
                let stopped = std::mem::take(&mut self.stopped);
                match moved {
                    Ok(n) => {
                        self.stopped = open && n < self.held;
                        self.held -= n.min(self.held);
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    // Splice writes in pieces. A RST that one of them is told of is swallowed with
                    // the count of those before it, and the next splice says what it would say
                    // after a FIN.
                    Err(error) if stopped && error.kind() == io::ErrorKind::BrokenPipe => {
                        return Poll::Ready(Err(Failed::Write(io::ErrorKind::ConnectionReset)));
                    }
                    Err(error) => return Poll::Ready(Err(Failed::Write(error.kind()))),
                }
                continue;
            }
            if self.eof {
                if !last {
                    let _ = ready!(to.poll_fin(cx));
                }
                self.done = true;
                continue;
            }
            let room = usize::try_from(enough - self.half.moved).unwrap_or(PIPE).min(PIPE);
            if room == 0 {
                return Poll::Ready(Ok(false));
            }
            match from.poll_read_ready(cx) {
                Poll::Pending => {
                    // Idle: somebody else may have the pipe.
                    if let Some(pipe) = self.pipe.take() {
                        give_back(pipe);
                    }
                    return Poll::Pending;
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(Failed::Read(error))),
                Poll::Ready(Ok(())) => {}
            }
            if self.pipe.is_none() {
                self.pipe = borrow_pipe();
            }
            let Some((_, into)) = &self.pipe else {
                // No descriptor to be had: copying needs none.
                return self.half.poll(cx, from, to, enough, last);
            };
            let moved = from.try_io(Interest::READABLE, || {
                let flags = SpliceFlags::MOVE | SpliceFlags::NONBLOCK;
                Ok(splice(&*from, None, into, None, room, flags)?)
            });
            match moved {
                Ok(0) => self.eof = true,
                Ok(n) => {
                    self.held = n;
                    self.half.moved += n as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(Failed::Read(error))),
            }
        }
    }
}

impl Drop for Way {
    fn drop(&mut self) {
        if let (0, Some(pipe)) = (self.held, self.pipe.take()) {
            give_back(pipe);
        }
    }
}

/// As [`super::relay::relay`], between two sockets.
pub(super) async fn relay(
    conn: &Conn,
    (mut client, mut upstream): (TcpStream, TcpStream),
    both: Both,
) {
    let Both { up, down, mut first, mut deaf } = both;
    let (mut up, mut down) = (Way::new(up), Way::new(down));
    // From here on not by the wires: splice goes past them.
    let mut counted = (up.half.moved, down.half.moved - down.held());
    let ended = poll_fn(|cx| {
        let room = conn.shared.room().saturating_sub(down.held());
        let a = match deaf {
            Some(kind) => Poll::Ready(Err(Failed::Write(kind))),
            None => up.poll(cx, &mut client, &mut upstream, room, down.is_done()),
        };
        deaf = refused(&a);
        first = first.or(up.is_done().then_some(Who::Client));
        let silent = up.is_done() || reset_without_fin(deaf);
        let b = down.poll(cx, &mut upstream, &mut client, room, silent);
        first = first.or(down.is_done().then_some(Who::Upstream));
        let moved = (up.half.moved, down.half.moved - down.held());
        conn.count_in(moved.0 - counted.0);
        conn.count_out(moved.1 - counted.1);
        counted = moved;
        match outcome(a, b) {
            Some(ended) => Poll::Ready(ended),
            None => Poll::Pending,
        }
    })
    .await;
    match super::end(conn, ended, first) {
        (true, _) => upstream.arm_reset(),
        (_, true) => {
            conn.settle(&mut client).await;
            client.arm_reset();
        }
        _ => {}
    }
}
