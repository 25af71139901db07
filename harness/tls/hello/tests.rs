use proptest::prelude::*;

use super::*;

/// The hello of a client that uses rustls.
fn real() -> Vec<u8> {
    use tokio_rustls::rustls::{ClientConnection, pki_types::ServerName};
    let authority = crate::cert::Authority::new(crate::calendar::Calendar::Real, &[], &[]).unwrap();
    let mut config = authority.client().unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let name = ServerName::try_from("a.test").unwrap();
    let mut client = ClientConnection::new(config.into(), name).unwrap();
    let mut bytes = Vec::new();
    client.write_tls(&mut bytes).unwrap();
    bytes
}

#[test]
fn a_real_hello() {
    let bytes = real();
    let Hello::Whole(hello) = parse(&bytes) else { panic!("{:?}", parse(&bytes)) };
    assert_eq!(hello.sni.as_deref(), Some("a.test"));
    assert_eq!(hello.alpn, ["h2", "http/1.1"]);
    assert_eq!(hello.version_names(), ["TLS 1.3", "TLS 1.2"]);
    assert!(hello.ciphers.contains(&0x1301) && hello.groups.contains(&29));
    assert_eq!((hello.session_id.len(), hello.bytes), (32, bytes.len()));
    // Bytes after it are not its own.
    let more = [&bytes[..], b"\x17\x03\x03"].concat();
    assert_eq!(parse(&more), Hello::Whole(hello));
}

#[test]
fn a_hello_in_many_records_is_the_same() {
    let bytes = real();
    let Hello::Whole(whole) = parse(&bytes) else { panic!() };
    for size in [1, 3, 100] {
        let mut cut = Vec::new();
        for part in bytes[5..].chunks(size) {
            cut.extend([HANDSHAKE, 3, 1, 0, part.len() as u8]);
            cut.extend_from_slice(part);
        }
        let Hello::Whole(hello) = parse(&cut) else { panic!("{:?}", parse(&cut)) };
        assert_eq!(hello.bytes, cut.len());
        assert_eq!(ClientHello { bytes: whole.bytes, ..hello }, whole);
    }
}

/// What GREASE draws and what a processor orders is not in it; versions, names and lengths are not either.
#[test]
fn a_fingerprint_is_that_of_a_library() {
    let Hello::Whole(hello) = parse(&real()) else { panic!() };
    let fingerprint = hello.fingerprint();
    assert!(fingerprint.len() == 12 && fingerprint.bytes().all(|b| b.is_ascii_hexdigit()));
    let mut other = ClientHello { sni: None, alpn: vec![], bytes: 7, ..hello.clone() };
    other.ciphers.reverse();
    other.ciphers.insert(0, 0x3A3A);
    other.groups.push(0xFAFA);
    assert_eq!(other.fingerprint(), fingerprint);
    other.ciphers.push(0x0A1A);
    assert_ne!(other.fingerprint(), fingerprint);
    other.ciphers.clear();
    assert_eq!(other.fingerprint(), "");
    // As a program that knows nothing of this one has made it: SHA-256 of `1301,1302;0017,001d`.
    let two = ClientHello {
        ciphers: vec![0x1302, 0x1301],
        groups: vec![0x1D, 0x17],
        ..ClientHello::default()
    };
    assert_eq!(two.fingerprint(), "6ab8742717fd");
}

#[test]
fn every_beginning_wants_more() {
    let bytes = real();
    for n in 0..bytes.len() {
        assert_eq!(parse(&bytes[..n]), Hello::More, "{n}");
    }
}

#[test]
fn what_is_none() {
    for (bytes, why) in [
        (&b"GET / HTTP/1.1\r\n"[..], "no handshake"),
        (b"\x16\x05\x05", "no TLS version"),
        (b"\x16\x03\x01\x00\x00", "impossible length"),
        (b"\x16\x03\x01\xff\xff", "impossible length"),
        (b"\x16\x03\x01\x00\x04\x02\x00\x00\x00", "no ClientHello"),
        (b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", "do not fit"),
        (b"\x16\x03\x01\x00\x04\x01\xff\x00\x00", "64 KiB"),
    ] {
        let Hello::Bad(said) = parse(bytes) else { panic!("{why}: {:?}", parse(bytes)) };
        assert!(said.contains(why), "{said}, not {why}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        parse(&bytes);
        // The same as a message in a record, which gets further.
        let mut record = vec![HANDSHAKE, 3, 1];
        record.extend(((bytes.len() + 4) as u16).to_be_bytes());
        record.extend([1, 0]);
        record.extend((bytes.len() as u16).to_be_bytes());
        record.extend(&bytes);
        parse(&record);
    }

    #[test]
    fn a_hello_with_a_wrong_byte_is_read_without_panic(at in 0usize..1000, byte: u8) {
        let mut bytes = real();
        let n = bytes.len();
        bytes[at % n] = byte;
        parse(&bytes);
    }
}
