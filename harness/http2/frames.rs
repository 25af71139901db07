//! A wire under the h2 library that knows the nine bytes before each frame. What the library
//! sends by the book is changed here frame by frame, and frames made by hand go out between.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::frame::{self, Code};
use crate::conn::Conn;
use crate::event::What;
use crate::fault::h2::{H2, Waits};
use crate::wire::BoxWire;

/// One connection, as its frames and its streams share it.
#[derive(Clone)]
pub struct Handle(Arc<Mutex<State>>);

/// REFUSED_STREAM (RFC 9113, section 7).
const REFUSED: u32 = 7;

struct State {
    conn: Arc<Conn>,
    /// None once the connection is over and its end was taken.
    wire: Option<BoxWire>,
    terms: H2,
    /// What the library has written of a frame that is not whole yet.
    part: BytesMut,
    /// Whole frames on their way out.
    out: BytesMut,
    /// Made by hand: goes out when the library has written all it had.
    extra: BytesMut,
    /// Header blocks in the place of the library's, by stream.
    blocks: BTreeMap<u32, Vec<Vec<u8>>>,
    /// A stream beyond the first ones has kept to the cap.
    kept: bool,
    /// Streams that rules or relays have reset: nobody is to blame.
    reset: Vec<u32>,
    /// The last stream that GOAWAY has left.
    last: Option<u32>,
    /// How often all has been written.
    flushed: u64,
    /// The preface of the library has passed: its SETTINGS.
    greeted: bool,
    /// What is in `extra` is the last that is sent: what the library still writes is dropped.
    last_word: bool,
    /// The connection is to end now, with a FIN or with nothing more from the library.
    ending: bool,
    over: bool,
    driver: Option<Waker>,
    waiting: Vec<Waker>,
}

