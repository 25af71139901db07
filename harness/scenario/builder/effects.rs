//! One method an effect, by its word in YAML. What else an effect can be told is in its struct,
//! for [`RuleBuilder::step`].

use std::time::Duration;

use super::super::{Length, Rate, Size};
use super::RuleBuilder;
use crate::fault::Effect;
use crate::fault::{
    Fault, alert, answer, await_, bandwidth, blackhole, cert, challenge, close, corrupt, delay,
    duplicate, frame, garbage, glue, goaway, h2, hang, headers, limit, lose, mss, mtu, refuse,
    reorder, reset, respond, rst_stream, send, server_hello, slice, socks_method, socks_reply,
    socks_status, split, tls, tls_record, unreachable, until, upstream_error, vanish, window,
};

impl RuleBuilder {
    /// An effect by the word that stands for it in YAML.
    fn word<F: Fault + Into<Effect>>(mut self, word: &str) -> Self {
        match F::from_word(word) {
            Ok(effect) => self.step(effect),
            Err(problem) => {
                self.builder.wrong.push(problem);
                self
            }
        }
    }

    /// Sends a TLS alert of this name (RFC 8446), e.g. `handshake_failure`.
    pub fn alert(self, name: &str) -> Self {
        self.word::<alert::Alert>(name)
    }

    /// Answers a DNS query so: `nxdomain`, `servfail`, `nodata`, `truncated` ...
    pub fn answer(self, word: &str) -> Self {
        self.word::<answer::Answer>(word)
    }

    /// Waits for the client's `first_byte`, or its whole `client_hello`.
    pub fn await_(self, word: &str) -> Self {
        self.word::<await_::Await>(word)
    }

    /// Lets at most so many bytes a second pass.
    pub fn bandwidth(self, bytes_a_second: u64) -> Self {
        self.step(bandwidth::Bandwidth { rate: Rate(bytes_a_second), ..Default::default() })
    }

    /// Leaves every SYN unanswered.
    pub fn blackhole(self) -> Self {
        self.step(blackhole::Blackhole::default())
    }

    /// Sends an HTTP/2 frame made by hand.
    pub fn frame(self, frame: frame::Frame) -> Self {
        self.step(frame)
    }

    /// Sends a GOAWAY (HTTP/2).
    pub fn goaway(self) -> Self {
        self.step(goaway::Goaway::default())
    }

    /// Chooses what is said and acknowledged in HTTP/2.
    pub fn h2(self, h2: h2::H2) -> Self {
        self.step(h2)
    }

    /// Sends a RST_STREAM (HTTP/2).
    pub fn rst_stream(self) -> Self {
        self.step(rst_stream::RstStream::default())
    }

    /// Shows this certificate, by its badssl.com name: `expired`, `untrusted-root`, `wrong-host` ...
    pub fn cert(self, name: &str) -> Self {
        self.word::<cert::Cert>(name)
    }

    /// Asks for credentials with a 407, as the proxy's login says.
    pub fn challenge(self) -> Self {
        self.step(challenge::Challenge::default())
    }

    /// Sends a FIN.
    pub fn close(self) -> Self {
        self.step(close::Close::default())
    }

    /// Changes each byte with this chance, above 0 and up to 1.
    pub fn corrupt(self, chance: f64) -> Self {
        self.step(corrupt::Corrupt { chance: Some(chance), ..Default::default() })
    }

    /// Waits, then goes on.
    pub fn delay(self, time: Duration) -> Self {
        self.step(delay::Delay { time: Some(Length(time)), ..Default::default() })
    }

    /// Sends every TCP segment with data twice (sandbox).
    pub fn duplicate(self) -> Self {
        self.step(duplicate::Duplicate::default())
    }

    /// Sends this many bytes drawn from the seed.
    pub fn garbage(self, bytes: u64) -> Self {
        self.step(garbage::Garbage { bytes: Some(Size(bytes)) })
    }

    /// Puts bytes before or after the good head, in one segment with it.
    pub fn glue(self, glue: glue::Glue) -> Self {
        self.step(glue)
    }

