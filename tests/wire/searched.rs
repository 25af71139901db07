//! What a real target gets (`--forward`), searched for the proxy's password.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread::JoinHandle;
use std::time::Duration;

use badproxy::Setup;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::proxy::Proxy;
use crate::{read_for, read_until};

const PASSWORD: &str = "s3cret-long-enough";

/// A target that keeps what it gets until the FIN; then it answers.
fn target() -> (SocketAddr, JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let taken = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut got = Vec::new();
        socket.read_to_end(&mut got).unwrap();
        let _ = socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        got
    });
    (address, taken)
}

/// Sends these pieces through a tunnel, or behind the head of a forwarded POST; where the password was
/// seen, and what the target got.
fn send(rules: &str, tunnel: bool, pieces: &[&[u8]]) -> (Vec<(&'static str, u64)>, Vec<u8>) {
    let yaml = format!(
        "proxy: {{auth: {{scheme: basic, user: alice, password: {PASSWORD}}}}}\nrules: [{rules}]\n"
    );
    let proxy = Proxy::with(&yaml, Setup::new().forward());
    let (address, taken) = target();
    let mut socket = proxy.connect();
    let login = STANDARD.encode(format!("alice:{PASSWORD}"));
    let length: usize = pieces.iter().map(|piece| piece.len()).sum();
    let first = match tunnel {
        true => format!("CONNECT {address} HTTP/1.1\r\nHost: {address}\r\n"),
        false => format!(
            "POST http://{address}/ HTTP/1.1\r\nHost: {address}\r\nContent-Length: {length}\r\n"
        ),
    };
    write!(socket, "{first}Proxy-Authorization: Basic {login}\r\n\r\n").unwrap();
    if tunnel {
        assert!(read_until(&mut socket, "\r\n\r\n").starts_with("HTTP/1.1 200 "));
    }
    for piece in pieces {
        socket.write_all(piece).unwrap();
    }
    socket.shutdown(std::net::Shutdown::Write).unwrap();
    let answer = read_for(&mut socket, Duration::from_secs(20)).0;
    let said = String::from_utf8_lossy(&answer);
    assert!(said.starts_with("HTTP/1.1 200 OK"), "{rules} {tunnel} {}: {said}", pieces.len());
    let got = taken.join().unwrap();
    let sights = proxy.conduct().sights;
    let sights = sights.iter().filter(|sight| !sight.belongs());
    (sights.map(|sight| (sight.spot.words(), sight.times)).collect(), got)
}

#[test]
fn the_proxys_password_in_clear_to_a_real_target_is_seen() {
    let (half, rest) = PASSWORD.as_bytes().split_at(7);
    let much = vec![b'x'; 600_000];
    let shaped = "{at: tunnel, do: {bandwidth: 100MB/s}}";
    for pieces in [&[PASSWORD.as_bytes()][..], &[b"login ", half, rest], &[&much, half, rest, b"y"]]
    {
        for (rules, tunnel, spot) in [
            ("", true, "origin via tunnel"),
            (shaped, true, "origin via tunnel"),
            ("", false, "origin via forward"),
        ] {
            let (seen, got) = send(rules, tunnel, pieces);
            assert_eq!(seen, [(spot, 1)], "{rules} {}", pieces.len());
            assert!(got.ends_with(&pieces.concat()), "all of it has come: {}", got.len());
        }
    }
    let (seen, got) = send("", true, &[&PASSWORD.as_bytes()[1..]]);
    assert_eq!((seen.len(), &got[..]), (0, &PASSWORD.as_bytes()[1..]));
}

/// Nobody can read what is in TLS, and what looks like the password there is chance. The tunnel is the
/// fast one from the hello on, and nothing is lost on the way there.
#[test]
fn what_is_in_tls_is_not_searched() {
    let much: Vec<u8> = (0..3_000_000u32).map(|n| n.to_le_bytes()[1]).collect();
    let pieces: [&[u8]; 4] = [b"\x16\x03\x01", b"\x00\x05hello", PASSWORD.as_bytes(), &much];
    let (seen, got) = send("", true, &pieces);
    assert_eq!(seen, []);
    assert!(got == pieces.concat(), "{} bytes", got.len());
}
