//! Conditions: each one of them alone, with a request that it is for and one that only comes near.

use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;

use badproxy::start::Setup;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore};

use crate::proxy::Proxy;
use crate::{End, read_for, read_until};

/// The status that says that the rule was met; the proxy's own never is.
const MET: &str = "HTTP/1.1 418 ";

fn proxy(when: &str) -> Proxy {
    Proxy::start(&format!("rules: [{{at: request, when: {{{when}}}, do: {{respond: 418}}}}]\n"))
}

/// Whether this head, on a connection of its own, meets the rule.
fn met(proxy: &Proxy, head: &str) -> bool {
    let mut socket = proxy.connect();
    socket.write_all(format!("{head}\r\n\r\n").as_bytes()).unwrap();
    read_until(&mut socket, "\r\n\r\n").starts_with(MET)
}

#[test]
fn of_a_request() {
    const CONNECT: &str = "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443";
    const GET: &str = "GET http://a.test/x/y?q=/z HTTP/1.1\r\nHost: a.test";
    let with = |head: &str, line: &str| format!("{head}\r\n{line}");
    let other_port = CONNECT.replace("443", "80");
    let (upper, sub) = (CONNECT.replace("a.test", "A.TEST"), CONNECT.replace("a.test", "b.a.test"));
    let head = |method: &str| GET.replace("GET", method);
    let host = |host: &str| format!("CONNECT a.test:443 HTTP/1.1\r\n{host}X: y");
    for (when, yes, no) in [
        (
            "host: a.test",
            vec![CONNECT.to_owned(), upper.clone(), GET.to_owned()],
            vec![sub.clone()],
        ),
        ("host: '*.a.test'", vec![sub], vec![CONNECT.to_owned(), GET.to_owned()]),
        ("port: 443", vec![CONNECT.to_owned()], vec![other_port.clone(), GET.to_owned()]),
        ("port: 80", vec![other_port, GET.to_owned()], vec![CONNECT.to_owned()]),
        ("method: GET", vec![GET.to_owned()], vec![CONNECT.to_owned(), head("HEAD"), head("get")]),
        (
            "path: '/x/*'",
            vec![GET.to_owned()],
            vec![
                GET.replace("/x/", "/"),
                GET.replace("/x/y?q=/z", "/z?q=/x/y"),
                CONNECT.to_owned(),
            ],
        ),
        (
            "header: {x-a: 'on*'}",
            vec![with(GET, "X-A: one"), with(CONNECT, "x-a: on"), with(GET, "X-A: b\r\nX-A: one")],
            vec![GET.to_owned(), with(GET, "X-A: no"), with(GET, "X-B: one")],
        ),
        (
            "without: [x-a, x-b]",
            vec![GET.to_owned(), with(GET, "X-C: x")],
            vec![with(GET, "X-A: x"), with(GET, "x-b: x"), with(CONNECT, "X-A:")],
        ),
        (
            "host_is_target: true",
            vec![CONNECT.to_owned(), upper.replace("Host: A", "Host: a"), GET.to_owned()],
            vec![host("Host: a.test\r\n"), host(""), host("Host: b.test:443\r\n")],
        ),
        (
            "host_is_target: false",
            vec![
                host("Host: a.test\r\n"),
                host(""),
                host("Host: a.test:443\r\nHost: a.test:443\r\n"),
                GET.replace("Host: a.test", "Host: a.test:80"),
            ],
            vec![CONNECT.to_owned(), GET.to_owned()],
        ),
    ] {
        let proxy = proxy(when);
        for (heads, wanted) in [(yes, true), (no, false)] {
            for head in heads {
                assert_eq!(met(&proxy, &head), wanted, "{when}: {head}");
            }
        }
    }
}

