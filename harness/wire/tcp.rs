//! The wire that is a TCP socket.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncWrite, Interest, Ready};
use tokio::net::TcpStream;

use super::{BoxWire, End, Wire};
use crate::proc_net::{Row, rows};

/// An accepted socket as a wire. On Linux it has the listener's TCP_NODELAY.
pub fn accepted(socket: TcpStream) -> BoxWire {
    if cfg!(target_os = "linux") { Box::new(socket) } else { wire(socket) }
}

/// Makes a socket ready to be a wire: every write its own segment.
pub fn wire(socket: TcpStream) -> BoxWire {
    // Fails only on a socket that is dead already; the first read says so.
    let _ = socket.set_nodelay(true);
    Box::new(socket)
}

impl Wire for TcpStream {
    fn arm_reset(&mut self) {
        // SO_LINGER with a time of zero: close() sends RST and forgets what is unsent.
        let _ = self.set_zero_linger();
    }

    fn poll_fin(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self).poll_shutdown(cx)
    }

    fn poll_departed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            match self.poll_read_ready(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(_)) => return Poll::Ready(()),
                Poll::Ready(Ok(())) => {}
            }
            // Readable: is that a FIN or a RST, or only bytes that stay unread? The closed bits
            // of the poller are not cleared by the `WouldBlock` below, the readable bit is, so
            // that the next turn waits for news.
            if closed(self) {
                return Poll::Ready(());
            }
            let _ = self.try_io(Interest::READABLE, || {
                Err::<(), _>(io::Error::from(io::ErrorKind::WouldBlock))
            });
        }
    }

    fn gone(&self) -> Option<End> {
        let end = if seen(self, Ready::is_write_closed) { End::Reset } else { End::Fin };
        closed(self).then_some(end)
    }

    fn unsent(&self) -> u64 {
        match (self.local_addr(), self.peer_addr()) {
            (Ok(local), Ok(peer)) => queued(local, peer),
            _ => 0,
        }
    }

    fn local(&self) -> Option<IpAddr> {
        Some(self.local_addr().ok()?.ip().to_canonical())
    }

    fn vanish(&mut self) -> io::Result<()> {
        #[cfg(target_os = "linux")]
        return crate::sandbox::drop_all(self);
        #[cfg(not(target_os = "linux"))]
        Err(io::ErrorKind::Unsupported.into())
    }

    fn into_tcp(self: Box<Self>) -> Result<TcpStream, BoxWire> {
        Ok(*self)
    }
}

/// Whether the poller has seen the peer's FIN or RST.
fn closed(socket: &TcpStream) -> bool {
    seen(socket, Ready::is_read_closed)
}

/// Whether the poller has seen this.
fn seen(socket: &TcpStream, what: impl Fn(Ready) -> bool) -> bool {
    use std::future::Future;
    let ready = std::pin::pin!(socket.ready(Interest::READABLE | Interest::WRITABLE));
    let mut cx = Context::from_waker(std::task::Waker::noop());
    matches!(ready.poll(&mut cx), Poll::Ready(Ok(ready)) if what(ready))
}

/// The send queue of a connection: an ioctl would need unsafe code. The table of all connections is
/// read where nothing else tells: with ten thousand of them that takes a long time.
fn queued(local: SocketAddr, peer: SocketAddr) -> u64 {
    #[cfg(target_os = "linux")]
    if let Some(unsent) = crate::sock_diag::unsent(local, peer) {
        return unsent;
    }
    let ours = |row: &Row| row.local == local.port() && row.remote == peer.port();
    rows(local).into_iter().find(ours).map_or(0, |row| row.unsent)
}
