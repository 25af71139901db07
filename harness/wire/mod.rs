//! A byte stream that can also be cut off rudely: a TCP socket, its simulation, TLS over either.

/// What a wire around another one, `self.wire`, does as that one does.
macro_rules! passes_on {
    () => {
        fn arm_reset(&mut self) {
            self.wire.arm_reset();
        }

        fn poll_fin(
            &mut self,
            cx: &mut std::task::Context<'_>,
        ) -> std::task::Poll<std::io::Result<()>> {
            self.wire.poll_fin(cx)
        }

        fn poll_departed(&mut self, cx: &mut std::task::Context<'_>) -> std::task::Poll<()> {
            self.wire.poll_departed(cx)
        }

        fn gone(&self) -> Option<$crate::wire::End> {
            self.wire.gone()
        }

        fn unsent(&self) -> u64 {
            self.wire.unsent()
        }

        fn local(&self) -> Option<std::net::IpAddr> {
            self.wire.local()
        }

        fn vanish(&mut self) -> std::io::Result<()> {
            self.wire.vanish()
        }
    };
}
pub(crate) use passes_on;

pub mod counted;
pub mod replay;
pub mod sim;
pub mod tcp;
pub mod tls;

use std::future::poll_fn;
use std::io;
use std::net::IpAddr;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;

use crate::clock::Clock;
use crate::http2::stream::Stream;

/// What every fault acts on.
pub trait Wire: AsyncRead + AsyncWrite + Unpin + Send {
    /// From now on, dropping the wire sends a RST instead of a FIN.
    fn arm_reset(&mut self);

    /// Sends a FIN without the goodbye of the layers above TCP: TLS sends no close_notify.
    fn poll_fin(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Ready once the peer has closed its direction or reset, even while nothing is read. Unread
    /// bytes stay unread.
    fn poll_departed(&mut self, cx: &mut Context<'_>) -> Poll<()>;

    /// How the peer has departed, as far as the kernel has told without a read: nothing that a later
    /// read waits for is lost.
    fn gone(&self) -> Option<End> {
        None
    }

    /// Bytes written that the peer's kernel has not taken yet; 0 where nobody can tell.
    fn unsent(&self) -> u64 {
        0
    }

    /// The address that the peer has dialled; None where there is no socket.
    fn local(&self) -> Option<IpAddr> {
        None
    }

    /// The stream of HTTP/2 that this is; None for all other wires.
    fn http2(&mut self) -> Option<&mut Stream> {
        None
    }

    /// Whether what is written is searched for secrets, so that all of it has to come through here.
    fn is_searched(&self) -> bool {
        false
    }

    /// From now on nothing that comes is acknowledged. In memory nothing is, ever.
    fn vanish(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// The socket, for the paths that need one (splice). None when there is another layer.
    fn into_tcp(self: Box<Self>) -> Result<TcpStream, BoxWire>;
}

/// Any wire.
pub type BoxWire = Box<dyn Wire>;

impl Wire for BoxWire {
    fn arm_reset(&mut self) {
        (**self).arm_reset();
    }
    fn poll_fin(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        (**self).poll_fin(cx)
    }
    fn poll_departed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        (**self).poll_departed(cx)
    }
    fn gone(&self) -> Option<End> {
        (**self).gone()
    }
    fn unsent(&self) -> u64 {
        (**self).unsent()
    }
    fn local(&self) -> Option<IpAddr> {
        (**self).local()
    }
    fn http2(&mut self) -> Option<&mut Stream> {
        (**self).http2()
    }
    fn is_searched(&self) -> bool {
        (**self).is_searched()
    }
    fn vanish(&mut self) -> io::Result<()> {
        (**self).vanish()
    }
    fn into_tcp(self: Box<Self>) -> Result<TcpStream, BoxWire> {
        (*self).into_tcp()
    }
}

/// How a wire ended, as read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The peer sent a FIN.
    Fin,
    /// The peer sent a RST.
    Reset,
}

/// Whether an error says that the peer has reset the connection.
pub fn is_reset(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionReset
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionAborted
    )
}

/// How long a reset waits for bytes that are under way.
const SETTLE: Duration = Duration::from_secs(5);

/// Waits until the peer's kernel has taken all that was written: a RST throws away what has not
/// left yet, and "a RST after n bytes" is to come after n bytes. A client that does not read gets
/// it after five seconds all the same.
pub async fn settle(wire: &mut impl Wire, clock: Clock) {
    let mut waited = Duration::ZERO;
    let step = Duration::from_millis(1);
    while waited < SETTLE && wire.unsent() > 0 {
        clock.sleep(step).await;
        waited += step;
    }
}

/// Ends the wire with a RST, whatever is still unread.
pub fn reset(mut wire: BoxWire) {
    wire.arm_reset();
}

/// Reads and discards whatever is there already, without waiting.
async fn drain_now(wire: &mut BoxWire, heard: &mut impl FnMut(&[u8])) -> Option<End> {
    let mut buffer = [0u8; 4096];
    poll_fn(|cx| {
        loop {
            let mut read = ReadBuf::new(&mut buffer);
            match std::pin::Pin::new(&mut *wire).poll_read(cx, &mut read) {
                Poll::Pending => return Poll::Ready(None),
                Poll::Ready(Err(_)) => return Poll::Ready(Some(End::Reset)),
                Poll::Ready(Ok(())) if read.filled().is_empty() => {
                    return Poll::Ready(Some(End::Fin));
                }
                Poll::Ready(Ok(())) => heard(read.filled()),
            }
        }
    })
    .await
}

/// Sends a FIN, and makes sure that it is one: on Linux, closing a socket with unread bytes, or
/// bytes that arrive after it, turns into a RST. So what is there is read first, then the FIN
/// goes out. The caller keeps the wire (see [`linger`]) until the peer is done.
pub async fn fin(wire: &mut BoxWire, goodbye: bool) -> io::Result<()> {
    fin_hearing(wire, goodbye, |_| {}).await
}

/// As [`fin`], and what is read before it is handed over.
pub async fn fin_hearing(
    wire: &mut BoxWire,
    goodbye: bool,
    mut heard: impl FnMut(&[u8]),
) -> io::Result<()> {
    drain_now(wire, &mut heard).await;
    if goodbye { wire.shutdown().await } else { poll_fn(|cx| wire.poll_fin(cx)).await }
}

/// Reads and discards until the peer closes or resets. Gives how it ended.
pub async fn linger(wire: &mut BoxWire) -> End {
    linger_hearing(wire, |_| {}).await
}

/// As [`linger`], and what comes is handed over.
pub async fn linger_hearing(wire: &mut BoxWire, mut heard: impl FnMut(&[u8])) -> End {
    use tokio::io::AsyncReadExt;
    let mut buffer = [0u8; 4096];
    loop {
        match wire.read(&mut buffer).await {
            Ok(0) => return End::Fin,
            Ok(n) => heard(&buffer[..n]),
            Err(_) => return End::Reset,
        }
    }
}

/// Waits until the peer closes or resets, reading nothing. Where its bytes wait to be read, only its
/// end lets a read go on.
pub async fn departed(wire: &mut BoxWire) {
    poll_fn(|cx| wire.poll_departed(cx)).await;
}