/// `Host` is what names the target in SOCKS, too: there is none, and neither holds.
#[test]
fn socks_has_no_host() {
    for is in ["true", "false"] {
        let proxy = proxy(&format!("host_is_target: {is}"));
        let mut socket = proxy.connect();
        socket.write_all(b"\x05\x01\x00\x05\x01\x00\x03\x14target.badproxy.test\x00\x50").unwrap();
        socket.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let (got, _) = read_for(&mut socket, Duration::from_secs(10));
        assert!(got.windows(12).any(|part| part == b"HTTP/1.1 200"), "{}", got.escape_ascii());
    }
}

/// Each head on a connection of its own, or all on one.
fn all(proxy: &Proxy, one: bool, heads: &[String]) -> Vec<bool> {
    if !one {
        return heads.iter().map(|head| met(proxy, head)).collect();
    }
    let mut socket = proxy.connect();
    let mut ask = |head: &String| {
        socket.write_all(format!("{head}\r\n\r\n").as_bytes()).unwrap();
        let mut got = read_until(&mut socket, "\r\n\r\n");
        let length = got.to_lowercase();
        let length = length.split("content-length: ").nth(1).unwrap().split("\r\n").next().unwrap();
        for _ in 0..length.parse().unwrap() {
            got.push_str(&read_one(&mut socket));
        }
        got.starts_with(MET)
    };
    heads.iter().map(&mut ask).collect()
}

fn read_one(socket: &mut std::net::TcpStream) -> String {
    let mut byte = [0];
    socket.read_exact(&mut byte).unwrap();
    (byte[0] as char).to_string()
}

/// What `attempt` counts.
#[test]
fn of_an_attempt() {
    let get = |host: &str| format!("GET http://{host}/bytes/2 HTTP/1.1\r\nHost: {host}");
    let heads: Vec<String> = ["a.test", "b.test", "A.test", "b.test:81"].map(get).to_vec();
    let (yes, no) = (true, false);
    for (per, one, wanted) in [
        ("attempt", false, [no, yes, no, no]),
        ("attempt", true, [no, yes, no, no]),
        ("connection", false, [no, yes, no, no]),
        ("connection", true, [no, no, no, no]),
        ("request", false, [no, no, no, no]),
        ("request", true, [no, yes, no, no]),
        ("target", false, [no, no, yes, no]),
        ("target", true, [no, no, yes, no]),
    ] {
        let proxy = proxy(&format!("attempt: 2, per: {per}"));
        assert_eq!(all(&proxy, one, &heads), wanted, "{per}, on one connection: {one}");
    }
}

/// Of each kind the second one, wherever it comes.
#[test]
fn per_credentials() {
    let auth = "proxy: {auth: {scheme: basic, user: alice, password: s3cret-long}}\n";
    let rule = "rules: [{at: auth, when: {attempt: 2, per: credentials}, do: {respond: 418}}]\n";
    let proxy = Proxy::start(&format!("{auth}{rule}"));
    let get = "GET http://target.badproxy.test/ HTTP/1.1\r\nHost: target.badproxy.test";
    // alice:s3cret-long, alice:x
    let right = format!("{get}\r\nProxy-Authorization: Basic YWxpY2U6czNjcmV0LWxvbmc=");
    let wrong = format!("{get}\r\nProxy-Authorization: Basic YWxpY2U6eA==");
    let heads = [get, &wrong, get, &right, &wrong, get, &right].map(str::to_owned);
    let seen: Vec<bool> = heads.iter().map(|head| met(&proxy, head)).collect();
    assert_eq!(seen, [false, false, true, false, true, false, true]);
}

