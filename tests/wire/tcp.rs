//! What plain sockets see of segments, windows, halves and ceilings.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use crate::proxy::Proxy;
use crate::{CONNECT, End, read_all, read_for, read_until, tunnel};

const GET: &str = "GET /PATH HTTP/1.1\r\nHost: target.badproxy.test\r\n\r\n";

fn get(path: &str) -> Vec<u8> {
    GET.replace("PATH", path).into_bytes()
}

/// The kernel knows what the SYN-ACK announced: 88 bytes, 12 of them for timestamps.
#[test]
#[cfg(target_os = "linux")]
fn a_small_mss_is_announced() {
    let announced = |yaml: &str| {
        let proxy = Proxy::start(yaml);
        socket2::SockRef::from(&proxy.connect()).tcp_mss().unwrap()
    };
    assert_eq!(announced("rules: [{at: syn, do: {mss: 88B}}]"), 76);
    assert!(announced("rules: []") > 1000);
}

/// How much goes in before a write would block, when nobody reads.
fn goes_in(yaml: &str) -> usize {
    let proxy = Proxy::start(yaml);
    let mut socket = proxy.connect();
    socket2::SockRef::from(&socket).set_send_buffer_size(4096).unwrap();
    proxy.wait_for("wait:silence", "");
    socket.set_nonblocking(true).unwrap();
    let (mut all, mut still) = (0, 0);
    // The kernel moves on by itself: it is full when nothing went in for a while.
    while still < 300 {
        match socket.write(&[0; 1024]) {
            Ok(n) => (all, still) = (all + n, 0),
            Err(e) if e.kind() == ErrorKind::WouldBlock => {
                still += 1;
                std::thread::sleep(Duration::from_millis(1));
            }
            Err(e) => panic!("{e}"),
        }
    }
    all
}

#[test]
#[cfg(target_os = "linux")]
fn a_small_window_closes_soon() {
    let small = goes_in("rules: [{at: syn, do: {window: 4KiB}}, {at: accept, do: hang}]");
    let usual = goes_in("rules: [{at: accept, do: hang}]");
    assert!(small < 32_000, "{small}");
    assert!(usual > 60_000, "{usual}");
}

#[test]
fn bursts_that_are_too_long_are_lost_with_all_after_them() {
    let yaml = "origin: {alpn: [http/1.1]}\nrules: [{at: tunnel, do: {mtu: 600B}}]";
    let proxy = Proxy::start(yaml);
    let mut socket = tunnel(&proxy);
    // Short ones pass, one after the other.
    for _ in 0..3 {
        socket.write_all(&get("")).unwrap();
        read_until(&mut socket, "\r\n\r\n");
    }
    socket.write_all(&get("bytes/5000")).unwrap();
    proxy.wait_for("fault:applied", "burst");
    let (got, end) = read_all(&mut socket);
    assert!(got.len() <= 700, "{} bytes came", got.len());
    assert_eq!(end, End::Silence);
    socket.write_all(&get("")).unwrap();
    assert_eq!(read_all(&mut socket), (vec![], End::Silence));
    // Nor does the target's FIN come through, which answers the client's.
    socket.shutdown(Shutdown::Write).unwrap();
    proxy.wait_for("tcp:closed", r#""by":"client","how":"fin""#);
    assert_eq!(read_all(&mut socket), (vec![], End::Silence));
}

#[test]
fn a_fin_of_the_client_can_end_both_directions() {
    // No answer comes, however late the client's FIN is.
    let rules = |first: &str| {
        format!("rules: [{{at: response, do: {{delay: 1h}}}}, {{at: tunnel, do: {first}}}]")
    };
    let half_closed = |yaml: &str| {
        let proxy = Proxy::start(yaml);
        let mut socket = tunnel(&proxy);
        socket.write_all(&get("")).unwrap();
        socket.shutdown(Shutdown::Write).unwrap();
        read_for(&mut socket, Duration::from_secs(20))
    };
    assert_eq!(half_closed(&rules("[until: {end: upstream}, close]")), (vec![], End::Fin));
    assert_eq!(half_closed(&rules("[until: {end: upstream}, reset]")), (vec![], End::Rst));
    // The control: a healthy proxy passes the FIN on and lets the answer come back.
    let (got, end) = half_closed("rules: [{at: response, do: {delay: 500ms}}]");
    assert!(got.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&got));
    assert_eq!(end, End::Fin);
}

