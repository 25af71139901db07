//! The wire that is TLS over another wire, seen from the server.

use std::io;
use std::task::{Context, Poll};

use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::{BoxWire, Wire};

impl Wire for TlsStream<BoxWire> {
    fn arm_reset(&mut self) {
        self.get_mut().0.arm_reset();
    }

    fn poll_fin(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().0.poll_fin(cx)
    }

    fn poll_departed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.get_mut().0.poll_departed(cx)
    }

    fn unsent(&self) -> u64 {
        self.get_ref().0.unsent()
    }

    fn local(&self) -> Option<std::net::IpAddr> {
        self.get_ref().0.local()
    }

    fn vanish(&mut self) -> io::Result<()> {
        self.get_mut().0.vanish()
    }

    fn into_tcp(self: Box<Self>) -> Result<TcpStream, BoxWire> {
        Err(self)
    }
}
