//! A stream of HTTP/2 as a wire: what is written is an HTTP/1 response head, which becomes
//! HEADERS, and then bytes, which become DATA. So every stage plays on it as it does on a socket:
//! END_STREAM is its FIN, RST_STREAM its RST.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::frame::{self, Code};
use super::frames::Handle;
use crate::wire::{BoxWire, Wire};

/// The longest head that is collected.
const LONGEST: usize = 1 << 20;

/// What the stream is ready to send.
enum Sends {
    /// The response's head: what has been written of it.
    Head(SendResponse<Bytes>, BytesMut),
    /// Its body.
    Body(SendStream<Bytes>),
    /// Nothing more.
    Done,
}

/// One stream, seen from the server.
pub struct Stream {
    id: u32,
    /// The connection that it is a part of.
    pub handle: Handle,
    receives: RecvStream,
    /// Come and not read.
    unread: VecDeque<Bytes>,
    sends: Sends,
    /// What RST_STREAM says, when this is dropped.
    reset: Option<Code>,
    /// What it says when nothing else was asked for.
    usual: Code,
    /// The flush that writes what was written last.
    written: Option<u64>,
    /// Bytes of the frames that it sends.
    bytes: u64,
}

/// The bytes before a frame's payload.
const FRAME_HEAD: u64 = 9;

impl Stream {
    pub(super) fn new(
        handle: Handle,
        receives: RecvStream,
        respond: SendResponse<Bytes>,
        usual: Code,
    ) -> Self {
        let id = respond.stream_id().as_u32();
        let sends = Sends::Head(respond, BytesMut::new());
        Stream {
            id,
            handle,
            receives,
            unread: VecDeque::new(),
            sends,
            reset: None,
            usual,
            written: None,
            bytes: 0,
        }
    }

    /// Bytes of the frames that it has sent, HEADERS and DATA.
    pub fn sent(&self) -> u64 {
        self.bytes
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Whether what is written now is DATA.
    pub fn has_head(&self) -> bool {
        !matches!(self.sends, Sends::Head(..))
    }

    /// Whether the client has ended its direction, and nothing of it is left.
    pub fn has_ended(&self) -> bool {
        self.unread.is_empty() && self.receives.is_end_stream()
    }

    /// The trailers, as lines of HTTP/1, once all else of the request has been read.
    pub async fn trailers(&mut self) -> Vec<u8> {
        let Ok(Some(trailers)) = self.receives.trailers().await else { return Vec::new() };
        let line = |(name, value): (&HeaderName, &HeaderValue)| {
            [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat()
        };
        trailers.iter().flat_map(line).collect()
    }

    /// What its RST_STREAM says when nothing else is asked for.
    pub fn usual(&self) -> Code {
        self.usual
    }

    /// When it is dropped, RST_STREAM says this.
    pub fn arm(&mut self, code: Code) {
        self.reset = Some(code);
    }

    /// The response's head is whole: it goes out as a block of literals.
    fn head(&mut self, head: &[u8]) -> io::Result<()> {
        let text = String::from_utf8_lossy(head);
        let mut lines = text.split("\r\n").flat_map(|line| line.split('\n'));
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
        let known = status.parse().ok().and_then(|n| StatusCode::from_u16(n).ok());
        let known = known.ok_or(io::ErrorKind::InvalidData)?;
        let fields: Vec<(String, &str)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim()))
            .collect();
        let fields = fields.iter().map(|(name, value)| (name.as_str(), *value));
        let block = frame::block([(":status", status)].into_iter().chain(fields));
        let Sends::Head(respond, _) = &mut self.sends else { return Ok(()) };
        self.bytes += FRAME_HEAD + block.len() as u64;
        self.handle.block(self.id, block);
        let mut response = Response::new(());
        if known.is_informational() {
            *response.status_mut() = StatusCode::EARLY_HINTS;
            return respond.send_informational(response).map_err(io::Error::other);
        }
        let body = respond.send_response(response, false).map_err(io::Error::other)?;
        self.sends = Sends::Body(body);
        Ok(())
    }

