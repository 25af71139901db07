//! The name server, met by plain UDP and TCP sockets. Queries are written and answers are read by
//! hand, with RFC 1035 beside them and none of this project's code.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use crate::proxy::Proxy;
use crate::{End, read_all};

pub(crate) const PROXY: &str = "proxy.badproxy.test";
pub(crate) const A: u16 = 1;
const CNAME: u16 = 5;
const AAAA: u16 = 28;
const HTTPS: u16 = 65;
/// QR, RD, RA and no error.
pub(crate) const FINE: u16 = 0x8180;

/// A query with id 0x1234. `edns`: the size in its OPT record.
pub(crate) fn query(name: &str, kind: u16, edns: Option<u16>) -> Vec<u8> {
    let mut out = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, u8::from(edns.is_some())];
    for label in name.split('.') {
        out.push(label.len() as u8);
        out.extend(label.as_bytes());
    }
    out.push(0);
    out.extend(kind.to_be_bytes());
    out.extend([0, 1]);
    if let Some(size) = edns {
        out.extend([0, 0, 41]);
        out.extend(size.to_be_bytes());
        out.extend([0, 0, 0, 0, 0, 0]);
    }
    out
}

fn socket(proxy: &Proxy) -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(proxy.dns.unwrap()).unwrap();
    socket
}

fn ask_bytes(proxy: &Proxy, bytes: &[u8], patience: Duration) -> Option<Vec<u8>> {
    let socket = socket(proxy);
    socket.set_read_timeout(Some(patience)).unwrap();
    socket.send(bytes).unwrap();
    let mut buffer = [0; 65536];
    socket.recv(&mut buffer).ok().map(|n| buffer[..n].to_vec())
}

/// One UDP query; None: no answer within 300 ms.
fn silent(proxy: &Proxy, bytes: &[u8]) -> bool {
    ask_bytes(proxy, bytes, Duration::from_millis(300)).is_none()
}

pub(crate) fn ask(proxy: &Proxy, bytes: &[u8]) -> Vec<u8> {
    ask_bytes(proxy, bytes, Duration::from_secs(20)).expect("no answer")
}

