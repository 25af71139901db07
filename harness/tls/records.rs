//! The wire below a TLS server that cuts and changes its records. It knows the five bytes before
//! each record, and nothing of what is in it.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::clock::Wait;
use crate::conn::Conn;
use crate::event::{How, Side, What, Who};
use crate::fault::tls_record::{Armed, CutEnd, Part};
use crate::stage::Stage;
use crate::wire::{BoxWire, End, Wire};

/// What a rule has done: its place among the rules, and which part of it.
type Did = (usize, Part);

/// Bytes to be sent, and what has been done when so many of them are.
#[derive(Default)]
struct Out {
    bytes: BytesMut,
    sent: usize,
    done: Vec<(usize, Did)>,
}

/// What is next to be done.
enum Act {
    Send(Out),
    Pause(Duration, Did),
    End(CutEnd, Did),
}

/// A wire whose records go out as the scenario says.
pub struct Records {
    /// None after a RST.
    wire: Option<BoxWire>,
    conn: Arc<Conn>,
    stage: Stage,
    rules: Vec<Armed>,
    /// What is written down already.
    noted: Vec<Did>,
    /// The beginning of a record that is not whole yet.
    partial: BytesMut,
    acts: VecDeque<Act>,
    timer: Option<Wait>,
    /// Records seen, bytes put out.
    records: u64,
    bytes: u64,
    /// What the server sends from now on is encrypted, whatever its records' type says.
    encrypted: bool,
    /// It has asked for another hello: this is TLS 1.3.
    retried: bool,
    /// Nothing more goes out.
    ended: Option<CutEnd>,
    /// Milliseconds spent until what was sent has left, before a RST.
    settled: u32,
}

/// Puts the rules under a server of TLS.
pub fn records(wire: BoxWire, conn: &Arc<Conn>, stage: Stage, rules: Vec<Armed>) -> BoxWire {
    if rules.is_empty() {
        return wire;
    }
    Box::new(Records {
        wire: Some(wire),
        conn: Arc::clone(conn),
        stage,
        rules,
        noted: Vec::new(),
        partial: BytesMut::new(),
        acts: VecDeque::new(),
        timer: None,
        records: 0,
        bytes: 0,
        encrypted: false,
        retried: false,
        ended: None,
        settled: 0,
    })
}

/// The type of a ChangeCipherSpec's record, and of a handshake message's in clear.
const CHANGE_CIPHER_SPEC: u8 = 0x14;
const HANDSHAKE: u8 = 0x16;
/// How the random of a HelloRetryRequest begins (RFC 8446, section 4.1.3), and where it stands.
const RETRY: [u8; 8] = [0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11];
const RANDOM: usize = 11;

fn gone() -> io::Error {
    io::ErrorKind::ConnectionReset.into()
}

impl Records {
    /// Takes what the server wants to send, a record at a time.
    fn take(&mut self, bytes: &[u8]) {
        self.partial.extend_from_slice(bytes);
        loop {
            let Some(head) = self.partial.first_chunk::<5>() else { return };
            let length = 5 + usize::from(u16::from_be_bytes([head[3], head[4]]));
            if self.partial.len() < length {
                return;
            }
            let record = self.partial.split_to(length);
            self.records += 1;
            // In TLS 1.2 the Finished behind it still says that it is a handshake message. In TLS 1.3 it
            // changes nothing: behind a HelloRetryRequest, the ServerHello is yet to come.
            let changed = record[0] == CHANGE_CIPHER_SPEC && !self.retried;
            self.retried |= record[RANDOM.min(length)..].starts_with(&RETRY);
            self.record(record);
            self.encrypted |= changed;
        }
    }

