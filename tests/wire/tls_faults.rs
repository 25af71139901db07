//! What a server of TLS does wrong, read as records on a plain socket; and what `openssl
//! s_client` says of it where the records are encrypted.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::version::TLS13;
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, RootCertStore, Stream, SupportedProtocolVersion,
};

use crate::proxy::Proxy;
use crate::tls::{flight, hello, record};
use crate::{End, read_all, read_for, segments};

fn secured(effect: &str) -> (Proxy, TcpStream) {
    let yaml = format!("proxy: {{tls: true}}\nrules:\n  - {{at: proxy_tls, do: {effect}}}\n");
    let proxy = Proxy::start(&yaml);
    let mut socket = proxy.connect();
    socket.write_all(&hello(Some("proxy.badproxy.test"), &["h2", "http/1.1"])).unwrap();
    (proxy, socket)
}

/// All records up to ServerHelloDone, which is the last of four bytes.
fn records(socket: &mut TcpStream) -> Vec<(u8, u16, Vec<u8>)> {
    let mut all = Vec::new();
    loop {
        all.push(record(socket).expect("the flight is cut"));
        let bytes: Vec<u8> = all.iter().flat_map(|(_, _, payload)| payload.clone()).collect();
        if bytes.ends_with(&[14, 0, 0, 0]) {
            return all;
        }
    }
}

#[test]
fn a_flight_is_cut_after_exactly_n_bytes() {
    for (end, ending) in [("close", End::Fin), ("reset", End::Rst), ("hang", End::Silence)] {
        for n in [1, 5, 300, 600] {
            let (proxy, mut socket) =
                secured(&format!("{{tls_record: {{cut: {n}B, end: {end}}}}}"));
            let patience = if end == "hang" { 300 } else { 20_000 };
            let (got, ended) = read_for(&mut socket, Duration::from_millis(patience));
            assert_eq!((got.len(), &ended), (n, &ending), "{end} after {n}");
            drop(socket);
            proxy.wait_for("tcp:closed", if end == "hang" { "client" } else { "\"by\":\"us\"" });
        }
    }
}

#[test]
fn one_bit_one_version_one_long_record() {
    let (_proxy, mut socket) = secured("{tls_record: {flip: true}}");
    // In TLS 1.2 the whole flight is one record, and its last byte the last of ServerHelloDone.
    let (_, _, payload) = record(&mut socket).unwrap();
    assert!(payload.ends_with(&[14, 0, 0, 1]), "{payload:02x?}");
    let (_proxy, mut socket) = secured("{tls_record: {version: '0505'}}");
    assert_eq!(records(&mut socket)[0].1, 0x0505);
    // Small records: the one that is named, and no other.
    let (_proxy, mut socket) =
        secured("[tls: {fragment: 100B}, tls_record: {record: 3, version: '0200'}]");
    let versions: Vec<u16> = records(&mut socket).iter().map(|(_, v, _)| *v).collect();
    assert_eq!(versions[..4], [0x0303, 0x0303, 0x0200, 0x0303]);
    for size in [18_432, 65_535] {
        let (_proxy, mut socket) = secured(&format!("{{tls_record: {{oversize: {size}B}}}}"));
        let (kind, _, payload) = record(&mut socket).unwrap();
        assert_eq!((kind, payload.len()), (0x17, size));
        assert_eq!(flight(&mut socket).len(), 4);
    }
}

#[test]
fn handshake_records_of_one_byte() {
    let (_proxy, mut socket) = secured("{tls_record: {fragment: 1B}}");
    let all = records(&mut socket);
    assert!(all.len() > 500 && all.iter().all(|(kind, _, part)| (*kind, part.len()) == (0x16, 1)));
}

#[test]
fn a_pause_after_a_record() {
    // Records of 100 bytes with their heads; the first goes out alone.
    let (_proxy, mut socket) = secured("[tls: {fragment: 100B}, tls_record: {pause: 1h}]");
    let (got, end) = read_all(&mut socket);
    let first = 5 + usize::from(u16::from_be_bytes([got[3], got[4]]));
    assert_eq!((got.len(), end), (first, End::Silence));
    assert!(first < 105, "{first}");
    let (_proxy, mut socket) = secured("{tls_record: {pause: 50ms}}");
    assert_eq!(flight(&mut socket).len(), 4);
}

#[test]
fn segments_of_one_byte_lose_nothing() {
    let (_proxy, mut socket) = secured("{tls_record: {split: 1B}}");
    let bytes: usize = records(&mut socket).iter().map(|(_, _, payload)| 5 + payload.len()).sum();
    // The kernel counts what comes while it is busy with the socket as one.
    let came = segments(&socket);
    assert!(came.is_none_or(|n| n > 20), "{came:?} of {bytes} bytes");
}

