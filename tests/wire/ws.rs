//! WebSockets through the proxy, requests that change on their way, and heads with company.

use std::io::{Read, Write};
use std::net::TcpStream;

use badproxy::scenario::Scenario;
use badproxy::start::Setup;

use crate::proxy::Proxy;
use crate::{End, read_all, read_until, segments, tunnel};

/// An opening handshake with the key of RFC 6455, section 1.2, and what `lines` says of the rest.
fn handshake(place: &str, lines: &str) -> String {
    format!(
        "GET {place}/ws HTTP/1.1\r\nHost: target.badproxy.test\r\n{lines}\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
}

const UPGRADE: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\n";
const ABSOLUTE: &str = "http://target.badproxy.test";

/// Sends `bytes` into a tunnel, or to the proxy itself, and gives the head that comes back.
fn ask(proxy: &Proxy, in_tunnel: bool, bytes: &str) -> (TcpStream, String) {
    let mut socket = if in_tunnel { tunnel(proxy) } else { proxy.connect() };
    socket.write_all(bytes.as_bytes()).unwrap();
    let head = read_until(&mut socket, "\r\n\r\n");
    (socket, head)
}

#[test]
fn a_websocket_opens_in_a_tunnel_and_in_absolute_form() {
    let proxy = Proxy::start("name: x\n");
    for (in_tunnel, place) in [(true, ""), (false, ABSOLUTE)] {
        let (mut socket, head) = ask(&proxy, in_tunnel, &handshake(place, UPGRADE));
        assert!(head.starts_with("HTTP/1.1 101 Switching Protocols\r\n"), "{head}");
        for line in ["Upgrade: websocket", "Connection: Upgrade"] {
            assert!(head.contains(&format!("\r\n{line}\r\n")), "{head}");
        }
        // The answer that the RFC works out.
        assert!(head.contains("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
        // A ping is answered with a pong, a text with itself.
        let masked = [0x89, 0x81, 0, 0, 0, 0, b'p', 0x81, 0x81, 1, 1, 1, 1, b'h' ^ 1];
        socket.write_all(&masked).unwrap();
        let mut got = [0; 6];
        socket.read_exact(&mut got).unwrap();
        assert_eq!(got, [0x8a, 1, b'p', 0x81, 1, b'h']);
    }
}

#[test]
fn what_is_no_handshake_gets_426_and_the_connection_stays() {
    let proxy = Proxy::start("name: x\n");
    let mut socket = tunnel(&proxy);
    let old = handshake("", UPGRADE).replace("Version: 13", "Version: 8");
    for no in [
        handshake("", ""),
        handshake("", "Connection: Upgrade\r\n"),
        handshake("", "Upgrade: websocket\r\n"),
        old,
    ] {
        socket.write_all(no.as_bytes()).unwrap();
        let head = read_until(&mut socket, "\r\n\r\n");
        assert!(head.starts_with("HTTP/1.1 426 Upgrade Required\r\n"), "{head}");
        assert!(head.contains("\r\nsec-websocket-version: 13\r\n"), "{head}");
        read_until(&mut socket, ".\n");
    }
}

/// FB129, websockets/wscat#42: a proxy that takes `Upgrade` out of the request.
#[test]
fn fb129_a_stripped_upgrade_is_426_from_the_origin() {
    let rules = "rules: [{at: request, do: {headers: {remove: [upgrade]}}}]\n";
    for (in_tunnel, place) in [(true, ""), (false, ABSOLUTE)] {
        let proxy = Proxy::start(rules);
        let (_, head) = ask(&proxy, in_tunnel, &handshake(place, UPGRADE));
        assert!(head.starts_with("HTTP/1.1 426 "), "{head}");
        let line = proxy.wait_for("fault:applied", "\"at\":\"request\"");
        assert!(line.contains("without upgrade"), "{line}");
        assert_eq!(proxy.conduct().faults.get(&1), Some(&1), "once, not here and at the origin");
    }
}

#[test]
fn header_lines_of_a_request_are_removed_set_and_added() {
    let rules = "rules:
      - at: request
        do: {headers: {remove: [x-a], set: ['X-B: new'], add: ['X-C: 3']}}\n";
    for (in_tunnel, place) in [(true, ""), (false, ABSOLUTE)] {
        let proxy = Proxy::start(rules);
        let ask_for = format!(
            "GET {place}/headers HTTP/1.1\r\nHost: target.badproxy.test\r\nX-A: 1\r\nX-B: old\r\n\
             Connection: close\r\n\r\n"
        );
        let (mut socket, _) = ask(&proxy, in_tunnel, &ask_for);
        let body = String::from_utf8(read_all(&mut socket).0).unwrap();
        let lines: Vec<[String; 2]> = serde_json::from_str(&body).unwrap();
        let find = |name: &str| lines.iter().find(|[n, _]| n == name).map(|[_, v]| v.as_str());
        assert_eq!((find("X-A"), find("X-B"), find("X-C")), (None, Some("new"), Some("3")));
    }
}

/// A request that has nothing to lose meets no fault: it is as it would have been.
#[test]
fn a_request_that_does_not_change_meets_no_fault() {
    let rules = "rules: [{at: request, do: {headers: {remove: [upgrade]}}}]\n";
    for (in_tunnel, place) in [(true, ""), (false, ABSOLUTE)] {
        let proxy = Proxy::start(rules);
        let plain = format!("GET {place}/ HTTP/1.1\r\nHost: target.badproxy.test\r\n\r\n");
        let (_, head) = ask(&proxy, in_tunnel, &plain);
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        assert_eq!(proxy.conduct().faults.len(), 0);
    }
}

/// A rule for one request is not there for the next one on the same connection.
#[test]
fn a_change_is_for_the_requests_that_its_rule_names() {
    let rules = "rules: [{when: {attempt: 1}, at: request, do: {headers: {add: ['X-C: 3']}}}]\n";
    let proxy = Proxy::start(rules);
    let mut socket = proxy.connect();
    for changed in [true, false] {
        let get = format!("GET {ABSOLUTE}/headers HTTP/1.1\r\nHost: target.badproxy.test\r\n\r\n");
        socket.write_all(get.as_bytes()).unwrap();
        let got = read_until(&mut socket, "\n]\n");
        assert_eq!(got.contains("X-C"), changed, "{got}");
    }
}

/// All that comes, which has to be one segment.
fn one_segment(proxy: &Proxy, in_tunnel: bool, bytes: &str) -> Vec<u8> {
    let mut socket = if in_tunnel { tunnel(proxy) } else { proxy.connect() };
    let before = segments(&socket);
    socket.write_all(bytes.as_bytes()).unwrap();
    let (got, _) = read_all(&mut socket);
    assert_eq!(segments(&socket), before.map(|n| n + 1), "{:?}", String::from_utf8_lossy(&got));
    got
}

/// FB131, tinyproxy/tinyproxy#211: a 200 before the 101.
#[test]
fn fb131_bytes_before_and_after_a_head_are_in_its_segment() {
    let proxy = Proxy::start(
        "rules:
      - at: response
        do: {glue: {before: \"HTTP/1.0 200 OK\\r\\n\\r\\n\", after_hex: 81 02 68 69}}\n",
    );
    let got = one_segment(&proxy, true, &handshake("", UPGRADE));
    assert!(got.starts_with(b"HTTP/1.0 200 OK\r\n\r\nHTTP/1.1 101 Switching Protocols\r\n"));
    assert!(got.ends_with(b"\r\n\r\n\x81\x02hi"), "{}", String::from_utf8_lossy(&got));
}

/// FB131, tinyproxy/tinyproxy#211: what says 200 first relays what comes after the 101, both ways.
#[test]
fn fb131_frames_pass_after_a_200_before_the_101() {
    for (in_tunnel, place) in [(true, ""), (false, ABSOLUTE)] {
        let scenario = Scenario::catalogue("response/ws-200-before-101").unwrap();
        let proxy = Proxy::play(scenario, Setup::default());
        let (mut socket, head) = ask(&proxy, in_tunnel, &handshake(place, UPGRADE));
        assert_eq!(head, "HTTP/1.0 200 Connection established\r\n\r\n");
        let head = read_until(&mut socket, "\r\n\r\n");
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        // A text, and a close with code 1000, which is answered and ends the connection.
        for (sent, back) in [
            (vec![0x81, 0x81, 1, 1, 1, 1, b'h' ^ 1], vec![0x81, 1, b'h']),
            (vec![0x88, 0x82, 0, 0, 0, 0, 3, 0xe8], vec![0x88, 2, 3, 0xe8]),
        ] {
            socket.write_all(&sent).unwrap();
            let mut got = vec![0; back.len()];
            socket.read_exact(&mut got).unwrap();
            assert_eq!(got, back, "in a tunnel: {in_tunnel}");
        }
        assert_eq!(read_all(&mut socket), (Vec::new(), End::Fin));
        drop(socket);
        proxy.wait_for("tcp:closed", "\"by\":\"upstream\"");
    }
}

/// A proxy that reads the head to know its end sends it on with what came behind it.
#[test]
fn what_came_in_one_segment_is_forwarded_in_one() {
    let rules = "rules: [{at: response, do: {glue: {after_hex: 81 02 68 69}}}]\n";
    let got = one_segment(&Proxy::start(rules), false, &handshake(ABSOLUTE, UPGRADE));
    assert!(got.starts_with(b"HTTP/1.1 101 ") && got.ends_with(b"\r\n\r\n\x81\x02hi"), "{got:?}");
    let rules =
        "rules: [{at: response, do: {glue: {before: \"HTTP/1.1 100 Continue\\r\\n\\r\\n\"}}}]\n";
    // HEAD: its answer is a head and nothing behind it.
    let get = format!("HEAD {ABSOLUTE}/ HTTP/1.1\r\nHost: target.badproxy.test\r\n\r\n");
    let got = one_segment(&Proxy::start(rules), false, &get);
    assert!(got.starts_with(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"), "{got:?}");
}

#[test]
fn bytes_after_the_reply_are_in_its_segment() {
    let proxy = Proxy::start("rules: [{at: reply, do: {glue: {after: hello}}}]\n");
    let got = one_segment(&proxy, false, std::str::from_utf8(crate::CONNECT).unwrap());
    assert_eq!(got, b"HTTP/1.1 200 Connection established\r\n\r\nhello");
}

/// FB130, lysine-dev/okhttp#1522: the line is gone, and all else is there.
#[test]
fn fb130_lines_of_the_101_can_be_taken_out() {
    for (gone, stays) in [("upgrade", "Connection: Upgrade"), ("connection", "Upgrade: websocket")]
    {
        let proxy = Proxy::start(&format!(
            "rules: [{{at: response, do: {{headers: {{remove: [{gone}]}}}}}}]\n"
        ));
        let (_, head) = ask(&proxy, true, &handshake("", UPGRADE));
        let lower = head.to_ascii_lowercase();
        assert!(head.starts_with("HTTP/1.1 101 ") && !lower.contains(&format!("\r\n{gone}:")));
        assert!(head.contains(&format!("\r\n{stays}\r\n")), "{head}");
    }
}

/// A refusal in the place of the 101 leaves the connection for the next request.
#[test]
fn an_answer_in_the_place_of_the_101_keeps_the_connection() {
    let proxy = Proxy::start("rules: [{when: {attempt: 1}, at: response, do: {respond: 502}}]\n");
    let (mut socket, head) = ask(&proxy, true, &handshake("", UPGRADE));
    assert!(head.starts_with("HTTP/1.1 502 "), "{head}");
    socket.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let (got, end) = read_all(&mut socket);
    assert!(got.starts_with(b"HTTP/1.1 200 OK\r\n") && end == End::Fin);
}

/// With `--forward` a real target gets the changed request, with no header of one hop too many.
#[test]
fn a_real_target_gets_the_changed_request() {
    let rules = "rules: [{at: request, do: {headers: {remove: [Upgrade], add: ['X-C: 3']}}}]\n";
    let setup = badproxy::Setup::new().forward();
    let proxy = Proxy::with(rules, setup);
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = server.local_addr().unwrap();
    let mut socket = proxy.connect();
    socket.write_all(handshake(&format!("http://{at}"), UPGRADE).as_bytes()).unwrap();
    let (mut far, _) = server.accept().unwrap();
    let got = read_until(&mut far, "\r\n\r\n");
    assert!(got.starts_with("GET /ws HTTP/1.1\r\n") && got.contains("\r\nX-C: 3\r\n"), "{got}");
    assert!(!got.contains("Upgrade") && got.contains("\r\nConnection: keep-alive\r\n"), "{got}");
    proxy.wait_for("fault:applied", "without Upgrade, with X-C: 3");
}

/// F8: a frame that is too long gets a close frame with 1009, one without a mask 1002, then a FIN.
#[test]
fn what_is_not_echoed_gets_a_close_frame() {
    let proxy = Proxy::start("name: x\n");
    let long = |length: u64| {
        let mut frame = vec![0x82, 0xff];
        frame.extend(length.to_be_bytes());
        frame.extend([0; 4]);
        frame.resize(frame.len() + length as usize, 0);
        frame
    };
    for (in_tunnel, place) in [(true, ""), (false, ABSOLUTE)] {
        let (mut socket, _) = ask(&proxy, in_tunnel, &handshake(place, UPGRADE));
        let mut writer = socket.try_clone().unwrap();
        let sender = std::thread::spawn(move || writer.write_all(&long(1 << 20)).unwrap());
        let mut got = vec![0; 10 + (1 << 20)];
        socket.read_exact(&mut got).unwrap();
        sender.join().unwrap();
        let mut writer = socket.try_clone().unwrap();
        let sender = std::thread::spawn(move || writer.write_all(&long((1 << 20) + 1)).unwrap());
        let mut said = [0; 4];
        socket.read_exact(&mut said).unwrap();
        assert_eq!(said, [0x88, 2, 0x03, 0xf1]);
        sender.join().unwrap();
        assert_eq!(read_all(&mut socket), (vec![], End::Fin));
        let (mut socket, _) = ask(&proxy, in_tunnel, &handshake(place, UPGRADE));
        socket.write_all(&[0x81, 1, b'h']).unwrap();
        assert_eq!(read_all(&mut socket), (vec![0x88, 2, 0x03, 0xea], End::Fin));
    }
}
