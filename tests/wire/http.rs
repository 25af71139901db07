//! The HTTP proxy itself: heads, limits, keep-alive, forwarding, what is healthy.

use std::io::Write;

use crate::proxy::Proxy;
use crate::{CONNECT, End, read_all, read_until};
use badproxy::start::Setup;

fn status(proxy: &Proxy, request: &[u8]) -> String {
    let mut socket = proxy.connect();
    socket.write_all(request).unwrap();
    read_until(&mut socket, "\r\n").trim_end().to_owned()
}

#[test]
fn a_head_over_the_limit_is_431_and_an_event() {
    let proxy = Proxy::start("proxy: {head_limit: 1KiB}\n");
    let mut socket = proxy.connect();
    let long = format!("GET http://a.test/ HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(2000));
    socket.write_all(long.as_bytes()).unwrap();
    let (got, end) = read_all(&mut socket);
    assert!(got.starts_with(b"HTTP/1.1 431 Request Header Fields Too Large\r\n"));
    assert_eq!(end, End::Fin);
    proxy.wait_for("connect:bad_request", "longer than 1024 bytes");
}

#[test]
fn a_head_without_end_is_431_too() {
    let proxy = Proxy::start("proxy: {head_limit: 1KiB}\n");
    let mut socket = proxy.connect();
    socket.write_all(&[b'x'; 3000]).unwrap();
    let (got, end) = read_all(&mut socket);
    assert!(got.starts_with(b"HTTP/1.1 4"), "{got:?}");
    assert_eq!(end, End::Fin);
}

#[test]
fn nonsense_gets_a_clean_close_and_an_event() {
    for nonsense in
        [&b"\x00\x01\x02\r\n\r\n"[..], b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x06\x01\x00"]
    {
        let proxy = Proxy::start("name: x\n");
        let mut socket = proxy.connect();
        socket.write_all(nonsense).unwrap();
        socket.shutdown(std::net::Shutdown::Write).unwrap();
        let (_, end) = read_all(&mut socket);
        assert_eq!(end, End::Fin, "{nonsense:?}");
        proxy.wait_for("connect:bad_request", "");
    }
}

#[test]
fn a_request_without_a_target_is_400() {
    let proxy = Proxy::start("name: x\n");
    for request in [&b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..], b"CONNECT nowhere HTTP/1.1\r\n\r\n"]
    {
        assert!(status(&proxy, request).starts_with("HTTP/1.1 400 "));
    }
}

#[test]
fn it_is_no_open_proxy() {
    let proxy = Proxy::start("name: x\n");
    let victim = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = victim.local_addr().unwrap();
    let request = format!("CONNECT {at} HTTP/1.1\r\nHost: {at}\r\n\r\n");
    assert!(status(&proxy, request.as_bytes()).starts_with("HTTP/1.1 502 "));
    let request = format!("GET http://{at}/ HTTP/1.1\r\nHost: {at}\r\n\r\n");
    assert!(status(&proxy, request.as_bytes()).starts_with("HTTP/1.1 502 "));
    victim.set_nonblocking(true).unwrap();
    assert!(victim.accept().is_err(), "it connected to a real address");
}

#[test]
fn forward_really_connects() {
    let proxy = Proxy::with("name: x\n", Setup::new().forward());
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = server.local_addr().unwrap();
    let mut socket = proxy.connect();
    write!(socket, "CONNECT {at} HTTP/1.1\r\nHost: {at}\r\n\r\n").unwrap();
    let (mut far, _) = server.accept().unwrap();
    read_until(&mut socket, "\r\n\r\n");
    // Both ways, small and in bulk, to the byte.
    let up: Vec<u8> = (0..3_000_000u32).map(|n| n as u8).collect();
    let mut near = socket.try_clone().unwrap();
    let sent = up.clone();
    let writer = std::thread::spawn(move || {
        near.write_all(&sent).unwrap();
        near.shutdown(std::net::Shutdown::Write).unwrap();
    });
    let (got, end) = read_all(&mut far);
    writer.join().unwrap();
    assert!(got == up && end == End::Fin, "{} bytes, {end:?}", got.len());
    // The other direction is still open after the half-close.
    let down: Vec<u8> = up.iter().rev().copied().collect();
    let sent = down.clone();
    let mut back = far.try_clone().unwrap();
    let writer = std::thread::spawn(move || back.write_all(&sent).unwrap());
    let mut all = vec![0; down.len()];
    std::io::Read::read_exact(&mut socket, &mut all).unwrap();
    writer.join().unwrap();
    assert!(all == down);
    drop(far);
    assert_eq!(read_all(&mut socket).1, End::Fin);
}

#[test]
fn forward_passes_a_reset_on() {
    for bulk in [0usize, 1_000_000] {
        let proxy = Proxy::with("name: x\n", Setup::new().forward());
        let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let at = server.local_addr().unwrap();
        let mut socket = proxy.connect();
        write!(socket, "CONNECT {at} HTTP/1.1\r\nHost: {at}\r\n\r\n").unwrap();
        let (mut far, _) = server.accept().unwrap();
        read_until(&mut socket, "\r\n\r\n");
        let piece = vec![1; bulk];
        let writer = std::thread::spawn(move || {
            far.write_all(&piece).unwrap();
            far
        });
        let mut got = vec![0; bulk];
        std::io::Read::read_exact(&mut socket, &mut got).unwrap();
        let far = writer.join().unwrap();
        socket2::SockRef::from(&far).set_linger(Some(std::time::Duration::ZERO)).unwrap();
        drop(far);
        assert_eq!(read_all(&mut socket), (vec![], End::Rst), "after {bulk} bytes");
    }
}

#[test]
fn pipelined_bytes_after_the_head_are_not_lost() {
    let proxy = Proxy::start("name: x\n");
    let mut socket = proxy.connect();
    let mut bytes = CONNECT.to_vec();
    bytes.extend_from_slice(b"GET /bytes/5 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    socket.write_all(&bytes).unwrap();
    let (got, end) = read_all(&mut socket);
    let text = String::from_utf8(got).unwrap();
    assert!(text.starts_with("HTTP/1.1 200 Connection established\r\n\r\nHTTP/1.1 200 OK\r\n"));
    assert!(text.ends_with("\r\n\r\n01234"), "{text}");
    assert_eq!(end, End::Fin);
}

/// What comes beside the head may be the beginning of more.
#[test]
fn bytes_beside_the_head_are_followed_by_others() {
    let proxy = Proxy::start("name: x\n");
    let mut socket = proxy.connect();
    socket.write_all(&[CONNECT, b"GET /bytes/5 HT"].concat()).unwrap();
    read_until(&mut socket, "\r\n\r\n");
    for rest in ["TP/1.1\r\nHo", "st: x\r\n\r\n"] {
        socket.write_all(rest.as_bytes()).unwrap();
    }
    read_until(&mut socket, "\r\n\r\n01234");
}

#[test]
fn absolute_form_keeps_both_legs_alive() {
    let proxy = Proxy::start("name: x\n");
    let mut socket = proxy.connect();
    for n in [3, 5] {
        write!(socket, "GET http://a.test/bytes/{n} HTTP/1.1\r\nHost: a.test\r\n\r\n").unwrap();
        let head = read_until(&mut socket, "\r\n\r\n");
        assert!(head.contains(&format!("content-length: {n}\r\n")), "{head}");
        let mut body = vec![0; n];
        std::io::Read::read_exact(&mut socket, &mut body).unwrap();
    }
    proxy.wait_for("connect:request", "\"attempt\":2");
}

#[test]
fn absolute_form_bodies_by_length_and_in_chunks() {
    let proxy = Proxy::start("name: x\n");
    let mut socket = proxy.connect();
    socket
        .write_all(b"POST http://a.test/echo HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nhelloPOST http://a.test/upload HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n")
        .unwrap();
    let first = read_until(&mut socket, "hello");
    assert!(first.starts_with("HTTP/1.1 200 OK\r\n"), "{first}");
    let second = read_until(&mut socket, "}\n");
    assert!(second.ends_with("{\"received\": 7}\n"), "{second}");
}

/// What is for the proxy alone does not reach the origin.
#[test]
fn hop_by_hop_headers_stay_at_the_proxy() {
    let proxy = Proxy::start("name: x\n");
    let mut socket = proxy.connect();
    socket
        .write_all(b"GET http://a.test/headers HTTP/1.1\r\nHost: a.test\r\nProxy-Authorization: Basic eA==\r\nProxy-Connection: keep-alive\r\nConnection: X-Hop, close\r\nX-Hop: 1\r\nX-Kept: 2\r\n\r\n")
        .unwrap();
    let (got, end) = read_all(&mut socket);
    let text = String::from_utf8(got).unwrap();
    assert_eq!(end, End::Fin, "the client asked for close");
    assert!(text.contains("X-Kept") && text.contains("Via"), "{text}");
    for gone in ["Proxy-Authorization", "Proxy-Connection", "X-Hop"] {
        assert!(!text.contains(gone), "{gone}: {text}");
    }
}

#[test]
fn expect_100_is_answered_by_the_origin() {
    let proxy = Proxy::start("name: x\n");
    let mut socket = proxy.connect();
    socket
        .write_all(b"POST http://a.test/echo HTTP/1.1\r\nHost: a.test\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        .unwrap();
    assert_eq!(read_until(&mut socket, "\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    socket.write_all(b"hi").unwrap();
    assert!(read_until(&mut socket, "hi").starts_with("HTTP/1.1 200 OK"));
}

#[test]
fn an_upgrade_passes_and_echoes() {
    let proxy = Proxy::start("name: x\n");
    let mut socket = proxy.connect();
    socket
        .write_all(b"GET http://a.test/ws HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        .unwrap();
    let head = read_until(&mut socket, "\r\n\r\n");
    assert!(
        head.starts_with("HTTP/1.1 101 ") && head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        "{head}"
    );
    socket.write_all(&[0x81, 0x82, 0, 0, 0, 0, b'h', b'i']).unwrap();
    let mut echo = [0; 4];
    std::io::Read::read_exact(&mut socket, &mut echo).unwrap();
    assert_eq!(&echo, b"\x81\x02hi");
}

#[test]
fn credentials_are_asked_for_and_checked() {
    let yaml = "proxy: {auth: {scheme: basic, realm: corp, user: al, password: \"open sesame\"}}\n";
    let proxy = Proxy::start(yaml);
    let mut socket = proxy.connect();
    let ask = |authorization: &str| {
        format!("CONNECT a.test:80 HTTP/1.1\r\nHost: a.test:80\r\n{authorization}\r\n")
    };
    // Without, wrong, right: on one connection.
    for line in ["", "Proxy-Authorization: Basic YWw6d3Jvbmc=\r\n"] {
        socket.write_all(ask(line).as_bytes()).unwrap();
        let got = read_until(&mut socket, "</html>\n");
        assert!(got.starts_with("HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"corp\"\r\n"), "{got}");
    }
    // "al:open sesame"
    socket
        .write_all(ask("Proxy-Authorization: Basic YWw6b3BlbiBzZXNhbWU=\r\n").as_bytes())
        .unwrap();
    assert!(read_until(&mut socket, "\r\n\r\n").starts_with("HTTP/1.1 200 "));
    // No password in the log.
    let log = serde_json::to_string(&proxy.events()).unwrap();
    assert!(log.contains("Basic ****") && log.contains("proxy_credentials"), "{log}");
    for secret in ["open sesame", "YWw6b3BlbiBzZXNhbWU"] {
        assert!(!log.contains(secret));
    }
}

#[test]
fn a_post_that_is_refused_leaves_the_connection_usable() {
    let proxy = Proxy::start("proxy: {auth: {scheme: basic, user: al, password: pass}}\n");
    let mut socket = proxy.connect();
    let body = "Content-Length: 5\r\n\r\nhello";
    write!(socket, "POST http://a.test/echo HTTP/1.1\r\nHost: a.test\r\n{body}").unwrap();
    assert!(read_until(&mut socket, "</html>\n").starts_with("HTTP/1.1 407 "));
    write!(socket, "POST http://a.test/echo HTTP/1.1\r\nHost: a.test\r\nProxy-Authorization: Basic YWw6cGFzcw==\r\n{body}").unwrap();
    assert!(read_until(&mut socket, "hello").starts_with("HTTP/1.1 200 "));
}

#[test]
fn attempt_rules_count_connections_and_requests() {
    let proxy =
        Proxy::start("rules:\n  - at: reply\n    when: {attempt: 1-2}\n    do: {respond: 503}\n");
    let mut socket = proxy.connect();
    for want in ["503", "503", "200"] {
        socket.write_all(CONNECT).unwrap();
        assert!(read_until(&mut socket, "\r\n\r\n").starts_with(&format!("HTTP/1.1 {want} ")));
    }
}

/// Keep-alive on both legs: a second request to the same real target takes the same connection.
#[test]
fn forwarded_requests_share_a_connection_to_the_target() {
    let proxy = Proxy::with("name: x\n", Setup::new().forward());
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = server.local_addr().unwrap();
    let mut socket = proxy.connect();
    let ask = format!("GET http://{at}/ HTTP/1.1\r\nHost: {at}\r\n\r\n");
    socket.write_all(ask.as_bytes()).unwrap();
    let (mut far, _) = server.accept().unwrap();
    let answer =
        |n: usize, more: &str| format!("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n{more}\r\n{n}");
    let mut turn = |far: &mut std::net::TcpStream, n: usize, more: &str| {
        let head = read_until(far, "\r\n\r\n");
        assert!(head.starts_with("GET / HTTP/1.1\r\n"), "{head}");
        far.write_all(answer(n, more).as_bytes()).unwrap();
        read_until(&mut socket, &format!("\r\n\r\n{n}"));
        socket.write_all(ask.as_bytes()).unwrap();
    };
    turn(&mut far, 1, "");
    turn(&mut far, 2, "");
    // A target that says it closes is not asked again.
    turn(&mut far, 3, "Connection: close\r\n");
    let (mut again, _) = server.accept().unwrap();
    turn(&mut again, 4, "");
    // Neither is one that has closed: the request after this one is under way already, and lost.
    drop(again);
}

#[test]
fn headers_change_the_good_head_and_nothing_else() {
    let proxy = Proxy::start(
        "rules:\n  - at: reply\n    do: {headers: {add: [\"Via: gw\"]}}\n  - at: response\n    do: \
         {headers: {remove: [Content-Type], set: [\"content-length: 5\"], add: [\"A:  b \"], case: upper}}\n",
    );
    let mut socket = proxy.connect();
    socket.write_all(CONNECT).unwrap();
    let reply = read_until(&mut socket, "\r\n\r\n");
    assert_eq!(reply, "HTTP/1.1 200 Connection established\r\nVia: gw\r\n\r\n");
    socket.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let (got, end) = read_all(&mut socket);
    let text = String::from_utf8(got).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\nBADPROXY-NONCE: "), "{head}");
    assert!(head.ends_with("\r\nCONTENT-LENGTH: 5\r\nCONNECTION: close\r\nA:  b "), "{head}");
    assert_eq!((body.len(), end), (17, End::Fin));
}

/// FB048, qwj/python-proxy#151: the Host of a CONNECT is held against its own target, whichever.
#[test]
fn fb048_the_host_of_a_connect_is_its_target() {
    let scenario = badproxy::scenario::Scenario::catalogue("request/400-connect-host").unwrap();
    let proxy = Proxy::play(scenario, Setup::default());
    for (target, hosts, code) in [
        ("target.badproxy.test:443", &["target.badproxy.test:443"][..], "200"),
        ("other.badproxy.test:8443", &["Other.badproxy.test:8443"], "200"),
        ("other.badproxy.test:8443", &["target.badproxy.test:443"], "400"),
        ("target.badproxy.test:443", &["target.badproxy.test"], "400"),
        ("target.badproxy.test:443", &["target.badproxy.test:443"; 2], "400"),
        ("target.badproxy.test:443", &["target.badproxy.test:443", "x"], "400"),
        ("target.badproxy.test:443", &["x", "target.badproxy.test:443"], "400"),
        ("target.badproxy.test:443", &[], "400"),
    ] {
        let lines: String = hosts.iter().map(|host| format!("Host: {host}\r\n")).collect();
        let got = status(&proxy, format!("CONNECT {target} HTTP/1.1\r\n{lines}\r\n").as_bytes());
        assert_eq!(&got[9..12], code, "{target} {hosts:?}");
    }
    let plain = "GET http://target.badproxy.test/ HTTP/1.1\r\nHost: x\r\n\r\n";
    assert_eq!(status(&proxy, plain.as_bytes()), "HTTP/1.1 200 OK");
}

/// FB045: the port is what is refused, and not the CONNECT.
#[test]
fn fb045_another_port_is_served() {
    let scenario = badproxy::scenario::Scenario::catalogue("reply/403-port").unwrap();
    let proxy = Proxy::play(scenario, Setup::default());
    for (port, code) in [(8443, "403"), (443, "200"), (8443, "403")] {
        let place = format!("target.badproxy.test:{port}");
        let got =
            status(&proxy, format!("CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n\r\n").as_bytes());
        assert_eq!(&got[9..12], code, "{port}");
    }
}

/// RFC 9112, sections 9.3 and 9.6: the last answer on a connection says `close`, and a FIN follows it. So
/// to a client of HTTP/1.0 that does not ask for more, whoever answers: a rule, the proxy or the origin.
#[test]
fn an_answer_to_http_1_0_is_the_last_one_and_says_so() {
    let portal = "rules: [{at: request, do: {respond: {status: 200, body: hi}}}]\n";
    let page = "rules: [{at: response, do: {respond: {status: 200, body: hi}}}]\n";
    let gateway = "rules: [{at: dial, do: {upstream_error: connection_refused}}]\n";
    let login = "proxy: {auth: {scheme: basic}}\n";
    let place = "http://target.badproxy.test/";
    for yaml in [portal, page, gateway, login, "name: x\n"] {
        for (version, lines, closes) in
            [("1.0", "", true), ("1.1", "Connection: close\r\n", true), ("1.1", "", false)]
        {
            let proxy = Proxy::start(yaml);
            let mut socket = proxy.connect();
            write!(socket, "GET {place} HTTP/{version}\r\nHost: x\r\n{lines}\r\n").unwrap();
            let (got, end) = read_all(&mut socket);
            let text = String::from_utf8_lossy(&got).to_lowercase();
            let said = text.matches("\r\nconnection: close\r\n").count();
            let wanted = if closes { (1, End::Fin) } else { (0, End::Silence) };
            assert_eq!((said, end), wanted, "{yaml} HTTP/{version}: {text}");
        }
    }
}
