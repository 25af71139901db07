//! The healthy tunnel: bytes both ways, as fast as it goes, holding nothing while idle.
//!
//! All tunnels of a thread share one buffer: an idle tunnel costs its task and two sockets.
//! Between two sockets, a direction that moves in bulk goes on by splice (Linux).

use std::cell::RefCell;
use std::future::poll_fn;
use std::io::ErrorKind;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::conn::Conn;
use crate::event::Who;
use crate::fault::Ended;
use crate::wire::{BoxWire, End, is_reset};

/// Large enough that the system calls do not count, small enough for the cache.
const BUFFER: usize = 64 * 1024;

thread_local! {
    static SHARED: RefCell<Box<[u8]>> = RefCell::new(vec![0; BUFFER].into_boxed_slice());
}

/// Which side of a direction failed.
pub(super) enum Failed {
    /// Where the bytes come from.
    Read(std::io::Error),
    /// Where they go.
    Write(ErrorKind),
}

/// Whether a target that takes nothing more has sent a RST and no FIN before it. The kernel tells
/// of a RST once: where the write has been told, what comes after the last byte reads as an end of
/// file that nobody has sent. After a FIN the write's error is a broken pipe.
pub(super) fn reset_without_fin(write: Option<ErrorKind>) -> bool {
    write == Some(ErrorKind::ConnectionReset)
}

/// One direction.
#[derive(Default)]
pub(super) struct Half {
    /// Read and not yet taken by the other side.
    carry: Vec<u8>,
    eof: bool,
    done: bool,
    /// Bytes moved in all.
    pub moved: u64,
}

impl Half {
    /// Starts with bytes that were read before.
    pub fn starting(bytes: BytesMut) -> Self {
        Half { carry: bytes.to_vec(), ..Half::default() }
    }

    /// Bytes that wait for the other side to take them.
    pub fn carried(&self) -> u64 {
        self.carry.len() as u64
    }

    /// Whether all has been passed on.
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// Moves what there is. `enough`: returns early (with false) once that many have moved, never
    /// more, and nothing is carried. `last`: the end is not passed on. Either the other direction is
    /// done, and both sockets are about to be closed, which sends the FIN; or it is no FIN.
    pub fn poll<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut R,
        to: &mut W,
        enough: u64,
        last: bool,
    ) -> Poll<Result<bool, Failed>>
    where
        R: AsyncRead + Unpin + ?Sized,
        W: AsyncWrite + Unpin + ?Sized,
    {
        SHARED.with_borrow_mut(|buffer| {
            loop {
                if self.done {
                    return Poll::Ready(Ok(true));
                }
                if !self.carry.is_empty() {
                    let n = match ready!(Pin::new(&mut *to).poll_write(cx, &self.carry)) {
                        Ok(n) if n > 0 => n,
                        Ok(_) => return Poll::Ready(Err(Failed::Write(ErrorKind::WriteZero))),
                        Err(error) => return Poll::Ready(Err(Failed::Write(error.kind()))),
                    };
                    self.carry.drain(..n);
                    if self.carry.is_empty() {
                        self.carry = Vec::new();
                    }
                    continue;
                }
                if self.eof {
                    if !last {
                        // A peer that has gone already needs no FIN.
                        let _ = ready!(Pin::new(&mut *to).poll_shutdown(cx));
                    }
                    self.done = true;
                    continue;
                }
                if self.moved >= enough {
                    return Poll::Ready(Ok(false));
                }
                let room = usize::try_from(enough - self.moved).unwrap_or(BUFFER).min(BUFFER);
                let mut read = ReadBuf::new(&mut buffer[..room]);
                if let Err(error) = ready!(Pin::new(&mut *from).poll_read(cx, &mut read)) {
                    return Poll::Ready(Err(Failed::Read(error)));
                }
                let bytes = read.filled();
                self.eof = bytes.is_empty();
                self.moved += bytes.len() as u64;
                if bytes.is_empty() {
                    continue;
                }
                match Pin::new(&mut *to).poll_write(cx, bytes) {
                    Poll::Ready(Ok(n)) if n == bytes.len() => {}
                    Poll::Ready(Ok(n)) => self.carry = bytes[n..].to_vec(),
                    Poll::Pending => self.carry = bytes.to_vec(),
                    Poll::Ready(Err(error)) => {
                        return Poll::Ready(Err(Failed::Write(error.kind())));
                    }
                }
            }
        })
    }
}

/// Why the target takes nothing more, if that is so.
pub(super) fn refused(up: &Poll<Result<bool, Failed>>) -> Option<ErrorKind> {
    match up {
        Poll::Ready(Err(Failed::Write(kind))) => Some(*kind),
        _ => None,
    }
}

