//! Several queries on one connection, each answered when its answer is ready (RFC 7766, section 6.2.1.1).
//! All are polled by one task, so that one waker is enough.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::wire::{BoxWire, Wire, is_reset};

/// Queries of one connection that are answered at a time; more are read when one of them is.
pub(super) const MOST: usize = 1000;

/// The connection, as its queries share it.
#[derive(Clone)]
pub(super) struct Pipeline(Arc<Mutex<State>>);

struct State {
    /// None once its end was taken.
    wire: Option<BoxWire>,
    /// Whole messages on their way out.
    out: BytesMut,
    /// How the client has ended its side.
    left: Option<Left>,
}

/// A FIN, or a RST.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    Fin,
    Reset,
}

fn gone() -> io::Error {
    io::ErrorKind::ConnectionReset.into()
}

impl Pipeline {
    /// Shares a connection.
    pub fn new(wire: BoxWire) -> Self {
        let (wire, out) = (Some(wire), BytesMut::new());
        Pipeline(Arc::new(Mutex::new(State { wire, out, left: None })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The wire as one query has it: what it writes goes out between two answers, and what it reads is
    /// the client's end and nothing else.
    pub fn part(&self) -> BoxWire {
        Box::new(Part(self.clone()))
    }

    /// Puts an answer behind what is on its way.
    pub fn answer(&self, message: &[u8]) {
        let mut state = self.state();
        state.out.extend_from_slice(&(message.len() as u16).to_be_bytes());
        state.out.extend_from_slice(message);
    }

    /// How the client has ended its side.
    pub fn left(&self) -> Option<Left> {
        self.state().left
    }

    /// Reads more into `inbox`; false: the client has ended its side.
    pub fn poll_more(&self, cx: &mut Context<'_>, inbox: &mut BytesMut) -> Poll<bool> {
        let mut state = self.state();
        let Some(wire) = &mut state.wire else { return Poll::Ready(false) };
        let mut buffer = [0; 4096];
        let mut read = ReadBuf::new(&mut buffer);
        let left = match ready!(Pin::new(wire).poll_read(cx, &mut read)) {
            Ok(()) if !read.filled().is_empty() => {
                inbox.extend_from_slice(read.filled());
                return Poll::Ready(true);
            }
            Err(error) if is_reset(&error) => Left::Reset,
            _ => Left::Fin,
        };
        state.left = Some(left);
        Poll::Ready(false)
    }

    /// Writes what is on its way.
    pub fn poll_drain(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.state().poll_drain(cx)
    }

    /// The connection, for its end.
    pub fn take(&self) -> Option<BoxWire> {
        self.state().wire.take()
    }
}

impl State {
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(wire) = &mut self.wire else { return Poll::Ready(Err(gone())) };
        while !self.out.is_empty() {
            match ready!(Pin::new(&mut *wire).poll_write(cx, &self.out))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                n => self.out.advance(n),
            }
        }
        Pin::new(wire).poll_flush(cx)
    }
}

struct Part(Pipeline);

impl AsyncRead for Part {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // The task that reads the queries polls this, too, when it has come to their end.
        match self.0.left() {
            None => Poll::Pending,
            Some(Left::Fin) => Poll::Ready(Ok(())),
            Some(Left::Reset) => Poll::Ready(Err(gone())),
        }
    }
}

impl AsyncWrite for Part {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.state().out.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_drain(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.0.state();
        ready!(state.poll_drain(cx))?;
        let Some(wire) = &mut state.wire else { return Poll::Ready(Err(gone())) };
        Pin::new(wire).poll_shutdown(cx)
    }
}

impl Wire for Part {
    fn arm_reset(&mut self) {
        if let Some(wire) = &mut self.0.state().wire {
            wire.arm_reset();
        }
    }

    fn poll_fin(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.0.state();
        ready!(state.poll_drain(cx))?;
        let Some(wire) = &mut state.wire else { return Poll::Ready(Err(gone())) };
        wire.poll_fin(cx)
    }

    fn poll_departed(&mut self, _: &mut Context<'_>) -> Poll<()> {
        if self.0.left().is_some() { Poll::Ready(()) } else { Poll::Pending }
    }

    fn unsent(&self) -> u64 {
        let state = self.0.state();
        state.out.len() as u64 + state.wire.as_ref().map_or(0, |wire| wire.unsent())
    }

    fn into_tcp(self: Box<Self>) -> Result<TcpStream, BoxWire> {
        Err(self)
    }
}
