//! Who ended a connection, and how, as the log says it: the client, this program, or a target; and the
//! client's socket has seen the same.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use badproxy::start::Setup;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore};

use crate::proxy::Proxy;
use crate::{End, read_for, read_until};

const PLAIN: &str = "CONNECT target.badproxy.test:80 HTTP/1.1\r\nHost: x\r\n\r\n";
const SECURE: &str = "CONNECT target.badproxy.test:443 HTTP/1.1\r\nHost: x\r\n\r\n";
const GET: &[u8] = b"GET /bytes/30000 HTTP/1.1\r\nHost: x\r\n\r\n";
const FORWARD: &[u8] = b"GET http://target.badproxy.test/bytes/30000 HTTP/1.1\r\nHost: x\r\n\r\n";

/// What a client of TLS sends first.
fn hello(name: &'static str) -> Vec<u8> {
    let config = ClientConfig::builder()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let name = ServerName::try_from(name).unwrap();
    let mut bytes = Vec::new();
    ClientConnection::new(Arc::new(config), name).unwrap().write_tls(&mut bytes).unwrap();
    bytes
}

/// The one line that says how the client's connection has ended.
fn ended(proxy: &Proxy) -> String {
    let line = proxy.wait_for("tcp:closed", r#""side":"client""#);
    let events = proxy.events();
    let all = events.iter().filter(|event| event.what.name() == "tcp:closed").count();
    assert_eq!(all, 1, "{events:#?}");
    line
}

/// The built-in origin is no target: what it ends behind the proxy this program has ended, as the rule
/// says, whichever way the end takes.
#[test]
fn an_end_that_the_origin_makes_is_ours() {
    let secure = hello("target.badproxy.test");
    let ways = ["", ", {at: tunnel, do: {slice: {bytes: 9999B, gap: 0s}}}"];
    for way in ways {
        for (rule, end, connect, asks) in [
            ("{at: body, do: {reset: {after_bytes: 7kB}}}", End::Rst, PLAIN, GET),
            ("{at: response, do: reset}", End::Rst, PLAIN, GET),
            ("{at: response, do: close}", End::Fin, PLAIN, GET),
            ("{at: tls, do: reset}", End::Rst, SECURE, &secure),
            ("{at: tls, do: close}", End::Fin, SECURE, &secure),
            ("{at: response, do: reset}", End::Rst, "", FORWARD),
            ("{at: response, do: close}", End::Fin, "", FORWARD),
        ] {
            if connect.is_empty() && !way.is_empty() {
                continue;
            }
            let proxy = Proxy::with(&format!("rules: [{rule}{way}]\n"), Setup::new());
            let mut socket = proxy.connect();
            socket.write_all(connect.as_bytes()).unwrap();
            if !connect.is_empty() {
                read_until(&mut socket, "\r\n\r\n");
            }
            socket.write_all(asks).unwrap();
            let (_, seen) = read_for(&mut socket, Duration::from_secs(10));
            assert_eq!(seen, end, "{rule}{way}");
            let how = if end == End::Rst { "rst" } else { "fin" };
            drop(socket);
            let line = ended(&proxy);
            assert!(line.contains(&format!(r#""by":"us","how":"{how}""#)), "{rule}{way}: {line}");
        }
    }
}

/// How a client goes.
fn goes(socket: TcpStream, how: &str) {
    match how {
        "fin" => socket.shutdown(Shutdown::Write).unwrap(),
        _ => socket2::SockRef::from(&socket).set_linger(Some(Duration::ZERO)).unwrap(),
    }
    drop(socket);
}

/// Before its hello is whole, and when it has read the proxy's.
#[test]
fn a_client_that_leaves_a_handshake_with_the_proxy() {
    let hello = hello("127.0.0.1");
    for how in ["fin", "rst"] {
        for whole in [false, true] {
            let proxy = Proxy::start("proxy: {tls: {}}");
            let mut socket = proxy.connect();
            socket.write_all(if whole { &hello } else { &hello[..20] }).unwrap();
            match whole {
                true => {
                    // All of it: a close with bytes unread would be a RST.
                    let flight = read_for(&mut socket, Duration::from_secs(1)).0;
                    assert_eq!(flight[0], 0x16);
                }
                false => drop(proxy.wait_for("tcp:accepted", "")),
            }
            goes(socket, how);
            let line = ended(&proxy);
            let wanted = format!(r#""by":"client","how":"{how}""#);
            assert!(line.contains(&wanted), "{how}, whole: {whole}: {line}");
        }
    }
}

/// While the origin keeps an answer back: behind a tunnel, forwarded, and in TLS.
#[test]
fn a_client_that_leaves_while_the_origin_is_silent() {
    let secure = hello("target.badproxy.test");
    for how in ["fin", "rst"] {
        for (rule, connect, asks) in [
            ("{at: response, do: {hang: {discard: true}}}", PLAIN, GET),
            ("{at: response, do: {hang: {discard: true}}}", "", FORWARD),
            ("{at: tls, do: {hang: {discard: true}}}", SECURE, &secure),
        ] {
            let proxy = Proxy::start(&format!("rules: [{rule}]\n"));
            let mut socket = proxy.connect();
            socket.write_all(connect.as_bytes()).unwrap();
            if !connect.is_empty() {
                read_until(&mut socket, "\r\n\r\n");
            }
            socket.write_all(asks).unwrap();
            proxy.wait_for("wait:silence", "");
            goes(socket, how);
            let line = ended(&proxy);
            let wanted = format!(r#""by":"client","how":"{how}""#);
            assert!(line.contains(&wanted), "{rule}{connect}: {line}");
        }
    }
}

/// A tunnel that nobody has touched, with a rule in it and without.
#[test]
fn whoever_is_first_ends_a_tunnel() {
    for rules in ["name: x\n", "rules: [{at: tunnel, do: {slice: {bytes: 9999B, gap: 0s}}}]\n"] {
        let proxy = Proxy::start(rules);
        let socket = crate::tunnel(&proxy);
        goes(socket, "rst");
        let line = ended(&proxy);
        assert!(line.contains(r#""by":"client","how":"rst""#), "{rules}: {line}");
        // The origin closes when it has answered, and the client goes on reading; however it goes then.
        for then in ["fin", "rst"] {
            let proxy = Proxy::start(rules);
            let mut socket = crate::tunnel(&proxy);
            socket.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
            let mut got = Vec::new();
            socket.read_to_end(&mut got).unwrap();
            assert!(got.starts_with(b"HTTP/1.1 200 "));
            goes(socket, then);
            let line = ended(&proxy);
            let right = !line.contains(r#""by":"client""#) && line.contains(r#""how":"fin""#);
            assert!(right, "{then}: {line}");
        }
    }
}

/// What came behind the end is told of where something came, and nowhere else.
#[test]
fn nothing_is_told_of_nothing() {
    let proxy = Proxy::start("name: x");
    for n in 1..=10 {
        let mut socket = crate::tunnel(&proxy);
        socket.shutdown(Shutdown::Write).unwrap();
        assert_eq!(socket.read(&mut [0; 1]).unwrap(), 0);
        drop(socket);
        while proxy.conduct().ends.iter().map(|(_, _, count)| count).sum::<u64>() < n {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
    assert!(proxy.events().iter().all(|event| event.what.name() != "tcp:after_close"));
}

/// Where a request head is due: behind one that was served, inside it, and where something else comes.
#[test]
fn where_a_head_is_due() {
    let served = |proxy: &Proxy| {
        let mut socket = proxy.connect();
        let head = b"GET http://target.badproxy.test/bytes/3 HTTP/1.1\r\nHost: x\r\n\r\n";
        socket.write_all(head).unwrap();
        read_until(&mut socket, "\r\n\r\n012");
        socket
    };
    for how in ["fin", "rst"] {
        let proxy = Proxy::start("name: x");
        goes(served(&proxy), how);
        let line = ended(&proxy);
        assert!(line.contains(&format!(r#""by":"client","how":"{how}""#)), "{line}");
    }
    let proxy = Proxy::start("name: x");
    let mut socket = served(&proxy);
    socket.write_all(b"GET http://targ").unwrap();
    goes(socket, "fin");
    let line = ended(&proxy);
    assert!(line.contains(r#""by":"client","how":"fin""#), "{line}");
    proxy.wait_for("connect:bad_request", "closed inside the request head");
    let long = format!("GET http://a.test/ HTTP/1.1\r\nX: {}", "x".repeat(100_000));
    for (bytes, status, why) in [
        ("no request\r\n\r\n", "HTTP/1.1 400 ", "not an HTTP/1 request"),
        (long.as_str(), "HTTP/1.1 431 ", "longer than 65536 bytes"),
        ("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n", "HTTP/1.1 400 ", ""),
    ] {
        let proxy = Proxy::start("name: x");
        let mut socket = proxy.connect();
        socket.write_all(bytes.as_bytes()).unwrap();
        let (got, end) = read_for(&mut socket, Duration::from_secs(10));
        assert!(got.starts_with(status.as_bytes()) && end == End::Fin, "{}", got.escape_ascii());
        proxy.wait_for("connect:reply", &status[9..12]);
        if !why.is_empty() {
            proxy.wait_for("connect:bad_request", why);
        }
        let line = ended(&proxy);
        assert!(line.contains(r#""by":"us","how":"fin""#), "{line}");
    }
}

/// A delay longer than anybody waits: who leaves meanwhile is written down when it leaves.
#[test]
fn a_client_that_leaves_during_a_delay() {
    for how in ["fin", "rst"] {
        for stage in ["accept", "request", "resolve", "dial", "reply"] {
            let proxy = Proxy::start(&format!("rules: [{{at: {stage}, do: {{delay: 1h}}}}]\n"));
            let mut socket = proxy.connect();
            socket.write_all(PLAIN.as_bytes()).unwrap();
            proxy.wait_for("fault:applied", "");
            goes(socket, how);
            let line = ended(&proxy);
            let wanted = format!(r#""by":"client","how":"{how}""#);
            assert!(line.contains(&wanted), "{stage} {how}: {line}");
        }
    }
}

/// It may have ended its side alone; and who only waits is read and served afterwards.
#[test]
fn a_client_that_stays_during_a_delay_is_served() {
    let forward =
        "GET http://target.badproxy.test/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    for stage in ["accept", "request", "dial"] {
        let proxy = Proxy::start(&format!("rules: [{{at: {stage}, do: {{delay: 300ms}}}}]\n"));
        let mut socket = proxy.connect();
        socket.write_all(forward.as_bytes()).unwrap();
        socket.shutdown(Shutdown::Write).unwrap();
        let (got, end) = read_for(&mut socket, Duration::from_secs(20));
        assert!(got.starts_with(b"HTTP/1.1 200 ") && end == End::Fin, "{stage}: {end:?}");
        let line = ended(&proxy);
        assert!(line.contains(r#""by":"client","how":"fin""#), "{stage}: {line}");
        let proxy = Proxy::start(&format!("rules: [{{at: {stage}, do: {{delay: 300ms}}}}]\n"));
        let mut socket = proxy.connect();
        socket.write_all(forward.as_bytes()).unwrap();
        let (got, end) = read_for(&mut socket, Duration::from_secs(20));
        assert!(got.starts_with(b"HTTP/1.1 200 ") && end == End::Fin, "{stage}: {end:?}");
        assert!(ended(&proxy).contains(r#""by":"us","how":"fin""#), "{stage}");
    }
}
