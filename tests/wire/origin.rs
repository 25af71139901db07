//! The built-in origin, by plain sockets and by rustls.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use badproxy::start::Setup;

use crate::proxy::Proxy;
use crate::{End, read_all, tunnel};

/// One answer of the origin: head and body.
fn get(path: &str, more: &str) -> (String, Vec<u8>) {
    let proxy = Proxy::start("name: x\n");
    let mut socket = tunnel(&proxy);
    write!(socket, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{more}\r\n").unwrap();
    let (got, end) = crate::read_for(&mut socket, std::time::Duration::from_secs(20));
    assert_eq!(end, End::Fin, "{path}");
    let at = got.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
    (String::from_utf8(got[..at].to_vec()).unwrap(), got[at + 4..].to_vec())
}

#[test]
fn endpoints() {
    assert_eq!(get("/bytes/70000", "").1.len(), 70_000);
    assert_eq!(get("/drip/3/10ms", "").1, b"012");
    assert_eq!(get("/pause/10ms", "").1.len(), 128);
    let (head, body) = get("/status/503", "");
    assert!(head.starts_with("HTTP/1.1 503 Service Unavailable") && body.is_empty());
    assert!(String::from_utf8(get("/headers", "X-A: b\r\n").1).unwrap().contains("X-A"));
    assert!(get("/redirect/2", "").0.contains("location: /redirect/1"));
    assert!(get("/redirect?to=http://b.test/", "").0.contains("location: http://b.test/"));
    assert!(get("/redirect/1", "").0.contains("location: /\r\n"));
    let (head, nonce) = get("/anything/else?x=y", "");
    assert!(head.contains(std::str::from_utf8(nonce.trim_ascii()).unwrap()), "the nonce");
    for bad in ["/bytes/x", "/bytes/99999999999999", "/status/99", "/status/1000"] {
        assert!(get(bad, "").0.starts_with("HTTP/1.1 400 "), "{bad}");
    }
}

/// What a browser fetches besides is not what it was told to fetch.
#[test]
fn an_icon_is_not_the_page() {
    for (target, path, counts) in [
        ("http://target.badproxy.test/", "/favicon.ico", false),
        ("http://target.badproxy.test/", "/other.ico", true),
        ("http://target.badproxy.test/favicon.ico", "/favicon.ico", true),
    ] {
        let proxy = Proxy::start(&format!("name: x\nclient: {{target: \"{target}\"}}\n"));
        let mut socket = tunnel(&proxy);
        write!(socket, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let (got, end) = crate::read_for(&mut socket, std::time::Duration::from_secs(20));
        assert!(got.starts_with(b"HTTP/1.1 200 ") && end == End::Fin, "{path}");
        proxy.wait_for("http:response", &format!("\"nonce_served\":{counts}"));
    }
}

#[test]
fn a_header_cannot_be_smuggled_into_a_redirect() {
    let (head, _) = get("/redirect?to=http://b.test/%0d%0aX:1", "");
    assert!(!head.contains("\nX:1"));
}

#[test]
fn head_has_no_body() {
    let proxy = Proxy::start("name: x\n");
    let mut socket = tunnel(&proxy);
    socket.write_all(b"HEAD /bytes/10 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let (got, _) = read_all(&mut socket);
    let text = String::from_utf8(got).unwrap();
    assert!(text.contains("content-length: 10") && text.ends_with("\r\n\r\n"), "{text}");
}

/// The origin knows whether a connection came through the tunnel or around it.
#[test]
fn a_connection_around_the_proxy_is_told_apart() {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let proxy = Proxy::with("name: x\n", Setup::new().direct(any));
    let mut through = tunnel(&proxy);
    through.write_all(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    proxy.wait_for("http:request", "\"via\":\"tunnel\"");
    let mut around = TcpStream::connect(proxy.direct.unwrap()).unwrap();
    around.write_all(b"GET /b HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut some = [0; 15];
    around.read_exact(&mut some).unwrap();
    assert_eq!(&some, b"HTTP/1.1 200 OK");
    let line = proxy.wait_for("http:request", "\"via\":\"direct\"");
    assert!(line.contains("\"path\":\"/b\""), "{line}");
    assert_eq!(proxy.conduct().attempts, 1, "going around is no attempt at the proxy");
}

/// What a rule answers to HEAD ends with its head, too: the next answer on the connection is a whole one
/// (RFC 9110, section 9.3.2). The length is the one of the body that a GET gets.
#[test]
fn a_rules_answer_to_head_has_no_body() {
    let rule = "do: {respond: {status: 503, body: 'a page of the rule'}}";
    let answers = |proxy: &Proxy, mut socket: TcpStream, target: &str, last: &str| {
        for method in ["HEAD", "GET", "HEAD"] {
            write!(socket, "{method} {target} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        }
        write!(socket, "GET {last} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let (got, end) = crate::read_for(&mut socket, std::time::Duration::from_secs(20));
        assert_eq!((end, proxy.conduct().trouble.len()), (End::Fin, 0));
        let text = String::from_utf8(got).unwrap();
        let body: Vec<_> = text.match_indices("a page of the rule").map(|(at, _)| at).collect();
        let heads = text.matches("HTTP/1.1 ").count();
        let lengths = text.to_lowercase().matches("content-length: 18\r\n").count();
        assert_eq!((heads, lengths, body.len()), (4, 4, 2), "{text}");
        // Each body stands behind the head of a GET: two heads before the first one, four before the second.
        let before = body.iter().map(|at| text[..*at].matches("HTTP/1.1 ").count());
        assert_eq!(before.collect::<Vec<_>>(), [2, 4], "{text}");
    };
    let proxy = Proxy::start(&format!("rules: [{{at: response, {rule}}}]\n"));
    answers(&proxy, tunnel(&proxy), "/", "/");
    let forwarded = "http://target.badproxy.test/";
    answers(&proxy, proxy.connect(), forwarded, forwarded);
    for at in ["request", "auth", "dial"] {
        let proxy = Proxy::start(&format!("rules: [{{at: {at}, {rule}}}]\n"));
        answers(&proxy, proxy.connect(), forwarded, forwarded);
    }
}

/// So does the proxy's own: a 407, and a target that it cannot reach.
#[test]
fn the_proxys_own_answer_to_head_has_no_body() {
    for (yaml, status) in [
        ("proxy: {auth: {scheme: basic}}\n", "407"),
        ("rules: [{at: auth, do: challenge}]\n", "407"),
        ("rules: [{at: dial, do: {upstream_error: connection_refused}}]\n", "502"),
        ("origin: {names: [other.test]}\n", "502"),
    ] {
        let proxy = Proxy::start(yaml);
        let mut socket = proxy.connect();
        let request = "HEAD http://nobody.example/ HTTP/1.1\r\nHost: nobody.example\r\n";
        write!(socket, "{request}\r\n{request}Connection: close\r\n\r\n").unwrap();
        let (got, end) = crate::read_for(&mut socket, std::time::Duration::from_secs(20));
        let text = String::from_utf8(got).unwrap();
        assert_eq!(end, End::Fin, "{text}");
        let heads: Vec<_> = text.split("\r\n\r\n").collect();
        assert_eq!(heads.len(), 3, "{yaml}{text}");
        assert_eq!(heads[2], "", "{yaml}{text}");
        for head in &heads[..2] {
            assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{yaml}{text}");
            assert!(!head.contains("Content-Length: 0"), "{yaml}{text}");
        }
    }
}
