//! What the proxy makes of its own name server's answers, read from a plain socket with RFC 9209
//! beside it.

use std::io::Write;
use std::time::{Duration, Instant};

use crate::proxy::Proxy;
use crate::{End, read_all, read_until};

const CONNECT: &[u8] = b"CONNECT target.badproxy.test:443 HTTP/1.1\r\nHost: target\r\n\r\n";
const YES: &str = "HTTP/1.1 200 Connection established\r\n\r\n";

fn rule(steps: &str) -> Proxy {
    Proxy::start(&format!("scale: 0.1\nrules: [{{at: resolve, do: {steps}}}]\n"))
}

/// The status line and `Proxy-Status` of the answer to a CONNECT.
fn status(steps: &str) -> (String, String) {
    let proxy = rule(steps);
    let mut socket = proxy.connect();
    socket.write_all(CONNECT).unwrap();
    let head = read_until(&mut socket, "\r\n\r\n");
    let lines: Vec<&str> = head.split("\r\n").collect();
    let named = lines.iter().find(|line| line.starts_with("Proxy-Status: "));
    (lines[0].to_owned(), named.copied().unwrap_or_default().to_owned())
}

const NEXT: &str = "next-hop=\"target.badproxy.test:443\"";

#[test]
fn rcodes_have_the_error_type_of_rfc_9209() {
    for (steps, detail) in [
        ("{answer: nxdomain}", "rcode=\"NXDOMAIN\""),
        ("{answer: servfail}", "rcode=\"SERVFAIL\""),
        ("{answer: formerr}", "rcode=\"FORMERR\""),
        ("{answer: notimp}", "rcode=\"NOTIMP\""),
        ("{answer: nodata}", "rcode=\"NOERROR\""),
        ("{answer: {rcode: refused, ede: 15}}", "rcode=\"REFUSED\"; info-code=15"),
    ] {
        let (line, named) = status(steps);
        assert_eq!(line, "HTTP/1.1 502 Bad Gateway", "{steps}");
        assert_eq!(named, format!("Proxy-Status: badproxy; error=dns_error; {detail}; {NEXT}"));
    }
    let (line, named) = status("{upstream_error: dns_timeout}");
    assert_eq!(line, "HTTP/1.1 504 Gateway Timeout");
    assert_eq!(named, format!("Proxy-Status: badproxy; error=dns_timeout; {NEXT}"));
}

#[test]
fn an_upstream_error_has_more_header_lines() {
    let proxy = rule("{upstream_error: {error: dns_timeout, headers: ['X-Squid-Error: A 0']}}");
    let mut socket = proxy.connect();
    socket.write_all(CONNECT).unwrap();
    let head = read_until(&mut socket, "\r\n\r\n");
    assert!(head.contains("\r\nX-Squid-Error: A 0\r\n"), "{head}");
}

/// The connection stays for the next request, which is looked up anew.
#[test]
fn once_and_never_again() {
    let proxy = Proxy::start(
        "rules: [{at: resolve, when: {attempt: 1, per: target}, do: {answer: servfail}}]\n",
    );
    let mut socket = proxy.connect();
    socket.write_all(CONNECT).unwrap();
    assert!(read_until(&mut socket, "</html>\n").starts_with("HTTP/1.1 502 "));
    socket.write_all(CONNECT).unwrap();
    assert_eq!(read_until(&mut socket, "\r\n\r\n"), YES);
}

/// 5 s, scaled to a half, for each address that does not answer; none for one that refuses.
#[test]
fn addresses_are_dialled_in_their_order() {
    let half = Duration::from_millis(500);
    for (addresses, waits, dialled, line) in [
        ("a: [192.0.2.1, origin]", 1, 1, YES),
        ("a: [origin, 192.0.2.1]", 0, 0, YES),
        ("a: [0.0.0.0, origin]", 0, 1, YES),
        ("a: [192.0.2.1], aaaa: ['2001:db8::1']", 2, 2, "HTTP/1.1 504 "),
        ("a: [192.0.2.1, 0.0.0.0]", 1, 2, "HTTP/1.1 502 "),
    ] {
        let proxy = rule(&format!("{{answer: {{{addresses}}}}}"));
        let mut socket = proxy.connect();
        let began = Instant::now();
        socket.write_all(CONNECT).unwrap();
        let got = read_until(&mut socket, "\r\n\r\n");
        assert!(got.starts_with(line), "{addresses}: {got}");
        assert!(began.elapsed() >= half * waits, "{addresses}");
        let notes = proxy.events().into_iter().filter(|e| e.what.name() == "run:note").count();
        assert_eq!(notes, dialled, "{addresses}");
    }
}

/// RFC 6724, section 2.1.
#[test]
fn ipv6_comes_first() {
    let proxy = rule("{answer: {a: [192.0.2.1, origin], aaaa: ['2001:db8::1']}}");
    let mut socket = proxy.connect();
    socket.write_all(CONNECT).unwrap();
    assert_eq!(read_until(&mut socket, "\r\n\r\n"), YES);
    proxy.wait_for("resolve:looked_up", "\"result\":\"2001:db8::1, 192.0.2.1, origin\"");
}

/// The second CONNECT finds the addresses the other way round.
#[test]
fn addresses_take_turns() {
    let proxy = rule("{answer: {a: [192.0.2.1, origin], rotate: true}}");
    for order in ["192.0.2.1, origin", "origin, 192.0.2.1"] {
        let mut socket = proxy.connect();
        socket.write_all(CONNECT).unwrap();
        assert_eq!(read_until(&mut socket, "\r\n\r\n"), YES);
        proxy.wait_for("resolve:looked_up", &format!("\"result\":\"{order}\""));
    }
}

/// SOCKS5 has reply 4 for it (RFC 1928 knows no names that do not exist), and 6 and 5.
#[test]
fn socks_has_its_own_codes() {
    for (steps, code) in [
        ("{answer: nxdomain}", 4),
        ("{answer: {a: [0.0.0.0]}}", 5),
        ("{answer: {a: [192.0.2.1]}}", 6),
    ] {
        let proxy = rule(steps);
        let mut socket = proxy.connect();
        socket.write_all(b"\x05\x01\x00\x05\x01\x00\x03\x01t\x01\xbb").unwrap();
        let reply = vec![5, 0, 5, code, 0, 1, 0, 0, 0, 0, 0, 0];
        // The proxy's patience is longer than that of a reader who waits for silence.
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut got = vec![0; 12];
        std::io::Read::read_exact(&mut socket, &mut got).unwrap();
        assert_eq!(got, reply, "{steps}");
        assert_eq!(read_all(&mut socket), (vec![], End::Fin), "{steps}");
    }
}

/// After the 200 there is nothing left to say but a FIN.
#[test]
fn a_failed_look_up_after_the_reply_is_a_fin() {
    let proxy = Proxy::start(
        "proxy: {dial: after_reply}\nrules: [{at: resolve, do: {answer: nxdomain}}]\n",
    );
    let mut socket = proxy.connect();
    socket.write_all(CONNECT).unwrap();
    assert_eq!(read_all(&mut socket), (YES.as_bytes().to_vec(), End::Fin));
}
