//! What the log says of bytes is what was on the wire: a client counts at its socket, below TLS and
//! HTTP/2, and the events of the connection have to say the same.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use badproxy::catalogue;
use badproxy::event::{Side, What};
use badproxy::scenario::read;
use badproxy::start::Setup;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::CONNECT;
use crate::frames::{PREFACE, connect, frame};
use crate::proxy::Proxy;

/// A socket, and what has passed: to the proxy, from it.
struct Meter {
    socket: TcpStream,
    passed: Arc<(AtomicU64, AtomicU64)>,
}

impl Read for Meter {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.socket.read(into)?;
        self.passed.1.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

impl Write for Meter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.socket.write(bytes)?;
        self.passed.0.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

type Tls = StreamOwned<ClientConnection, Meter>;

fn secure(proxy: &Proxy, socket: Meter, name: &str, alpn: &[u8]) -> Tls {
    let mut roots = RootCertStore::empty();
    for der in CertificateDer::pem_slice_iter(proxy.roots.as_bytes()) {
        roots.add(der.unwrap()).unwrap();
    }
    let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![alpn.to_vec()];
    let name = ServerName::try_from(name.to_owned()).unwrap();
    StreamOwned::new(ClientConnection::new(Arc::new(config), name).unwrap(), socket)
}

/// Reads until this has come.
fn until(from: &mut impl Read, text: &[u8]) {
    let mut got = Vec::new();
    while !got.ends_with(text) {
        let mut byte = [0];
        assert_eq!(from.read(&mut byte).unwrap(), 1, "closed after {}", got.escape_ascii());
        got.push(byte[0]);
    }
}

/// Reads the socket to its end, FIN or RST, whatever the layers above say.
fn drain(socket: &mut Meter) {
    let mut buffer = [0; 65536];
    while let Ok(1..) = socket.read(&mut buffer) {}
}

fn tunnel(mut socket: Meter) -> Meter {
    socket.write_all(CONNECT).unwrap();
    until(&mut socket, b"\r\n\r\n");
    socket
}

/// A GET through TLS in the tunnel, and all that comes.
fn fetch(proxy: &Proxy, socket: Meter, path: &str) {
    let mut tls = secure(proxy, tunnel(socket), "target.badproxy.test", b"http/1.1");
    write!(tls, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let _ = tls.read_to_end(&mut Vec::new());
    drain(&mut tls.sock);
}

/// A GET in the tunnel, in clear.
fn get(mut socket: Meter, path: &str) {
    write!(socket, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    drain(&mut socket);
}

fn plain(_: &Proxy, socket: Meter) {
    get(tunnel(socket), "/bytes/300000");
}

fn in_tls(proxy: &Proxy, socket: Meter) {
    fetch(proxy, socket, "/bytes/100000");
}

/// The request head and what is early for the target, in one write.
fn early(_: &Proxy, mut socket: Meter) {
    let get = &b"GET /bytes/5000 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"[..];
    socket.write_all(&[CONNECT, get].concat()).unwrap();
    drain(&mut socket);
}

fn socks(_: &Proxy, mut socket: Meter) {
    socket.write_all(b"\x05\x01\x00").unwrap();
    socket.read_exact(&mut [0; 2]).unwrap();
    socket.write_all(b"\x05\x01\x00\x03\x14target.badproxy.test\x00\x50").unwrap();
    socket.read_exact(&mut [0; 10]).unwrap();
    get(socket, "/bytes/20000");
}

/// An upload that does not stop at the answer, nor at the FIN behind it.
fn upload(_: &Proxy, mut socket: Meter) {
    let head = "POST http://target.badproxy.test/echo HTTP/1.1\r\nHost: target.badproxy.test\r\n";
    write!(socket, "{head}Content-Length: 300000\r\n\r\n").unwrap();
    socket.write_all(&[b'x'; 150_000]).unwrap();
    until(&mut socket, b"gateway.\n");
    assert_eq!(socket.read(&mut [0; 1]).unwrap(), 0);
    socket.write_all(&[b'x'; 150_000]).unwrap();
}

fn forwarded(_: &Proxy, mut socket: Meter) {
    let head = "GET http://target.badproxy.test/bytes/100000 HTTP/1.1";
    write!(socket, "{head}\r\nHost: target.badproxy.test\r\nConnection: close\r\n\r\n").unwrap();
    drain(&mut socket);
}

fn half_a_head(_: &Proxy, mut socket: Meter) {
    socket.write_all(b"CONNECT tar").unwrap();
    socket.socket.shutdown(Shutdown::Write).unwrap();
    drain(&mut socket);
}

/// CONNECT on a stream, in TLS with the proxy.
fn h2(proxy: &Proxy, socket: Meter) {
    let mut tls = secure(proxy, socket, "127.0.0.1", b"h2");
    tls.write_all(&[PREFACE, &frame(4, 0, 0, &[])].concat()).unwrap();
    tls.write_all(&connect(1, "target.badproxy.test:80", &[])).unwrap();
    let get = b"GET /bytes/30000 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    tls.write_all(&frame(0, 1, 1, get)).unwrap();
    // An empty DATA with END_STREAM.
    until(&mut tls, &[0, 0, 0, 0, 1, 0, 0, 0, 1]);
    tls.conn.send_close_notify();
    tls.flush().unwrap();
    tls.sock.socket.shutdown(Shutdown::Write).unwrap();
    drain(&mut tls.sock);
}

/// What the events say has passed in all: in, out.
fn said(proxy: &Proxy) -> (u64, u64) {
    let mut all = (0, 0);
    for event in proxy.events() {
        let (What::Closed { side: Side::Client, bytes_in, bytes_out, .. }
        | What::AfterClose { side: Side::Client, bytes_in, bytes_out, .. }) = event.what
        else {
            continue;
        };
        all = (all.0 + bytes_in, all.1 + bytes_out);
    }
    all
}

/// A real target, whose bytes the kernel splices.
fn spliced(_: &Proxy, mut socket: Meter) {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = server.local_addr().unwrap();
    let far = std::thread::spawn(move || {
        let mut socket = server.accept().unwrap().0;
        socket.read_exact(&mut [0; 700_000]).unwrap();
        socket.write_all(&[b'x'; 900_000]).unwrap();
    });
    write!(socket, "CONNECT {at} HTTP/1.1\r\nHost: {at}\r\n\r\n").unwrap();
    until(&mut socket, b"\r\n\r\n");
    socket.write_all(&[b'x'; 700_000]).unwrap();
    drain(&mut socket);
    far.join().unwrap();
}

type Play = fn(&Proxy, Meter);

#[test]
fn what_is_counted_is_what_was_on_the_wire() {
    const H2: &str = "proxy: {tls: {alpn: [h2, http/1.1]}}\n";
    const LIMIT: &str = "rules: [{at: tunnel, do: {limit: 70000B}}]\n";
    const RESET: &str = "rules: [{at: tunnel, do: {reset: {after_bytes: 70000B}}}]\n";
    const SLICED: &str = "rules: [{at: tunnel, do: {slice: {bytes: 999B, gap: 0s}}}]\n";
    const BY_THE_ORIGIN: &str = "rules: [{at: body, do: {reset: {after_bytes: 7kB}}}]\n";
    let table: &[(&str, &str, Play)] = &[
        ("a healthy tunnel", "", plain),
        ("a healthy tunnel, TLS", "", in_tls),
        ("bytes beside the head", "", early),
        ("bytes beside the head, a rule", SLICED, early),
        ("half a head", "", half_a_head),
        ("a healthy tunnel, spliced", "", spliced),
        ("forwarded", "", forwarded),
        ("SOCKS", "", socks),
        ("SOCKS, a rule", SLICED, socks),
        ("HTTP/2", H2, h2),
        ("limit", LIMIT, plain),
        ("limit, TLS", LIMIT, in_tls),
        ("reset", RESET, plain),
        ("reset, TLS", RESET, in_tls),
        ("reset by the origin", BY_THE_ORIGIN, forwarded),
        ("", "request/413-early", upload),
        ("", "body/short-of-length", in_tls),
        ("", "body/reset-midway", in_tls),
    ];
    for (name, yaml, play) in table {
        let proxy = match catalogue::find(yaml) {
            Some(entry) => Proxy::play(entry.scenario().unwrap(), Setup::default()),
            None => {
                let scenario = read(&format!("name: test\n{yaml}"), name).unwrap();
                Proxy::play(scenario, Setup::new().forward())
            }
        };
        let passed = Arc::default();
        let socket = proxy.connect();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        play(&proxy, Meter { socket, passed: Arc::clone(&passed) });
        proxy.wait_for("tcp:closed", r#""side":"client""#);
        let was = (passed.0.load(Ordering::Relaxed), passed.1.load(Ordering::Relaxed));
        // What comes after the FIN is told when the client has gone.
        let end = Instant::now() + Duration::from_secs(20);
        while said(&proxy) != was && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(said(&proxy), was, "{name}{yaml}: {:#?}", proxy.events());
    }
}

/// The end that an origin has decided is written down when it has passed the proxy, and with it what
/// was sent before it.
#[test]
fn an_end_is_written_down_after_what_was_sent_before_it() {
    for name in ["body/short-of-length", "body/reset-midway"] {
        let proxy = Proxy::play(catalogue::find(name).unwrap().scenario().unwrap(), Setup::new());
        let (socket, passed) = (proxy.connect(), Arc::default());
        in_tls(&proxy, Meter { socket, passed: Arc::clone(&passed) });
        let line = proxy.wait_for("tcp:closed", "");
        let got = format!("\"bytes_out\":{}", passed.1.load(Ordering::Relaxed));
        assert!(line.contains(&got), "{line}, not {got}");
    }
}
