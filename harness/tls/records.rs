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
use crate::fault::tls_record::{CutEnd, TlsRecord};
use crate::stage::Stage;
use crate::wire::{BoxWire, Wire};

/// What is next to be done.
enum Act {
    Send(BytesMut),
    Pause(Duration),
    End(CutEnd),
}

/// A wire whose records go out as the scenario says.
pub struct Records {
    /// None after a RST.
    wire: Option<BoxWire>,
    conn: Arc<Conn>,
    stage: Stage,
    rules: Vec<TlsRecord>,
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
pub fn records(wire: BoxWire, conn: &Arc<Conn>, stage: Stage, rules: Vec<TlsRecord>) -> BoxWire {
    if rules.is_empty() {
        return wire;
    }
    Box::new(Records {
        wire: Some(wire),
        conn: Arc::clone(conn),
        stage,
        rules,
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
        for rule in self.rules.clone() {
            fragment = rule.fragment.or(fragment);
            split = rule.split.or(split);
            if rule.record.unwrap_or(1) != self.records {
                continue;
            }
            if let Some(size) = rule.oversize {
                let length = size.0 as u16;
                let mut long = vec![0x17, 3, 3];
                long.extend(length.to_be_bytes());
                long.resize(5 + usize::from(length), 0);
                self.put(&long, split.map(|s| s.0));
            }
            if let Some(version) = rule.version_number() {
                record[1..3].copy_from_slice(&version.to_be_bytes());
            }
            if let (true, Some(last)) = (rule.flip, record.last_mut()) {
                *last ^= 1;
            }
            pauses.extend(rule.pause);
        }
        match fragment {
            // In clear, TLS 1.2 and ServerHello: a handshake message may be cut anywhere.
            Some(size) if record[0] == HANDSHAKE && !self.encrypted => {
                for part in record[5..].chunks(size.0 as usize) {
                    let mut cut = record[..3].to_vec();
                    cut.extend((part.len() as u16).to_be_bytes());
                    cut.extend_from_slice(part);
                    self.put(&cut, split.map(|s| s.0));
                }
            }
            _ => self.put(&record, split.map(|s| s.0)),
        }
        for pause in pauses {
            self.acts.push_back(Act::Pause(self.conn.scaled(pause.0)));
        }
    }

    /// The connection has ended, where this is TLS with the proxy, or around it. In a tunnel the
    /// end has yet to pass the proxy.
    fn closed(&self, by: Who, how: How) {
        let own = self.stage == Stage::ProxyTls || self.conn.side != Side::Client;
        if own { self.conn.closed(by, how) } else { self.conn.closing(by, how) }
    }

    /// Puts bytes out, up to where it is cut.
    fn put(&mut self, bytes: &[u8], split: Option<u64>) {
        if matches!(self.acts.back(), Some(Act::End(_))) || self.ended.is_some() {
            return;
        }
        let cut = self.rules.iter().find_map(|r| Some((r.cut?.0, r.end.unwrap_or_default())));
        let room = cut.map_or(u64::MAX, |(cut, _)| cut - self.bytes);
        let some = &bytes[..bytes.len().min(usize::try_from(room).unwrap_or(usize::MAX))];
        self.bytes += some.len() as u64;
        match (split, self.acts.back_mut()) {
            (Some(n), _) => {
                let parts = some.chunks(n as usize).map(BytesMut::from);
                self.acts.extend(parts.map(Act::Send));
            }
            // What comes together goes together: one segment, where the kernel can.
            (None, Some(Act::Send(before))) => before.extend_from_slice(some),
            (None, _) => self.acts.push_back(Act::Send(BytesMut::from(some))),
        }
        if let Some((_, end)) = cut.filter(|(cut, _)| *cut == self.bytes) {
            self.acts.push_back(Act::End(end));
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
                Act::Send(bytes) => {
                    let n = ready!(Pin::new(&mut *wire).poll_write(cx, bytes))?;
                    bytes.advance(n);
                    if bytes.is_empty() {
                        ready!(Pin::new(wire).poll_flush(cx))?;
                        self.acts.pop_front();
                    }
                }
                Act::Pause(length) => {
                    self.timer = Some(self.conn.clock().wait(*length));
                    self.acts.pop_front();
                }
                Act::End(end) => {
                    let end = *end;
                    match end {
                        CutEnd::Close => {
                            ready!(wire.poll_fin(cx))?;
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
                            self.closed(Who::Us, How::Rst);
                        }
                        CutEnd::Hang => {
                            let at = self.stage;
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

    fn unsent(&self) -> u64 {
        self.wire.as_ref().map_or(0, |wire| wire.unsent())
    }

    fn into_tcp(self: Box<Self>) -> Result<TcpStream, BoxWire> {
        Err(self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::scenario::{Scenario, Size};
    use crate::start::{Setup, simulate};
    use crate::wire::sim::pair;

    /// Records of these lengths, as a server would send them.
    fn sent(lengths: &[usize]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for length in lengths {
            bytes.extend([0x16, 3, 3]);
            bytes.extend((*length as u16).to_be_bytes());
            bytes.extend((0..*length).map(|n| n as u8));
        }
        bytes
    }

    /// What comes out when these bytes are written in pieces of `piece`.
    fn passed(rule: TlsRecord, bytes: &[u8], piece: usize) -> Vec<u8> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let running = simulate(Scenario::healthy(), &Setup::default()).unwrap();
            let shared = Arc::clone(&running.shared);
            let conn = Conn::new(1, Side::Client, running.scenario(), shared);
            let (ours, mut theirs) = pair();
            let mut wire = records(Box::new(ours), &conn, Stage::Tls, vec![rule]);
            for part in bytes.chunks(piece) {
                wire.write_all(part).await.unwrap();
            }
            wire.shutdown().await.unwrap();
            let mut got = Vec::new();
            theirs.read_to_end(&mut got).await.unwrap();
            got
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        /// Whatever the pieces in which a server writes: segments lose nothing, a cut comes after
        /// its bytes, and what was fragmented has the same payload.
        #[test]
        fn bytes_are_kept(
            lengths in prop::collection::vec(0usize..300, 1..6),
            piece in 1usize..400,
            n in 1u64..500,
        ) {
            let bytes = sent(&lengths);
            let size = Some(Size(n));
            let split = TlsRecord { split: size, ..TlsRecord::default() };
            prop_assert_eq!(&passed(split, &bytes, piece), &bytes);
            let cut = TlsRecord { cut: size, ..TlsRecord::default() };
            let kept = bytes.len().min(n as usize);
            prop_assert_eq!(&passed(cut, &bytes, piece), &bytes[..kept]);
            let fragment = TlsRecord { fragment: size, ..TlsRecord::default() };
            let mut rest = &passed(fragment, &bytes, piece)[..];
            let mut payload = Vec::new();
            while let Some((head, more)) = rest.split_first_chunk::<5>() {
                let length = usize::from(u16::from_be_bytes([head[3], head[4]]));
                prop_assert!(length as u64 <= n);
                payload.extend_from_slice(&more[..length]);
                rest = &more[length..];
            }
            let whole: Vec<u8> = lengths.iter().flat_map(|l| (0..*l).map(|n| n as u8)).collect();
            prop_assert_eq!(payload, whole);
        }
    }
}