    /// The last of it: END_STREAM, or RST_STREAM where no head has been sent.
    fn finish(&mut self) {
        let code = self.reset;
        match (std::mem::replace(&mut self.sends, Sends::Done), code) {
            (Sends::Body(mut body), None) => drop(body.send_data(Bytes::new(), true)),
            (Sends::Body(mut body), Some(code)) => {
                self.handle.resets(self.id);
                body.send_reset(Reason::from(code.0));
            }
            (Sends::Head(mut respond, _), code) => {
                self.handle.resets(self.id);
                respond.send_reset(Reason::from(code.unwrap_or(self.usual).0));
            }
            (Sends::Done, Some(code)) => {
                // Its own direction has ended; the client's has not.
                let _ = code;
            }
            (Sends::Done, None) => {}
        }
        self.written = Some(self.handle.ticket());
    }

    /// More of what the client sends; Ok(false) at its end.
    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        match ready!(self.receives.poll_data(cx)) {
            None => Poll::Ready(Ok(false)),
            Some(Err(_)) => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            Some(Ok(bytes)) => {
                self.unread.push_back(bytes);
                Poll::Ready(Ok(true))
            }
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            if let Some(bytes) = self.unread.front_mut() {
                let n = bytes.len().min(into.remaining());
                into.put_slice(&bytes[..n]);
                bytes.advance(n);
                if bytes.is_empty() {
                    self.unread.pop_front();
                }
                let _ = self.receives.flow_control().release_capacity(n);
                if n > 0 || into.remaining() == 0 {
                    return Poll::Ready(Ok(()));
                }
                continue;
            }
            if !ready!(self.poll_more(cx))? {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        match &mut this.sends {
            Sends::Done => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            Sends::Head(_, head) => {
                let before = head.len();
                head.extend_from_slice(bytes);
                let from = before.saturating_sub(3);
                let end = memchr::memmem::find(&head[from..], b"\r\n\r\n").map(|at| from + at + 4);
                let Some(end) = end else {
                    return match head.len() > LONGEST {
                        true => Poll::Ready(Err(io::ErrorKind::InvalidData.into())),
                        false => Poll::Ready(Ok(bytes.len())),
                    };
                };
                let whole = head.split_to(end);
                head.clear();
                this.head(&whole)?;
                this.written = Some(this.handle.ticket());
                Poll::Ready(Ok(end - before))
            }
            Sends::Body(body) => {
                if bytes.is_empty() {
                    return Poll::Ready(Ok(0));
                }
                let most = bytes.len().min(frame::MOST);
                body.reserve_capacity(most);
                let mut room = body.capacity();
                while room == 0 {
                    match ready!(body.poll_capacity(cx)) {
                        Some(Ok(n)) => room = n,
                        _ => return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
                    }
                }
                let n = room.min(most);
                let sent = body.send_data(Bytes::copy_from_slice(&bytes[..n]), false);
                if sent.is_err() {
                    return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
                }
                this.bytes += FRAME_HEAD + n as u64;
                this.written = Some(this.handle.ticket());
                Poll::Ready(Ok(n))
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(ticket) = self.written {
            ready!(self.handle.poll_flushed(cx, ticket));
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !matches!(self.sends, Sends::Done) {
            self.finish();
        }
        Poll::Ready(Ok(()))
    }
}

impl Wire for Stream {
    fn arm_reset(&mut self) {
        self.reset = Some(self.usual);
    }

    fn poll_fin(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self).poll_shutdown(cx)
    }

    fn poll_departed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // END_STREAM is no departure: it ends every request. Reset, or gone with the connection.
        match &mut self.sends {
            Sends::Head(respond, _) => respond.poll_reset(cx).map(drop),
            Sends::Body(body) => body.poll_reset(cx).map(drop),
            // What comes is kept: the window, which stays closed, bounds it.
            Sends::Done => {
                while ready!(self.poll_more(cx)).unwrap_or(false) {}
                Poll::Ready(())
            }
        }
    }

    fn unsent(&self) -> u64 {
        let waits = self.written.is_some_and(|ticket| !self.handle.is_flushed(ticket));
        u64::from(waits)
    }

    fn http2(&mut self) -> Option<&mut Stream> {
        Some(self)
    }

    fn into_tcp(self: Box<Self>) -> Result<TcpStream, BoxWire> {
        Err(self)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.finish();
    }
}
