//! A wire that counts what the kernel has taken and given, whatever becomes of it above, and sees how
//! the client ends.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::{BoxWire, Wire, is_reset};
use crate::conn::Conn;
use crate::event::How;
use crate::http2::stream::Stream;

/// Counts for a connection. On a stream of HTTP/2 it counts DATA: a head that is written to it
/// becomes a block of another length.
struct Counted {
    wire: BoxWire,
    // Dropped after the wire: by then all has been counted.
    last: Last,
}

/// Tells the connection that its wire is gone.
struct Last(Option<Arc<Conn>>);

impl Drop for Last {
    fn drop(&mut self) {
        if let Some(conn) = &self.0 {
            conn.gone();
        }
    }
}

/// From here on what passes is counted.
pub fn counted(wire: BoxWire, conn: &Arc<Conn>) -> BoxWire {
    Box::new(Counted { wire, last: Last(Some(Arc::clone(conn))) })
}

impl Counted {
    fn count(&mut self, written: Poll<io::Result<usize>>, counts: bool) -> Poll<io::Result<usize>> {
        match (&written, &self.last.0) {
            (Poll::Ready(Ok(n)), Some(conn)) if counts => conn.count_out(*n as u64),
            (Poll::Ready(Err(error)), Some(conn)) if error.kind() == ErrorKind::ConnectionReset => {
                conn.resets();
            }
            (Poll::Ready(Err(error)), Some(conn)) if is_reset(error) => conn.leaves(How::Rst),
            _ => {}
        }
        written
    }

    /// Whether what is written goes out as it stands.
    fn as_it_stands(&mut self) -> bool {
        self.wire.http2().is_none_or(|stream| stream.has_head())
    }
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let (before, room) = (into.filled().len(), into.remaining());
        let read = Pin::new(&mut self.wire).poll_read(cx, into);
        let n = into.filled().len() - before;
        let Some(conn) = &self.last.0 else { return read };
        match &read {
            _ if n > 0 => conn.count_in(n as u64),
            Poll::Ready(Ok(())) if room > 0 => conn.leaves(How::Fin),
            Poll::Ready(Err(error)) if is_reset(error) => conn.leaves(How::Rst),
            _ => {}
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
        let counts = self.as_it_stands();
        let written = Pin::new(&mut self.wire).poll_write(cx, bytes);
        self.count(written, counts)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let counts = self.as_it_stands();
        let written = Pin::new(&mut self.wire).poll_write_vectored(cx, parts);
        self.count(written, counts)
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

impl Wire for Counted {
    passes_on!();

    fn http2(&mut self) -> Option<&mut Stream> {
        self.wire.http2()
    }

    /// Whoever takes the socket counts himself.
    fn into_tcp(self: Box<Self>) -> Result<TcpStream, BoxWire> {
        let Counted { wire, mut last } = *self;
        match wire.into_tcp() {
            Ok(socket) => {
                last.0 = None;
                Ok(socket)
            }
            Err(wire) => Err(Box::new(Counted { wire, last })),
        }
    }
}
