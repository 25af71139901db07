//! A simulated TCP connection, for virtual time and for the way to the built-in origin.
//!
//! Not tokio's `duplex`: that has no reset and fails writes that TCP accepts. Here, as on Linux:
//! a FIN each way on its own; a reset that is seen after the bytes already sent; a write to a
//! peer that has gone succeeds and provokes a reset; an end of file seen before a reset stays an
//! end of file; closing with unread bytes is a reset; a full window blocks the writer.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::{BoxWire, End, Wire};

/// Bytes that may be under way in one direction.
const WINDOW: usize = 128 * 1024;

/// What one end has received, and whether it is still there.
#[derive(Default)]
struct Side {
    inbox: VecDeque<u8>,
    fin: bool,
    reset: bool,
    gone: bool,
    /// Waits for bytes, a FIN or a reset.
    reader: Option<Waker>,
    /// The other end's writer, waiting for room in this inbox.
    writer: Option<Waker>,
}

impl Side {
    fn wake_reader(&mut self) {
        if let Some(waker) = self.reader.take() {
            waker.wake();
        }
    }
    fn wake_writer(&mut self) {
        if let Some(waker) = self.writer.take() {
            waker.wake();
        }
    }
}

/// One end of a simulated connection.
pub struct SimWire {
    sides: Arc<Mutex<[Side; 2]>>,
    me: usize,
    armed: bool,
}

/// Two connected ends.
pub fn pair() -> (SimWire, SimWire) {
    let sides = Arc::new(Mutex::new([Side::default(), Side::default()]));
    let end = |me| SimWire { sides: Arc::clone(&sides), me, armed: false };
    (end(0), end(1))
}

