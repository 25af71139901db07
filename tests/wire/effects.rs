//! The effects, one by one.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use badproxy::start::Setup;

use crate::proxy::Proxy;
use crate::{CONNECT, End, read_all, read_for, read_until, segments, tunnel};

fn reply(effect: &str) -> (Vec<u8>, End) {
    let proxy = Proxy::start(&format!("rules:\n  - at: reply\n    do: {effect}\n"));
    let mut socket = proxy.connect();
    socket.write_all(CONNECT).unwrap();
    read_all(&mut socket)
}

#[test]
fn reset_is_a_rst() {
    assert_eq!(reply("reset"), (vec![], End::Rst));
}

#[test]
fn reset_after_bytes_comes_after_those_bytes() {
    assert_eq!(reply("{reset: {after_bytes: 12B}}"), (b"HTTP/1.1 200".to_vec(), End::Rst));
}

#[test]
fn close_is_a_fin() {
    assert_eq!(reply("close"), (vec![], End::Fin));
}

/// On Linux, closing a socket with unread bytes sends a RST: the fixture's classic mistake.
#[test]
fn close_is_a_fin_even_with_unread_bytes() {
    let proxy = Proxy::start("rules:\n  - at: accept\n    do: [await: {bytes: 1B}, close]\n");
    let mut socket = proxy.connect();
    socket.write_all(CONNECT).unwrap();
    socket.write_all(&[b'x'; 100_000]).unwrap();
    assert_eq!(read_all(&mut socket), (vec![], End::Fin));
    // Bytes after the FIN are taken, too: no RST answers them.
    socket.write_all(&[b'y'; 1000]).unwrap();
    assert_eq!(read_all(&mut socket), (vec![], End::Fin));
    socket.write_all(b"z").unwrap();
}

#[test]
fn limit_is_a_fin_after_n_bytes() {
    assert_eq!(reply("{limit: 12B}"), (b"HTTP/1.1 200".to_vec(), End::Fin));
}

#[test]
fn hang_is_silence() {
    assert_eq!(reply("hang"), (vec![], End::Silence));
}

#[test]
fn hang_stops_reading_and_discard_reads_on() {
    let fills = |discard: bool| {
        let proxy = Proxy::start(&format!(
            "rules:\n  - at: accept\n    do: {{hang: {{discard: {discard}}}}}\n"
        ));
        let mut socket = proxy.connect();
        // What is taken is waited for, however long the proxy's turn takes.
        let patience = Duration::from_millis(if discard { 20_000 } else { 500 });
        socket.set_write_timeout(Some(patience)).unwrap();
        let piece = vec![0; 1 << 20];
        // More than the kernel's buffers of both sides together.
        (0..64).any(|_| socket.write_all(&piece).is_err())
    };
    assert!(fills(false), "64 MiB went into a socket that nobody reads");
    assert!(!fills(true), "a discarding hang has to take everything");
}

#[test]
fn a_hang_is_over_when_the_client_leaves() {
    for discard in [false, true] {
        let yaml = format!("rules:\n  - at: reply\n    do: {{hang: {{discard: {discard}}}}}\n");
        let proxy = Proxy::start(&yaml);
        let mut socket = proxy.connect();
        socket.write_all(CONNECT).unwrap();
        proxy.wait_for("wait:silence", "");
        socket.write_all(b"more").unwrap();
        drop(socket);
        proxy.wait_for("wait:ended", "");
        proxy.wait_for("tcp:closed", "\"by\":\"client\"");
    }
}

#[test]
fn refuse_is_a_rst_to_the_syn() {
    let proxy = Proxy::start("rules:\n  - at: syn\n    do: refuse\n");
    let error = TcpStream::connect(proxy.address).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    // Nobody else can have the port meanwhile.
    assert!(TcpListener::bind(proxy.address).is_err());
}

