//! The bytes that pass at a stage: none yet, the stage's own on their way to the client, or both
//! directions of a tunnel.

use std::future::poll_fn;
use std::io::ErrorKind;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::AsyncRead;
use tokio::time::Instant;

use super::Direction;
use super::shape::{Pipe, PipeEnd, PipeError, Shape};
use crate::conn::Conn;
use crate::event::Who;
use crate::stage::Stage;
use crate::wire::{BoxWire, End, is_reset};

/// Where bytes come from.
pub type Source<'a> = &'a mut (dyn AsyncRead + Unpin + Send);

/// What a fault acts on.
#[allow(clippy::large_enum_variant, reason = "one at a time, on the stack of a boxed future")]
pub enum Flow<'a> {
    /// Nothing passes at this stage: only the wire to the client.
    Wire(&'a mut BoxWire),
    /// The stage's own bytes, on their way to the client.
    Out {
        /// The wire to the client.
        client: &'a mut BoxWire,
        /// The stage's bytes.
        from: Source<'a>,
        /// What has passed.
        pipe: Pipe,
    },
    /// Both directions of a tunnel.
    Tunnel {
        /// The wire to the client.
        client: &'a mut BoxWire,
        /// The wire to the target.
        upstream: &'a mut BoxWire,
        /// Client to target.
        up: Pipe,
        /// Target to client.
        down: Pipe,
    },
}

/// How long bytes are let through.
#[derive(Debug, Clone, Copy, Default)]
pub struct Until {
    /// Until this many have passed in the direction.
    pub bytes: Option<(Direction, u64)>,
    /// Until nothing has passed for this long.
    pub idle: Option<Duration>,
    /// The direction that `idle` looks at; None: both.
    pub idle_in: Option<Direction>,
    /// For this long.
    pub elapsed: Option<Duration>,
    /// Until the source of this direction has ended, which is not passed on.
    pub end: Option<Direction>,
    /// Until more than this many bytes come at once in the direction; they are lost.
    pub burst: Option<(Direction, u64)>,
}

/// How a flow ended by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// All bytes have passed.
    Finished,
    /// One side has gone.
    Gone(Who, End),
}

/// Why the bytes stopped passing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passed {
    /// The condition holds; more may follow.
    Met,
    /// The flow has ended by itself.
    Ended(Ended),
}

/// Whether a stage's bytes are the connection's own. What the origin sends inside a tunnel has yet
/// to pass the proxy.
pub(super) fn on_the_proxy(stage: Stage) -> bool {
    stage <= Stage::Tunnel || stage == Stage::Close
}

