//! Datagrams: a UDP socket or the simulation; and one query's way back as a wire, so that effects
//! can act on it.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UdpSocket};
use tokio::sync::mpsc;

use crate::wire::{BoxWire, Wire};

/// A datagram of the simulation, and where its answers go.
pub(super) type SimDatagram = (Vec<u8>, mpsc::UnboundedSender<Vec<u8>>);

/// Where queries come from.
pub(super) enum Datagrams {
    Socket(Arc<UdpSocket>),
    Sim(mpsc::UnboundedReceiver<SimDatagram>),
}

/// Where the answer to a query goes.
#[derive(Clone)]
pub(super) enum Peer {
    Socket(Arc<UdpSocket>, SocketAddr),
    Sim(mpsc::UnboundedSender<Vec<u8>>),
}

impl Datagrams {
    /// The next datagram. In the simulation it never fails.
    pub async fn next(&mut self) -> io::Result<(Vec<u8>, Peer)> {
        match self {
            Datagrams::Socket(socket) => {
                let mut buffer = vec![0; 65536];
                let (n, from) = socket.recv_from(&mut buffer).await?;
                buffer.truncate(n);
                Ok((buffer, Peer::Socket(Arc::clone(socket), from)))
            }
            Datagrams::Sim(queue) => match queue.recv().await {
                Some((bytes, back)) => Ok((bytes, Peer::Sim(back))),
                None => std::future::pending().await,
            },
        }
    }
}

impl Peer {
    /// Who asks.
    pub fn shown(&self) -> String {
        match self {
            Peer::Socket(_, from) => from.to_string(),
            Peer::Sim(_) => "sim".to_owned(),
        }
    }

    /// Whether an answer may be sent there: never to the Internet, because the sender of a
    /// datagram can be forged, and answers are longer than queries.
    pub fn is_near(&self) -> bool {
        match self {
            Peer::Sim(_) => true,
            Peer::Socket(_, from) => match from.ip().to_canonical() {
                IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
                IpAddr::V6(ip) => {
                    ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local()
                }
            },
        }
    }
}

/// The way back to one sender of a datagram. What is written before a flush is one datagram; there
/// is never anything to read, and no end.
pub(super) struct Datagram {
    peer: Peer,
    out: Vec<u8>,
}

impl Datagram {
    pub fn new(peer: Peer) -> Self {
        Datagram { peer, out: Vec::new() }
    }
}

impl AsyncRead for Datagram {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

impl AsyncWrite for Datagram {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.out.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.out.is_empty() {
            return Poll::Ready(Ok(()));
        }
        let sent = match &self.peer {
            Peer::Socket(socket, to) => ready!(socket.poll_send_to(cx, &self.out, *to)).map(|_| ()),
            // A client that has gone leaves its answers in the network.
            Peer::Sim(back) => {
                let _ = back.send(self.out.clone());
                Ok(())
            }
        };
        self.out.clear();
        Poll::Ready(sent)
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Wire for Datagram {
    fn arm_reset(&mut self) {}

    fn poll_fin(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_departed(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }

    fn into_tcp(self: Box<Self>) -> Result<TcpStream, BoxWire> {
        Err(self)
    }
}
