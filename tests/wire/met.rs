//! A fault is in the log when it is on the wire: not when it is armed.

use std::io::Write;

use badproxy::catalogue;
use badproxy::event::What;
use badproxy::start::Setup;

use crate::frames::request;
use crate::h2::{Client, HOST};
use crate::proxy::Proxy;
use crate::tls::{flight, hello, record};
use crate::{CONNECT, End, read_all, read_until};

/// What faults of an effect have done, as the log says.
pub(crate) fn faults(proxy: &Proxy, word: &str) -> Vec<String> {
    let all = proxy.events().into_iter().filter_map(|event| match event.what {
        What::Fault { effect, did, .. } if effect == word => Some(did),
        _ => None,
    });
    all.collect()
}

/// A handshake of TLS 1.2 up to the server's last byte, and what the log says then.
fn shaken(effects: &str) -> (Proxy, Vec<String>) {
    let yaml = format!("proxy: {{tls: true}}\nrules:\n  - {{at: proxy_tls, do: [{effects}]}}\n");
    let proxy = Proxy::start(&yaml);
    let mut socket = proxy.connect();
    socket.write_all(&hello(Some("proxy.badproxy.test"), &[])).unwrap();
    assert_eq!(flight(&mut socket).last().unwrap().0, 14, "{effects}");
    drop(socket);
    proxy.wait_for("tcp:closed", "");
    let done = faults(&proxy, "tls_record");
    (proxy, done)
}

/// The flight has one record, or some; the rule is about one that never comes.
#[test]
fn a_record_that_is_not_there_is_not_changed() {
    for (effects, did) in [
        ("tls_record: {record: 2, flip: true}", vec![]),
        ("tls_record: {record: 2, version: '0505'}", vec![]),
        ("tls_record: {record: 2, oversize: 100B}", vec![]),
        ("tls_record: {record: 2, pause: 1h}", vec![]),
        ("tls_record: {cut: 60000B, end: reset}", vec![]),
        ("tls_record: {fragment: 16384B}", vec![]),
        ("tls_record: {split: 60000B}", vec![]),
        ("tls: {fragment: 100B}, tls_record: {record: 40, flip: true}", vec![]),
        // What is there is said, once, and alone.
        (
            "tls: {fragment: 100B}, tls_record: {record: 3, version: '0200'}",
            vec!["record 3 says version 0x0200"],
        ),
        (
            "tls_record: {fragment: 100B, split: 50B}",
            vec!["handshake records of 100 bytes", "segments of 50 bytes"],
        ),
        ("tls_record: {pause: 1ms, cut: 60000B}", vec!["a pause after record 1"]),
    ] {
        let (_proxy, said) = shaken(effects);
        assert_eq!(said, did, "{effects}");
    }
}

/// A server that speaks TLS 1.3 alone turns a client of TLS 1.2 away: there is no third record.
#[test]
fn f16_no_third_record_for_a_client_of_tls_1_2() {
    let scenario = catalogue::find("tls/bad-record-mac").unwrap().scenario().unwrap();
    let proxy = Proxy::play(scenario, Setup::new());
    let mut socket = proxy.connect();
    socket.write_all(CONNECT).unwrap();
    read_until(&mut socket, "\r\n\r\n");
    socket.write_all(&hello(Some("target.badproxy.test"), &[])).unwrap();
    assert_eq!(record(&mut socket), Some((0x15, 0x0303, vec![2, 70])));
    assert_eq!(read_all(&mut socket), (vec![], End::Fin));
    drop(socket);
    proxy.wait_for("tcp:closed", "");
    let all: Vec<_> =
        proxy.events().into_iter().filter(|e| e.what.name() == "fault:applied").collect();
    assert!(all.is_empty(), "{all:#?}");
}

/// F5: what is refused and what finds room are told apart, as on the wire.
#[test]
fn f5_a_stream_beyond_the_cap() {
    let start = || {
        let scenario = catalogue::find("tls/h2-one-stream").unwrap().scenario().unwrap();
        let proxy = Proxy::play(scenario, Setup::new());
        let client = Client::start(&proxy);
        (proxy, client)
    };
    let (refused, room) = (
        vec!["MAX_CONCURRENT_STREAMS 1: stream 3 is refused"],
        vec!["MAX_CONCURRENT_STREAMS 1, and stream 3 finds room"],
    );
    // One after the other.
    let (proxy, mut client) = start();
    client.get(1);
    client.until("DATA on 1, 0 bytes, END_STREAM");
    client.get(3);
    client.until("DATA on 3, 0 bytes, END_STREAM");
    assert_eq!(faults(&proxy, "h2"), room);
    // While the first is being answered.
    let (proxy, mut client) = start();
    client.send(&request(1, "GET", HOST, "/delay/1h", true));
    client.get(3);
    client.until("RST_STREAM on 3");
    assert_eq!(faults(&proxy, "h2"), refused);
    // Right behind one another: the answer may have been quicker.
    for pause in 0..40 {
        let (proxy, mut client) = start();
        client.get(1);
        std::thread::sleep(std::time::Duration::from_micros(pause % 8 * 50));
        client.get(3);
        let lines = client.until_any(&["RST_STREAM on 3", "DATA on 3, 0 bytes, END_STREAM"]);
        let served = lines.iter().any(|line| line.starts_with("HEADERS on 3"));
        assert_eq!(faults(&proxy, "h2"), if served { room.clone() } else { refused.clone() });
    }
}

/// F6: the bytes and the phrase are those that went out.
#[test]
fn f6_an_answer_as_it_went_out() {
    for effect in ["{respond: {status: 200, reason: Fine}}", "{respond: {status: 200}}"] {
        let proxy = Proxy::start(&format!("rules: [{{at: reply, do: {effect}}}]\n"));
        let mut socket = proxy.connect();
        socket.write_all(CONNECT).unwrap();
        let head = read_until(&mut socket, "\r\n\r\n");
        let phrase = head.lines().next().unwrap().strip_prefix("HTTP/1.1 200 ").unwrap();
        proxy.wait_for("fault:applied", &format!("answered 200 {phrase}\""));
    }
}
