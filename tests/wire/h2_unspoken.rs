//! A client that does not offer HTTP/2 meets nothing of what scenarios do to HTTP/2: it is served, and no
//! fault is written down.

use std::io::{Read, Write};

use badproxy::scenario::Scenario;
use badproxy::start::Setup;

use crate::h2::tls;
use crate::proxy::Proxy;

const HOST: &str = "target.badproxy.test";

fn status(stream: &mut (impl Read + Write), request: &str) -> String {
    write!(stream, "{request} HTTP/1.1\r\nHost: {HOST}:443\r\n\r\n").unwrap();
    let mut line = Vec::new();
    while !line.ends_with(b"\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("the answer is cut");
        line.extend(byte);
    }
    String::from_utf8(line).unwrap().trim().to_owned()
}

fn play(name: &str) -> Proxy {
    Proxy::play(Scenario::catalogue(name).unwrap(), Setup::default())
}

#[test]
fn a_client_of_http1_meets_no_fault_of_http2() {
    for name in [
        "tls/h2-no-streams",
        "tls/h2-one-stream",
        "tls/h2-settings-mangled",
        "tls/h2-window-stuck",
        "tls/h2-then-http1",
        "response/h2-oversized-frame",
        "response/h2-trailers-dropped",
    ] {
        for alpn in [&[][..], &["http/1.1"]] {
            let proxy = play(name);
            let mut socket = proxy.connect();
            write!(socket, "CONNECT {HOST}:443 HTTP/1.1\r\nHost: {HOST}:443\r\n\r\n").unwrap();
            crate::read_until(&mut socket, "\r\n\r\n");
            let mut stream = tls(&proxy, socket, HOST, alpn);
            assert_eq!(status(&mut stream, "GET /"), "HTTP/1.1 200 OK", "{name} {alpn:?}");
            let faults = proxy.conduct().faults;
            assert!(faults.is_empty(), "{name} {alpn:?}: {:#?}", proxy.events());
        }
    }
}

#[test]
fn nor_does_one_of_http1_to_a_proxy() {
    for alpn in [&[][..], &["http/1.1"]] {
        let proxy = play("proxy_tls/h2-then-http1");
        let mut stream = tls(&proxy, proxy.connect(), "127.0.0.1", alpn);
        let request = format!("GET http://{HOST}/");
        assert_eq!(status(&mut stream, &request), "HTTP/1.1 200 OK", "{alpn:?}");
        assert!(proxy.conduct().faults.is_empty(), "{alpn:?}: {:#?}", proxy.events());
    }
}

/// Who offers it meets them, each with its own fault.
#[test]
fn a_client_that_offers_both_meets_them() {
    for name in ["tls/h2-no-streams", "tls/h2-settings-mangled", "tls/h2-then-http1"] {
        let proxy = play(name);
        let mut socket = proxy.connect();
        write!(socket, "CONNECT {HOST}:443 HTTP/1.1\r\nHost: {HOST}:443\r\n\r\n").unwrap();
        crate::read_until(&mut socket, "\r\n\r\n");
        let mut stream = tls(&proxy, socket, HOST, &["h2", "http/1.1"]);
        stream.write_all(crate::frames::PREFACE).unwrap();
        assert_eq!(stream.read(&mut [0]).unwrap(), 1, "{name}: not a word");
        assert!(proxy.conduct().faults.contains_key(&1), "{name}: {:#?}", proxy.events());
    }
}
