//! What is asked of each parser, whatever bytes come. The fuzz targets call these with bytes that
//! libFuzzer invents, `tests/corpora.rs` with the ones that were kept.
//!
//! No parser may panic, and the house's own claims hold: what is read twice is read equal, what is
//! incomplete becomes no error by being cut shorter, and nothing is taken that was not there.

use std::time::Duration;

use badproxy::auth::{
    Handshake, Known, Nonces, basic, bearer, digest, header, judge, negotiate, ntlm,
};
use badproxy::catalogue::CATALOGUE;
use badproxy::dns::message;
use badproxy::proxy::framing::{Chunk, Framing};
use badproxy::proxy::head;
use badproxy::proxy::socks::message as socks;
use badproxy::scenario::read;
use badproxy::start::{Setup, simulate};
use badproxy::tls::hello::{self, Hello};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A target: its name, which is that of its corpus, and what it asks.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: &[Target] = &[
    ("yaml", yaml),
    ("http_head", http_head),
    ("chunks", chunks),
    ("client_hello", client_hello),
    ("dns", dns),
    ("socks", socks_messages),
    ("digest", digest_answers),
    ("ntlm", ntlm_messages),
    ("conversation", conversation),
];

/// A scenario file: every problem has a place inside the text, and can be drawn.
pub fn yaml(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match read(text, "fuzz") {
        Ok(scenario) => {
            assert_eq!(read(text, "fuzz").map(|s| s.rules.len()).ok(), Some(scenario.rules.len()))
        }
        Err(problems) => {
            assert!(!problems.list.is_empty());
            let lines = text.split(['\n', '\r']).count();
            for place in problems.list.iter().filter_map(|p| p.place) {
                assert!(
                    place.line >= 1 && place.line <= lines + 1,
                    "line {} of {lines}",
                    place.line
                );
            }
            assert!(!problems.render(false).is_empty());
        }
    }
}

/// A request's head: what is cut short is incomplete, and never another request.
pub fn http_head(data: &[u8]) {
    let mut inbox = bytes::BytesMut::from(data);
    let Ok(Some(found)) = head::take(&mut inbox) else { return };
    assert_eq!(found.raw.len() + inbox.len(), data.len());
    assert!(data.starts_with(&found.raw));
    for cut in 0..found.raw.len().min(300) {
        let mut short = bytes::BytesMut::from(&data[..cut]);
        assert!(matches!(head::take(&mut short), Ok(None)), "whole after {cut} bytes");
        assert_eq!(short.len(), cut, "bytes were taken from half a head");
    }
    if let Some((host, _)) = head::authority(&found.target, Some(80)) {
        assert!(!host.is_empty());
    }
    let _ = (head::absolute(&found.target), found.keeps_alive(), Framing::of_request(&found));
}

/// A chunked body: cut anywhere, it has the same payload and the same end.
pub fn chunks(data: &[u8]) {
    let Some((&at, body)) = data.split_first() else { return };
    let new = || Framing::Chunked(Chunk::Size(0, false));
    let read = |parts: &[&[u8]]| {
        let (mut framing, mut payload, mut used) = (new(), Vec::new(), 0);
        for part in parts {
            used += framing.feed(part, |bytes| payload.extend_from_slice(bytes))?;
        }
        Ok::<_, badproxy::proxy::framing::Broken>((framing.is_done(), payload, used))
    };
    let whole = read(&[body]);
    let (first, second) = body.split_at(usize::from(at).min(body.len()));
    assert_eq!(whole, read(&[first, second]));
    if let Ok((_, payload, used)) = whole {
        assert!(payload.len() <= used && used <= body.len());
    }
}

/// A ClientHello: cut short, a good one is incomplete.
pub fn client_hello(data: &[u8]) {
    let Hello::Whole(found) = hello::parse(data) else { return };
    assert!(found.bytes <= data.len());
    assert_eq!(hello::parse(&data[..found.bytes]), Hello::Whole(found.clone()));
    for cut in 0..found.bytes.min(300) {
        assert_eq!(hello::parse(&data[..cut]), Hello::More, "whole after {cut} bytes");
    }
    let _ = found.version_names();
}

