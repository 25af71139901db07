//! A proxy that is spoken to in HTTP/2, frame by frame: CONNECT is a stream, and a tunnel its
//! DATA.

use crate::End;
use crate::frames::{self, connect, frame};
use crate::h2::{Client, secure};
use crate::proxy::Proxy;

const TARGET: &str = "target.badproxy.test:80";
const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

/// A session with the proxy.
fn session(rules: &str) -> (Proxy, Client) {
    let yaml = format!("{{proxy: {{tls: {{alpn: [h2, http/1.1]}}}}, {rules}}}");
    let proxy = Proxy::start(&yaml);
    let mut client = secure(&proxy, proxy.connect(), "127.0.0.1");
    client.send(&[frames::PREFACE, &frame(4, 0, 0, &[])].concat());
    (proxy, client)
}

/// A CONNECT on stream 1, to a proxy with one rule.
fn asked(rule: &str) -> (Proxy, Client) {
    let (proxy, mut client) = session(&format!("rules: [{rule}]"));
    client.send(&connect(1, TARGET, &[]));
    (proxy, client)
}

fn has(lines: &[String], text: &str) -> bool {
    lines.iter().any(|line| line.contains(text))
}

#[test]
fn two_streams_are_two_tunnels_and_two_attempts() {
    let (proxy, mut client) = session("rules: []");
    client.send(&connect(1, TARGET, &[]));
    client.until("HEADERS on 1, :status: 200");
    // F6: a HEADERS frame, its nine bytes and a block of 14, and no line of HTTP/1.
    proxy.wait_for("connect:reply", "\"bytes\":23,\"raw\":\"HTTP/2 200");
    client.send(&connect(3, TARGET, &[]));
    client.until("HEADERS on 3, :status: 200");
    client.send(&frame(0, 0, 3, GET));
    let lines = client.until("DATA on 3, 0 bytes, END_STREAM");
    assert!(!has(&lines, " on 1"), "{lines:#?}");
    client.send(&frame(0, 0, 1, GET));
    client.until("DATA on 1, 0 bytes, END_STREAM");
    assert_eq!(proxy.conduct().attempts, 2);
    proxy.wait_for("connect:request", "HTTP/2");
}

#[test]
fn half_a_close_is_end_stream_and_the_answer_still_comes() {
    let (proxy, mut client) = session("rules: []");
    client.send(&connect(1, TARGET, &[]));
    client.until("HEADERS on 1, :status: 200");
    client.send(&frame(0, 1, 1, GET));
    let lines = client.until("DATA on 1, 0 bytes, END_STREAM");
    assert!(has(&lines, "DATA on 1, "), "{lines:#?}");
    proxy.wait_for("h2:stream_closed", "\"how\":\"fin\"");
}

#[test]
fn a_challenge_is_a_407_and_the_right_login_opens_the_next_stream() {
    let login = "{auth: {scheme: basic, realm: corp, user: al, password: pw}, \
                 tls: {alpn: [h2, http/1.1]}}";
    let proxy = Proxy::start(&format!("{{proxy: {login}}}"));
    let mut client = secure(&proxy, proxy.connect(), "127.0.0.1");
    client.send(&[frames::PREFACE, &frame(4, 0, 0, &[])].concat());
    client.send(&connect(1, TARGET, &[]));
    let lines = client.until("HEADERS on 1");
    let line = lines.last().unwrap();
    assert!(line.contains(":status: 407; proxy-authenticate: Basic realm=\"corp\""), "{line}");
    assert!(!line.contains("connection"), "{line}");
    client.send(&connect(3, TARGET, &[("proxy-authorization", "Basic YWw6cHc=")]));
    client.until("HEADERS on 3, :status: 200");
}

#[test]
fn respond_and_upstream_error_are_a_status_and_end_stream() {
    let (_proxy, mut client) = asked("{at: dial, do: {upstream_error: connection_refused}}");
    let lines = client.until("HEADERS on 1");
    assert!(has(&lines, ":status: 502"), "{lines:#?}");
    client.until("DATA on 1, 0 bytes, END_STREAM");
    let (_proxy, mut client) = asked("{at: reply, do: {respond: {status: 403, body: no}}}");
    client.until("HEADERS on 1, :status: 403; content-length: 2");
    client.until("DATA on 1, 2 bytes");
    client.until("DATA on 1, 0 bytes, END_STREAM");
}

#[test]
fn rst_stream_in_the_place_of_an_answer() {
    let (_proxy, mut client) = asked("{at: reply, do: {rst_stream: refused_stream}}");
    let lines = client.until("RST_STREAM on 1, code 7");
    assert!(!has(&lines, "HEADERS"), "{lines:#?}");
    // `reset` is the same, with the code that stands for a RST.
    let (_proxy, mut client) = asked("{at: request, do: reset}");
    let lines = client.until("RST_STREAM on 1, code 10");
    assert!(!has(&lines, "HEADERS"), "{lines:#?}");
    client.send(&frame(6, 0, 0, b"12345678"));
    client.until("PING ACK");
}