    fn record(&mut self, mut record: BytesMut) {
        let mut pauses = Vec::new();
        let (mut fragment, mut split) = (None, None);
        // What is done in its head, and what at its end.
        let (mut first, mut last) = (Vec::new(), Vec::new());
        for (index, Armed { record: rule, .. }) in self.rules.clone().into_iter().enumerate() {
            fragment = rule.fragment.map(|size| (size, index)).or(fragment);
            split = rule.split.map(|size| (size.0, index)).or(split);
            if rule.record.unwrap_or(1) != self.records {
                continue;
            }
            if let Some(size) = rule.oversize {
                let length = size.0 as u16;
                let mut long = vec![0x17, 3, 3];
                long.extend(length.to_be_bytes());
                long.resize(5 + usize::from(length), 0);
                self.put(&long, split, &[(5, (index, Part::Oversize))]);
            }
            if let Some(version) = rule.version_number() {
                record[1..3].copy_from_slice(&version.to_be_bytes());
                first.push((3, (index, Part::Version)));
            }
            if let (true, Some(byte)) = (rule.flip, record.last_mut()) {
                *byte ^= 1;
                last.push((index, Part::Flip));
            }
            pauses.extend(rule.pause.map(|pause| (pause, (index, Part::Pause))));
        }
        match fragment {
            // In clear, TLS 1.2 and ServerHello: a handshake message may be cut anywhere.
            Some((size, rule)) if record[0] == HANDSHAKE && !self.encrypted => {
                let mut parts = record[5..].chunks(size.0 as usize).peekable();
                while let Some(part) = parts.next() {
                    let mut cut = record[..3].to_vec();
                    cut.extend((part.len() as u16).to_be_bytes());
                    cut.extend_from_slice(part);
                    let mut done = std::mem::take(&mut first);
                    match parts.peek() {
                        Some(_) => done.push((5, (rule, Part::Fragment))),
                        None => done.extend(last.iter().map(|did| (cut.len(), *did))),
                    }
                    self.put(&cut, split, &done);
                }
            }
            _ => {
                first.extend(last.into_iter().map(|did| (record.len(), did)));
                self.put(&record, split, &first);
            }
        }
        for (pause, did) in pauses {
            self.acts.push_back(Act::Pause(self.conn.scaled(pause.0), did));
        }
    }

    /// Writes down what a rule has done, once.
    fn note(&mut self, did: Did) {
        if self.noted.contains(&did) {
            return;
        }
        self.noted.push(did);
        let Armed { rule, record } = &self.rules[did.0];
        let ((did, audible), at) = (record.words(did.1), self.stage);
        self.conn.note(What::Fault { rule: *rule, at, effect: "tls_record", did, audible });
    }

    /// The connection has ended, where this is TLS with the proxy, or around it. In a tunnel the
    /// end has yet to pass the proxy.
    fn closed(&self, by: Who, how: How) {
        let own = self.stage == Stage::ProxyTls || self.conn.side != Side::Client;
        if own { self.conn.closed(by, how) } else { self.conn.closing(by, how) }
    }

    /// Puts bytes out, up to where it is cut. `done`: what has been done when so many of them are out.
    fn put(&mut self, bytes: &[u8], split: Option<(u64, usize)>, done: &[(usize, Did)]) {
        if matches!(self.acts.back(), Some(Act::End(..))) || self.ended.is_some() {
            return;
        }
        let cut = self.rules.iter().enumerate().find_map(|(index, Armed { record, .. })| {
            Some((record.cut?.0, record.end.unwrap_or_default(), index))
        });
        let room = cut.map_or(u64::MAX, |(cut, ..)| cut - self.bytes);
        let some = &bytes[..bytes.len().min(usize::try_from(room).unwrap_or(usize::MAX))];
        self.bytes += some.len() as u64;
        let most = split.map_or(some.len(), |(n, _)| n as usize).max(1);
        for (index, part) in some.chunks(most).enumerate() {
            let from = index * most;
            let mut apart = None;
            if let Some((_, rule)) = split {
                // More than goes into one, or what would have gone together.
                let more =
                    part.len() < some.len() || matches!(self.acts.back(), Some(Act::Send(_)));
                apart = more.then_some((from + 1, (rule, Part::Split)));
                self.acts.push_back(Act::Send(Out::default()));
            }
            // What comes together goes together: one segment, where the kernel can.
            if !matches!(self.acts.back(), Some(Act::Send(_))) {
                self.acts.push_back(Act::Send(Out::default()));
            }
            let Some(Act::Send(out)) = self.acts.back_mut() else { return };
            let before = out.sent + out.bytes.len();
            let here = done.iter().copied().chain(apart);
            let here = here.filter(|(at, _)| (from + 1..=from + part.len()).contains(at));
            out.done.extend(here.map(|(at, did)| (before + at - from, did)));
            out.bytes.extend_from_slice(part);
        }
        if let Some((_, end, rule)) = cut.filter(|(cut, ..)| *cut == self.bytes) {
            self.acts.push_back(Act::End(end, (rule, Part::Cut)));
        }
    }