    /// Stays open and silent for ever.
    pub fn hang(self) -> Self {
        self.step(hang::Hang::default())
    }

    /// Changes headers of the answer.
    pub fn headers(self, headers: headers::Headers) -> Self {
        self.step(headers)
    }

    /// Lets no more than this many bytes pass, and forgets what comes after them.
    pub fn limit(self, bytes: u64) -> Self {
        self.step(limit::Limit { bytes: Size(bytes), ..Default::default() })
    }

    /// Drops each packet between client and proxy with this chance (sandbox).
    pub fn lose(self, chance: f64) -> Self {
        self.step(lose::Lose { chance: Some(chance), ..Default::default() })
    }

    /// Announces this maximum segment size.
    pub fn mss(self, bytes: u64) -> Self {
        self.step(mss::Mss { bytes: Size(bytes) })
    }

    /// Drops packets of more than this size (sandbox).
    pub fn mtu(self, bytes: u64) -> Self {
        self.step(mtu::Mtu { bytes: Size(bytes), ..Default::default() })
    }

    /// Answers every SYN with a RST.
    pub fn refuse(self) -> Self {
        self.step(refuse::Refuse::default())
    }

    /// Swaps TCP segments with data in pairs (sandbox).
    pub fn reorder(self) -> Self {
        self.step(reorder::Reorder::default())
    }

    /// Sends a RST.
    pub fn reset(self) -> Self {
        self.step(reset::Reset::default())
    }

    /// Answers with this status.
    pub fn respond(self, status: u16) -> Self {
        self.step(respond::Respond { status, ..Default::default() })
    }

    /// Sends this text as it stands.
    pub fn send(self, text: impl Into<String>) -> Self {
        self.step(send::SendBytes { text: Some(text.into()), ..Default::default() })
    }

    /// Answers a ClientHello with a ServerHello made by hand.
    pub fn server_hello(self, hello: server_hello::ServerHello) -> Self {
        self.step(hello)
    }

    /// Passes bytes on in slices of this size.
    pub fn slice(self, bytes: u64) -> Self {
        self.step(slice::Slice { bytes: Size(bytes), ..Default::default() })
    }

    /// Chooses this method of SOCKS5 (RFC 1928), by its name or number.
    pub fn socks_method(self, method: &str) -> Self {
        self.word::<socks_method::SocksMethod>(method)
    }

    /// Answers a SOCKS request with this reply (RFC 1928), by its name or number.
    pub fn socks_reply(self, reply: &str) -> Self {
        self.word::<socks_reply::SocksReply>(reply)
    }

    /// Answers a SOCKS5 login with this status (RFC 1929): `success` or `failure`.
    pub fn socks_status(self, status: &str) -> Self {
        self.word::<socks_status::SocksStatus>(status)
    }

    /// Cuts what the stage sends into parts, a segment each.
    pub fn split(self, split: split::Split) -> Self {
        self.step(split)
    }

    /// Chooses what is offered and spoken in TLS.
    pub fn tls(self, tls: tls::Tls) -> Self {
        self.step(tls)
    }

    /// Changes a TLS record on its way.
    pub fn tls_record(self, record: tls_record::TlsRecord) -> Self {
        self.step(record)
    }

    /// Has no route to the proxy (sandbox).
    pub fn unreachable(self) -> Self {
        self.step(unreachable::Unreachable::default())
    }

    /// Lets bytes pass until something holds.
    pub fn until(self, until: until::UntilStep) -> Self {
        self.step(until)
    }

    /// Answers as a proxy whose own leg has failed, with this error type of RFC 9209.
    pub fn upstream_error(self, error: &str) -> Self {
        self.word::<upstream_error::UpstreamError>(error)
    }

    /// Acknowledges nothing more (sandbox).
    pub fn vanish(self) -> Self {
        self.step(vanish::Vanish::default())
    }

    /// Has a receive window of about this many bytes.
    pub fn window(self, bytes: u64) -> Self {
        self.step(window::Window { bytes: Size(bytes) })
    }
}
