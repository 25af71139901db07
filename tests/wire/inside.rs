//! What a rule at `response` or `body` asks of a request, and one at `request` that changes headers, is
//! asked of the request inside the tunnel: CONNECT is not what is answered there.

use std::io::{Read, Write};

use badproxy::scenario::Scenario;
use badproxy::start::Setup;

use crate::frames::{self, frame, request};
use crate::proxy::Proxy;
use crate::{h2, read_until, tunnel};

const HOST: &str = "target.badproxy.test";

/// One rule that names all, and requests that it is for or not.
const RULE: &str = "
rules:
  - when: {method: GET, path: /bytes/7, header: {x-a: 'o*'}, without: [x-b]}
    at: response
    do: {headers: {add: ['X-Met: yes']}}
";

const REQUESTS: &[(&str, bool)] = &[
    ("GET /bytes/7?q HTTP/1.1\r\nHost: x\r\nX-A: one\r\n\r\n", true),
    ("GET /bytes/7 HTTP/1.1\r\nHost: x\r\n\r\n", false),
    ("GET /bytes/7 HTTP/1.1\r\nHost: x\r\nX-A: one\r\nX-B: two\r\n\r\n", false),
    ("GET /bytes/8 HTTP/1.1\r\nHost: x\r\nX-A: one\r\n\r\n", false),
    ("HEAD /bytes/7 HTTP/1.1\r\nHost: x\r\nX-A: one\r\n\r\n", false),
    ("GET /bytes/7 HTTP/1.1\r\nHost: x\r\nX-A: once more\r\n\r\n", true),
];

/// Plays them on one connection, to the head of each answer.
fn plays(wire: &mut (impl Read + Write)) {
    for (asked, met) in REQUESTS {
        wire.write_all(asked.as_bytes()).unwrap();
        let mut got = Vec::new();
        while !got.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            assert_eq!(wire.read(&mut byte).unwrap(), 1);
            got.push(byte[0]);
        }
        let head = String::from_utf8(got).unwrap().to_lowercase();
        assert_eq!(head.contains("x-met: yes"), *met, "{asked}: {head}");
        let length = head.split("content-length: ").nth(1).unwrap();
        let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
        if !asked.starts_with("HEAD") {
            wire.read_exact(&mut vec![0; length]).unwrap();
        }
    }
}

#[test]
fn in_clear_and_in_tls() {
    let proxy = Proxy::start(RULE);
    plays(&mut tunnel(&proxy));
    // CONNECT's own lines are no matter.
    let mut socket = proxy.connect();
    write!(socket, "CONNECT {HOST}:443 HTTP/1.1\r\nHost: x\r\nX-B: two\r\n\r\n").unwrap();
    read_until(&mut socket, "\r\n\r\n");
    plays(&mut h2::tls(&proxy, socket, HOST, &["http/1.1"]));
}

#[test]
fn in_http2() {
    let proxy = Proxy::start(
        &format!("origin: {{alpn: [h2]}}\n{RULE}").replace("header: {x-a: 'o*'}, ", ""),
    );
    let mut socket = proxy.connect();
    write!(socket, "CONNECT {HOST}:443 HTTP/1.1\r\nHost: x\r\nX-B: two\r\n\r\n").unwrap();
    read_until(&mut socket, "\r\n\r\n");
    let mut client = h2::secure(&proxy, socket, HOST);
    client.send(&[frames::PREFACE, &frame(4, 0, 0, &[])].concat());
    for (stream, method, path, met) in [
        (1, "GET", "/bytes/7", true),
        (3, "GET", "/bytes/8", false),
        (5, "HEAD", "/bytes/7", false),
        (7, "GET", "/bytes/7?q", true),
    ] {
        client.send(&request(stream, method, HOST, path, true));
        let lines = client.until(&format!("HEADERS on {stream},"));
        let head = lines.last().unwrap();
        assert_eq!(head.contains("x-met"), met, "{method} {path}: {head}");
    }
}

/// The status of an answer inside a tunnel, and how many bytes it has.
fn part(socket: &mut (impl Read + Write), lines: &str) -> (String, usize) {
    write!(socket, "GET /bytes/100000 HTTP/1.1\r\nHost: x\r\n{lines}\r\n").unwrap();
    let mut got = Vec::new();
    while !got.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        assert_eq!(socket.read(&mut byte).unwrap(), 1);
        got.push(byte[0]);
    }
    let head = String::from_utf8(got).unwrap().to_lowercase();
    let length = head.split("content-length: ").nth(1).unwrap();
    let length = length.split("\r\n").next().unwrap().parse().unwrap();
    (head[9..12].to_owned(), length)
}

/// FB106, FB107: what a client asks inside its tunnel, and not CONNECT, says whether it asks for a part.
#[test]
fn fb106_a_part_is_asked_for_inside_the_tunnel() {
    let rest = "Range: bytes=50000-\r\n";
    for (name, status, bytes) in
        [("416", "416", 0), ("ignored", "200", 100_000), ("other-part", "206", 67_232)]
    {
        for tls in [false, true] {
            let scenario = Scenario::catalogue(&format!("response/range-{name}")).unwrap();
            let proxy = Proxy::play(scenario, Setup::default());
            let got = match tls {
                false => part(&mut tunnel(&proxy), rest),
                true => part(&mut h2::tls(&proxy, tunnel(&proxy), HOST, &["http/1.1"]), rest),
            };
            assert_eq!(got, (status.to_owned(), bytes), "{name}, TLS: {tls}");
        }
    }
}

/// FB107: attempts are counted inside the tunnel, too, and a change is for those it names.
#[test]
fn fb107_only_the_first_request_in_a_tunnel_is_changed() {
    let start = || {
        let scenario = Scenario::catalogue("response/206-unasked").unwrap();
        Proxy::play(scenario, Setup::default())
    };
    let proxy = start();
    let mut socket = tunnel(&proxy);
    assert_eq!(part(&mut socket, ""), ("206".to_owned(), 50_000));
    socket.read_exact(&mut [0; 50_000]).unwrap();
    assert_eq!(part(&mut socket, ""), ("200".to_owned(), 100_000));
    let proxy = start();
    assert_eq!(part(&mut tunnel(&proxy), "Range: bytes=0-9\r\n"), ("206".to_owned(), 10));
}
