//! SOCKS as a plain socket sees it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::proxy::Proxy;
use crate::{End, read_all, read_until};

const BY_NAME: &[u8] = b"\x05\x01\x00\x03\x14target.badproxy.test\x00\x50";

fn exactly(socket: &mut TcpStream, n: usize) -> Vec<u8> {
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut bytes = vec![0; n];
    socket.read_exact(&mut bytes).unwrap();
    bytes
}

fn greeted(proxy: &Proxy) -> TcpStream {
    let mut socket = proxy.connect();
    socket.write_all(b"\x05\x01\x00").unwrap();
    assert_eq!(exactly(&mut socket, 2), b"\x05\x00");
    socket
}

/// The origin answers in the tunnel, in clear.
fn works(socket: &mut TcpStream) {
    socket.write_all(b"GET / HTTP/1.1\r\nHost: target.badproxy.test\r\n\r\n").unwrap();
    assert!(read_until(socket, "\r\n\r\n").starts_with("HTTP/1.1 200 OK"));
}

#[test]
fn socks5_opens_a_tunnel_byte_by_byte() {
    let proxy = Proxy::start("name: test\n");
    let mut socket = proxy.connect();
    for byte in b"\x05\x01\x00" {
        socket.write_all(&[*byte]).unwrap();
    }
    assert_eq!(exactly(&mut socket, 2), b"\x05\x00");
    for byte in BY_NAME {
        socket.write_all(&[*byte]).unwrap();
    }
    assert_eq!(exactly(&mut socket, 10), b"\x05\x00\x00\x01\0\0\0\0\0\0");
    works(&mut socket);
    let line = proxy.wait_for("socks:request", "target.badproxy.test:80");
    assert!(line.contains("\"atyp\":\"domain\""), "{line}");
}

/// Nothing that comes early is lost: greeting, request and the first bytes for the target at once.
#[test]
fn socks5_all_at_once() {
    let proxy = Proxy::start("name: test\n");
    let mut socket = proxy.connect();
    let head = b"GET / HTTP/1.1\r\nHost: target.badproxy.test\r\n\r\n";
    socket.write_all(&[b"\x05\x01\x00", BY_NAME, head].concat()).unwrap();
    assert_eq!(exactly(&mut socket, 12), b"\x05\x00\x05\x00\x00\x01\0\0\0\0\0\0");
    assert!(read_until(&mut socket, "\r\n\r\n").starts_with("HTTP/1.1 200 OK"));
}

#[test]
fn socks4_and_4a_open_a_tunnel() {
    let proxy = Proxy::start("name: test\n");
    let mut socket = proxy.connect();
    socket.write_all(b"\x04\x01\x00\x50\x00\x00\x00\x01me\x00target.badproxy.test\x00").unwrap();
    assert_eq!(exactly(&mut socket, 8), b"\x00\x5a\0\0\0\0\0\0");
    works(&mut socket);
    // An address that nobody here serves.
    let mut socket = proxy.connect();
    socket.write_all(b"\x04\x01\x00\x50\xc6\x33\x64\x07me\x00").unwrap();
    assert_eq!(read_all(&mut socket), (b"\x00\x5b\0\0\0\0\0\0".to_vec(), End::Fin));
    proxy.wait_for("socks:request", "198.51.100.7:80");
}

#[test]
fn bind_and_udp_associate_are_refused() {
    let proxy = Proxy::start("name: test\n");
    for command in [2, 3] {
        let mut socket = greeted(&proxy);
        socket.write_all(&[5, command, 0, 1, 127, 0, 0, 1, 0, 80]).unwrap();
        assert_eq!(read_all(&mut socket), (b"\x05\x07\x00\x01\0\0\0\0\0\0".to_vec(), End::Fin));
    }
}

/// Right or wrong, the rule says what becomes of it.
#[test]
fn a_status_is_what_the_rule_says() {
    let auth = "proxy: {auth: {scheme: basic, user: me, password: s3cret}}";
    for (password, status) in [("\x06s3cret", 7u8), ("\x05wrong", 1)] {
        let rules = format!("{auth}\nrules: [{{at: auth, do: {{socks_status: {status}}}}}]\n");
        let proxy = Proxy::start(&rules);
        let mut socket = proxy.connect();
        socket.write_all(b"\x05\x01\x02").unwrap();
        assert_eq!(exactly(&mut socket, 2), b"\x05\x02");
        write!(socket, "\x01\x02me{password}").unwrap();
        assert_eq!(read_all(&mut socket), (vec![1, status], End::Fin));
    }
}

