//! The dialler as hyper-util and tower want it.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{self, Connected};
use hyper_util::rt::TokioIo;
use tower_service::Service;

use super::{Connection, Dialler};
use crate::start::Running;

/// Connects hyper clients (hyper-util's legacy client and what is built on it) to a running scenario,
/// over sockets or in virtual time.
///
/// [`World::connector`](crate::World::connector) gives one that dials the host of the URI it is given.
/// That is right below a connector that makes the tunnel, such as
/// `hyper_util::client::legacy::connect::proxy::Tunnel`, or SOCKS. With [`Connector::forwarding`] it
/// dials the proxy whatever the URI says, and tells hyper so: requests for `http://` targets are then
/// sent in absolute form.
#[derive(Clone)]
pub struct Connector {
    dialler: Dialler,
    forwarding: bool,
}

impl Connector {
    /// Dials what it is asked to.
    pub fn of(running: &Running) -> Self {
        Connector { dialler: Dialler::of(running), forwarding: false }
    }

    /// Dials the proxy, for requests in absolute form.
    #[must_use]
    pub fn forwarding(self) -> Self {
        Connector { forwarding: true, ..self }
    }
}

impl Service<http::Uri> for Connector {
    type Response = Stream;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Stream>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: http::Uri) -> Self::Future {
        let (dialler, forwarding) = (self.dialler.clone(), self.forwarding);
        Box::pin(async move {
            let wire = if forwarding {
                dialler.proxy().await?
            } else {
                let host = uri.host().unwrap_or_default();
                let default = if uri.scheme_str() == Some("https") { 443 } else { 80 };
                dialler.dial(host, uri.port_u16().unwrap_or(default)).await?
            };
            Ok(Stream { io: TokioIo::new(wire), forwarding })
        })
    }
}

/// A connection to the proxy.
pub struct Stream {
    io: TokioIo<Connection>,
    forwarding: bool,
}

impl connect::Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new().proxy(self.forwarding)
    }
}

impl Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, into)
    }
}

impl Write for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        from: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, from)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