#[test]
fn a_fin_of_the_target_can_be_kept_back() {
    let close = "{at: body, do: [until: {bytes: 3B}, close]}";
    let held = "{at: tunnel, do: [until: {end: downstream}, hang: {discard: true}]}";
    for (rules, wanted) in
        [(close.to_owned(), End::Fin), (format!("{close}, {held}"), End::Silence)]
    {
        let proxy = Proxy::start(&format!("rules: [{rules}]"));
        let mut socket = tunnel(&proxy);
        socket.write_all(&get("bytes/1000")).unwrap();
        proxy.wait_for("fault:applied", "close");
        let (got, end) = read_all(&mut socket);
        assert!(got.ends_with(b"\r\n\r\n012"), "{}", String::from_utf8_lossy(&got));
        assert_eq!(end, wanted);
    }
}

/// Bytes come the whole time; none goes up after the request.
#[test]
fn idle_can_look_at_one_direction() {
    let drip = |until: &str| {
        let yaml = format!("rules: [{{at: tunnel, do: [until: {{idle: 400ms{until}}}, reset]}}]");
        let proxy = Proxy::start(&yaml);
        let mut socket = tunnel(&proxy);
        socket.write_all(&get("drip/60/20ms")).unwrap();
        socket.shutdown(Shutdown::Write).unwrap();
        let (got, end) = read_for(&mut socket, Duration::from_secs(20));
        let text = String::from_utf8_lossy(&got).into_owned();
        (text.split_once("\r\n\r\n").map_or(0, |(_, body)| body.len()), end)
    };
    let (bytes, end) = drip(", direction: upstream");
    assert_eq!(end, End::Rst);
    assert!(bytes < 60, "{bytes}");
}

/// Whether this connection is served.
fn served(socket: &mut TcpStream) -> bool {
    socket.write_all(CONNECT).is_ok() && {
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        socket.read(&mut [0; 1]).is_ok_and(|n| n == 1)
    }
}

#[test]
fn a_ceiling_counts_what_is_open() {
    let proxy = Proxy::start("rules: [{when: {open: 3-}, at: accept, do: reset}]");
    let mut two = [proxy.connect(), proxy.connect()];
    assert!(two.iter_mut().all(served));
    assert!(!served(&mut proxy.connect()));
    assert!(!served(&mut proxy.connect()));
    let [first, mut second] = two;
    drop(first);
    proxy.wait_for("tcp:closed", "\"by\":\"client\"");
    assert!(served(&mut proxy.connect()));
    second.write_all(b"still open").unwrap();
}

/// F9: those that are kept waiting take no place, and are never served.
#[test]
fn a_silent_ceiling_counts_what_is_served() {
    let proxy = Proxy::start("rules: [{when: {open: 3-}, at: accept, do: hang}]");
    let mut two = [proxy.connect(), proxy.connect()];
    assert!(two.iter_mut().all(served));
    let mut waiting = [proxy.connect(), proxy.connect()];
    for socket in &mut waiting {
        socket.write_all(CONNECT).unwrap();
        assert_eq!(read_all(socket), (vec![], End::Silence));
    }
    let [first, second] = two;
    drop(first);
    proxy.wait_for("tcp:closed", "\"by\":\"client\"");
    let third = &mut proxy.connect();
    assert!(served(third));
    // Both places are taken again.
    let mut more = proxy.connect();
    more.write_all(CONNECT).unwrap();
    assert_eq!(read_all(&mut more), (vec![], End::Silence));
    assert_eq!(read_all(&mut waiting[0]), (vec![], End::Silence));
    drop(second);
}