#[test]
fn a_tunnel_is_closed_or_reset_after_just_so_many_bytes() {
    for (step, last) in [
        ("close", "DATA on 1, 0 bytes, END_STREAM"),
        ("rst_stream", "RST_STREAM on 1, code 10"),
        ("reset", "RST_STREAM on 1, code 10"),
    ] {
        let (_proxy, mut client) =
            asked(&format!("{{at: tunnel, do: [{{until: {{bytes: 9B}}}}, {step}]}}"));
        client.until("HEADERS on 1, :status: 200");
        client.send(&frame(0, 0, 1, GET));
        let lines = client.until(last);
        let data: Vec<&String> = lines
            .iter()
            .filter(|l| l.starts_with("DATA on 1, ") && !l.contains(" 0 bytes"))
            .collect();
        assert_eq!(data, ["DATA on 1, 9 bytes"], "{step}");
    }
}

#[test]
fn hang_is_one_silent_stream() {
    let (proxy, mut client) = asked("{at: reply, when: {attempt: 1}, do: hang}");
    proxy.wait_for("wait:silence", "");
    client.send(&connect(3, TARGET, &[]));
    let lines = client.until("HEADERS on 3, :status: 200");
    assert!(!has(&lines, " on 1"), "{lines:#?}");
    client.send(&frame(3, 0, 1, &[0, 0, 0, 8]));
    proxy.wait_for("wait:ended", "");
}

#[test]
fn goaway_while_a_tunnel_is_open() {
    let (proxy, mut client) =
        asked("{at: tunnel, do: [{await: first_byte}, {goaway: {code: enhance_your_calm}}]}");
    client.until("HEADERS on 1, :status: 200");
    client.send(&frame(0, 0, 1, GET));
    let lines = client.until("DATA on 1, 0 bytes, END_STREAM");
    assert!(has(&lines, "GOAWAY last 1, code 11"), "{lines:#?}");
    drop(client);
    proxy.wait_for("tcp:closed", "");
    let rule = "{at: tunnel, do: [{await: first_byte}, {goaway: {code: cancel, close: true}}]}";
    let (_proxy, mut client) = asked(rule);
    client.until("HEADERS on 1, :status: 200");
    client.send(&frame(0, 0, 1, GET));
    let (lines, end) = client.rest();
    assert_eq!((lines.last().unwrap().as_str(), end), ("GOAWAY last 1, code 8, \"\"", End::Fin));
}

/// FB127, nghttp2/nghttp2#2849.
#[test]
fn fb127_headers_inside_an_open_tunnel() {
    let rule = r#"{at: tunnel, do: {frame: {type: headers, flags: 4, fields: [":status: 200"]}}}"#;
    let (_proxy, mut client) = asked(rule);
    client.until("HEADERS on 1, :status: 200");
    client.until("HEADERS on 1, :status: 200");
}

#[test]
fn nonsense_and_odd_requests_end_cleanly() {
    // A target that is none, a request of another kind, a body without a length.
    for (what, bytes, status) in [
        ("no port", connect(1, "nowhere", &[]), "400"),
        ("a target of its own", frames::request(1, "GET", TARGET, "/", true), "400"),
        ("no length", frames::request(1, "POST", TARGET, "/", false), "411"),
    ] {
        let (_proxy, mut client) = session("rules: []");
        client.send(&bytes);
        let lines = client.until("HEADERS on 1");
        assert!(has(&lines, &format!(":status: {status}")), "{what}: {lines:#?}");
    }
    for bytes in [frame(0, 0, 7, b"x"), frame(1, 5, 1, &[0xff; 40]), frame(4, 0, 0, &[0; 5])] {
        let (proxy, mut client) = session("rules: []");
        client.send(&bytes);
        proxy.wait_for("h2:error", "GOAWAY");
        assert_eq!(client.rest().1, End::Fin);
        proxy.wait_for("tcp:closed", "\"by\":\"us\"");
    }
}

/// Where h2 was chosen, a request in HTTP/1.1 is none.
#[test]
fn http1_in_the_place_of_the_preface_ends_cleanly() {
    let proxy = Proxy::start("{proxy: {tls: {alpn: [h2, http/1.1]}}}");
    let mut client = secure(&proxy, proxy.connect(), "127.0.0.1");
    client.send(b"CONNECT x HTTP/1.1\r\n\r\n");
    let (_, end) = client.rest();
    assert_eq!(end, End::Fin);
    proxy.wait_for("h2:failed", "preface");
}