impl Handle {
    /// The connection over this wire.
    pub fn new(conn: &Arc<Conn>, wire: BoxWire, terms: H2) -> Self {
        Handle(Arc::new(Mutex::new(State {
            conn: Arc::clone(conn),
            wire: Some(wire),
            terms,
            part: BytesMut::new(),
            out: BytesMut::new(),
            extra: BytesMut::new(),
            blocks: BTreeMap::new(),
            kept: false,
            reset: Vec::new(),
            last: None,
            flushed: 0,
            greeted: false,
            last_word: false,
            ending: false,
            over: false,
            driver: None,
            waiting: Vec::new(),
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The header block that goes out where the library sends its next one on this stream.
    pub fn block(&self, stream: u32, block: Vec<u8>) {
        self.state().blocks.entry(stream).or_default().push(block);
    }

    /// Sends bytes between two frames, after all that was handed to the library before, and
    /// before all that is handed to it later.
    pub async fn inject(&self, bytes: &[u8]) {
        self.settle().await;
        self.state().add(bytes);
        self.settle().await;
    }

    /// Sends bytes as [`inject`](Handle::inject) does, and nothing behind them: the connection ends.
    /// False: a stream beside this one has had the last word already, and nothing is sent.
    pub async fn inject_last(&self, bytes: &[u8]) -> bool {
        self.settle().await;
        let added = self.state().add_last(bytes);
        if added {
            self.settle().await;
            self.end();
        }
        added
    }

    /// This stream is reset on purpose.
    pub(super) fn resets(&self, stream: u32) {
        self.state().reset.push(stream);
    }

    /// This stream, or the last one of an earlier GOAWAY: it must not rise (RFC 9113, section 6.8).
    pub fn no_later(&self, stream: u32) -> u32 {
        self.state().last.map_or(stream, |last| last.min(stream))
    }

    /// Sends GOAWAY; streams after `last` are not served any more. With `close` the connection ends
    /// behind it; false: it has ended already.
    pub async fn goaway(&self, last: u32, code: Code, debug: &str, close: bool) -> bool {
        self.state().last = Some(last);
        let frame = frame::goaway(last, code, debug);
        if close {
            return self.inject_last(&frame).await;
        }
        self.inject(&frame).await;
        true
    }

    /// Whether a stream is not served because of a GOAWAY.
    pub(super) fn is_past(&self, stream: u32) -> bool {
        self.state().last.is_some_and(|last| stream > last)
    }

    /// The library serves another stream: there have been that many.
    pub(super) fn opened(&self, streams: u64, stream: u32) {
        let mut state = self.state();
        if let Some(Waits::Streams(most)) = state.terms.waits_for()
            && streams > u64::from(most)
            && let (false, Some((rule, at))) = (state.kept, state.terms.bites)
        {
            // It has come when fewer were open: right behind an answer, or with good manners.
            state.kept = true;
            let did = format!("MAX_CONCURRENT_STREAMS {most}, and stream {stream} finds room");
            state.conn.note(What::Fault { rule, at, effect: "h2", did, audible: false });
        }
    }

    /// Ends the connection: the library sends nothing more.
    pub fn end(&self) {
        let mut state = self.state();
        state.ending = true;
        state.wake();
    }

    /// Whether it is to end.
    pub(super) fn is_ending(&self) -> bool {
        self.state().ending
    }

    /// Remembers who drives the connection.
    pub(super) fn driven(&self, cx: &Context<'_>) {
        self.state().driver = Some(cx.waker().clone());
    }

    /// Nothing is written any more; gives the wire, to be closed.
    pub(super) fn over(&self) -> Option<BoxWire> {
        let mut state = self.state();
        state.over = true;
        for waker in state.waiting.drain(..) {
            waker.wake();
        }
        state.wire.take()
    }

    /// Which flush has to have come before all that was handed to the library has been written:
    /// the next one may be under way already.
    pub fn ticket(&self) -> u64 {
        let mut state = self.state();
        state.wake();
        state.flushed + 2
    }

    /// Ready once that flush has come, or no more will.
    pub fn poll_flushed(&self, cx: &Context<'_>, ticket: u64) -> Poll<()> {
        let mut state = self.state();
        if state.over || state.flushed >= ticket {
            return Poll::Ready(());
        }
        state.waiting.push(cx.waker().clone());
        state.wake();
        Poll::Pending
    }

    /// Whether that flush has come.
    pub fn is_flushed(&self, ticket: u64) -> bool {
        let mut state = self.state();
        state.wake();
        state.over || state.flushed >= ticket
    }

    /// Waits until what was handed to the library has been written.
    pub async fn settle(&self) {
        let ticket = self.ticket();
        poll_fn(|cx| self.poll_flushed(cx, ticket)).await;
    }
}

impl State {
    fn wake(&mut self) {
        if let Some(driver) = self.driver.take() {
            driver.wake();
        }
    }

    /// Puts bytes behind what the library has written.
    fn add(&mut self, bytes: &[u8]) {
        if !self.last_word {
            self.extra.extend_from_slice(bytes);
        }
    }

    /// The same, and nothing comes behind them. False: that has been so before.
    fn add_last(&mut self, bytes: &[u8]) -> bool {
        self.add(bytes);
        !std::mem::replace(&mut self.last_word, true)
    }

    /// Takes whole frames out of `part`, changes them, puts them into `out`.
    fn sort(&mut self) {
        while let Some(head) = self.part.first_chunk::<9>() {
            let head = *head;
            let length =
                usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
            if self.part.len() < 9 + length {
                return;
            }
            let whole = self.part.split_to(9 + length);
            self.pass(head, &whole);
        }
    }

    fn pass(&mut self, head: [u8; 9], whole: &[u8]) {
        if self.last_word {
            return;
        }
        let (kind, flags) = (head[3], head[4]);
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]) & 0x7fff_ffff;
        let answer = flags & frame::ACK != 0;
        self.blame(kind, stream, &whole[9..]);
        match kind {
            1 => match self.blocks.get_mut(&stream).filter(|blocks| !blocks.is_empty()) {
                Some(blocks) => {
                    let block = blocks.remove(0);
                    self.out.extend_from_slice(&frame::headers(stream, &block, flags));
                }
                None => self.out.extend_from_slice(whole),
            },
            4 if answer && self.terms.ack_settings == Some(false) => {}
            4 if !answer && !self.greeted => {
                self.greeted = true;
                match self.terms.payload() {
                    None => self.out.extend_from_slice(whole),
                    Some(None) => {}
                    Some(Some(payload)) => {
                        self.out.extend_from_slice(&frame::frame(4, 0, 0, &payload));
                    }
                }
            }
            6 if answer && self.terms.ack_pings == Some(false) => self.bite(stream),
            8 if self.terms.window_updates == Some(false) => self.bite(stream),
            _ => self.out.extend_from_slice(whole),
        }
    }

    /// The client has come to what the terms wait for: written down once.
    fn bite(&mut self, stream: u32) {
        let (Some(waits), Some((rule, at))) = (self.terms.waits_for(), self.terms.bites.take())
        else {
            return;
        };
        let (did, audible) = match waits {
            Waits::Streams(most) => {
                (format!("MAX_CONCURRENT_STREAMS {most}: stream {stream} is refused"), true)
            }
            Waits::Upload => ("no WINDOW_UPDATE, and one is due".to_owned(), false),
            Waits::Ping => ("no PING ACK, and one is due".to_owned(), false),
        };
        self.conn.note(What::Fault { rule, at, effect: "h2", did, audible });
    }

    /// Writes down what the library holds against the client.
    fn blame(&mut self, kind: u8, stream: u32, payload: &[u8]) {
        let code =
            |at| payload.get(at..at + 4).and_then(|b| b.try_into().ok()).map(u32::from_be_bytes);
        let said = match kind {
            3 => {
                let ours = self.reset.iter().position(|one| *one == stream);
                if let Some(ours) = ours {
                    self.reset.swap_remove(ours);
                    return;
                }
                code(0).map(|code| ("RST_STREAM", code))
            }
            7 => code(4).map(|code| ("GOAWAY", code)),
            _ => None,
        };
        if let Some((answered, code)) = said.filter(|(_, code)| *code != 0) {
            if answered == "RST_STREAM" && code == REFUSED {
                self.bite(stream);
            }
            let (answered, code) = (answered.to_owned(), Code(code).to_string());
            self.conn.note(What::Http2Error { stream, answered, code });
        }
    }

    fn poll_out(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.out.is_empty() {
            let Some(wire) = &mut self.wire else { return gone() };
            let n = ready!(Pin::new(wire).poll_write(cx, &self.out))?;
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.out.advance(n);
        }
        Poll::Ready(Ok(()))
    }
}

fn gone<T>() -> Poll<io::Result<T>> {
    Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
}

/// The wire that the library has.
pub(super) struct Frames(pub Handle);

impl AsyncRead for Frames {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.0.state().wire {
            Some(wire) => Pin::new(wire).poll_read(cx, into),
            None => gone(),
        }
    }
}

impl AsyncWrite for Frames {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut state = self.0.state();
        ready!(state.poll_out(cx))?;
        state.part.extend_from_slice(bytes);
        state.sort();
        // What cannot be written now is written before more is taken.
        match state.poll_out(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            _ => Poll::Ready(Ok(bytes.len())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.0.state();
        ready!(state.poll_out(cx))?;
        let extra = state.extra.split();
        state.out.extend_from_slice(&extra);
        ready!(state.poll_out(cx))?;
        let Some(wire) = &mut state.wire else { return gone() };
        ready!(Pin::new(wire).poll_flush(cx))?;
        state.flushed += 1;
        for waker in state.waiting.drain(..) {
            waker.wake();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The FIN is for whoever takes the wire afterwards.
        self.poll_flush(cx)
    }
}