/// A DNS query: its name can be written and read back.
pub fn dns(data: &[u8]) {
    let Ok(query) = message::query(data) else { return };
    assert!(query.question.len() <= data.len());
    // A name with escapes is shown, and not sent back.
    if !query.name.contains('\\') {
        let bytes = message::name_bytes(&query.name);
        assert_eq!(message::name(&bytes, 0), Some((query.name.clone(), bytes.len())));
    }
}

/// The messages of SOCKS: what is read ends where it says, and not before.
pub fn socks_messages(data: &[u8]) {
    fn ends<T: PartialEq + std::fmt::Debug>(data: &[u8], parse: fn(&[u8]) -> socks::Read<T>) {
        let Ok(Some((found, used))) = parse(data) else { return };
        assert!(used > 0 && used <= data.len());
        assert_eq!(parse(&data[..used]), Ok(Some((found, used))));
        assert_eq!(parse(&data[..used - 1]), Ok(None));
    }
    ends(data, socks::greeting);
    ends(data, socks::credentials);
    ends(data, socks::request5);
    ends(data, socks::request4);
}

/// The values of `Proxy-Authorization`, all schemes: nothing invented is right.
pub fn digest_answers(data: &[u8]) {
    let _ = (digest::parse(data), basic::parse(data), bearer::parse(data), header::parse(data));
    if let Ok(params) = header::params(data) {
        for (name, value) in params {
            let again = format!("{name}={}", header::quote(&value));
            assert_eq!(header::params(again.as_bytes()), Ok(vec![(name, value)]));
        }
    }
    let known = Known {
        auth: None,
        user: "user",
        password: "a password that no bytes guess",
        method: "CONNECT",
        target: "target.badproxy.test:443",
        now: Duration::ZERO,
    };
    let judged = judge(Some(data), &known, &mut Nonces::default(), &mut Handshake::default());
    assert_ne!(judged.credentials, badproxy::scenario::Credentials::Right);
}

/// NTLM and SPNEGO, with and without base64.
pub fn ntlm_messages(data: &[u8]) {
    let _ = negotiate::parse(data);
    if let Ok(ntlm::Message::Authenticate(third)) = ntlm::parse(data) {
        assert!(third.nt.len() <= data.len());
        let password = ("user", "a password that no bytes guess");
        assert!(ntlm::wrong(&third, &[7; 8], password, None).is_some());
    }
}

/// A whole conversation: the first two bytes choose a scenario of the catalogue, the third says where
/// the rest is cut in two; the rest is what a client says to the simulated proxy. It is played to its
/// end, in virtual time, and everything it is answered is read.
pub fn conversation(data: &[u8]) {
    let [high, low, cut, say @ ..] = data else { return };
    let choice = usize::from(u16::from_be_bytes([*high, *low]));
    let entry = &CATALOGUE[choice % CATALOGUE.len()];
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    let (first, second) = say.split_at(usize::from(*cut).min(say.len()));
    runtime.block_on(async {
        let scenario = read(entry.yaml, entry.name).expect("the catalogue is sound");
        let setup = Setup::new().seed(1);
        let Ok(running) = simulate(scenario, &setup) else { return };
        let net = running.net.clone().expect("a simulated net");
        let Ok(mut wire) = net.connect().await else { return };
        let mut answer = vec![0; 65_536];
        for part in [first, second] {
            if wire.write_all(part).await.is_err() {
                return;
            }
            // Whoever is silent is left alone after a while, and told more.
            let _ = tokio::time::timeout(Duration::from_secs(1), wire.read(&mut answer)).await;
        }
        let _ = wire.shutdown().await;
        let mut total = 0;
        let all = async {
            while let Ok(n) = wire.read(&mut answer).await {
                total += n;
                if n == 0 || total > 4 << 20 {
                    break;
                }
            }
        };
        let _ = tokio::time::timeout(Duration::from_secs(7200), all).await;
    });
}
