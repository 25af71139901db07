//! The wire that is a TCP socket.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncWrite, Interest};
use tokio::net::TcpStream;

use super::{BoxWire, Wire};

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
    use std::future::Future;
    let ready = std::pin::pin!(socket.ready(Interest::READABLE));
    let mut cx = Context::from_waker(std::task::Waker::noop());
    matches!(ready.poll(&mut cx), Poll::Ready(Ok(r)) if r.is_read_closed())
}

/// The send queue of a connection, out of the kernel's table (Linux): an ioctl would need unsafe
/// code.
fn queued(local: SocketAddr, peer: SocketAddr) -> u64 {
    if !cfg!(target_os = "linux") {
        return 0;
    }
    let table = if local.is_ipv4() { "/proc/net/tcp" } else { "/proc/net/tcp6" };
    let text = std::fs::read_to_string(table).unwrap_or_default();
    text.lines().find_map(|line| queued_line(line, local.port(), peer.port())).unwrap_or(0)
}

/// One line of the table: `sl local_address rem_address st tx_queue:rx_queue ...`, in hex.
fn queued_line(line: &str, local: u16, peer: u16) -> Option<u64> {
    let mut fields = line.split_whitespace().skip(1);
    let port = |address: &str| u16::from_str_radix(address.rsplit_once(':')?.1, 16).ok();
    let here = port(fields.next()?)?;
    let there = port(fields.next()?)?;
    let queue = fields.nth(1)?.split(':').next()?;
    (here == local && there == peer).then(|| u64::from_str_radix(queue, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_send_queue_of_a_line() {
        let line = "   1: 0100007F:1F90 0100007F:C350 01 0000012C:00000000 01:00000064 00000000";
        assert_eq!(queued_line(line, 8080, 50000), Some(300));
        assert_eq!(queued_line(line, 50000, 8080), None);
        assert_eq!(
            queued_line("  sl  local_address rem_address   st tx_queue rx_queue", 1, 1),
            None
        );
    }
}