#[test]
fn refuse_for_a_while_then_answers() {
    // A SYN that was answered within the time says that it was not refused for so long; one that was
    // late says nothing.
    let time = Duration::from_millis(300);
    let proxy = loop {
        let began = Instant::now();
        let proxy = Proxy::start("rules:\n  - at: syn\n    do: {refuse: {for: 300ms}}\n");
        match TcpStream::connect(proxy.address) {
            Err(_) => break proxy,
            Ok(_) => assert!(began.elapsed() >= time, "it answers at once"),
        }
    };
    let end = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect(proxy.address).is_err() {
        assert!(Instant::now() < end, "it never answers");
        std::thread::sleep(Duration::from_millis(10));
    }
    tunnel(&proxy);
}

#[cfg(not(windows))]
#[test]
fn blackhole_answers_no_syn() {
    let proxy = Proxy::start("rules:\n  - at: syn\n    do: blackhole\n");
    for _ in 0..3 {
        let error = TcpStream::connect_timeout(&proxy.address, Duration::from_millis(200));
        assert_eq!(error.unwrap_err().kind(), ErrorKind::TimedOut);
    }
}

#[cfg(not(windows))]
#[test]
fn blackhole_for_a_while_then_answers_the_repeated_syn() {
    let proxy = Proxy::start("rules:\n  - at: syn\n    do: {blackhole: {for: 200ms}}\n");
    // The first SYN is lost; the kernel repeats it after a second.
    let mut socket = TcpStream::connect_timeout(&proxy.address, Duration::from_secs(20)).unwrap();
    socket.write_all(CONNECT).unwrap();
    assert!(read_until(&mut socket, "\r\n\r\n").starts_with("HTTP/1.1 200 "));
}

#[test]
fn close_downstream_leaves_upstream_open() {
    let proxy = Proxy::start("rules:\n  - at: tunnel\n    do: {close: downstream}\n");
    let mut socket = tunnel(&proxy);
    assert_eq!(read_all(&mut socket), (vec![], End::Fin));
    socket.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    proxy.wait_for("http:request", "\"path\":\"/\"");
}

#[test]
fn close_upstream_leaves_downstream_open() {
    let proxy = Proxy::start(
        "rules:\n  - at: tunnel\n    do: [until: {bytes: 27B, direction: upstream}, close: upstream]\n",
    );
    let mut socket = tunnel(&proxy);
    // The origin answers and sees the end of file after the request.
    socket.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let (got, end) = read_all(&mut socket);
    assert!(String::from_utf8_lossy(&got).starts_with("HTTP/1.1 200 OK\r\n"), "{got:?}");
    assert_eq!(end, End::Fin);
}

#[test]
fn delay_waits_no_less() {
    let proxy = Proxy::start("rules:\n  - at: reply\n    do: {delay: 150ms}\n");
    let mut socket = proxy.connect();
    let start = Instant::now();
    socket.write_all(CONNECT).unwrap();
    read_until(&mut socket, "\r\n\r\n");
    assert!(start.elapsed() >= Duration::from_millis(150));
    proxy.wait_for("fault:applied", "waits 150 ms");
    let passed = proxy.wait_for("step:passed", "waited ");
    let waited = passed.split_once("waited ").and_then(|(_, rest)| rest.split(' ').next());
    assert!(waited.unwrap().parse::<f64>().unwrap() >= 150.0, "{passed}");
}

