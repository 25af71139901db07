//! One direction of passing bytes, and what is done to them on the way.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use crate::clock::{Clock, Wait};
use crate::rng::Rng;

/// What is done to bytes that pass. The default does nothing.
#[derive(Debug, Clone, Default)]
pub struct Shape {
    /// Bytes a second.
    pub bandwidth: Option<u64>,
    /// At most that many bytes in one write, and the pause after each.
    pub slice: Option<(usize, Duration)>,
    /// Offsets in this flow at which a write ends, and the pause there.
    pub cuts: Vec<u64>,
    /// The pause at each cut.
    pub gap: Duration,
    /// The chance that a byte has one bit flipped.
    pub corrupt: f64,
    /// Offsets in this flow of bytes that have one bit flipped.
    pub corrupt_at: Vec<u64>,
}

/// Which side of a pipe failed.
#[derive(Debug)]
pub enum PipeError {
    /// Where the bytes come from.
    Read(io::Error),
    /// Where they go.
    Write(io::Error),
}

/// Why a pipe stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PipeEnd {
    /// Its limit is reached; more may follow.
    Limit,
    /// Its source has ended.
    Done,
}

/// One direction: reads, shapes, writes. Keeps what it has read and not yet written, so that it
/// can be dropped out of a `select!` and go on later.
pub struct Pipe {
    /// What is done to the bytes.
    pub shape: Shape,
    /// Stop (with [`PipeEnd::Limit`]) when this many have passed in all.
    pub limit: Option<u64>,
    /// Bytes that have passed.
    pub passed: u64,
    /// Whether the end of the source is passed on as a FIN.
    pub half_close: bool,
    /// Stop (with [`PipeEnd::Limit`]) at the end of the source, and do not pass it on.
    pub hold: bool,
    /// Lose what comes when it is more than this at once, and stop (with [`PipeEnd::Limit`]).
    pub burst: Option<u64>,
    /// Lose all that comes.
    pub swallow: bool,
    /// Its source has ended before that of the other direction.
    pub first: bool,
    /// When the target takes nothing more, read on to the end of the source and lose it.
    pub patient: bool,
    clock: Clock,
    rng: Rng,
    buffer: Vec<u8>,
    at: usize,
    read: u64,
    eof: bool,
    done: bool,
    dirty: bool,
    wait: Option<Wait>,
    /// Read and lost.
    lost: u64,
    /// When this many have passed or are lost, the connection is about to be ended.
    ceiling: u64,
    /// When the next byte may go, by the rate.
    due: Option<Instant>,
    /// The first byte that was damaged.
    hit: Option<u64>,
    /// Called once a damaged byte has passed.
    tell: Option<Box<dyn FnOnce() + Send>>,
}

const CHUNK: usize = 16 * 1024;

impl Pipe {
    /// A pipe that passes everything as it is.
    pub fn new(clock: Clock, rng: Rng, half_close: bool) -> Self {
        Pipe {
            shape: Shape::default(),
            limit: None,
            passed: 0,
            half_close,
            hold: false,
            burst: None,
            swallow: false,
            first: false,
            patient: false,
            clock,
            rng,
            buffer: Vec::new(),
            at: 0,
            read: 0,
            eof: false,
            done: false,
            dirty: false,
            wait: None,
            lost: 0,
            ceiling: u64::MAX,
            due: None,
            hit: None,
            tell: None,
        }
    }

    /// From now on, no more than this may pass: it falls silent then, for good.
    pub fn allow(&mut self, room: u64) {
        self.ceiling = self.passed.saturating_add(self.lost).saturating_add(room);
    }

    /// Calls this when the first damaged byte has passed.
    pub fn on_damage(&mut self, tell: impl FnOnce() + Send + 'static) {
        self.tell = Some(Box::new(tell));
    }