#[test]
fn a_server_hello_by_hand() {
    for (effect, version, cipher, extensions) in [
        ("{version: ssl3}", [3, 0], [0xc0, 0x13], &b""[..]),
        ("{version: tls1.0}", [3, 1], [0xc0, 0x13], b"\x00\x05\xff\x01\x00\x01\x00"),
        ("{version: tls1.1}", [3, 2], [0xc0, 0x13], b"\x00\x05\xff\x01\x00\x01\x00"),
        ("{renegotiation_info: false}", [3, 3], [0xc0, 0x2b], b""),
        ("{cipher: TLS_RSA_WITH_RC4_128_SHA}", [3, 3], [0, 5], b"\x00\x05\xff\x01\x00\x01\x00"),
        (
            "{renegotiation_info: false, alpn: h2}",
            [3, 3],
            [0xc0, 0x2b],
            b"\x00\x09\x00\x10\x00\x05\x00\x03\x02h2",
        ),
    ] {
        let (_proxy, mut socket) = secured(&format!("{{server_hello: {effect}}}"));
        let (got, end) = read_all(&mut socket);
        // Record, message, version, random, no session id, cipher, no compression, extensions.
        let length = got.len() - 5;
        assert_eq!(got[..5], [0x16, version[0], version[1], 0, length as u8], "{effect}");
        assert_eq!(got[5..9], [2, 0, 0, length as u8 - 4], "{effect}");
        assert_eq!((&got[9..11], got[43]), (&version[..], 0), "{effect}");
        assert_eq!((&got[44..46], got[46]), (&cipher[..], 0), "{effect}");
        assert_eq!((&got[47..], end), (extensions, End::Fin), "{effect}");
    }
}

#[test]
fn a_warning_and_then_the_handshake() {
    let (_proxy, mut socket) = secured("{alert: {description: unrecognized_name, level: warning}}");
    assert_eq!(record(&mut socket), Some((0x15, 0x0303, vec![1, 112])));
    assert_eq!(flight(&mut socket).len(), 4);
}

#[test]
fn the_terms_of_the_server() {
    let (_proxy, mut socket) = secured("{tls: {versions: [tls1.3]}}");
    // protocol_version: the hello offers 1.2 only.
    assert_eq!(record(&mut socket), Some((0x15, 0x0303, vec![2, 70])));
    let (_proxy, mut socket) = secured("{tls: {ciphers: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]}}");
    // handshake_failure: the certificate is ECDSA, the cipher RSA.
    assert_eq!(record(&mut socket), Some((0x15, 0x0303, vec![2, 40])));
    let (_proxy, mut socket) = secured("{tls: {alpn: [spdy/9]}}");
    // no_application_protocol.
    assert_eq!(record(&mut socket), Some((0x15, 0x0303, vec![2, 120])));
    let (_proxy, mut socket) = secured("{tls: {alpn: []}}");
    // The whole extension: a shorter pattern could be among the server's random bytes.
    let list = b"\x00\x10\x00\x05\x00\x03\x02h2";
    assert!(!flight(&mut socket)[0].1.windows(9).any(|w| w == list));
    let (_proxy, mut socket) = secured("{tls: {alpn: [h2]}}");
    assert!(flight(&mut socket)[0].1.windows(9).any(|w| w == list));
    let (_proxy, mut socket) = secured("{tls: {client_cert: required}}");
    let kinds: Vec<u8> = flight(&mut socket).iter().map(|(kind, _)| *kind).collect();
    // 13 is CertificateRequest.
    assert_eq!(kinds, [2, 11, 12, 13, 14]);
    let (_proxy, mut socket) = secured("{tls: {fragment: 64B}}");
    assert!(records(&mut socket).iter().all(|(_, _, payload)| payload.len() <= 64));
}

