//! The near end of a tunnel: connect, ask for the tunnel where the contender wants asking.

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream as Blocking};
use std::time::Duration;

use socket2::{Domain, SockRef, Socket, Type};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use super::backend::PATIENCE;

/// The way to the backend.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// Where to connect.
    pub to: SocketAddr,
    /// What to name in a CONNECT; none where the connection is the tunnel (direct, haproxy).
    pub target: Option<SocketAddr>,
}

impl Route {
    pub fn request(target: SocketAddr) -> Vec<u8> {
        format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n").into_bytes()
    }

    /// Opens a tunnel with blocking calls, none of which waits longer than `PATIENCE`.
    pub fn open(self) -> Result<Blocking> {
        let mut stream = Blocking::connect_timeout(&self.to, PATIENCE)?;
        prepare(&stream)?;
        if let Some(target) = self.target {
            stream.write_all(&Self::request(target))?;
            reply(&mut stream)?;
        }
        Ok(stream)
    }

    /// Opens a tunnel from `source`, or from the address the system picks.
    pub async fn open_async(self, source: Option<Ipv4Addr>) -> Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        if let Some(source) = source {
            socket.bind((source, 0).into())?;
        }
        let mut stream = socket.connect(self.to).await?;
        stream.set_nodelay(true)?;
        if let Some(target) = self.target {
            stream.write_all(&Self::request(target)).await?;
            let mut head = Head::default();
            while !head.complete()? {
                let n = stream.read(head.free()).await?;
                head.grow(n)?;
            }
        }
        Ok(stream)
    }
}

/// One attempt to connect, from an address that is not the proxy's. In a tight loop against a
/// port nobody listens on yet, the system may pick that very port as the source, and the socket
/// then connects to itself; from another address it cannot.
pub fn connect_from_elsewhere(to: SocketAddr) -> Result<Blocking> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from(([127, 0, 0, 2], 0)).into())?;
    socket.connect(&to.into())?;
    let stream = Blocking::from(socket);
    prepare(&stream)?;
    Ok(stream)
}

fn prepare(stream: &Blocking) -> Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))
}

/// Reads the reply to a CONNECT to its end; anything but a 200 is an error.
pub fn reply(stream: &mut impl Read) -> Result<()> {
    let mut head = Head::default();
    while !head.complete()? {
        let n = stream.read(head.free())?;
        head.grow(n)?;
    }
    Ok(())
}

/// Lets the socket go with an RST, so that nothing stays behind in TIME_WAIT and no unread
/// bytes go on flowing into the next measure.
pub fn abort<'a>(stream: impl Into<SockRef<'a>>) {
    let _ = stream.into().set_linger(Some(Duration::ZERO));
}

/// The head of a reply as it comes in. The client speaks first in every tunnel, so nothing
/// can follow the empty line.
struct Head {
    bytes: [u8; 1024],
    len: usize,
}

impl Default for Head {
    fn default() -> Self {
        Head { bytes: [0; 1024], len: 0 }
    }
}

impl Head {
    fn free(&mut self) -> &mut [u8] {
        &mut self.bytes[self.len..]
    }

    fn grow(&mut self, n: usize) -> Result<()> {
        self.len += n;
        if n == 0 { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }

    fn complete(&self) -> Result<bool> {
        let head = &self.bytes[..self.len];
        if !head.ends_with(b"\r\n\r\n") {
            return Ok(false);
        }
        if head.starts_with(b"HTTP/1.") && head.get(8..12) == Some(b" 200") {
            return Ok(true);
        }
        let line = head.split(|byte| *byte == b'\r').next().unwrap_or(head);
        Err(Error::other(format!("CONNECT was answered: {}", String::from_utf8_lossy(line))))
    }
}