    /// Takes bytes that somebody else has read from the source.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.at);
        self.at = 0;
        let start = self.buffer.len();
        self.buffer.extend_from_slice(bytes);
        self.damage(start);
        self.read += bytes.len() as u64;
    }

    /// Whether the source has ended and that has been passed on.
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// Moves bytes until it would block, the limit is reached or the source has ended.
    pub fn poll<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut R,
        to: &mut W,
    ) -> Poll<Result<PipeEnd, PipeError>>
    where
        R: AsyncRead + Unpin + ?Sized,
        W: AsyncWrite + Unpin + ?Sized,
    {
        loop {
            if self.done {
                return Poll::Ready(Ok(PipeEnd::Done));
            }
            if let Some(wait) = &mut self.wait {
                ready!(wait.as_mut().poll(cx));
                self.wait = None;
            }
            if self.passed + self.lost >= self.ceiling {
                return Poll::Pending;
            }
            let full = self.limit.is_some_and(|limit| self.passed >= limit);
            if self.at < self.buffer.len() && !full {
                let n = self.next_write();
                let piece = &self.buffer[self.at..self.at + n];
                let written = match ready!(Pin::new(&mut *to).poll_write(cx, piece)) {
                    Ok(0) => Err(io::ErrorKind::WriteZero.into()),
                    written => written,
                };
                if written.is_err() && self.patient {
                    self.swallow = true;
                    self.lost += (self.buffer.len() - self.at) as u64;
                    self.buffer.clear();
                    self.at = 0;
                    continue;
                }
                let written = written.map_err(PipeError::Write)?;
                self.at += written;
                self.passed += written as u64;
                if self.hit.is_some_and(|hit| hit < self.passed)
                    && let Some(tell) = self.tell.take()
                {
                    tell();
                }
                self.dirty = true;
                self.pause(written);
                if self.wait.is_none() {
                    continue;
                }
            }
            if self.dirty {
                ready!(Pin::new(&mut *to).poll_flush(cx)).map_err(PipeError::Write)?;
                self.dirty = false;
            }
            if full {
                return Poll::Ready(Ok(PipeEnd::Limit));
            }
            if self.wait.is_some() {
                continue;
            }
            if self.eof {
                if self.hold {
                    return Poll::Ready(Ok(PipeEnd::Limit));
                }
                if self.half_close && !self.swallow {
                    // A peer that has gone already needs no FIN.
                    let _ = ready!(Pin::new(&mut *to).poll_shutdown(cx));
                }
                self.done = true;
                continue;
            }
            self.buffer.resize(CHUNK, 0);
            let mut read = ReadBuf::new(&mut self.buffer);
            let result = Pin::new(&mut *from).poll_read(cx, &mut read);
            let n = read.filled().len();
            match result {
                Poll::Pending => {
                    self.buffer.clear();
                    self.at = 0;
                    // A pause of the source is not made up for.
                    self.due = self.due.filter(|due| *due > Instant::now());
                    return Poll::Pending;
                }
                Poll::Ready(Err(error)) => {
                    self.buffer.clear();
                    self.at = 0;
                    return Poll::Ready(Err(PipeError::Read(error)));
                }
                Poll::Ready(Ok(())) => {
                    self.buffer.truncate(n);
                    self.at = 0;
                    self.eof = n == 0;
                    let long = self.burst.is_some_and(|most| n as u64 > most);
                    if self.swallow || long {
                        self.lost += n as u64;
                        self.buffer.clear();
                        if long {
                            return Poll::Ready(Ok(PipeEnd::Limit));
                        }
                        continue;
                    }
                    self.damage(0);
                    self.read += n as u64;
                }
            }
        }
    }

    /// How many of the bytes at hand go into the next write.
    fn next_write(&self) -> usize {
        let mut n = self.buffer.len() - self.at;
        n = n.min(usize::try_from(self.ceiling - self.passed).unwrap_or(usize::MAX));
        if let Some(limit) = self.limit {
            n = n.min(usize::try_from(limit - self.passed).unwrap_or(usize::MAX));
        }
        if let Some((most, _)) = self.shape.slice {
            n = n.min(most.max(1));
        }
        if let Some(cut) = self.shape.cuts.iter().find(|&&cut| cut > self.passed) {
            n = n.min(usize::try_from(cut - self.passed).unwrap_or(usize::MAX));
        }
        if let Some(rate) = self.shape.bandwidth {
            // Pieces of 20 ms: small enough to be even, large enough for the timer.
            n = n.min(usize::try_from(rate / 50).unwrap_or(usize::MAX).max(1));
        }
        n
    }

    fn pause(&mut self, written: usize) {
        let mut pause = Duration::ZERO;
        if let Some((_, gap)) = self.shape.slice {
            pause = pause.max(gap);
        }
        if self.shape.cuts.contains(&self.passed) {
            pause = pause.max(self.shape.gap);
        }
        if let Some(rate) = self.shape.bandwidth {
            pause = pause.max(self.owed(written, rate));
        }
        if !pause.is_zero() {
            self.wait = Some(self.clock.wait(pause));
        }
    }

    /// How long to wait so that the rate holds on average: what a late wake-up has lost is made
    /// up for, as long as bytes were there to be sent.
    fn owed(&mut self, written: usize, rate: u64) -> Duration {
        let now = Instant::now();
        let takes = Duration::from_secs_f64(written as f64 / rate as f64);
        let due = self.due.unwrap_or(now) + takes;
        self.due = Some(due);
        due.saturating_duration_since(now)
    }

    /// Flips bits of the bytes from `start` of the buffer on.
    fn damage(&mut self, start: usize) {
        if self.shape.corrupt <= 0.0 && self.shape.corrupt_at.is_empty() {
            return;
        }
        for (index, byte) in self.buffer[start..].iter_mut().enumerate() {
            let offset = self.read + index as u64;
            let hit = self.shape.corrupt_at.contains(&offset)
                || (self.shape.corrupt > 0.0 && self.rng.chance(self.shape.corrupt));
            if hit {
                self.hit.get_or_insert(offset);
                *byte ^= 1 << self.rng.below(8);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;

    async fn run(pipe: &mut Pipe, mut from: &[u8]) -> (Vec<u8>, PipeEnd) {
        let mut to = Vec::new();
        let end = poll_fn(|cx| pipe.poll(cx, &mut from, &mut to)).await.unwrap();
        (to, end)
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_stops_on_the_byte_and_goes_on_later() {
        let mut pipe = Pipe::new(Clock::Virtual, Rng::new(1), false);
        pipe.limit = Some(3);
        assert_eq!(run(&mut pipe, b"abcdef").await, (b"abc".to_vec(), PipeEnd::Limit));
        pipe.limit = None;
        assert_eq!(run(&mut pipe, b"").await, (b"def".to_vec(), PipeEnd::Done));
        assert_eq!(pipe.passed, 6);
    }

    #[tokio::test(start_paused = true)]
    async fn bandwidth_takes_its_time() {
        let start = tokio::time::Instant::now();
        let mut pipe = Pipe::new(Clock::Virtual, Rng::new(1), false);
        pipe.shape.bandwidth = Some(1000);
        let (got, _) = run(&mut pipe, &[1; 2000]).await;
        assert_eq!(got.len(), 2000);
        let took = start.elapsed();
        assert!((1900..2200).contains(&took.as_millis()), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn corruption_is_one_bit_and_replays() {
        let damaged = |seed| async move {
            let mut pipe = Pipe::new(Clock::Virtual, Rng::new(seed), false);
            pipe.shape.corrupt = 0.1;
            run(&mut pipe, &[0; 1000]).await.0
        };
        let once = damaged(5).await;
        assert_eq!(once, damaged(5).await);
        assert_ne!(once, damaged(6).await);
        assert!(once.iter().all(|b| b.count_ones() <= 1));
        let hit = once.iter().filter(|&&b| b != 0).count();
        assert!((50..150).contains(&hit), "{hit}");
    }
}