impl SimWire {
    fn sides(&self) -> MutexGuard<'_, [Side; 2]> {
        self.sides.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl AsyncRead for SimWire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut sides = self.sides();
        let mine = &mut sides[self.me];
        if !mine.inbox.is_empty() {
            while into.remaining() > 0 && !mine.inbox.is_empty() {
                let (front, _) = mine.inbox.as_slices();
                let n = front.len().min(into.remaining());
                into.put_slice(&front[..n]);
                mine.inbox.drain(..n);
            }
            if mine.inbox.is_empty() && mine.inbox.capacity() > 8192 {
                // An idle connection keeps no buffer.
                mine.inbox = VecDeque::new();
            }
            mine.wake_writer();
            return Poll::Ready(Ok(()));
        }
        if mine.fin {
            return Poll::Ready(Ok(()));
        }
        if mine.reset {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        mine.reader = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl AsyncWrite for SimWire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[io::IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let total: usize = parts.iter().map(|p| p.len()).sum();
        let mut sides = self.sides();
        let (me, peer) = (self.me, 1 - self.me);
        if sides[peer].fin {
            // We have sent our FIN.
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if sides[me].reset {
            let kind = match sides[me].fin {
                true => io::ErrorKind::BrokenPipe,
                false => io::ErrorKind::ConnectionReset,
            };
            return Poll::Ready(Err(kind.into()));
        }
        if total == 0 {
            return Poll::Ready(Ok(0));
        }
        if sides[peer].gone {
            // TCP takes the bytes; the answer is a RST.
            sides[me].reset = true;
            sides[me].wake_reader();
            return Poll::Ready(Ok(total));
        }
        let theirs = &mut sides[peer];
        let mut room = WINDOW.saturating_sub(theirs.inbox.len());
        if room == 0 {
            theirs.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let mut written = 0;
        for part in parts {
            let n = part.len().min(room);
            theirs.inbox.extend(&part[..n]);
            room -= n;
            written += n;
        }
        theirs.wake_reader();
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut sides = self.sides();
        let theirs = &mut sides[1 - self.me];
        theirs.fin = true;
        theirs.wake_reader();
        Poll::Ready(Ok(()))
    }
}

impl Wire for SimWire {
    fn arm_reset(&mut self) {
        self.armed = true;
    }

    fn poll_fin(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self).poll_shutdown(cx)
    }

    fn poll_departed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut sides = self.sides();
        let mine = &mut sides[self.me];
        if mine.fin || mine.reset {
            return Poll::Ready(());
        }
        mine.reader = Some(cx.waker().clone());
        Poll::Pending
    }

    fn gone(&self) -> Option<End> {
        let side = &self.sides()[self.me];
        let end = if side.reset { End::Reset } else { End::Fin };
        (side.reset || side.fin).then_some(end)
    }

    fn into_tcp(self: Box<Self>) -> Result<TcpStream, BoxWire> {
        Err(self)
    }
}

impl Drop for SimWire {
    fn drop(&mut self) {
        let rude = self.armed;
        let me = self.me;
        let mut sides = self.sides();
        let unread = !sides[me].inbox.is_empty();
        sides[me].gone = true;
        sides[me].inbox = VecDeque::new();
        sides[me].wake_writer();
        let theirs = &mut sides[1 - me];
        if rude || unread {
            theirs.reset = true;
        } else {
            theirs.fin = true;
        }
        theirs.wake_reader();
        theirs.wake_writer();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    async fn rest(wire: &mut SimWire) -> (Vec<u8>, Option<io::ErrorKind>) {
        let mut got = Vec::new();
        let mut buffer = [0; 64];
        loop {
            match wire.read(&mut buffer).await {
                Ok(0) => return (got, None),
                Ok(n) => got.extend_from_slice(&buffer[..n]),
                Err(error) => return (got, Some(error.kind())),
            }
        }
    }

    #[tokio::test]
    async fn a_fin_each_way() {
        let (mut a, mut b) = pair();
        a.write_all(b"ping").await.unwrap();
        a.shutdown().await.unwrap();
        assert_eq!(rest(&mut b).await, (b"ping".to_vec(), None));
        b.write_all(b"pong").await.unwrap();
        drop(b);
        assert_eq!(rest(&mut a).await, (b"pong".to_vec(), None));
    }

    #[tokio::test]
    async fn a_reset_is_seen_after_the_bytes() {
        let (mut a, mut b) = pair();
        a.write_all(b"seven b").await.unwrap();
        a.arm_reset();
        drop(a);
        assert_eq!(rest(&mut b).await, (b"seven b".to_vec(), Some(io::ErrorKind::ConnectionReset)));
        assert!(b.write_all(b"x").await.is_err());
    }

    #[tokio::test]
    async fn closing_with_unread_bytes_is_a_reset() {
        let (mut a, b) = pair();
        a.write_all(b"never read").await.unwrap();
        drop(b);
        assert_eq!(rest(&mut a).await, (vec![], Some(io::ErrorKind::ConnectionReset)));
    }

    #[tokio::test]
    async fn a_write_to_a_gone_peer_succeeds_once() {
        let (mut a, b) = pair();
        drop(b);
        a.write_all(b"into the void").await.unwrap();
        assert!(a.write_all(b"again").await.is_err());
        assert_eq!(rest(&mut a).await, (vec![], None), "the FIN came first and stays");
    }

    #[tokio::test]
    async fn a_full_window_blocks_the_writer() {
        let (mut a, mut b) = pair();
        let big = vec![7u8; WINDOW * 2];
        let writer = tokio::spawn(async move {
            a.write_all(&big).await.unwrap();
            a
        });
        tokio::task::yield_now().await;
        assert!(!writer.is_finished());
        let mut got = vec![0; WINDOW * 2];
        b.read_exact(&mut got).await.unwrap();
        writer.await.unwrap();
    }

    #[tokio::test]
    async fn departure_is_noticed_without_reading() {
        let (mut a, b) = pair();
        a.write_all(b"unread").await.unwrap();
        let mut b: BoxWire = Box::new(b);
        drop(a);
        crate::wire::departed(&mut b).await;
        let mut got = [0; 6];
        b.read_exact(&mut got).await.unwrap();
        assert_eq!(&got, b"unread");
    }
}
