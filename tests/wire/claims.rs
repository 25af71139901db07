//! What captures once proved false, each held from now on: a FIN that stays one, an attempt that
//! is one, secrets that stay hidden.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::proxy::Proxy;
use crate::{CONNECT, End, read_all, read_until, tunnel};

/// A ClientHello of two records' worth of nothing, but whole: a handshake of type 1.
fn hello() -> Vec<u8> {
    let mut body = b"\x03\x03".to_vec();
    body.extend([7; 32]);
    body.push(0);
    body.extend([0, 2, 0x13, 0x01, 1, 0]);
    let mut message = vec![1, 0, 0, body.len() as u8];
    message.extend(body);
    let mut record = vec![0x16, 3, 1, 0, message.len() as u8];
    record.extend(message);
    record
}

/// Silence of half a second: the other end neither reads nor answers.
fn is_silent(socket: &mut TcpStream) {
    assert_eq!(read_all(socket), (vec![], End::Silence));
}

/// A client that reads slowly, and writes while it does, gets every byte and a FIN.
#[test]
fn a_fin_waits_for_a_slow_reader() {
    let proxy = Proxy::start(
        "rules:\n  - at: reply\n    do: [{send: {text: 0123456789abcdef, repeat: 65536}}, close]\n",
    );
    let mut socket = proxy.connect();
    socket.write_all(CONNECT).unwrap();
    proxy.wait_for("tcp:closed", "");
    let mut got = 0;
    let mut buffer = vec![0; 100_000];
    loop {
        socket.write_all(b"still here").unwrap();
        match socket.read(&mut buffer).unwrap() {
            0 => break,
            n => got += n,
        }
    }
    assert_eq!(got, 1 << 20);
    socket.write_all(b"after the FIN").unwrap();
    assert_eq!(read_all(&mut socket), (vec![], End::Fin));
}

