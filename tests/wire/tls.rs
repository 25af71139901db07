//! TLS with the proxy itself, as records on a plain socket. The hello is made by hand and offers
//! TLS 1.2 and nothing newer, so that the server's certificate comes in clear.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::proxy::Proxy;
use crate::{CONNECT, End, read_all};

/// A ClientHello: TLS 1.2, ECDHE with AES-GCM, P-256 and X25519, ECDSA, the name and protocols.
pub(crate) fn hello(name: Option<&str>, alpn: &[&str]) -> Vec<u8> {
    let vector = |bytes: &[u8]| [&(bytes.len() as u16).to_be_bytes(), bytes].concat();
    let extension = |kind: u16, value: &[u8]| [&kind.to_be_bytes()[..], &vector(value)].concat();
    let mut extensions = Vec::new();
    if let Some(name) = name {
        let entry = [&[0], &vector(name.as_bytes())[..]].concat();
        extensions.extend(extension(0, &vector(&entry)));
    }
    extensions.extend(extension(10, &vector(&[0, 23, 0, 29])));
    extensions.extend(extension(11, &[1, 0]));
    extensions.extend(extension(13, &vector(&[4, 3, 5, 3, 8, 4])));
    extensions.extend(extension(23, &[]));
    extensions.extend(extension(0xff01, &[0]));
    if !alpn.is_empty() {
        let names: Vec<u8> =
            alpn.iter().flat_map(|a| [&[a.len() as u8], a.as_bytes()].concat()).collect();
        extensions.extend(extension(16, &vector(&names)));
    }
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.push(0);
    body.extend(vector(&[0xc0, 0x2b, 0xc0, 0x2f]));
    body.extend([1, 0]);
    body.extend(vector(&extensions));
    let mut message = vec![1, 0];
    message.extend(vector(&body));
    [&[0x16, 3, 1], &vector(&message)[..]].concat()
}

/// The next record: type, version, payload. None at the end.
pub(crate) fn record(socket: &mut TcpStream) -> Option<(u8, u16, Vec<u8>)> {
    socket.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
    let mut head = [0; 5];
    socket.read_exact(&mut head).ok()?;
    let mut payload = vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))];
    socket.read_exact(&mut payload).ok()?;
    Some((head[0], u16::from_be_bytes([head[1], head[2]]), payload))
}

/// The handshake messages of the server's first flight in TLS 1.2: number and content.
pub(crate) fn flight(socket: &mut TcpStream) -> Vec<(u8, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut messages = Vec::new();
    loop {
        let (kind, _, payload) = record(socket).expect("the flight is cut");
        assert_eq!(kind, 0x16, "{payload:02x?}");
        bytes.extend(payload);
        while bytes.len() >= 4 {
            let length =
                usize::from(bytes[1]) << 16 | usize::from(bytes[2]) << 8 | usize::from(bytes[3]);
            if bytes.len() < 4 + length {
                break;
            }
            let rest = bytes.split_off(4 + length);
            messages.push((bytes[0], bytes[4..].to_vec()));
            bytes = rest;
            // ServerHelloDone.
            if messages.last().is_some_and(|(kind, _)| *kind == 14) {
                return messages;
            }
        }
    }
}

/// The certificates of a Certificate message.
pub(crate) fn chain(messages: &[(u8, Vec<u8>)]) -> Vec<Vec<u8>> {
    let (_, message) = messages.iter().find(|(kind, _)| *kind == 11).expect("no Certificate");
    let mut rest = &message[3..];
    let mut found = Vec::new();
    while let [a, b, c, more @ ..] = rest {
        let length = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
        found.push(more[..length].to_vec());
        rest = &more[length..];
    }
    found
}

fn connected(rule: &str) -> (Proxy, TcpStream) {
    let proxy = Proxy::start(&format!("proxy: {{tls: true}}\n{rule}"));
    let socket = proxy.connect();
    (proxy, socket)
}

fn secured(effect: &str) -> (Proxy, TcpStream) {
    connected(&format!("rules:\n  - {{at: proxy_tls, do: {effect}}}\n"))
}