#[test]
fn a_password_is_checked_as_rfc_1929_writes_it() {
    let proxy = Proxy::start("proxy:\n  auth: {scheme: basic, user: me, password: s3cret}\n");
    let login = |bytes: &[u8]| {
        let mut socket = proxy.connect();
        socket.write_all(b"\x05\x02\x00\x02").unwrap();
        assert_eq!(exactly(&mut socket, 2), b"\x05\x02");
        socket.write_all(bytes).unwrap();
        socket
    };
    let mut right = login(b"\x01\x02me\x06s3cret");
    assert_eq!(exactly(&mut right, 2), b"\x01\x00");
    right.write_all(BY_NAME).unwrap();
    exactly(&mut right, 10);
    works(&mut right);
    assert_eq!(read_all(&mut login(b"\x01\x02me\x05wrong")), (b"\x01\x01".to_vec(), End::Fin));
    // FB139, xroche/httrack#622: the version here is 1.
    assert_eq!(read_all(&mut login(b"\x05\x02me\x06s3cret")), (vec![], End::Fin));
    // Nothing is offered that will do, and SOCKS4 has no password at all.
    let mut none = proxy.connect();
    none.write_all(b"\x05\x01\x00").unwrap();
    assert_eq!(read_all(&mut none), (b"\x05\xff".to_vec(), End::Fin));
    let mut four = proxy.connect();
    four.write_all(b"\x04\x01\x00\x50\x00\x00\x00\x01me\x00target.badproxy.test\x00").unwrap();
    assert_eq!(read_all(&mut four), (b"\x00\x5b\0\0\0\0\0\0".to_vec(), End::Fin));
    let events = format!("{:?}", proxy.events());
    assert!(!events.contains("s3cret"), "{events}");
}

#[test]
fn every_reply_code_and_bound_address() {
    let ask = |rule: &str| {
        let proxy = Proxy::start(&format!("rules:\n  - {rule}\n"));
        let mut socket = greeted(&proxy);
        socket.write_all(BY_NAME).unwrap();
        read_all(&mut socket)
    };
    for (name, code) in [
        ("general_failure", 1),
        ("not_allowed", 2),
        ("network_unreachable", 3),
        ("host_unreachable", 4),
        ("connection_refused", 5),
        ("ttl_expired", 6),
        ("command_not_supported", 7),
        ("address_type_not_supported", 8),
        ("200", 200),
    ] {
        let got = ask(&format!("{{at: dial, do: {{socks_reply: {name}}}}}"));
        assert_eq!(got, (vec![5, code, 0, 1, 0, 0, 0, 0, 0, 0], End::Fin), "{name}");
    }
    let cut = "{at: reply, do: [{socks_reply: {code: not_allowed, only: 3B}}, hang]}";
    assert_eq!(ask(cut), (vec![5, 2, 0], End::Silence));
    let bound = "{at: reply, do: {socks_reply: {code: not_allowed, bound: gw, port: 258}}}";
    assert_eq!(ask(bound), (b"\x05\x02\x00\x03\x02gw\x01\x02".to_vec(), End::Fin));
    let upstream = "{at: resolve, do: {upstream_error: dns_error}}";
    assert_eq!(ask(upstream), (vec![5, 4, 0, 1, 0, 0, 0, 0, 0, 0], End::Fin));
}

#[test]
fn methods_that_were_not_offered() {
    for (method, code) in [("gssapi", 1), ("password", 2), ("128", 128)] {
        let yaml = format!("rules:\n  - {{at: request, do: {{socks_method: {method}}}}}\n");
        let proxy = Proxy::start(&yaml);
        let mut socket = proxy.connect();
        socket.write_all(b"\x05\x01\x00").unwrap();
        assert_eq!(read_all(&mut socket), (vec![5, code], End::Silence), "{method}");
    }
}

#[test]
fn nonsense_is_closed_and_written_down() {
    let proxy = Proxy::start("name: test\n");
    let mut socket = greeted(&proxy);
    socket.write_all(b"\x05\x01\x00\x02rest").unwrap();
    assert_eq!(read_all(&mut socket), (vec![], End::Fin));
    proxy.wait_for("connect:bad_request", "address type 2");
    let mut socket = proxy.connect();
    socket.write_all(&[&b"\x04\x01\x00\x50\x7f\x00\x00\x01"[..], &[b'u'; 400]].concat()).unwrap();
    assert_eq!(read_all(&mut socket), (vec![], End::Fin));
    proxy.wait_for("connect:bad_request", "more than 255 bytes");
}

/// A client of HTTP, or of SOCKS4, is answered as ever, and no fault is written down.
#[test]
fn who_does_not_speak_it_meets_nothing_of_socks5() {
    for effect in ["request, do: {socks_method: 255}", "auth, do: {socks_status: failure}"] {
        let yaml = "name: x\nproxy: {auth: {scheme: basic, user: u, password: password}}\nrules: ";
        let proxy = Proxy::start(&format!("{yaml}[{{at: {effect}}}]\n"));
        let mut socket = proxy.connect();
        socket.write_all(b"CONNECT target.badproxy.test:80 HTTP/1.1\r\n\r\n").unwrap();
        assert!(read_until(&mut socket, "\r\n\r\n").starts_with("HTTP/1.1 407 "), "{effect}");
        let proxy4 = Proxy::start(&format!("name: x\nrules: [{{at: {effect}}}]\n"));
        let mut socket = proxy4.connect();
        socket.write_all(b"\x04\x01\x00\x50\x00\x00\x00\x01\x00target.badproxy.test\x00").unwrap();
        assert_eq!(exactly(&mut socket, 8)[..2], [0, 90], "{effect}");
        for proxy in [proxy, proxy4] {
            assert!(proxy.conduct().faults.is_empty(), "{effect}: {:#?}", proxy.events());
        }
    }
}