/// `openssl s_client` to the proxy, sends a request, and is left to end by itself.
fn s_client(effect: &str, args: &[&str]) -> Option<String> {
    let yaml = format!("proxy: {{tls: true}}\nrules:\n  - {{at: proxy_tls, do: {effect}}}\n");
    let proxy = Proxy::start(&yaml);
    let dir = tempfile::tempdir().unwrap();
    let roots = dir.path().join("roots.pem");
    std::fs::write(&roots, &proxy.roots).unwrap();
    let address = proxy.address.to_string();
    let roots = roots.display().to_string();
    let made = Command::new("openssl")
        .args(["s_client", "-connect", &address, "-CAfile", &roots, "-ign_eof"])
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut client) = made else {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "openssl is missing");
        eprintln!("skipped: openssl is missing");
        return None;
    };
    let request = b"CONNECT nowhere.invalid:80 HTTP/1.1\r\nConnection: close\r\n\r\n";
    let mut input = client.stdin.take().unwrap();
    let _ = input.write_all(request);
    drop(input);
    let output = client.wait_with_output().unwrap();
    Some(String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

#[test]
fn openssl_says_what_came() {
    for (effect, args, says) in [
        (
            "{alert: {description: internal_error, after: server_hello}}",
            &["-tls1_3"][..],
            "tlsv1 alert internal error",
        ),
        (
            // In the place of Finished OpenSSL reads no alert.
            "{alert: {description: access_denied, after: server_hello}}",
            &["-tls1_2"],
            "data between ccs and finished",
        ),
        (
            "{alert: {description: insufficient_security, after: data}}",
            &["-tls1_3"],
            "tlsv1 alert insufficient security",
        ),
        ("{tls: {versions: [tls1.2]}}", &[], "Protocol  : TLSv1.2"),
        ("{tls: {versions: [tls1.2]}}", &["-tls1_3"], "alert protocol version"),
        ("{tls: {groups: [secp384r1]}}", &["-groups", "X25519:P-384", "-msg"], "384 bits"),
        ("{tls: {client_cert: required}}", &["-tls1_3"], "alert certificate required"),
        ("{tls: {client_cert: optional}}", &["-tls1_3"], "HTTP/1.1 502 "),
        ("{tls: {alpn: [h2]}}", &["-alpn", "h2"], "ALPN protocol: h2"),
        ("{tls: {tickets: none}}", &["-tls1_3"], "HTTP/1.1 502 "),
        ("{tls: {close_notify: false}}", &["-tls1_3"], "unexpected eof while reading"),
        ("{tls_record: {record: 3, flip: true}}", &["-tls1_3"], "bad record mac"),
        (
            "{server_hello: {version: tls1.0}}",
            &["-min_protocol", "TLSv1.2"],
            "unsupported protocol",
        ),
        (
            "{server_hello: {renegotiation_info: false}}",
            &["-tls1_2"],
            "unsafe legacy renegotiation disabled",
        ),
    ] {
        let Some(said) = s_client(effect, args) else { return };
        assert!(said.contains(says), "{effect}, {says:?}\n{said}");
    }
    // Before the handshake is over, or behind it.
    for (after, session) in
        [("server_hello", "no peer certificate"), ("data", "Server certificate")]
    {
        let alert = format!("{{alert: {{description: internal_error, after: {after}}}}}");
        let Some(said) = s_client(&alert, &["-tls1_3"]) else { return };
        assert!(said.contains(session) && !said.contains("HTTP/1.1 502"), "{after}\n{said}");
    }
    // Without any of it: close_notify comes, and tickets do.
    let Some(said) = s_client("{tls: {versions: [tls1.3]}}", &["-tls1_3"]) else { return };
    assert!(!said.contains("unexpected eof") && said.contains("New Session Ticket"), "{said}");
    let Some(said) = s_client("{tls: {tickets: none}}", &["-tls1_3"]) else { return };
    assert!(!said.contains("New Session Ticket"), "{said}");
}

/// A certificate that nobody has signed but its own key, and that key: files of `dir`.
fn client_cert(dir: &tempfile::TempDir) -> [String; 2] {
    let made = rcgen::generate_simple_self_signed(["client.badproxy.test".to_owned()]).unwrap();
    let texts = [made.cert.pem(), made.signing_key.serialize_pem()];
    let paths = ["cert.pem", "key.pem"].map(|name| dir.path().join(name));
    for (path, text) in paths.iter().zip(texts) {
        std::fs::write(path, text).unwrap();
    }
    paths.map(|path| path.display().to_string())
}

/// Whose it is does not matter where one is taken, nor where all are refused.
#[test]
fn a_certificate_that_the_client_has_is_taken_or_refused() {
    let dir = tempfile::tempdir().unwrap();
    let [cert, key] = client_cert(&dir);
    let mine = ["-cert", &cert, "-key", &key];
    for version in ["-tls1_2", "-tls1_3"] {
        for (word, with, without) in [
            ("optional", "HTTP/1.1 502 ", "HTTP/1.1 502 "),
            ("required", "HTTP/1.1 502 ", NO_CERT[usize::from(version == "-tls1_3")]),
            ("refused", "alert unknown ca", NO_CERT[usize::from(version == "-tls1_3")]),
        ] {
            let effect = format!("{{tls: {{client_cert: {word}}}}}");
            let none = [version];
            let some = [&none[..], &mine].concat();
            for (args, says) in [(&some[..], with), (&none, without)] {
                let Some(said) = s_client(&effect, args) else { return };
                assert!(said.contains(says), "{word}, {args:?}, {says:?}\n{said}");
                // Nobody who is refused gets an answer, whatever else is said.
                let served = said.contains("HTTP/1.1 502 ");
                assert_eq!(served, says.starts_with("HTTP"), "{word}, {args:?}\n{said}");
            }
        }
    }
}

/// A client of TLS with the proxy that speaks these versions.
pub(crate) fn session(
    proxy: &Proxy,
    versions: &[&'static SupportedProtocolVersion],
) -> ClientConnection {
    let mut roots = RootCertStore::empty();
    for root in CertificateDer::pem_slice_iter(proxy.roots.as_bytes()) {
        roots.add(root.unwrap()).unwrap();
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let host = ServerName::try_from("127.0.0.1").unwrap();
    ClientConnection::new(Arc::new(config), host).unwrap()
}

/// In TLS 1.3 the client may send before it knows that it is refused. A close with that unread would
/// be a RST, which can overtake the alert.
#[test]
fn an_alert_is_not_overtaken_by_a_rst() {
    let proxy = Proxy::start(
        "proxy: {tls: true}\nrules: [{at: proxy_tls, do: {tls: {client_cert: required}}}]\n",
    );
    let mut session = session(&proxy, &[&TLS13]);
    session.set_buffer_limit(None);
    let mut socket = proxy.connect();
    while session.is_handshaking() {
        while session.wants_write() {
            session.write_tls(&mut socket).unwrap();
        }
        session.read_tls(&mut socket).unwrap();
        session.process_new_packets().unwrap();
    }
    // Certificate, Finished and far more than the server reads at once, without a pause.
    session.writer().write_all(&[b'x'; 200_000]).unwrap();
    let mut bytes = Vec::new();
    while session.wants_write() {
        session.write_tls(&mut bytes).unwrap();
    }
    socket.write_all(&bytes).unwrap();
    let (got, end) = read_all(&mut socket);
    // One record: two bytes of alert, their type, and the tag.
    assert_eq!((got[0], got.len(), end), (0x17, 5 + 2 + 1 + 16, End::Fin));
    proxy.wait_for("tcp:closed", "\"by\":\"us\"");
}

/// certificate_required is of TLS 1.3 alone.
const NO_CERT: [&str; 2] = ["alert", "alert certificate required"];

/// A session that `openssl s_client` has kept, offered to the same server: taken or not.
#[test]
fn tickets_are_taken_or_refused() {
    for (effect, taken) in [("{delay: 0s}", true), ("{tls: {tickets: refused}}", false)] {
        let yaml = format!("proxy: {{tls: true}}\nrules: [{{at: proxy_tls, do: {effect}}}]\n");
        let proxy = Proxy::start(&yaml);
        let dir = tempfile::tempdir().unwrap();
        let kept = dir.path().join("session").display().to_string();
        let address = proxy.address.to_string();
        let mut said = Vec::new();
        for session in ["-sess_out", "-sess_in"] {
            let made = Command::new("openssl")
                .args(["s_client", "-connect", &address, "-tls1_2", session, &kept])
                .stdin(Stdio::null())
                .output();
            let Ok(made) = made else {
                assert!(std::env::var("CI").as_deref() != Ok("true"), "openssl is missing");
                return;
            };
            said.push(String::from_utf8_lossy(&made.stdout).into_owned());
        }
        assert!(said[0].contains("New, TLSv1.2"), "{}", said[0]);
        assert_eq!(said[1].contains("Reused, TLSv1.2"), taken, "{effect}\n{}", said[1]);
    }
}

/// Who has no session yet misses no ticket.
#[test]
fn tickets_that_never_come_are_met_by_a_second_session() {
    let yaml = "proxy: {tls: true}\nrules: [{at: proxy_tls, do: {tls: {tickets: none}}}]\n";
    let proxy = Proxy::start(yaml);
    for met in [false, true] {
        let mut session = session(&proxy, &[&TLS13]);
        let mut socket = proxy.connect();
        let mut stream = Stream::new(&mut session, &mut socket);
        stream.write_all(b"GET http://target.badproxy.test/ HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        assert_eq!(stream.read(&mut [0]).unwrap(), 1);
        assert_eq!(proxy.conduct().faults.contains_key(&1), met, "{:#?}", proxy.events());
    }
}

/// `close` inside a TLS session with the proxy: with a goodbye and without.
#[test]
fn a_close_inside_tls_says_goodbye_or_not() {
    for (effect, goodbye) in [("close", true), ("{close: {close_notify: false}}", false)] {
        let yaml = format!("proxy: {{tls: true}}\nrules: [{{at: reply, do: {effect}}}]\n");
        let proxy = Proxy::start(&yaml);
        let address = proxy.address.to_string();
        let made = Command::new("openssl")
            .args(["s_client", "-connect", &address, "-tls1_2", "-ign_eof", "-quiet"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let Ok(mut client) = made else {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "openssl is missing");
            return;
        };
        client.stdin.as_mut().unwrap().write_all(crate::CONNECT).unwrap();
        let output = client.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(!said.contains("unexpected eof"), goodbye, "{effect}\n{said}");
    }
}