#[test]
fn send_sends_what_stands_there() {
    for (yaml, bytes) in [
        (
            r#"{send: "HTTP/1.1 200 OK\nX-a: 1\n\n", then: close}"#,
            &b"HTTP/1.1 200 OK\nX-a: 1\n\n"[..],
        ),
        (r#"{send: {hex: "00 ff 0d"}, then: close}"#, b"\x00\xff\x0d"),
        (r#"{send: {base64: "aGk="}, then: close}"#, b"hi"),
        (r#"{send: {text: "ab", repeat: 3}, then: close}"#, b"ababab"),
    ] {
        assert_eq!(reply(yaml), (bytes.to_vec(), End::Fin), "{yaml}");
    }
}

#[test]
fn a_file_beside_the_scenario_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("reply.bin"), b"\x01\x02file").unwrap();
    let yaml = dir.path().join("s.yaml");
    std::fs::write(&yaml, "rules:\n  - at: reply\n    do: [send: {file: reply.bin}, close]\n")
        .unwrap();
    let scenario = badproxy::scenario::read_file(&yaml).unwrap();
    let proxy = Proxy::play(scenario, Default::default());
    let mut socket = proxy.connect();
    socket.write_all(CONNECT).unwrap();
    assert_eq!(read_all(&mut socket), (b"\x01\x02file".to_vec(), End::Fin));
}

#[test]
fn garbage_replays_with_its_seed_and_is_neither_http_nor_tls() {
    let (once, end) = reply("{garbage: 64B, then: close}");
    assert_eq!((once.len(), end), (64, End::Fin));
    assert!(once[0] >= 0x80);
    assert_eq!(reply("{garbage: 64B, then: close}").0, once);
}

/// A factor multiplies what the scenario's own scale has made.
#[test]
fn a_factor_multiplies_the_scale() {
    let yaml = "scale: 0.01\nrules: [{at: reply, do: {delay: 20s}}]\n";
    for (setup, waits) in [(Setup::new(), "200 ms"), (Setup::new().scale(0.5), "100 ms")] {
        let proxy = Proxy::with(yaml, setup);
        let _tunnel = tunnel(&proxy);
        proxy.wait_for("fault:applied", waits);
    }
}

/// What passes is what it says, and a pause at least as long.
#[test]
fn pieces_pauses_and_rates() {
    const GAP: Duration = Duration::from_millis(150);
    let ask = |rule: &str, path: &str| {
        let proxy = Proxy::start(&format!("rules: [{rule}]\n"));
        let mut socket = tunnel(&proxy);
        let (before, began) = (segments(&socket), Instant::now());
        write!(socket, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut got = Vec::new();
        socket.read_to_end(&mut got).unwrap();
        let came = segments(&socket).zip(before).map(|(now, before)| now - before);
        (got.len(), came, began.elapsed())
    };
    // As many as a kernel sends before the first is acknowledged, which a late reader may not do.
    let (bytes, pieces, _) = ask("{at: tunnel, do: {slice: {bytes: 40B, gap: 1ms}}}", "/bytes/64");
    assert!((200..400).contains(&bytes), "{bytes}");
    assert!(pieces.is_none_or(|n| n as usize >= bytes / 40), "{pieces:?} of {bytes} bytes");
    let (_, _, took) = ask("{at: tunnel, do: {slice: {bytes: 40B, gap: 1ms}}}]\nscale: 50\n#", "/");
    assert!(took >= GAP, "scaled: {took:?}");
    let (_, pieces, took) =
        ask("{at: tunnel, do: {split: {at: [1B, 9B], gap: 150ms}}}", "/bytes/9");
    assert!(pieces.is_none_or(|n| n >= 3) && took >= GAP * 2, "{pieces:?} in {took:?}");
    let (bytes, _, took) = ask("{at: response, do: {split: {parts: [a, b], gap: 150ms}}}", "/");
    assert!(bytes == 2 && took >= GAP, "{bytes} in {took:?}");
    // 9,000 bytes and their head, of which some may go at once.
    let (_, _, took) = ask("{at: tunnel, do: {bandwidth: 20kB/s}}", "/bytes/9000");
    assert!(took >= GAP * 2, "{took:?}");
}

#[test]
fn corrupt_by_chance_flips_one_bit_of_each_byte_that_it_meets() {
    let damaged = |chance: &str| -> Vec<u32> {
        let rule = format!("rules: [{{at: body, do: {{corrupt: {{chance: {chance}}}}}}}]\n");
        let proxy = Proxy::start(&rule);
        let mut socket = tunnel(&proxy);
        socket
            .write_all(b"GET /bytes/640 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            .unwrap();
        let mut got = Vec::new();
        socket.read_to_end(&mut got).unwrap();
        let good = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-\n".repeat(10);
        got[got.len() - 640..].iter().zip(good).map(|(a, b)| (a ^ b).count_ones()).collect()
    };
    assert_eq!(damaged("1"), [1; 640]);
    let some = damaged("0.1");
    let met = some.iter().filter(|n| **n > 0).count();
    assert!(some.iter().all(|n| *n < 2) && (20..200).contains(&met), "{met} of 640");
    assert_eq!(damaged("0.1"), some, "the same seed, the same dice");
}

#[test]
fn await_counts_bytes() {
    let proxy = Proxy::start("rules: [{at: accept, do: [await: {bytes: 10B}, send: x]}]\n");
    let mut socket = proxy.connect();
    socket.write_all(&[b'a'; 9]).unwrap();
    assert_eq!(read_all(&mut socket), (vec![], End::Silence));
    socket.write_all(b"a").unwrap();
    read_until(&mut socket, "x");
}

#[test]
fn slice_and_bandwidth_lose_nothing() {
    for effect in ["{slice: 7B}", "{bandwidth: 100kB/s}", "{split: {at: [1B, 10B], gap: 5ms}}"] {
        let proxy = Proxy::start(&format!("rules:\n  - at: tunnel\n    do: {effect}\n"));
        let mut socket = tunnel(&proxy);
        socket
            .write_all(b"GET /bytes/9000 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            .unwrap();
        let mut got = Vec::new();
        socket.read_to_end(&mut got).unwrap();
        let at = got.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
        assert_eq!(got.len() - at, 9000, "{effect}");
    }
}

/// Met by a byte that is hit, and not by an answer that ends before it or is cut there.
#[test]
fn corrupt_beyond_the_end_is_not_met() {
    for (does, met) in [
        ("{corrupt: {at: [999B]}}", true),
        ("{corrupt: {at: [1000B, 5000B]}}", false),
        ("[{corrupt: {at: [500B]}}, {limit: 500B}]", false),
        ("[{corrupt: {at: [499B]}}, {limit: 500B}]", true),
    ] {
        let proxy = Proxy::start(&format!("rules: [{{at: body, do: {does}}}]\n"));
        let mut socket = tunnel(&proxy);
        write!(socket, "GET /bytes/1000 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        read_all(&mut socket);
        drop(socket);
        proxy.wait_for("tcp:closed", "");
        let events = proxy.events();
        let hit = |event: &&badproxy::event::Event| {
            event.what.name() == "fault:applied"
                && serde_json::to_string(event).unwrap().contains("corrupt")
        };
        assert_eq!(events.iter().filter(hit).count(), usize::from(met), "{does}: {events:#?}");
    }
}

#[test]
fn corrupt_flips_one_bit_where_it_says() {
    let proxy = Proxy::start("rules:\n  - at: body\n    do: {corrupt: {at: [3B]}}\n");
    let mut socket = tunnel(&proxy);
    socket.write_all(b"GET /bytes/64 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut got = Vec::new();
    socket.read_to_end(&mut got).unwrap();
    let body = &got[got.len() - 64..];
    let good = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-\n";
    let bits: u32 = body.iter().zip(good).map(|(a, b)| (a ^ b).count_ones()).sum();
    assert_eq!(bits, 1);
    assert_ne!(body[3], good[3]);
}

#[test]
fn until_elapsed_and_idle_let_bytes_pass_first() {
    for condition in ["elapsed: 300ms", "idle: 300ms"] {
        let yaml = format!("rules:\n  - at: tunnel\n    do: [until: {{{condition}}}, reset]\n");
        let proxy = Proxy::start(&yaml);
        let mut socket = tunnel(&proxy);
        socket.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let (got, end) = crate::read_for(&mut socket, Duration::from_secs(20));
        assert!(got.starts_with(b"HTTP/1.1 200 OK\r\n"), "{condition}");
        assert_eq!(end, End::Rst, "{condition}");
    }
}

#[test]
fn an_alert_is_the_seven_bytes_of_rfc_8446() {
    let proxy = Proxy::start("rules:\n  - at: tunnel\n    do: [alert: handshake_failure, close]\n");
    let mut socket = tunnel(&proxy);
    socket.write_all(b"no hello, and so not waited for").unwrap();
    assert_eq!(read_all(&mut socket), (b"\x15\x03\x03\x00\x02\x02\x28".to_vec(), End::Fin));
}

#[test]
fn the_port_is_loopback_unless_asked() {
    let proxy = Proxy::start("name: x\n");
    assert!(proxy.address.ip().is_loopback());
    assert_ne!(proxy.address, SocketAddr::from(([127, 0, 0, 1], 0)));
}

/// A condition that the stage's bytes never reach is no fault: the stage ends as it should.
#[test]
fn a_condition_that_is_never_reached_changes_nothing() {
    for rule in
        ["[until: {bytes: 1000B}, reset]", "{reset: {after_bytes: 1000B}}", "{limit: 1000B}"]
    {
        let proxy = Proxy::start(&format!("rules:\n  - at: reply\n    do: {rule}\n"));
        let mut socket = tunnel(&proxy);
        socket.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let (got, end) = read_all(&mut socket);
        assert!(got.starts_with(b"HTTP/1.1 200 OK"), "{rule}");
        assert_eq!(end, End::Fin, "{rule}");
        assert!(proxy.conduct().faults.is_empty(), "{rule}");
    }
}

/// What was awaited at `accept` is not lost to the stages after it.
#[test]
fn awaited_bytes_are_the_head_of_what_follows() {
    let proxy = Proxy::start("rules:\n  - at: accept\n    do: {await: {bytes: 10B}}\n");
    tunnel(&proxy);
    let proxy = Proxy::start("rules:\n  - at: accept\n    do: {await: first_byte}\n");
    let mut socket = proxy.connect();
    socket.write_all(b"\x16\x03\x01\x00\x05").unwrap();
    assert!(read_until(&mut socket, "\r\n").starts_with("HTTP/1.1 400 "));
    proxy.wait_for("proxy_tls:client_hello", "");
}

/// A RST throws away what the kernel has not sent yet: a large n has to leave first, also to a
/// client that reads slowly.
#[cfg(target_os = "linux")]
#[test]
fn a_reset_after_many_bytes_comes_after_all_of_them() {
    for stage in ["tunnel", "body"] {
        let rule = format!("rules:\n  - at: {stage}\n    do: {{reset: {{after_bytes: 1MB}}}}\n");
        let proxy = Proxy::start(&rule);
        let mut socket = tunnel(&proxy);
        socket.write_all(b"GET /bytes/2000000 HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        std::thread::sleep(Duration::from_millis(50));
        let (got, end) = crate::read_for(&mut socket, Duration::from_secs(20));
        let head = if stage == "body" {
            got.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4
        } else {
            0
        };
        assert_eq!((got.len() - head, end), (1_000_000, End::Rst), "{stage}");
    }
}

/// Where nothing passes it waits, and where bytes pass they do until then.
#[test]
fn reset_comes_after_its_time() {
    for at in ["request", "tunnel"] {
        let proxy =
            Proxy::start(&format!("rules: [{{at: {at}, do: {{reset: {{after: 300ms}}}}}}]\n"));
        let began = Instant::now();
        let mut socket = proxy.connect();
        socket.write_all(CONNECT).unwrap();
        if at == "tunnel" {
            read_until(&mut socket, "\r\n\r\n");
            socket.write_all(b"GET /bytes/5 HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
            read_until(&mut socket, "\r\n\r\n01234");
        }
        let (got, end) = read_for(&mut socket, Duration::from_secs(10));
        assert_eq!((got.len(), end), (0, End::Rst), "{at}");
        assert!(began.elapsed() >= Duration::from_millis(300), "{at}");
    }
}