/// The FIN went one way only: the other way goes on after the target has answered and closed.
#[test]
fn a_fin_towards_the_client_alone_leaves_the_other_way_open() {
    let proxy = Proxy::start("rules:\n  - at: tunnel\n    do: {close: downstream}\n");
    let mut socket = tunnel(&proxy);
    assert_eq!(read_all(&mut socket), (vec![], End::Fin));
    socket.write_all(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n").unwrap();
    proxy.wait_for("http:response", "200");
    for _ in 0..20 {
        // A RST would make one of these fail.
        socket.write_all(&[b'x'; 1000]).unwrap();
        assert_eq!(read_all(&mut socket), (vec![], End::Fin));
    }
    socket.shutdown(std::net::Shutdown::Write).unwrap();
    proxy.wait_for("tcp:closed", "\"by\":\"us\",\"how\":\"fin\"");
}

#[test]
fn a_fin_towards_the_target_alone_ends_with_the_client() {
    let proxy = Proxy::start("rules:\n  - at: tunnel\n    do: {close: upstream}\n");
    let mut socket = tunnel(&proxy);
    socket.write_all(&[b'x'; 1000]).unwrap();
    socket.shutdown(std::net::Shutdown::Write).unwrap();
    proxy.wait_for("tcp:closed", "\"by\":");
}

#[test]
fn a_reset_into_a_hang_is_told_from_a_fin() {
    for how in ["fin", "rst"] {
        let proxy = Proxy::start("rules:\n  - at: reply\n    do: hang\n");
        let mut socket = proxy.connect();
        socket.write_all(CONNECT).unwrap();
        proxy.wait_for("wait:silence", "");
        socket.write_all(b"unread").unwrap();
        if how == "rst" {
            socket2::SockRef::from(&socket).set_linger(Some(Duration::ZERO)).unwrap();
        }
        drop(socket);
        proxy.wait_for("tcp:closed", &format!("\"by\":\"client\",\"how\":\"{how}\""));
    }
}

#[test]
fn the_target_that_closed_first_is_named() {
    let proxy = Proxy::start("name: x\n");
    let mut socket = tunnel(&proxy);
    socket.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    read_until(&mut socket, "\r\n\r\n");
    assert_eq!(read_all(&mut socket).1, End::Fin);
    drop(socket);
    proxy.wait_for("tcp:closed", "\"by\":\"upstream\",\"how\":\"fin\"");
}

/// A health check opens and closes; a browser keeps a connection in store.
#[test]
fn a_connection_without_a_byte_is_no_attempt() {
    let proxy = Proxy::start("rules:\n  - {at: reply, when: {attempt: 1}, do: {respond: 503}}\n");
    drop(proxy.connect());
    let _in_store = proxy.connect();
    for status in ["503", "200"] {
        let mut socket = proxy.connect();
        socket.write_all(CONNECT).unwrap();
        let reply = read_until(&mut socket, "\r\n\r\n");
        assert!(reply.starts_with(&format!("HTTP/1.1 {status} ")), "{reply}");
    }
}

/// Half a hello is none, also when the rest takes its time.
#[test]
fn a_client_hello_is_awaited_whole() {
    let rule = "rules:\n  - at: tunnel\n    do: [await: client_hello, send: page, close]\n";
    let proxy = Proxy::start(rule);
    let mut socket = tunnel(&proxy);
    let hello = hello();
    socket.write_all(&hello[..20]).unwrap();
    is_silent(&mut socket);
    socket.write_all(&hello[20..]).unwrap();
    assert_eq!(read_all(&mut socket), (b"page".to_vec(), End::Fin));
    // What cannot become one is not waited for.
    let mut socket = tunnel(&proxy);
    socket.write_all(b"GET").unwrap();
    assert_eq!(read_all(&mut socket), (b"page".to_vec(), End::Fin));
}

/// An alert that answers the hello does not answer half of one.
#[test]
fn an_alert_waits_for_the_whole_hello() {
    let proxy = Proxy::start("rules:\n  - {at: tunnel, do: {alert: handshake_failure}}\n");
    let mut socket = tunnel(&proxy);
    let hello = hello();
    socket.write_all(&hello[..20]).unwrap();
    is_silent(&mut socket);
    socket.write_all(&hello[20..]).unwrap();
    assert_eq!(read_all(&mut socket), (b"\x15\x03\x03\x00\x02\x02\x28".to_vec(), End::Fin));
}

/// Nothing healthy comes behind bytes that a rule has sent in its place.
#[test]
fn what_a_rule_has_said_is_not_said_again() {
    for (stage, steps) in [
        ("tunnel", "[await: client_hello, alert: handshake_failure]"),
        ("proxy_tls", "[{send: {hex: \"15 03 03 00 02 02 28\"}}]"),
    ] {
        let proxy = Proxy::start(&format!("rules:\n  - at: {stage}\n    do: {steps}\n"));
        let mut socket = match stage {
            "tunnel" => tunnel(&proxy),
            _ => proxy.connect(),
        };
        socket.write_all(&hello()).unwrap();
        let got = read_all(&mut socket);
        assert_eq!(got, (b"\x15\x03\x03\x00\x02\x02\x28".to_vec(), End::Fin), "{stage}");
    }
}

/// RFC 9110, section 11.1: the case of the scheme does not count.
#[test]
fn the_scheme_is_taken_in_any_case() {
    let yaml = "proxy:\n  auth: {scheme: basic, user: me, password: s3cret}\n";
    let proxy = Proxy::start(yaml);
    for scheme in ["basic", "BASIC", "Basic "] {
        let mut socket = proxy.connect();
        let head = "CONNECT target.badproxy.test:80 HTTP/1.1\r\nProxy-Authorization: ";
        socket.write_all(format!("{head}{scheme} bWU6czNjcmV0\r\n\r\n").as_bytes()).unwrap();
        let reply = read_until(&mut socket, "\r\n\r\n");
        assert!(reply.starts_with("HTTP/1.1 200 "), "{scheme}: {reply}");
    }
}

#[test]
fn the_password_is_hidden_wherever_it_comes() {
    let yaml = "proxy:\n  auth: {scheme: basic, user: me, password: S3cretPassword}\n";
    let proxy = Proxy::start(yaml);
    let all = "%53%33%63%72%65%74%50%61%73%73%77%6f%72%64";
    let long = format!("{}S3cretPassword", "x".repeat(2040));
    for request in [
        "S3cretPassword target.badproxy.test:80 HTTP/1.1\r\n\r\n".to_owned(),
        "CONNECT s3cretpassword.test:443 HTTP/1.1\r\n\r\n".to_owned(),
        format!("GET http://target.badproxy.test/{all} HTTP/1.1\r\n\r\n"),
        "GET http://you:foreign@target.badproxy.test/ HTTP/1.1\r\n\r\n".to_owned(),
        format!("{long}\r\n\r\n"),
    ] {
        let mut socket = proxy.connect();
        socket.write_all(request.as_bytes()).unwrap();
        socket.shutdown(std::net::Shutdown::Write).unwrap();
        read_all(&mut socket);
    }
    let log: Vec<String> =
        proxy.events().iter().map(|e| serde_json::to_string(e).unwrap()).collect();
    let log = log.join("\n").to_lowercase();
    for hidden in ["s3cret", "%53%33", "foreign"] {
        assert!(!log.contains(hidden), "{hidden} in {log}");
    }
}

/// A request whose body has no end that anybody can find is refused, not held for an hour.
#[test]
fn a_chunk_without_a_size_is_400() {
    let proxy = Proxy::start("name: x\n");
    let mut socket = proxy.connect();
    socket
        .write_all(
            b"POST http://target.badproxy.test/echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\
              fffffffffffffffff\r\n",
        )
        .unwrap();
    assert!(read_until(&mut socket, "\r\n\r\n").starts_with("HTTP/1.1 400 "));
    assert_eq!(read_all(&mut socket).1, End::Fin);
}

/// Clients that try again and again on a fixed port do not take the place of the filler.
#[cfg(target_os = "linux")]
#[test]
fn a_blackhole_starts_under_fire() {
    use socket2::{Domain, Socket, Type};
    use std::sync::atomic::{AtomicBool, Ordering};

    /// Ends the fire, also when the test fails.
    struct Over<'a>(&'a AtomicBool);
    impl Drop for Over<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    let at = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let cease = Over(&over);
        for _ in 0..4 {
            scope.spawn(|| {
                // From another address: a client of the same one can come to have the port itself,
                // and connects to nobody but itself then.
                let from = std::net::SocketAddr::from(([127, 0, 0, 2], 0));
                while !over.load(Ordering::Relaxed) {
                    let client = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
                    client.bind(&from.into()).unwrap();
                    let _ = client.connect_timeout(&at.into(), Duration::from_millis(20));
                }
            });
        }
        let setup = badproxy::Setup::new().listen(at);
        let proxy = Proxy::with("rules:\n  - at: syn\n    do: blackhole\n", setup);
        drop(cease);
        let error = TcpStream::connect_timeout(&proxy.address, Duration::from_millis(500));
        assert_eq!(error.unwrap_err().kind(), std::io::ErrorKind::TimedOut);
    });
}

#[test]
fn a_client_that_resets_while_it_waits_is_let_go() {
    let proxy = Proxy::start("name: x\n");
    let mut socket = proxy.connect();
    socket.write_all(b"GET http://target.badproxy.test/pause/1h HTTP/1.1\r\n\r\n").unwrap();
    proxy.wait_for("http:request", "");
    socket2::SockRef::from(&socket).set_linger(Some(Duration::ZERO)).unwrap();
    drop(socket);
    proxy.wait_for("tcp:closed", "\"by\":\"client\",\"how\":\"rst\"");
}
