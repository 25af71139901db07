//! What went over the wire, as the client has counted it, against what the log says of it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use badproxy::event::{Event, How, Side, What};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::arm::Connection;

/// Bytes of all connections of a client with the proxy.
#[derive(Clone, Default)]
pub struct Tally(Arc<Counts>);

#[derive(Default)]
struct Counts {
    connections: AtomicU64,
    sent: AtomicU64,
    received: AtomicU64,
    /// Connections that were read to their FIN.
    finished: AtomicU64,
}

struct Counted {
    wire: Box<dyn Connection>,
    tally: Tally,
    finished: bool,
}

impl Tally {
    /// Counts what passes on this connection.
    pub fn of(&self, wire: Box<dyn Connection>) -> Box<dyn Connection> {
        self.0.connections.fetch_add(1, Ordering::Relaxed);
        Box::new(Counted { wire, tally: self.clone(), finished: false })
    }

    /// Where the log and the client differ. A RST can throw away what was under way, and who is not
    /// read to the end has not got all; nobody has got more than was sent.
    pub fn differs(&self, events: &[Event]) -> Option<String> {
        let (mut came, mut went, mut ends, mut resets) = (0, 0, 0, 0);
        for event in events {
            match &event.what {
                What::Closed { side: Side::Client, how, bytes_in, bytes_out, .. } => {
                    (came, went, ends) = (came + bytes_in, went + bytes_out, ends + 1);
                    resets += u64::from(*how != How::Fin);
                }
                What::AfterClose { side: Side::Client, bytes_in, bytes_out, .. } => {
                    (came, went) = (came + bytes_in, went + bytes_out);
                }
                _ => {}
            }
        }
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let (sent, received) = (of(&self.0.sent), of(&self.0.received));
        if ends < of(&self.0.connections) {
            // One is still open: nothing has been said of it.
            return None;
        }
        let whole = resets == 0 && of(&self.0.finished) == ends;
        let right = match whole {
            true => (came, went) == (sent, received),
            false => came <= sent && went >= received,
        };
        let text = format!("in {came}, out {went}; the client has sent {sent}, got {received}");
        (!right).then(|| format!("{text}, whole {whole}"))
    }
}

impl Counted {
    fn wrote(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(n)) = &written {
            self.tally.0.sent.fetch_add(*n as u64, Ordering::Relaxed);
        }
        written
    }
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let read = Pin::new(&mut self.wire).poll_read(cx, into);
        let n = (into.filled().len() - before) as u64;
        self.tally.0.received.fetch_add(n, Ordering::Relaxed);
        let end = n == 0 && matches!(read, Poll::Ready(Ok(())));
        if end && !std::mem::replace(&mut self.finished, true) {
            self.tally.0.finished.fetch_add(1, Ordering::Relaxed);
        }
        read
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.wire).poll_write(cx, bytes);
        self.wrote(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.wire).poll_write_vectored(cx, parts);
        self.wrote(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.wire.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_shutdown(cx)
    }
}
