//! How the client's end of a connection is taken: noticed, let go, and written down as what it was.

use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use badproxy::catalogue;
use badproxy::start::Setup;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore};

use crate::proxy::Proxy;
use crate::{End, read_all, read_for, read_until};

/// The error of a read comes once: whoever reads again after it gets an end of file.
#[test]
fn a_reset_before_the_first_byte_is_written_down_as_one() {
    for yaml in ["name: x", "proxy: {tls: {}}", "rules: [{at: request, do: hang}]"] {
        let proxy = Proxy::start(yaml);
        let socket = proxy.connect();
        proxy.wait_for("tcp:accepted", "");
        socket2::SockRef::from(&socket).set_linger(Some(Duration::ZERO)).unwrap();
        drop(socket);
        let line = proxy.wait_for("tcp:closed", "");
        assert!(line.contains(r#""by":"client","how":"rst""#), "{yaml}: {line}");
    }
}

/// Nor is it told again to whoever reads, where an answer was told of it.
#[test]
fn a_reset_that_an_answer_meets_is_written_down_as_one() {
    for yaml in [
        "proxy: {auth: {scheme: basic}}\nrules: [{at: auth, do: {delay: 200ms}}]",
        "origin: {names: [other.test]}\nrules: [{at: resolve, do: {delay: 200ms}}]",
        "rules: [{at: dial, do: [delay: 200ms, upstream_error: dns_error]}]",
    ] {
        let proxy = Proxy::start(yaml);
        let mut socket = proxy.connect();
        socket.write_all(crate::CONNECT).unwrap();
        proxy.wait_for("connect:request", "");
        socket2::SockRef::from(&socket).set_linger(Some(Duration::ZERO)).unwrap();
        drop(socket);
        let line = proxy.wait_for("tcp:closed", "");
        assert!(line.contains(r#""by":"client","how":"rst""#), "{yaml}: {line}");
    }
}

/// A FIN before the first byte stays one.
#[test]
fn a_fin_before_the_first_byte_is_written_down_as_one() {
    let proxy = Proxy::start("name: x");
    drop(proxy.connect());
    let line = proxy.wait_for("tcp:closed", "");
    assert!(line.contains(r#""by":"client","how":"fin""#), "{line}");
}

/// Neither chunks nor a length end this response: it lasts as long as both stay, and whoever does
/// not notice that the client has left keeps its socket for ever.
#[test]
fn a_client_that_leaves_a_response_without_an_end_is_let_go() {
    let proxy = Proxy::start(
        r#"
rules:
  - at: response
    do: {headers: {set: ["Content-Length: 18"], add: ["Transfer-Encoding: chunked"]}}
  - {at: body, do: {send: "this is no chunk"}}
"#,
    );
    let mut socket = proxy.connect();
    let get =
        "GET http://target.badproxy.test/bytes/10 HTTP/1.1\r\nHost: target.badproxy.test\r\n\r\n";
    socket.write_all(get.as_bytes()).unwrap();
    read_until(&mut socket, "this is no chunk");
    read_all(&mut socket);
    assert!(proxy.events().iter().all(|event| event.what.name() != "tcp:closed"), "it stays open");
    socket.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_all(&mut socket).1, End::Fin);
    let line = proxy.wait_for("tcp:closed", "");
    assert!(line.contains(r#""by":"client","how":"fin""#), "{line}");
}

/// Half a close is none: what was asked for still comes, all of it.
#[test]
fn a_client_that_closes_its_half_gets_the_whole_response() {
    let proxy = Proxy::start("name: x");
    let mut socket = proxy.connect();
    let get = "GET http://target.badproxy.test/bytes/300000 HTTP/1.1\r\nHost: target.badproxy.test\r\n\r\n";
    socket.write_all(get.as_bytes()).unwrap();
    socket.shutdown(Shutdown::Write).unwrap();
    let (got, end) = read_all(&mut socket);
    let head = got.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
    assert_eq!((got.len() - head, end), (300_000, End::Fin));
}

/// The response ends for the proxy after ten bytes, and the origin, which has more to send, is let
/// go: that is no end of the client, whose next request on the connection is served.
#[test]
fn a_response_that_is_cut_off_is_no_end_of_the_client() {
    let scenario = catalogue::find("response/length-too-short").unwrap().scenario().unwrap();
    let proxy = Proxy::play(scenario, Setup::new());
    let mut socket = proxy.connect();
    let target = "http://target.badproxy.test";
    write!(socket, "POST {target}/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 400000\r\n\r\n")
        .unwrap();
    socket.write_all(&[b'x'; 400_000]).unwrap();
    read_until(&mut socket, "\r\n\r\nxxxxxxxxxx");
    write!(socket, "GET {target}/bytes/5 HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    assert!(read_until(&mut socket, "\r\n\r\n").starts_with("HTTP/1.1 200 "));
    assert!(proxy.events().iter().all(|event| event.what.name() != "tcp:closed"));
    socket.shutdown(Shutdown::Write).unwrap();
    let line = proxy.wait_for("tcp:closed", "");
    assert!(line.contains(r#""by":"client","how":"fin""#), "{line}");
    drop(socket);
}

/// A handshake with the proxy that the client ends with an alert.
fn alerted(proxy: &Proxy) -> TcpStream {
    let roots = RootCertStore::empty();
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut socket = proxy.connect();
    while client.complete_io(&mut socket).is_ok() {}
    proxy.wait_for("proxy_tls:failed", "UnknownCA");
    socket
}

/// An alert says that an end comes. It is none, and whose FIN is first, the log has to say.
#[test]
fn an_alert_is_no_end() {
    let start = || Proxy::start("proxy: {tls: {}}");
    let proxy = start();
    let mut socket = alerted(&proxy);
    assert_eq!(read_for(&mut socket, Duration::from_secs(10)).1, End::Fin);
    let line = proxy.wait_for("tcp:closed", "");
    assert!(line.contains(r#""by":"us","how":"fin""#), "{line}");

    // Half a second the proxy waits for the client's end. A client that was later comes again.
    for word in ["fin", "rst"] {
        let line = loop {
            let (proxy, began) = (start(), Instant::now());
            let socket = alerted(&proxy);
            let mut kept = None;
            if word == "rst" {
                socket2::SockRef::from(&socket).set_linger(Some(Duration::ZERO)).unwrap();
                drop(socket);
            } else {
                socket.shutdown(Shutdown::Write).unwrap();
                kept = Some(socket);
            }
            if began.elapsed() < Duration::from_millis(500) {
                if let Some(mut socket) = kept {
                    assert_eq!(read_for(&mut socket, Duration::from_secs(10)).1, End::Fin);
                }
                break proxy.wait_for("tcp:closed", "");
            }
        };
        assert!(line.contains(&format!(r#""by":"client","how":"{word}""#)), "{line}");
    }
}