    /// Does what is to be done, as far as the wire takes it.
    fn drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            if let Some(timer) = &mut self.timer {
                ready!(timer.as_mut().poll(cx));
                self.timer = None;
            }
            let Some(act) = self.acts.front_mut() else { return Poll::Ready(Ok(())) };
            let Some(wire) = &mut self.wire else { return Poll::Ready(Err(gone())) };
            match act {
                Act::Send(out) if out.bytes.is_empty() => {
                    ready!(Pin::new(wire).poll_flush(cx))?;
                    self.acts.pop_front();
                }
                Act::Send(out) => {
                    let n = ready!(Pin::new(wire).poll_write(cx, &out.bytes))?;
                    out.bytes.advance(n);
                    out.sent += n;
                    let sent = out.sent;
                    for (_, did) in
                        out.done.extract_if(.., |(at, _)| *at <= sent).collect::<Vec<_>>()
                    {
                        self.note(did);
                    }
                }
                Act::Pause(length, did) => {
                    let did = *did;
                    self.timer = Some(self.conn.clock().wait(*length));
                    self.acts.pop_front();
                    self.note(did);
                }
                Act::End(end, did) => {
                    let (end, did) = (*end, *did);
                    match end {
                        CutEnd::Close => {
                            ready!(wire.poll_fin(cx))?;
                            self.note(did);
                            self.closed(Who::Us, How::Fin);
                        }
                        // A RST throws away what the kernel has not sent yet.
                        CutEnd::Reset if wire.unsent() > 0 && self.settled < 5000 => {
                            self.settled += 1;
                            self.timer = Some(self.conn.clock().wait(Duration::from_millis(1)));
                            continue;
                        }
                        CutEnd::Reset => {
                            wire.arm_reset();
                            self.wire = None;
                            self.note(did);
                            self.closed(Who::Us, How::Rst);
                        }
                        CutEnd::Hang => {
                            let at = self.stage;
                            self.note(did);
                            self.conn.note(What::Silence { who: Who::Us, at, reads: true });
                        }
                    }
                    self.ended = Some(end);
                    self.acts.clear();
                }
            }
        }
    }
}

impl AsyncRead for Records {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Poll::Ready(Err(error)) = self.drain(cx) {
            return Poll::Ready(Err(error));
        }
        let ended = self.ended;
        let Some(wire) = &mut self.wire else { return Poll::Ready(Err(gone())) };
        let Some(end) = ended else { return Pin::new(wire).poll_read(cx, into) };
        // Reads on and throws away, so that a FIN stays one, until the client has gone.
        let mut buffer = [0; 4096];
        loop {
            let mut read = ReadBuf::new(&mut buffer);
            match ready!(Pin::new(&mut *wire).poll_read(cx, &mut read)) {
                Ok(()) if !read.filled().is_empty() => continue,
                done => {
                    if end == CutEnd::Hang {
                        self.conn.note(What::SilenceEnded { bytes: 0 });
                        let how = if done.is_ok() { How::Fin } else { How::Rst };
                        self.closed(Who::Client, how);
                    }
                    return Poll::Ready(Err(gone()));
                }
            }
        }
    }
}

impl AsyncWrite for Records {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[io::IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.drain(cx))?;
        for part in parts.iter().filter(|_| self.ended.is_none()).collect::<Vec<_>>() {
            self.take(part);
        }
        // What cannot go now goes at the next flush.
        match self.drain(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            _ => Poll::Ready(Ok(parts.iter().map(|part| part.len()).sum())),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.drain(cx))?;
        match &mut self.wire {
            Some(wire) => Pin::new(wire).poll_flush(cx),
            None => Poll::Ready(Err(gone())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.drain(cx))?;
        let ended = self.ended;
        match (&mut self.wire, ended) {
            (Some(wire), None) => Pin::new(wire).poll_shutdown(cx),
            _ => Poll::Ready(Ok(())),
        }
    }
}

impl Wire for Records {
    fn arm_reset(&mut self) {
        if let Some(wire) = &mut self.wire {
            wire.arm_reset();
        }
    }

    fn poll_fin(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.drain(cx))?;
        let ended = self.ended;
        match (&mut self.wire, ended) {
            (Some(wire), None) => wire.poll_fin(cx),
            _ => Poll::Ready(Ok(())),
        }
    }

    fn poll_departed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.wire.as_mut().map_or(Poll::Ready(()), |wire| wire.poll_departed(cx))
    }

    fn gone(&self) -> Option<End> {
        self.wire.as_ref().and_then(|wire| wire.gone())
    }

    fn unsent(&self) -> u64 {
        self.wire.as_ref().map_or(0, |wire| wire.unsent())
    }

    fn into_tcp(self: Box<Self>) -> Result<TcpStream, BoxWire> {
        Err(self)
    }
}

#[cfg(test)]
mod tests;