/// A window that has begun and has not ended. Nothing here takes an hour, or less than a millisecond.
#[test]
fn of_time() {
    let get = "GET http://target.badproxy.test/ HTTP/1.1\r\nHost: target.badproxy.test";
    for (window, wanted) in [
        ("{from: 1ms}", true),
        ("{to: 1ms}", false),
        ("{from: 1h}", false),
        ("{to: 1h}", true),
        ("{from: 1ms, to: 1h}", true),
        ("{from: 1h, to: 2h}", false),
    ] {
        let proxy = proxy(&format!("elapsed: {window}"));
        std::thread::sleep(Duration::from_millis(10));
        assert_eq!(met(&proxy, get), wanted, "{window}");
        // Scaled, an hour is less than a millisecond.
        if window == "{from: 1h}" {
            let yaml = "scale: 0.0000001\nrules: [{at: request, when: {elapsed: {from: 1h}}, \
                        do: {respond: 418}}]\n";
            let proxy = Proxy::start(yaml);
            std::thread::sleep(Duration::from_millis(10));
            assert!(met(&proxy, get));
        }
    }
}

/// The hello of a client that says this.
fn hello(name: &str, alpn: &[&str]) -> Vec<u8> {
    let mut config = ClientConfig::builder()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|alpn| alpn.as_bytes().to_vec()).collect();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut bytes = Vec::new();
    ClientConnection::new(Arc::new(config), name).unwrap().write_tls(&mut bytes).unwrap();
    bytes
}

/// At `tls` inside a tunnel, and at `proxy_tls`: the hello that is read there.
#[test]
fn of_a_hello() {
    let plain = hello("a.test", &[]);
    let (both, old) = (hello("a.test", &["h2", "http/1.1"]), hello("a.test", &["http/1.1"]));
    let (ip, other) = (hello("127.0.0.1", &["h2"]), hello("b.test", &[]));
    let longer = format!("hello_over: {}B", plain.len() - 1);
    let equal = format!("hello_over: {}B", plain.len());
    // A condition, hellos that it is for, hellos that it is not for.
    type Case<'a> = (&'a str, Vec<&'a [u8]>, Vec<&'a [u8]>);
    let table: [Case<'_>; 7] = [
        ("sni: a.test", vec![&plain, &both], vec![&ip, &other]),
        ("sni: '*.TEST'", vec![&plain, &other], vec![&ip]),
        ("sni: ''", vec![&ip], vec![&plain, &other]),
        ("alpn: h2", vec![&both, &ip], vec![&plain, &old]),
        ("alpn: http/1.1", vec![&both, &old], vec![&ip, &other]),
        (&longer, vec![&plain, &both], vec![]),
        (&equal, vec![&both], vec![&plain]),
    ];
    for (when, yes, no) in table {
        for (at, head) in [("tls", "proxy: {}\n"), ("proxy_tls", "proxy: {tls: {}}\n")] {
            let rules = format!("{head}rules: [{{at: {at}, when: {{{when}}}, do: reset}}]\n");
            let proxy = Proxy::with(&rules, Setup::new());
            for (hellos, reset) in [(&yes, true), (&no, false)] {
                for hello in hellos {
                    let mut socket = proxy.connect();
                    if at == "tls" {
                        socket
                            .write_all(b"CONNECT c.test:443 HTTP/1.1\r\nHost: x\r\n\r\n")
                            .unwrap();
                        read_until(&mut socket, "\r\n\r\n");
                    }
                    socket.write_all(hello).unwrap();
                    if !reset {
                        // The first record of the handshake, or an alert.
                        socket.read_exact(&mut [0; 5]).unwrap();
                        continue;
                    }
                    let (got, seen) = read_for(&mut socket, Duration::from_secs(10));
                    assert_eq!((got.len(), seen), (0, End::Rst), "{at}, {when}");
                }
            }
        }
    }
}

/// How many are open when one more comes.
#[test]
fn of_open_connections() {
    let proxy = proxy("open: 2");
    let get = "GET http://target.badproxy.test/ HTTP/1.1\r\nHost: target.badproxy.test";
    let first = proxy.connect();
    assert!(met(&proxy, get), "the first is still there");
    let second = proxy.connect();
    assert!(!met(&proxy, get), "two others are");
    drop((first, second));
}
