//! A target's RST reaches the client as a RST, also where an upload is the first to hear of it: the
//! kernel tells of a RST once, and whoever reads after the write was told gets an end of file.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use badproxy::start::Setup;

use crate::proxy::Proxy;
use crate::{End, read_for, read_until};

const BY_THE_TARGET: &str = r#""by":"upstream","how":"rst""#;

/// A tunnel through a `Flow`.
const SHAPED: &str = "rules: [{at: tunnel, do: {slice: {bytes: 9999B, gap: 0s}}}]\n";

fn connect(at: SocketAddr) -> String {
    format!("CONNECT {at} HTTP/1.1\r\nHost: {at}\r\n\r\n")
}

fn reset(far: TcpStream) {
    socket2::SockRef::from(&far).set_linger(Some(Duration::ZERO)).unwrap();
}

/// How it ended for a client. One that is told of the RST as it writes reads an end of file, too.
fn sends(socket: &mut TcpStream, bytes: &[u8]) -> End {
    match socket.write_all(bytes) {
        Ok(()) => read_for(socket, Duration::from_secs(5)).1,
        Err(error) if error.kind() == ErrorKind::ConnectionReset => End::Rst,
        // A FIN has come before it.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => End::Fin,
        Err(error) => panic!("{error}"),
    }
}

/// The target is gone before the proxy has anything to write: the write fails first, always.
#[test]
fn a_reset_that_a_write_meets_first() {
    // The relay between two sockets, told late of an open tunnel; a tunnel with a rule.
    let held = "rules: [{at: reply, do: {delay: 200ms}}]\n";
    let awaits = "rules: [{at: tunnel, do: {await: first_byte}}]\n";
    for (yaml, early) in [(held, true), (awaits, false)] {
        let proxy = Proxy::with(yaml, Setup::new().forward());
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = server.local_addr().unwrap();
        let mut socket = proxy.connect();
        let upload = if early { "early" } else { "" };
        write!(socket, "{}{upload}", connect(at)).unwrap();
        let (far, _) = server.accept().unwrap();
        // One that is gone before the dial ends is another thing: 503.
        proxy.wait_for("tcp:connected", "");
        reset(far);
        read_until(&mut socket, "\r\n\r\n");
        assert_eq!(sends(&mut socket, if early { b"" } else { b"x" }), End::Rst, "{yaml}");
        proxy.wait_for("tcp:closed", BY_THE_TARGET);
    }
}

/// A FIN that the target has sent before is one, and the RST comes behind it.
#[test]
fn a_fin_before_the_reset_is_passed_on() {
    let held = "rules: [{at: reply, do: {delay: 200ms}}]\n";
    let proxy = Proxy::with(held, Setup::new().forward());
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = server.local_addr().unwrap();
    let mut socket = proxy.connect();
    write!(socket, "{}early", connect(at)).unwrap();
    let (mut far, _) = server.accept().unwrap();
    proxy.wait_for("tcp:connected", "");
    far.write_all(b"last words").unwrap();
    far.shutdown(std::net::Shutdown::Write).unwrap();
    reset(far);
    read_until(&mut socket, "\r\n\r\n");
    let (got, end) = read_for(&mut socket, Duration::from_secs(5));
    assert_eq!((&got[..], end), (&b"last words"[..], End::Fin));
    proxy.wait_for("tcp:closed", BY_THE_TARGET);
}

/// Midway in an upload, in bulk and shaped, in a tunnel and forwarded.
#[test]
fn a_reset_midway_in_an_upload() {
    const UPLOAD: usize = 3_000_000;
    let upload = vec![b'x'; UPLOAD];
    for (yaml, tunnel) in [("name: x\n", true), (SHAPED, true), ("name: x\n", false)] {
        let proxy = Proxy::with(yaml, Setup::new().forward());
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = server.local_addr().unwrap();
        for n in 0..15 {
            let mut socket = proxy.connect();
            match tunnel {
                true => write!(socket, "{}", connect(at)).unwrap(),
                false => {
                    let head = format!("POST http://{at}/ HTTP/1.1\r\nHost: {at}\r\n");
                    write!(socket, "{head}Content-Length: {UPLOAD}\r\n\r\n").unwrap();
                }
            }
            let (mut far, _) = server.accept().unwrap();
            let target = std::thread::spawn(move || {
                far.read_exact(&mut [0; 700_000]).unwrap();
                reset(far);
            });
            if tunnel {
                read_until(&mut socket, "\r\n\r\n");
            }
            assert_eq!(sends(&mut socket, &upload), End::Rst, "{yaml}, {tunnel}, {n}");
            target.join().unwrap();
        }
        proxy.wait_for("tcp:closed", BY_THE_TARGET);
        for event in proxy.events() {
            let line = serde_json::to_string(&event).unwrap();
            for other in [r#""how":"fin""#, r#""by":"us","how""#] {
                assert!(!line.contains(other), "{yaml}: {line}");
            }
        }
    }
}