#[test]
fn the_port_speaks_tls() {
    let (proxy, mut socket) = connected("");
    socket.write_all(&hello(None, &["http/1.1"])).unwrap();
    let messages = flight(&mut socket);
    let kinds: Vec<u8> = messages.iter().map(|(kind, _)| *kind).collect();
    // ServerHello, Certificate, ServerKeyExchange, ServerHelloDone.
    assert_eq!(kinds, [2, 11, 12, 14]);
    assert!(messages[0].1.windows(9).any(|w| w == b"\x08http/1.1"), "{:02x?}", messages[0].1);
    // The leaf is for the address in the proxy URL: an iPAddress of four bytes.
    assert!(chain(&messages)[0].windows(6).any(|w| w == [0x87, 4, 127, 0, 0, 1]));
    let heard = proxy.wait_for("proxy_tls:client_hello", "");
    assert!(heard.contains("\"versions\":[\"TLS 1.2\"]"), "{heard}");
    assert!(heard.contains("\"to_plain_port\":false"), "{heard}");
}

#[test]
fn the_name_in_the_hello_is_on_the_certificate() {
    let (_proxy, mut socket) = connected("");
    socket.write_all(&hello(Some("proxy.badproxy.test"), &[])).unwrap();
    let leaf = chain(&flight(&mut socket)).remove(0);
    assert!(leaf.windows(19).any(|w| w == b"proxy.badproxy.test"));
}

#[test]
fn a_rule_follows_the_whole_hello() {
    for (effect, bytes, end) in [
        ("reset", &b""[..], End::Rst),
        ("close", b"", End::Fin),
        ("{hang: {discard: true}}", b"", End::Silence),
        ("{alert: handshake_failure}", b"\x15\x03\x03\x00\x02\x02\x28", End::Fin),
        ("{send: abc, then: close}", b"abc", End::Fin),
    ] {
        let (_proxy, mut socket) = secured(effect);
        let hello = hello(None, &[]);
        let (first, rest) = hello.split_at(20);
        socket.write_all(first).unwrap();
        // Twenty bytes of a hello are none yet.
        assert_eq!(read_all(&mut socket), (vec![], End::Silence), "{effect}");
        socket.write_all(rest).unwrap();
        assert_eq!(read_all(&mut socket), (bytes.to_vec(), end), "{effect}");
    }
}

#[test]
fn a_rule_may_look_at_the_hello() {
    let rules = "rules:\n  - {at: proxy_tls, when: {sni: 'blocked.*'}, do: reset}\n  \
                 - {at: proxy_tls, when: {sni: ''}, do: close}\n";
    for (name, end) in
        [(Some("blocked.test"), Some(End::Rst)), (None, Some(End::Fin)), (Some("a.test"), None)]
    {
        let (_proxy, mut socket) = connected(rules);
        socket.write_all(&hello(name, &[])).unwrap();
        match end {
            Some(end) => assert_eq!(read_all(&mut socket), (vec![], end), "{name:?}"),
            None => assert_eq!(flight(&mut socket).len(), 4),
        }
    }
}

/// FB086: nginx's words for it.
#[test]
fn plain_http_is_told_that_the_port_speaks_tls() {
    let (proxy, mut socket) = connected("");
    socket.write_all(CONNECT).unwrap();
    let (got, end) = read_all(&mut socket);
    let got = String::from_utf8(got).unwrap();
    assert!(got.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{got}");
    assert!(got.contains("The plain HTTP request was sent to HTTPS port"), "{got}");
    assert_eq!(end, End::Fin);
    proxy.wait_for("proxy_tls:failed", "plain HTTP");
}

/// Nonsense gets a clean end and an event.
#[test]
fn nonsense_in_the_place_of_a_hello() {
    for (bytes, why) in [
        (&b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"[..], "lengths do not fit"),
        (b"\x16\x03\x01\x00\x04\x02\x00\x00\x00", "no ClientHello"),
        (b"\x16\x09\x09\x00\x04\x01\x00\x00\x00", "no TLS version"),
    ] {
        let (proxy, mut socket) = connected("");
        socket.write_all(bytes).unwrap();
        assert_eq!(read_all(&mut socket), (vec![], End::Fin));
        proxy.wait_for("proxy_tls:failed", why);
    }
    let (proxy, mut socket) = connected("");
    socket.write_all(b"\xff\x00\xffnothing\r\n\r\n").unwrap();
    assert!(read_all(&mut socket).0.starts_with(b"HTTP/1.1 400 "));
    proxy.wait_for("proxy_tls:failed", "no TLS");
}
