//! The way to a real target (`--forward`), searched for the proxy's secrets as what the built-in origin
//! gets is. Only where the scenario has a login, and not inside TLS, which nobody here can read: from its
//! first byte on, such a tunnel is a socket like another.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::cert::Flavour;
use crate::conn::Conn;
use crate::event::Via;
use crate::origin::Heard;
use crate::tls::HANDSHAKE;
use crate::wire::{BoxWire, Wire, passes_on};

struct Searched {
    wire: BoxWire,
    heard: Option<Heard>,
    begun: bool,
}

/// Searches what is written to a wire.
pub(super) fn searched(conn: &Arc<Conn>, via: Via, wire: BoxWire) -> BoxWire {
    if conn.scenario.proxy.auth.is_none() {
        return wire;
    }
    let heard = Some(Heard::new(conn, via, Flavour::Good));
    Box::new(Searched { wire, heard, begun: false })
}

impl AsyncRead for Searched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_read(cx, into)
    }
}

impl AsyncWrite for Searched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let n = ready!(Pin::new(&mut self.wire).poll_write(cx, bytes))?;
        if !self.begun && bytes.first() == Some(&HANDSHAKE) {
            self.heard = None;
        }
        self.begun |= n > 0;
        if let Some(heard) = &mut self.heard {
            heard.bytes(&bytes[..n]);
        }
        Poll::Ready(Ok(n))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_shutdown(cx)
    }
}

impl Wire for Searched {
    passes_on!();

    fn is_searched(&self) -> bool {
        self.heard.is_some()
    }

    fn into_tcp(self: Box<Self>) -> Result<TcpStream, BoxWire> {
        if self.heard.is_some() { Err(self) } else { self.wire.into_tcp() }
    }
}
