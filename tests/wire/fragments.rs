//! Handshake messages in records of one byte, as a client that is right reads them to the end.

use std::io::{Read, Write};

use tokio_rustls::rustls::SupportedProtocolVersion;
use tokio_rustls::rustls::version::{TLS12, TLS13};

use crate::proxy::Proxy;
use crate::tls_faults::session;

/// Type and length of each record that the server sent until it served a request.
fn served(effects: &str, version: &'static SupportedProtocolVersion) -> Vec<(u8, usize)> {
    let proxy = Proxy::start(&format!(
        "proxy: {{tls: true}}\nrules: [{{at: proxy_tls, do: [{effects}tls_record: {{fragment: 1B}}]}}]\n"
    ));
    let mut session = session(&proxy, &[version]);
    let mut socket = proxy.connect();
    session.writer().write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let (mut bytes, mut answer) = (Vec::new(), Vec::new());
    while !answer.starts_with(b"HTTP/1.1 ") {
        while session.wants_write() {
            session.write_tls(&mut socket).unwrap();
        }
        let mut some = [0; 4096];
        let n = socket.read(&mut some).unwrap();
        assert!(n > 0, "the server has closed before it answered");
        bytes.extend(&some[..n]);
        let mut rest = &some[..n];
        while !rest.is_empty() {
            session.read_tls(&mut rest).unwrap();
            session.process_new_packets().unwrap();
        }
        let mut plain = [0; 4096];
        answer.extend(session.reader().read(&mut plain).map_or(&[][..], |n| &plain[..n]));
    }
    let mut records = Vec::new();
    let mut rest = &bytes[..];
    while let Some((head, more)) = rest.split_first_chunk::<5>() {
        let length = usize::from(u16::from_be_bytes([head[3], head[4]]));
        records.push((head[0], length));
        rest = more.get(length..).unwrap_or_default();
    }
    records
}

/// What comes before the first ChangeCipherSpec, all of it in records of one byte; and what comes behind.
fn parted(records: &[(u8, usize)]) -> (usize, &[(u8, usize)]) {
    let clear = records.iter().position(|(kind, _)| *kind == 0x14).expect("no ChangeCipherSpec");
    assert!(records[..clear].iter().all(|record| *record == (0x16, 1)), "{records:?}");
    (clear, &records[clear + 1..])
}

/// Its Finished is a handshake message, too, but encrypted: 16 bytes in a record with a nonce and a tag.
#[test]
fn tls_1_2_up_to_its_change_cipher_spec() {
    let records = served("", &TLS12);
    let (clear, behind) = parted(&records);
    assert!(clear > 500, "{records:?}");
    assert_eq!(behind[0].0, 0x16, "{records:?}");
    assert!(behind[0].1 >= 32 && behind.iter().all(|(_, length)| *length > 1), "{records:?}");
}

#[test]
fn tls_1_3_up_to_its_server_hello() {
    let records = served("", &TLS13);
    let (clear, behind) = parted(&records);
    assert!((90..200).contains(&clear), "{records:?}");
    assert!(behind.iter().all(|(kind, length)| *kind == 0x17 && *length > 1), "{records:?}");
}

/// A ChangeCipherSpec stands between it and the ServerHello, which is in clear all the same.
#[test]
fn a_hello_retry_request_and_its_server_hello() {
    let records = served("tls: {groups: [secp384r1]}, ", &TLS13);
    let (clear, behind) = parted(&records);
    assert!((50..100).contains(&clear), "{records:?}");
    let hello = behind.iter().take_while(|record| **record == (0x16, 1)).count();
    assert!(hello > 90, "{records:?}");
    assert!(
        behind[hello..].iter().all(|(kind, length)| *kind == 0x17 && *length > 1),
        "{records:?}"
    );
}
