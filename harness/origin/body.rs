//! The bytes of a response body: at once, in a pattern, or in pieces over time.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, ReadBuf};

use crate::clock::{Clock, Wait};

/// What `/bytes/N` is made of.
const PATTERN: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-\n";

/// A piece of a body.
#[derive(Debug, Clone)]
pub enum Piece {
    /// These bytes.
    Bytes(Bytes),
    /// That many bytes of the pattern.
    Pattern(u64),
    /// Nothing for a while.
    Pause(Duration),
}

/// A body, read as it is sent.
pub struct Body {
    pieces: VecDeque<Piece>,
    clock: Clock,
    wait: Option<Wait>,
    phase: usize,
}

impl Body {
    /// A body of these pieces.
    pub fn new(clock: Clock, pieces: impl IntoIterator<Item = Piece>) -> Self {
        Body { pieces: pieces.into_iter().collect(), clock, wait: None, phase: 0 }
    }

    /// The pattern begins as if this many bytes of it had passed.
    pub fn start_at(&mut self, first: u64) {
        self.phase = (first % PATTERN.len() as u64) as usize;
    }

    /// The pause that comes before all else, taken out: the head waits for it, too.
    pub fn lead(&mut self) -> Option<Duration> {
        let Some(Piece::Pause(length)) = self.pieces.front() else { return None };
        let length = *length;
        self.pieces.pop_front();
        Some(length)
    }

    /// Bytes left.
    pub fn len(&self) -> u64 {
        let len = |p: &Piece| match p {
            Piece::Bytes(b) => b.len() as u64,
            Piece::Pattern(n) => *n,
            Piece::Pause(_) => 0,
        };
        self.pieces.iter().map(len).sum()
    }

    /// All of it, when it is small and at once.
    pub fn at_once(&self) -> Option<Bytes> {
        match self.pieces.iter().collect::<Vec<_>>().as_slice() {
            [] => Some(Bytes::new()),
            [Piece::Bytes(bytes)] if bytes.len() <= 16 * 1024 => Some(bytes.clone()),
            _ => None,
        }
    }
}

impl AsyncRead for Body {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            if let Some(wait) = &mut self.wait {
                ready!(wait.as_mut().poll(cx));
                self.wait = None;
            }
            let phase = self.phase;
            let Some(piece) = self.pieces.front_mut() else { return Poll::Ready(Ok(())) };
            match piece {
                Piece::Pause(length) => {
                    let length = *length;
                    self.pieces.pop_front();
                    self.wait = Some(self.clock.wait(length));
                }
                Piece::Bytes(bytes) if bytes.is_empty() => drop(self.pieces.pop_front()),
                Piece::Bytes(bytes) => {
                    let n = bytes.len().min(into.remaining());
                    into.put_slice(&bytes[..n]);
                    bytes.advance(n);
                    return Poll::Ready(Ok(()));
                }
                Piece::Pattern(0) => drop(self.pieces.pop_front()),
                Piece::Pattern(left) => {
                    let mut n = (*left).min(into.remaining() as u64) as usize;
                    *left -= n as u64;
                    let mut at = phase;
                    while n > 0 {
                        let run = n.min(PATTERN.len() - at);
                        into.put_slice(&PATTERN[at..at + run]);
                        at = (at + run) % PATTERN.len();
                        n -= run;
                    }
                    self.phase = at;
                    return Poll::Ready(Ok(()));
                }
            }
        }
    }
}