/// What the two directions have come to together; None while both go on.
pub(super) fn outcome(
    up: Poll<Result<bool, Failed>>,
    down: Poll<Result<bool, Failed>>,
) -> Option<Ended> {
    let gone = |who, error: &std::io::Error| {
        Some(Ended::Gone(who, if is_reset(error) { End::Reset } else { End::Fin }))
    };
    match (up, down) {
        (Poll::Ready(Err(Failed::Read(error))), _) => gone(Who::Client, &error),
        (_, Poll::Ready(Err(Failed::Read(error)))) => gone(Who::Upstream, &error),
        (_, Poll::Ready(Err(Failed::Write(_)))) => Some(Ended::Gone(Who::Client, End::Reset)),
        (Poll::Ready(Ok(true)), Poll::Ready(Ok(true))) => Some(Ended::Finished),
        // It has said its last and takes nothing more: a RST has answered the client's bytes.
        (Poll::Ready(Err(Failed::Write(_))), Poll::Ready(Ok(true))) => {
            Some(Ended::Gone(Who::Upstream, End::Reset))
        }
        // The target takes nothing more: what it said last may still be on its way down.
        _ => None,
    }
}

/// Both directions of a tunnel, and what is known of them.
#[derive(Default)]
pub(super) struct Both {
    /// Client to target.
    pub up: Half,
    /// Target to client.
    pub down: Half,
    /// Who was done first.
    pub first: Option<Who>,
    /// The target takes nothing more, and what it says to that.
    pub deaf: Option<ErrorKind>,
}

/// Passes bytes both ways until both sides are done or one has gone, and passes a reset on.
/// `early` is what the client has sent after its request head.
pub async fn relay(conn: &Conn, client: BoxWire, upstream: BoxWire, early: BytesMut) {
    let mut both = Both { up: Half::starting(early), ..Both::default() };
    let (mut client, mut upstream) = (client, upstream);
    let mut searched = upstream.is_searched();
    let ended = loop {
        #[cfg(target_os = "linux")]
        if !searched {
            (client, upstream) = match sockets(client, upstream) {
                Ok(pair) => return super::splice::relay(conn, pair, both).await,
                Err(wires) => wires,
            };
        }
        match copy(conn, &mut client, &mut upstream, &mut both, searched).await {
            Some(ended) => break ended,
            None => searched = false,
        }
    };
    match super::end(conn, ended, both.first) {
        (true, _) => upstream.arm_reset(),
        (_, true) => {
            conn.settle(&mut client).await;
            client.arm_reset();
        }
        _ => {}
    }
}

/// By copying. None: it was `searched`, and has turned out to be what nobody can read.
async fn copy(
    conn: &Conn,
    client: &mut BoxWire,
    upstream: &mut BoxWire,
    both: &mut Both,
    searched: bool,
) -> Option<Ended> {
    let Both { up, down, first, deaf } = both;
    poll_fn(|cx| {
        // Where the ceiling is reached, the connection is about to be ended.
        let room = conn.shared.room();
        let enough = up.moved.saturating_add(room);
        let a = match *deaf {
            Some(kind) => Poll::Ready(Err(Failed::Write(kind))),
            None => up.poll(cx, client, upstream, enough, down.is_done()),
        };
        *deaf = refused(&a);
        *first = first.or(up.is_done().then_some(Who::Client));
        // What was read and is on its way is not counted yet.
        let room = conn.shared.room().saturating_sub(down.carried());
        let enough = down.moved.saturating_add(room);
        let silent = up.is_done() || reset_without_fin(*deaf);
        let b = down.poll(cx, upstream, client, enough, silent);
        *first = first.or(down.is_done().then_some(Who::Upstream));
        if down.is_done() && !reset_without_fin(*deaf) {
            conn.passed_on();
        }
        match outcome(a, b) {
            Some(ended) => Poll::Ready(Some(ended)),
            None if searched && !upstream.is_searched() => Poll::Ready(None),
            None => Poll::Pending,
        }
    })
    .await
}

/// Both as sockets, when both are.
#[cfg(target_os = "linux")]
fn sockets(
    client: BoxWire,
    upstream: BoxWire,
) -> Result<(tokio::net::TcpStream, tokio::net::TcpStream), (BoxWire, BoxWire)> {
    // The client's last: its wire counts, and counts no more once it is taken apart.
    let upstream = match upstream.into_tcp() {
        Ok(upstream) => upstream,
        Err(upstream) => return Err((client, upstream)),
    };
    match client.into_tcp() {
        Ok(client) => Ok((client, upstream)),
        Err(client) => Err((client, Box::new(upstream))),
    }
}
