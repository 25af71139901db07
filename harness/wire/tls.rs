//! The wire that is TLS over another wire, seen from the server.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::{BoxWire, End, Wire};

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

    fn gone(&self) -> Option<End> {
        self.get_ref().0.gone()
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

/// A TLS session that never says goodbye: its end is a FIN without close_notify.
pub struct Rude(pub TlsStream<BoxWire>);

impl AsyncRead for Rude {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, into)
    }
}

impl AsyncWrite for Rude {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.0).poll_flush(cx))?;
        self.0.poll_fin(cx)
    }
}

impl Wire for Rude {
    fn arm_reset(&mut self) {
        self.0.arm_reset();
    }

    fn poll_fin(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_fin(cx)
    }

    fn poll_departed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.0.poll_departed(cx)
    }

    fn gone(&self) -> Option<End> {
        self.0.gone()
    }

    fn unsent(&self) -> u64 {
        self.0.unsent()
    }

    fn local(&self) -> Option<std::net::IpAddr> {
        self.0.local()
    }

    fn vanish(&mut self) -> io::Result<()> {
        self.0.vanish()
    }

    fn into_tcp(self: Box<Self>) -> Result<TcpStream, BoxWire> {
        Err(self)
    }
}