fn word(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

/// The six words of the header: id, flags, and the four counts.
pub(crate) fn header(bytes: &[u8]) -> [u16; 6] {
    [0, 2, 4, 6, 8, 10].map(|at| word(bytes, at))
}

fn name(bytes: &[u8], mut at: usize) -> (String, usize) {
    let mut labels = Vec::new();
    while bytes[at] != 0 {
        let length = usize::from(bytes[at]);
        assert!(length < 64, "a pointer, or worse");
        labels.push(String::from_utf8(bytes[at + 1..=at + length].to_vec()).unwrap());
        at += length + 1;
    }
    (labels.join("."), at + 1)
}

/// The answer section: owner, type, TTL, data.
fn records(bytes: &[u8]) -> Vec<(String, u16, u32, Vec<u8>)> {
    let (_, mut at) = name(bytes, 12);
    at += 4;
    let mut out = Vec::new();
    for _ in 0..word(bytes, 6) {
        let (owner, after) = name(bytes, at);
        let ttl = u32::from_be_bytes(bytes[after + 4..after + 8].try_into().unwrap());
        let end = after + 10 + usize::from(word(bytes, after + 8));
        out.push((owner, word(bytes, after), ttl, bytes[after + 10..end].to_vec()));
        at = end;
    }
    out
}

/// The IPv4 addresses of an answer.
pub(crate) fn addresses(bytes: &[u8]) -> Vec<[u8; 4]> {
    let a = records(bytes).into_iter().filter(|r| r.1 == A);
    a.map(|r| r.3.try_into().unwrap()).collect()
}

fn rule(steps: &str) -> Proxy {
    Proxy::start(&format!("rules: [{{at: dns, do: {steps}}}]\n"))
}

/// A healthy name server knows the proxy, and nobody else.
#[test]
fn healthy() {
    let proxy = Proxy::start("dns: {}\n");
    let got = ask(&proxy, &query("Proxy.badproxy.TEST", A, None));
    assert_eq!(header(&got), [0x1234, FINE, 1, 1, 0, 0]);
    // Some clients check that letters come back as they were sent.
    assert_eq!(&got[12..33], &query("Proxy.badproxy.TEST", A, None)[12..33]);
    assert_eq!(records(&got), [(PROXY.to_owned(), A, 60, vec![127, 0, 0, 1])]);
    for (asked, kind, flags) in [
        (PROXY, AAAA, FINE),
        (PROXY, HTTPS, FINE),
        ("target.badproxy.test", A, FINE | 3),
        ("example.com", A, FINE | 3),
    ] {
        let got = ask(&proxy, &query(asked, kind, Some(1232)));
        // No answer; a SOA for how long that holds; OPT.
        assert_eq!(header(&got), [0x1234, flags, 1, 0, 1, 1], "{asked}");
        assert!(got.ends_with(&[0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0]), "{asked}");
    }
    proxy.wait_for("dns:answer", r#""rcode":"nxdomain""#);
}

#[test]
fn rcodes() {
    for (word, code) in
        [("formerr", 1), ("servfail", 2), ("nxdomain", 3), ("notimp", 4), ("refused", 5)]
    {
        let proxy = rule(&format!("{{answer: {word}}}"));
        let got = ask(&proxy, &query(PROXY, A, None));
        let soa = u16::from(code == 3);
        assert_eq!(header(&got), [0x1234, FINE | code, 1, 0, soa, 0], "{word}");
        proxy.wait_for("fault:applied", &word.to_uppercase());
    }
    let got = ask(&rule("{answer: nodata}"), &query(PROXY, A, None));
    assert_eq!(header(&got), [0x1234, FINE, 1, 0, 1, 0]);
}

#[test]
fn silence_and_delay() {
    let proxy = Proxy::start(
        "rules:\n  - {at: dns, when: {type: AAAA}, do: hang}\n  - {at: dns, when: {type: A, attempt: 1}, do: {delay: 400ms}}\n",
    );
    let began = Instant::now();
    assert_eq!(header(&ask(&proxy, &query(PROXY, A, None)))[1], FINE);
    assert!(began.elapsed() >= Duration::from_millis(400));
    assert!(silent(&proxy, &query(PROXY, AAAA, None)));
    // Queries for AAAA are not counted with those for A.
    assert!(ask_bytes(&proxy, &query(PROXY, A, None), Duration::from_secs(20)).is_some());
    assert_eq!(proxy.conduct().queries, 3);
}

#[test]
fn truncated() {
    let proxy = Proxy::start(
        "rules:\n  - {at: dns, when: {transport: udp}, do: {answer: truncated}}\n  \
         - {at: dns, when: {transport: tcp, name: closed.test}, do: close}\n  \
         - {at: dns, when: {transport: tcp, name: reset.test}, do: reset}\n",
    );
    let got = ask(&proxy, &query(PROXY, A, None));
    assert_eq!(header(&got), [0x1234, FINE | 0x200, 1, 0, 0, 0]);
    let over_tcp = |asked: &str| {
        let mut socket = TcpStream::connect(proxy.dns.unwrap()).unwrap();
        let bytes = query(asked, A, None);
        socket.write_all(&(bytes.len() as u16).to_be_bytes()).unwrap();
        socket.write_all(&bytes).unwrap();
        read_all(&mut socket)
    };
    let (got, end) = over_tcp(PROXY);
    assert_eq!(usize::from(word(&got, 0)), got.len() - 2);
    assert_eq!((addresses(&got[2..]), end), (vec![[127, 0, 0, 1]], End::Silence));
    assert_eq!(over_tcp("closed.test"), (vec![], End::Fin));
    assert_eq!(over_tcp("reset.test"), (vec![], End::Rst));
}

#[test]
fn wrong_id_and_question() {
    let got = ask(&rule("{answer: {wrong: id}}"), &query(PROXY, A, None));
    assert_eq!(header(&got), [0x1234 ^ 0x5555, FINE, 1, 1, 0, 0]);
    let got = ask(&rule("{answer: {wrong: question}}"), &query(PROXY, A, None));
    assert_eq!((word(&got, 0), name(&got, 12).0.as_str()), (0x1234, "other.badproxy.test"));
    assert_eq!(word(&got, name(&got, 12).1), A);
}

#[test]
fn malformed() {
    let healthy = ask(&Proxy::start("dns: {}\n"), &query(PROXY, A, None));
    let asked = |how: &str| {
        ask(&rule(&format!("{{answer: {{malformed: {how}}}}}")), &query(PROXY, A, None))
    };
    // Two of the four bytes of the address.
    assert_eq!(asked("cut_record"), healthy[..healthy.len() - 2]);
    // Nothing follows it, the OPT that was asked for neither.
    let edns = query(PROXY, A, Some(1232));
    let cut = ask(&rule("{answer: {malformed: cut_record}}"), &edns);
    assert_eq!(cut[12..], healthy[12..healthy.len() - 2]);
    let (_, question) = name(&healthy, 12);
    let looped = asked("pointer_loop");
    let at = question + 4;
    assert_eq!(word(&looped, at), 0xc000 | at as u16);
    assert_eq!(looped.len(), at + 2 + 14);
    let long = asked("rdlength");
    assert_eq!((word(&long, long.len() - 6), long.len()), (204, healthy.len()));
    let counted = asked("count");
    assert_eq!((word(&counted, 6), &counted[12..]), (2, &healthy[12..]));
}

#[test]
fn raw_bytes() {
    let got = ask(&rule("{send: {hex: '00 01 02'}}"), &query(PROXY, A, None));
    assert_eq!(got, [0, 1, 2]);
    assert_eq!(ask(&rule("{garbage: 3B}"), &query(PROXY, A, None)).len(), 3);
}

#[test]
fn aliases() {
    let yaml = "dns: {names: {b.test: {a: [192.0.2.7]}}}\nrules:\n  \
        - {at: dns, when: {name: loop.test}, do: {answer: {cname: [l2.test, loop.test]}}}\n  \
        - {at: dns, when: {name: dangling.test}, do: {answer: {cname: [nowhere.test]}}}\n  \
        - {at: dns, when: {name: a.test}, do: {answer: {cname: [b.test]}}}\n";
    let proxy = Proxy::start(yaml);
    let chain = |asked: &str| -> Vec<(String, u16, String)> {
        let got = ask(&proxy, &query(asked, A, None));
        assert_eq!(word(&got, 2), FINE);
        let data = |r: (String, u16, u32, Vec<u8>)| match r.1 {
            CNAME => (r.0, r.1, name(&r.3, 0).0),
            _ => (r.0, r.1, format!("{:?}", r.3)),
        };
        records(&got).into_iter().map(data).collect()
    };
    let is = |a: &str, kind, b: &str| (a.to_owned(), kind, b.to_owned());
    assert_eq!(
        chain("loop.test"),
        [is("loop.test", CNAME, "l2.test"), is("l2.test", CNAME, "loop.test")]
    );
    assert_eq!(chain("dangling.test"), [is("dangling.test", CNAME, "nowhere.test")]);
    assert_eq!(chain("a.test"), [is("a.test", CNAME, "b.test"), is("b.test", A, "[192, 0, 2, 7]")]);
}

#[test]
fn huge() {
    let proxy = rule("{answer: {records: 120}}");
    // A client without EDNS takes 512 bytes, another what it says, but no more than 4,096.
    for (edns, truncated) in [(None, true), (Some(1232), true), (Some(65535), true)] {
        let got = ask(&proxy, &query(PROXY, A, edns));
        assert_eq!(word(&got, 2) & 0x200 != 0, truncated, "{edns:?}");
    }
    let mut socket = TcpStream::connect(proxy.dns.unwrap()).unwrap();
    let bytes = query(PROXY, A, None);
    socket.write_all(&[&(bytes.len() as u16).to_be_bytes()[..], &bytes].concat()).unwrap();
    let (got, _) = read_all(&mut socket);
    let all = addresses(&got[2..]);
    assert_eq!((all.len(), all[119]), (120, [198, 18, 0, 119]));
    // What a client says that it takes, it gets.
    let proxy = rule("{answer: {records: 20}}");
    for (edns, records) in [(None, 0), (Some(600), 0), (Some(1232), 20)] {
        let got = ask(&proxy, &query(PROXY, A, edns));
        assert_eq!(
            (word(&got, 2) & 0x200 != 0, word(&got, 6)),
            (records == 0, records),
            "{edns:?}"
        );
    }
    let over = ask(&rule("{answer: {records: 120, oversize: true}}"), &query(PROXY, A, None));
    assert_eq!((addresses(&over).len(), word(&over, 2)), (120, FINE));
}

#[test]
fn addresses_and_ttl() {
    let proxy = rule("{answer: {a: [127.0.0.9, proxy, 0.0.0.0], ttl: 0s, rotate: true}}");
    let mut got = Vec::new();
    for _ in 0..2 {
        let answer = ask(&proxy, &query(PROXY, A, None));
        assert!(records(&answer).iter().all(|r| r.2 == 0));
        got.push(addresses(&answer));
    }
    let (dead, ours, none) = ([127, 0, 0, 9], [127, 0, 0, 1], [0; 4]);
    assert_eq!(got, [[dead, ours, none], [ours, none, dead]]);
    // There is none of the other kind.
    assert_eq!(header(&ask(&proxy, &query(PROXY, AAAA, None)))[1..4], [FINE, 1, 0]);
    let v6 = rule("{answer: {aaaa: ['2001:db8::1']}}");
    let got = records(&ask(&v6, &query(PROXY, AAAA, None)));
    assert_eq!((got[0].1, got[0].3.len(), got[0].3[0]), (AAAA, 16, 0x20));
}

#[test]
fn edns() {
    let proxy = Proxy::start(
        "rules:\n  - {at: dns, when: {edns: true, name: old.test}, do: {answer: formerr}}\n  \
         - {at: dns, when: {edns: true, name: drop.test}, do: hang}\n  \
         - {at: dns, when: {name: why.test}, do: {answer: {rcode: servfail, ede: 22, ede_text: no}}}\n",
    );
    // No OPT in it: this server has never heard of it.
    let got = ask(&proxy, &query("old.test", A, Some(1232)));
    assert_eq!(header(&got), [0x1234, FINE | 1, 1, 0, 0, 0]);
    assert_eq!(header(&ask(&proxy, &query("old.test", A, None)))[1], FINE | 3);
    assert!(silent(&proxy, &query("drop.test", A, Some(1232))));
    assert_eq!(header(&ask(&proxy, &query("drop.test", A, None)))[1], FINE | 3);
    let got = ask(&proxy, &query("why.test", A, Some(1232)));
    assert_eq!(header(&got), [0x1234, FINE | 2, 1, 0, 0, 1]);
    // Option 15, four bytes: 22, "no".
    assert!(got.ends_with(&[0, 8, 0, 15, 0, 4, 0, 22, b'n', b'o']), "{got:?}");
}

/// What is no query gets an error that is not longer than it, or nothing.
#[test]
fn nonsense() {
    let proxy = Proxy::start("dns: {}\n");
    let mut answer = query(PROXY, A, None);
    answer[2] = 0x81;
    assert!(silent(&proxy, &answer) && silent(&proxy, b"hello"));
    let mut operation = query(PROXY, A, None);
    operation[2] = 0x28;
    assert_eq!(header(&ask(&proxy, &operation)), [0x1234, 0xa880 | 4, 0, 0, 0, 0]);
    let mut looped = query(PROXY, A, None);
    looped[12..14].copy_from_slice(&[0xc0, 12]);
    assert_eq!(header(&ask(&proxy, &looped)), [0x1234, FINE | 1, 0, 0, 0, 0]);
    proxy.wait_for("dns:bad_query", "the name cannot be read");
    // Over TCP, a length and then nothing: it waits; the next client is served all the same.
    let mut socket = TcpStream::connect(proxy.dns.unwrap()).unwrap();
    socket.write_all(&[0, 40, 1]).unwrap();
    assert_eq!(header(&ask(&proxy, &query(PROXY, A, None)))[1], FINE);
}

/// A port that takes UDP alone: a SYN gets a RST, or nothing.
#[test]
fn a_syn_to_the_name_server() {
    let proxy = Proxy::start("dns: {tcp: refused}\n");
    let refused = TcpStream::connect(proxy.dns.unwrap()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    assert_eq!(header(&ask(&proxy, &query(PROXY, A, None)))[1], FINE);
    if cfg!(windows) {
        return;
    }
    let proxy = Proxy::start("dns: {tcp: unanswered}\n");
    let patience = Duration::from_millis(300);
    let silent = TcpStream::connect_timeout(&proxy.dns.unwrap(), patience).unwrap_err();
    assert_eq!(silent.kind(), ErrorKind::TimedOut);
    assert_eq!(header(&ask(&proxy, &query(PROXY, A, None)))[1], FINE);
}

/// Two queries in one segment, and one in pieces.
#[test]
fn pipelined() {
    let proxy = Proxy::start("dns: {}\n");
    let one = query(PROXY, A, None);
    let framed = [&(one.len() as u16).to_be_bytes()[..], &one].concat();
    let mut socket = TcpStream::connect(proxy.dns.unwrap()).unwrap();
    socket.set_nodelay(true).unwrap();
    socket.write_all(&[&framed[..], &framed[..], &framed[..1]].concat()).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let answer = || {
        let mut length = [0; 2];
        (&socket).read_exact(&mut length).unwrap();
        let mut got = vec![0; usize::from(u16::from_be_bytes(length))];
        (&socket).read_exact(&mut got).unwrap();
        got
    };
    let first = answer();
    assert_eq!((&first, word(&first, 2)), (&answer(), FINE));
    (&socket).write_all(&framed[1..20]).unwrap();
    (&socket).write_all(&framed[20..]).unwrap();
    assert_eq!(answer(), first);
}
