//! How the client's end of a connection is taken: noticed, let go, and written down as what it was.

use std::io::Write;
use std::net::Shutdown;
use std::time::Duration;

use crate::proxy::Proxy;
use crate::{End, read_all, read_until};

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