impl Flow<'_> {
    /// The wire to the client.
    pub fn client(&mut self) -> &mut BoxWire {
        match self {
            Flow::Wire(client) => client,
            Flow::Out { client, .. } | Flow::Tunnel { client, .. } => client,
        }
    }

    /// The wire to the target, in a tunnel.
    pub fn upstream(&mut self) -> Option<&mut BoxWire> {
        match self {
            Flow::Tunnel { upstream, .. } => Some(upstream),
            _ => None,
        }
    }

    /// What is done to the bytes of one direction; None where no bytes pass that way.
    pub fn shape(&mut self, direction: Direction) -> Option<&mut Shape> {
        self.pipe(direction).map(|pipe| &mut pipe.shape)
    }

    /// The bytes of one direction; None where none pass that way.
    pub fn pipe(&mut self, direction: Direction) -> Option<&mut Pipe> {
        match (self, direction) {
            (Flow::Out { pipe, .. }, Direction::Downstream) => Some(pipe),
            (Flow::Tunnel { up, .. }, Direction::Upstream) => Some(up),
            (Flow::Tunnel { down, .. }, Direction::Downstream) => Some(down),
            _ => None,
        }
    }

    /// Bytes that have passed: to the target, to the client.
    pub fn passed(&self) -> (u64, u64) {
        match self {
            Flow::Wire(_) => (0, 0),
            Flow::Out { pipe, .. } => (0, pipe.passed),
            Flow::Tunnel { up, down, .. } => (up.passed, down.passed),
        }
    }

    /// Whether the target's end has been passed on to the client.
    fn is_over(&self) -> bool {
        matches!(self, Flow::Tunnel { down, .. } if down.is_done() && down.half_close)
    }

    /// No more may pass than this, in either direction.
    fn allow(&mut self, room: u64) {
        for direction in [Direction::Upstream, Direction::Downstream] {
            if let Some(pipe) = self.pipe(direction) {
                pipe.allow(room);
            }
        }
    }

    /// One direction has been closed by a rule: what still comes in it is read and lost, and the
    /// other direction goes on for as long as its source lasts, also when its target has gone.
    pub fn half(&mut self, closed: Direction) {
        if let Some(pipe) = self.pipe(closed) {
            pipe.swallow = true;
        }
        for direction in [Direction::Upstream, Direction::Downstream] {
            if let Some(pipe) = self.pipe(direction) {
                pipe.patient = true;
            }
        }
    }

    /// From now on what comes in this direction is lost, its end too.
    pub fn lose(&mut self, direction: Direction) {
        if let Some(pipe) = self.pipe(direction) {
            pipe.swallow = true;
        }
    }

    /// In a tunnel, takes the bytes that the client has sent and nobody has used.
    pub fn take_inbox(&mut self, inbox: &mut bytes::BytesMut) {
        if let Flow::Tunnel { up, .. } = self {
            up.push(&std::mem::take(inbox));
        }
    }

    /// Lets bytes pass until the condition holds or the flow ends.
    pub async fn pass(&mut self, conn: &Conn, stage: Stage, until: Until) -> Passed {
        let clock = conn.clock();
        if let Some((direction, bytes)) = until.bytes
            && let Some(pipe) = self.pipe(direction)
        {
            pipe.limit = Some(pipe.passed + bytes);
        }
        if let Some(pipe) = until.end.and_then(|direction| self.pipe(direction)) {
            pipe.hold = true;
        }
        if let Some((direction, most)) = until.burst
            && let Some(pipe) = self.pipe(direction)
        {
            pipe.burst = Some(most);
        }
        let mut elapsed = until.elapsed.map(|t| clock.wait(t));
        let mut idle = until.idle.map(|t| clock.wait(t));
        let moved = |flow: &Flow<'_>| match (flow.passed(), until.idle_in) {
            (both, None) => both,
            ((up, _), Some(Direction::Upstream)) => (up, 0),
            ((_, down), Some(Direction::Downstream)) => (0, down),
        };
        let mut last = (Instant::now(), moved(self));
        let result = poll_fn(|cx| {
            if on_the_proxy(stage) {
                self.allow(conn.shared.room());
            }
            let passed = self.poll_bytes(cx);
            if self.is_over() {
                conn.passed_on();
            }
            if passed.is_ready() {
                return passed;
            }
            if elapsed.as_mut().is_some_and(|t| t.as_mut().poll(cx).is_ready()) {
                return Poll::Ready(Passed::Met);
            }
            if last.1 != moved(self) {
                last = (Instant::now(), moved(self));
            }
            while let (Some(timer), Some(length)) = (&mut idle, until.idle) {
                if timer.as_mut().poll(cx).is_pending() {
                    break;
                }
                // The timer is set anew only when it fires, not at every byte.
                match (last.0 + length).checked_duration_since(Instant::now()) {
                    Some(left) if !left.is_zero() => idle = Some(clock.wait(left)),
                    _ => return Poll::Ready(Passed::Met),
                }
            }
            Poll::Pending
        })
        .await;
        for direction in [Direction::Upstream, Direction::Downstream] {
            if let Some(pipe) = self.pipe(direction) {
                pipe.limit = None;
                pipe.burst = None;
                pipe.hold = false;
            }
        }
        result
    }

    fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<Passed> {
        let gone = |who, error: &std::io::Error| {
            let end = if is_reset(error) { End::Reset } else { End::Fin };
            Poll::Ready(Passed::Ended(Ended::Gone(who, end)))
        };
        match self {
            Flow::Wire(_) => Poll::Ready(Passed::Ended(Ended::Finished)),
            Flow::Out { client, from, pipe } => match pipe.poll(cx, *from, *client) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(Ok(PipeEnd::Limit)) => Poll::Ready(Passed::Met),
                Poll::Ready(Ok(PipeEnd::Done)) => Poll::Ready(Passed::Ended(Ended::Finished)),
                Poll::Ready(Err(PipeError::Read(error))) => gone(Who::Upstream, &error),
                Poll::Ready(Err(PipeError::Write(error))) => gone(Who::Client, &error),
            },
            Flow::Tunnel { client, upstream, up, down } => {
                let upward = up.poll(cx, *client, *upstream);
                up.first |= up.is_done() && !down.is_done();
                let deaf = matches!(upward, Poll::Ready(Err(PipeError::Write(_))));
                if let Poll::Ready(Err(PipeError::Write(error))) = &upward
                    && error.kind() == ErrorKind::ConnectionReset
                {
                    // The write has been told of the RST, so that the read will be an end of file:
                    // one that nobody has sent.
                    down.half_close = false;
                }
                match upward {
                    Poll::Ready(Ok(PipeEnd::Limit)) => return Poll::Ready(Passed::Met),
                    Poll::Ready(Err(PipeError::Read(error))) => return gone(Who::Client, &error),
                    // The target has gone: what it said last may still be on its way down.
                    Poll::Ready(Err(PipeError::Write(_)) | Ok(PipeEnd::Done)) | Poll::Pending => {}
                }
                match down.poll(cx, *upstream, *client) {
                    Poll::Ready(Ok(PipeEnd::Limit)) => return Poll::Ready(Passed::Met),
                    Poll::Ready(Err(PipeError::Read(error))) => {
                        return gone(Who::Upstream, &error);
                    }
                    Poll::Ready(Err(PipeError::Write(error))) => return gone(Who::Client, &error),
                    Poll::Ready(Ok(PipeEnd::Done)) | Poll::Pending => {}
                }
                down.first |= down.is_done() && !up.is_done();
                if deaf && down.is_done() {
                    // It has said its last and takes nothing more: a RST has answered the bytes.
                    let end = Ended::Gone(Who::Upstream, End::Reset);
                    return Poll::Ready(Passed::Ended(end));
                }
                if up.is_done() && down.is_done() {
                    return Poll::Ready(Passed::Ended(Ended::Finished));
                }
                Poll::Pending
            }
        }
    }
}
