//! Ceilings: what stops at them, whatever way the bytes go.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use crate::proxy::Proxy;
use crate::{CONNECT, End, read_all, read_for, tunnel};
use badproxy::start::Setup;

/// What may still pass when the ceiling is reached: one write.
const OVER: usize = 200_000;
const MANY: usize = 10_000_000;

#[test]
fn of_connections_closes_the_port() {
    let proxy = Proxy::start("limits: {connections: 3}\n");
    let open: Vec<_> = (0..3).map(|_| tunnel(&proxy)).collect();
    proxy.wait_for("limit:reached", "connections");
    let late = TcpStream::connect(proxy.address).map(|mut s| read_all(&mut s).1);
    assert!(matches!(late, Err(_) | Ok(End::Rst)), "{late:?}");
    drop(open);
}

#[test]
fn of_time_ends_a_connection() {
    let proxy = Proxy::start("limits: {time: 200ms}\nrules:\n  - at: reply\n    do: hang\n");
    let mut socket = proxy.connect();
    socket.write_all(CONNECT).unwrap();
    let (_, end) = read_for(&mut socket, Duration::from_secs(20));
    assert_ne!(end, End::Silence);
    proxy.wait_for("limit:reached", "time");
}

/// Reads what comes after a request: no more than the ceiling, then an end.
fn is_cut(proxy: &Proxy, socket: &mut TcpStream, request: &str) {
    socket.write_all(request.as_bytes()).unwrap();
    let (got, end) = read_for(socket, Duration::from_secs(20));
    assert!(got.len() < 100_000 + OVER, "{}", got.len());
    assert_ne!(end, End::Silence);
    proxy.wait_for("limit:reached", "bytes");
}

/// Sends a request and many bytes: the connection ends before they are through.
fn is_cut_sending(proxy: &Proxy, socket: &mut TcpStream, request: &str) {
    socket.set_write_timeout(Some(Duration::from_secs(20))).unwrap();
    socket.write_all(request.as_bytes()).unwrap();
    let sent = socket.write_all(&vec![b'x'; 2 * MANY]);
    assert!(matches!(sent, Err(ref e) if e.kind() != std::io::ErrorKind::WouldBlock), "{sent:?}");
    proxy.wait_for("limit:reached", "bytes");
}

const LIMIT: &str = "limits: {bytes: 100kB}\n";

#[test]
fn of_bytes_ends_a_tunnel_that_reads() {
    // A rule that shapes the tunnel, one that shapes nothing, and none.
    for rules in [
        "",
        "rules:\n  - at: tunnel\n    do: {slice: {bytes: 8KiB, gap: 0s}}\n",
        "rules:\n  - at: tunnel\n    do: [until: {bytes: 5MB}, reset]\n",
        "rules:\n  - at: body\n    do: {slice: {bytes: 8KiB, gap: 0s}}\n",
    ] {
        let proxy = Proxy::start(&format!("{LIMIT}{rules}"));
        let mut socket = tunnel(&proxy);
        is_cut(&proxy, &mut socket, "GET /bytes/10000000 HTTP/1.1\r\nHost: x\r\n\r\n");
    }
}

#[test]
fn of_bytes_ends_whatever_sends() {
    let upload = format!("Content-Length: {}\r\n\r\n", 2 * MANY);
    let tunnelled = format!("PUT /upload HTTP/1.1\r\nHost: x\r\n{upload}");
    let absolute = format!("PUT http://a.test/upload HTTP/1.1\r\nHost: a.test\r\n{upload}");
    let proxy = Proxy::start(LIMIT);
    is_cut_sending(&proxy, &mut tunnel(&proxy), &tunnelled);
    for rules in [
        "",
        // Into the void: what is read and thrown away is counted, too.
        "rules:\n  - at: request\n    do: {hang: {discard: true}}\n",
        "rules:\n  - at: request\n    do: [respond: 413, close]\n",
        "rules:\n  - at: request\n    do: {respond: 413}\n",
    ] {
        let proxy = Proxy::start(&format!("{LIMIT}{rules}"));
        is_cut_sending(&proxy, &mut proxy.connect(), &absolute);
    }
    let shaped = "rules:\n  - at: tunnel\n    do: {close: downstream}\n";
    let proxy = Proxy::start(&format!("{LIMIT}{shaped}"));
    is_cut_sending(&proxy, &mut tunnel(&proxy), &tunnelled);
}

#[test]
fn of_bytes_ends_a_forwarded_response() {
    let request = "GET http://a.test/bytes/10000000 HTTP/1.1\r\nHost: a.test\r\n\r\n";
    let proxy = Proxy::start(LIMIT);
    is_cut(&proxy, &mut proxy.connect(), request);
    // Also when no more connections are taken.
    let proxy = Proxy::start("limits: {bytes: 100kB, connections: 1}\n");
    is_cut(&proxy, &mut proxy.connect(), request);
}

/// A real target that sends or takes all it can, and how much it has taken.
fn target(sends: bool) -> (String, std::thread::JoinHandle<usize>) {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = server.local_addr().unwrap().to_string();
    let thread = std::thread::spawn(move || {
        let (mut socket, _) = server.accept().unwrap();
        if sends {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", 2 * MANY);
            let _ = socket.write_all(head.as_bytes());
            let _ = socket.write_all(&vec![b'x'; 2 * MANY]);
            return 0;
        }
        let (mut buffer, mut taken) = (vec![0; 65536], 0);
        while let Ok(n @ 1..) = socket.read(&mut buffer) {
            taken += n;
        }
        taken
    });
    (at, thread)
}

#[test]
fn of_bytes_holds_with_real_targets() {
    // Small talk is copied; after 256 KiB the kernel splices.
    for (limit, most) in [("100kB", 100_000), ("700kB", 700_000)] {
        let forward = || Setup::new().forward();
        let start = || Proxy::with(&format!("limits: {{bytes: {limit}}}\n"), forward());
        let open = |proxy: &Proxy, at: &str| {
            let mut socket = proxy.connect();
            write!(socket, "CONNECT {at} HTTP/1.1\r\nHost: {at}\r\n\r\n").unwrap();
            crate::read_until(&mut socket, "\r\n\r\n");
            socket
        };
        for tunnels in [true, false] {
            let (at, far) = target(true);
            let proxy = start();
            let mut socket = if tunnels { open(&proxy, &at) } else { proxy.connect() };
            if !tunnels {
                write!(socket, "GET http://{at}/ HTTP/1.1\r\nHost: {at}\r\n\r\n").unwrap();
            }
            let (got, end) = read_for(&mut socket, Duration::from_secs(20));
            assert!((most / 2..most + OVER).contains(&got.len()), "{tunnels} {}", got.len());
            assert_ne!(end, End::Silence);
            far.join().unwrap();

            let (at, far) = target(false);
            let proxy = start();
            let mut socket = if tunnels { open(&proxy, &at) } else { proxy.connect() };
            let length = 2 * MANY;
            let head = match tunnels {
                true => String::new(),
                false => format!(
                    "PUT http://{at}/ HTTP/1.1\r\nHost: {at}\r\nContent-Length: {length}\r\n\r\n"
                ),
            };
            is_cut_sending(&proxy, &mut socket, &head);
            let taken = far.join().unwrap();
            assert!((most / 2..most + OVER).contains(&taken), "{tunnels} {taken}");
        }
    }
}
