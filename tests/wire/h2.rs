//! HTTP/2 of the origin, frame by frame: the client writes and reads frames by hand, over TLS
//! over a plain socket.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use badproxy::scenario::Scenario;
use badproxy::start::Setup;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::End;
use crate::frames::{self, frame, request, shown};
use crate::proxy::Proxy;
use crate::quiet::Quiet;

pub(crate) const HOST: &str = "target.badproxy.test";

/// A client of HTTP/2 that knows no rules.
pub(crate) struct Client {
    pub(crate) tls: StreamOwned<ClientConnection, TcpStream>,
    inbox: Vec<u8>,
}

/// TLS with ALPN h2 over this socket.
pub(crate) fn secure(proxy: &Proxy, socket: TcpStream, name: &str) -> Client {
    Client { tls: tls(proxy, socket, name, &["h2"]), inbox: Vec::new() }
}

/// TLS with this ALPN over this socket; the handshake is yet to come.
pub(crate) fn tls(
    proxy: &Proxy,
    socket: TcpStream,
    name: &str,
    alpn: &[&str],
) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    for der in CertificateDer::pem_slice_iter(proxy.roots.as_bytes()) {
        roots.add(der.unwrap()).unwrap();
    }
    let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let session = ClientConnection::new(Arc::new(config), name).unwrap();
    StreamOwned::new(session, socket)
}

impl Client {
    /// A tunnel to the origin, TLS, the preface and empty SETTINGS.
    pub(crate) fn start(proxy: &Proxy) -> Client {
        let mut client = Client::raw(proxy);
        client.send(&[frames::PREFACE, &frame(4, 0, 0, &[])].concat());
        client
    }

    fn raw(proxy: &Proxy) -> Client {
        let mut socket = proxy.connect();
        write!(socket, "CONNECT {HOST}:443 HTTP/1.1\r\nHost: {HOST}:443\r\n\r\n").unwrap();
        crate::read_until(&mut socket, "\r\n\r\n");
        secure(proxy, socket, HOST)
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.tls.write_all(bytes).unwrap();
        self.tls.flush().unwrap();
    }

    pub(crate) fn get(&mut self, stream: u32) {
        self.send(&request(stream, "GET", HOST, "/", true));
    }

    /// Reads frames until one is what is wanted; None at the end or when nothing comes.
    pub(crate) fn until(&mut self, wanted: &str) -> Vec<String> {
        self.until_any(&[wanted])
    }

    /// The same, of several.
    pub(crate) fn until_any(&mut self, wanted: &[&str]) -> Vec<String> {
        let (lines, _) = self.read(Duration::from_secs(20), wanted);
        let is_wanted = |line: &String| wanted.iter().any(|wanted| line.starts_with(wanted));
        assert!(lines.last().is_some_and(is_wanted), "no {wanted:?}: {lines:#?}");
        lines
    }

    /// Everything that comes until the end, or until nothing more does.
    pub(crate) fn rest(&mut self) -> (Vec<String>, End) {
        self.read(Duration::from_millis(300), &[])
    }

    fn read(&mut self, silence: Duration, wanted: &[&str]) -> (Vec<String>, End) {
        let got = self.read_until_quiet(silence, wanted);
        self.tls.sock.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        got
    }

    fn read_until_quiet(&mut self, silence: Duration, wanted: &[&str]) -> (Vec<String>, End) {
        self.tls.sock.set_read_timeout(Quiet::wait(silence)).unwrap();
        let mut quiet = Quiet::new();
        let mut lines = Vec::new();
        let mut buffer = [0; 65_536];
        loop {
            while let Some(got) = frames::take(&mut self.inbox) {
                lines.push(shown(&got));
                if wanted.iter().any(|wanted| lines.last().is_some_and(|l| l.starts_with(wanted))) {
                    return (lines, End::Silence);
                }
            }
            match self.tls.read(&mut buffer) {
                Ok(0) => return (lines, End::Fin),
                Ok(n) => {
                    self.inbox.extend_from_slice(&buffer[..n]);
                    quiet = Quiet::new();
                }
                Err(e) if e.kind() == ErrorKind::ConnectionReset => return (lines, End::Rst),
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    if quiet.is_silence() {
                        return (lines, End::Silence);
                    }
                }
                Err(e) => panic!("{e}: {lines:#?}"),
            }
        }
    }
}

/// Plays one rule to a GET on stream 1.
fn played(rule: &str) -> (Proxy, Client) {
    let proxy = Proxy::start(&format!("rules: [{rule}]\n"));
    let mut client = Client::start(&proxy);
    client.get(1);
    (proxy, client)
}

fn has(lines: &[String], text: &str) -> bool {
    lines.iter().any(|line| line.contains(text))
}

#[test]
fn goaway_is_sent_as_written_and_the_answer_follows() {
    let (_proxy, mut client) = played("{at: response, do: {goaway: {code: 77, debug: why}}}");
    let lines = client.until("DATA on 1, 0 bytes, END_STREAM");
    let goaway = lines.iter().position(|l| l == "GOAWAY last 1, code 77, \"why\"").unwrap();
    let head = lines.iter().position(|l| l.starts_with("HEADERS on 1, :status: 200")).unwrap();
    assert!(goaway < head, "{lines:#?}");
    // A later stream is neither answered nor reset.
    client.get(3);
    assert_eq!(client.rest(), (vec![], End::Silence));
}

/// RFC 9113, section 6.8: the last stream must not rise.
#[test]
fn goaway_for_streams_that_came_together_names_the_first() {
    let proxy = Proxy::start("rules: [{at: response, do: [delay: 50ms, goaway]}]\n");
    let mut client = Client::start(&proxy);
    client.send(&[1, 3, 5].map(|stream| request(stream, "GET", HOST, "/", true)).concat());
    let (lines, end) = client.rest();
    let goaways: Vec<_> = lines.iter().filter(|line| line.starts_with("GOAWAY")).collect();
    assert!(goaways.iter().all(|line| line.starts_with("GOAWAY last 1,")), "{lines:#?}");
    assert!(goaways.len() > 1 && end == End::Silence, "{lines:#?} {end:?}");
    let answered = |stream: u32| has(&lines, &format!("HEADERS on {stream}, :status: 200"));
    assert_eq!([1, 3, 5].map(answered), [true, false, false], "{lines:#?}");
}

#[test]
fn goaway_at_the_body_comes_behind_the_head() {
    let (_proxy, mut client) = played("{at: body, do: goaway}");
    let lines = client.until("DATA on 1, 0 bytes, END_STREAM");
    let goaway = lines.iter().position(|l| l.starts_with("GOAWAY last 1, code 0")).unwrap();
    let head = lines.iter().position(|l| l.starts_with("HEADERS on 1")).unwrap();
    let data = lines.iter().position(|l| l.starts_with("DATA on 1, 17 bytes")).unwrap();
    assert!(head < goaway && goaway < data, "{lines:#?}");
}

#[test]
fn goaway_that_leaves_the_request_out_leaves_it_unanswered() {
    let (_proxy, mut client) = played("{at: response, do: {goaway: {last_stream: before}}}");
    client.until("GOAWAY last 0, code 0");
    assert_eq!(client.rest(), (vec![], End::Silence));
    // The connection is alive all the same.
    client.send(&frame(6, 0, 0, b"12345678"));
    client.until("PING ACK");
}

#[test]
fn goaway_and_close_is_a_fin_with_the_stream_open() {
    let (_proxy, mut client) = played("{at: response, do: {goaway: {code: cancel, close: true}}}");
    let (lines, end) = client.rest();
    assert_eq!(end, End::Fin, "{lines:#?}");
    assert_eq!(lines.last().unwrap(), "GOAWAY last 1, code 8, \"\"");
}

#[test]
fn rst_stream_ends_one_stream_and_no_other() {
    let (proxy, mut client) =
        played("{at: response, when: {attempt: 1}, do: {rst_stream: refused_stream}}");
    client.until("RST_STREAM on 1, code 7");
    client.get(3);
    let lines = client.until("DATA on 3, 0 bytes, END_STREAM");
    assert!(has(&lines, "HEADERS on 3, :status: 200") && !has(&lines, " on 1"), "{lines:#?}");
    proxy.wait_for("h2:stream_closed", "\"stream\":1");
}

#[test]
fn rst_stream_after_some_of_the_body_comes_after_just_that() {
    let (_proxy, mut client) =
        played("{at: body, do: [{until: {bytes: 5B}}, {rst_stream: internal_error}]}");
    let lines = client.until("RST_STREAM on 1, code 2");
    let data: Vec<&String> = lines.iter().filter(|l| l.starts_with("DATA")).collect();
    assert_eq!(data, ["DATA on 1, 5 bytes"]);
}

#[test]
fn reset_is_rst_stream_and_the_connection_stays() {
    let proxy = Proxy::start("{origin: {alpn: [h2]}, rules: [{at: body, do: reset}]}");
    let mut client = Client::start(&proxy);
    client.get(1);
    let lines = client.until("RST_STREAM on 1, code 2");
    assert!(has(&lines, "HEADERS on 1") && !has(&lines, "DATA"), "{lines:#?}");
    client.send(&frame(6, 0, 0, b"12345678"));
    client.until("PING ACK");
}

#[test]
fn close_is_end_stream_before_the_length_is_reached() {
    let yaml = "{origin: {alpn: [h2]}, rules: [{at: body, do: [{until: {bytes: 5B}}, close]}]}";
    let proxy = Proxy::start(yaml);
    let mut client = Client::start(&proxy);
    client.get(1);
    let lines = client.until("DATA on 1, 0 bytes, END_STREAM");
    assert!(has(&lines, "content-length: 17") && has(&lines, "DATA on 1, 5 bytes"), "{lines:#?}");
}

#[test]
fn hang_is_one_silent_stream_among_others() {
    let yaml = "{origin: {alpn: [h2]}, rules: [{at: response, when: {attempt: 1}, do: hang}]}";
    let proxy = Proxy::start(yaml);
    let mut client = Client::start(&proxy);
    client.get(1);
    proxy.wait_for("wait:silence", "");
    client.get(3);
    let lines = client.until("DATA on 3, 0 bytes, END_STREAM");
    assert!(!has(&lines, " on 1"), "{lines:#?}");
    // The silence ends when the client resets the stream, and not before.
    assert!(!proxy.events().iter().any(|e| e.what.name() == "wait:ended"));
    client.send(&frame(3, 0, 1, &[0, 0, 0, 8]));
    proxy.wait_for("wait:ended", "");
}

#[test]
fn settings_say_what_is_written_and_nothing_else() {
    let rule = "{at: tls, do: {h2: {settings: {initial_window_size: 4294967295, \
                enable_connect_protocol: 9, max_frame_size: 1}}}}";
    let (_proxy, mut client) = played(rule);
    let lines = client.until("SETTINGS 4 = 4294967295, 5 = 1, 8 = 9");
    assert_eq!(lines.len(), 1);
    client.until("HEADERS on 1, :status: 200");
}

#[test]
fn what_is_never_sent() {
    for (rule, never) in [
        ("{send_settings: false}", "SETTINGS\n"),
        ("{ack_settings: false}", "SETTINGS ACK"),
        ("{ack_pings: false}", "PING ACK"),
    ] {
        let (_proxy, mut client) = played(&format!("{{at: tls, do: {{h2: {rule}}}}}"));
        client.send(&frame(6, 0, 0, b"12345678"));
        let (lines, end) = client.rest();
        assert_eq!(end, End::Silence, "{rule}");
        let lines: Vec<String> = lines.iter().map(|l| format!("{l}\n")).collect();
        assert!(!has(&lines, never) && has(&lines, ":status: 200"), "{rule}: {lines:#?}");
        for other in ["SETTINGS\n", "SETTINGS ACK", "PING ACK"] {
            assert!(other == never || has(&lines, other), "{rule}: {other} in {lines:#?}");
        }
    }
}

/// A PING that is not answered is a fault when one comes, and not before.
#[test]
fn pings_unanswered_are_met_by_who_sends_one() {
    let (proxy, mut client) = played("{at: tls, do: {h2: {ack_pings: false}}}");
    client.until("DATA on 1, 0 bytes, END_STREAM");
    assert!(proxy.conduct().faults.is_empty(), "{:#?}", proxy.events());
    client.send(&frame(6, 0, 0, b"12345678"));
    proxy.wait_for("fault:applied", "no PING ACK, and one is due");
    client.get(3);
    let lines = client.until("DATA on 3, 0 bytes, END_STREAM");
    assert!(!has(&lines, "PING"), "{lines:#?}");
}

/// 70,000 bytes are read with WINDOW_UPDATE, and without it they are not.
#[test]
fn a_window_is_replenished_or_never() {
    let upload = |rules: &str| {
        let proxy = Proxy::start(rules);
        let mut client = Client::start(&proxy);
        client.send(&request(1, "POST", HOST, "/upload", false));
        for _ in 0..4 {
            client.send(&frame(0, 0, 1, &[b'x'; 16_000]));
        }
        (proxy, client)
    };
    let (_proxy, mut client) = upload("name: x\n");
    client.until("WINDOW_UPDATE on 1");
    client.send(&frame(0, 1, 1, &[b'x'; 6_000]));
    client.until("HEADERS on 1, :status: 200");
    let (_proxy, mut client) = upload("rules: [{at: tls, do: {h2: {window_updates: false}}}]\n");
    let (lines, end) = client.rest();
    assert_eq!(lines, ["SETTINGS", "SETTINGS ACK"]);
    assert_eq!(end, End::Silence);
}

/// In trailers, too, the proxy's password does not belong to the origin, with a body before them and without.
#[test]
fn the_proxys_password_in_trailers_is_seen() {
    let login = "proxy: {auth: {scheme: basic, user: alice, password: s3cret-long-enough}}\n\
                 origin: {alpn: [h2]}\n";
    for (password, told) in [("s3cret-long-enough", true), ("s3cret-long-enoug", false)] {
        for body in [&b""[..], b"x"] {
            let proxy = Proxy::start(login);
            let mut socket = proxy.connect();
            let basic = "YWxpY2U6czNjcmV0LWxvbmctZW5vdWdo";
            write!(
                socket,
                "CONNECT {HOST}:443 HTTP/1.1\r\nHost: {HOST}:443\r\nProxy-Authorization: Basic {basic}\r\n\r\n"
            )
            .unwrap();
            crate::read_until(&mut socket, "\r\n\r\n");
            let mut client = secure(&proxy, socket, HOST);
            client.send(&[frames::PREFACE, &frame(4, 0, 0, &[])].concat());
            client.send(&request(1, "POST", HOST, "/upload", false));
            if !body.is_empty() {
                client.send(&frame(0, 0, 1, body));
            }
            // A literal that is put into no table, and the end of the stream.
            let field =
                [&[0, 3], &b"x-b"[..], &[password.len() as u8], password.as_bytes()].concat();
            client.send(&frame(1, 5, 1, &field));
            client.until("HEADERS on 1, :status: 200");
            let seen: Vec<_> =
                proxy.conduct().sights.iter().filter(|s| !s.belongs()).cloned().collect();
            let spots: Vec<_> = seen.iter().map(|s| (s.spot.words(), s.times)).collect();
            let want: &[_] = if told { &[("origin via tunnel", 1)] } else { &[] };
            assert_eq!(spots, want, "{password} behind {} bytes", body.len());
        }
    }
}

#[test]
fn frames_by_hand_stand_between_those_of_the_book() {
    let rule = r#"{at: response, do: [{frame: {type: 99, flags: 255, stream: 5, hex: "0102"}},
        {frame: {type: push_promise, flags: 4, promised: 2, fields: [":path: /x"]}},
        {frame: {text: "HTTP/1.1 502 Bad\r\n", close: true}}]}"#;
    let (_proxy, mut client) = played(rule);
    let lines = client.until("PUSH_PROMISE");
    assert_eq!(lines[2..], ["frame 99 on 5, 2 bytes", "PUSH_PROMISE on 1 of 2, :path: /x"]);
    let (lines, end) = client.rest();
    assert_eq!((lines, end), (vec![], End::Fin));
    assert_eq!(client.inbox, b"HTTP/1.1 502 Bad\r\n");
}

/// Streams that came together, all of which meet a rule that ends the connection: it ends once.
#[test]
fn the_last_word_on_a_connection_is_said_once() {
    let text = "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n";
    let calm = "GOAWAY last 1, code 11, \"too_many_pings\"";
    let greeted = ["SETTINGS", "SETTINGS ACK"];
    for (rule, frames, rest) in [
        ("response/h2-text-for-frame", &greeted[..], text),
        ("response/h2-goaway-calm", &[greeted[0], greeted[1], calm], ""),
        (
            "response/h2-goaway-unprocessed",
            &[greeted[0], greeted[1], "GOAWAY last 0, code 0, \"\""],
            "",
        ),
    ] {
        let proxy = Proxy::play(Scenario::catalogue(rule).unwrap(), Setup::default());
        let mut client = Client::start(&proxy);
        client.send(&[1, 3, 5].map(|stream| request(stream, "GET", HOST, "/", true)).concat());
        let (lines, end) = client.read(Duration::from_secs(20), &[]);
        let got = String::from_utf8_lossy(&client.inbox).into_owned();
        assert_eq!(
            (lines, got.as_str(), end),
            (frames.iter().map(|f| (*f).to_owned()).collect(), rest, End::Fin)
        );
        let faults = proxy.events().iter().filter(|e| e.what.name() == "fault:applied").count();
        assert_eq!(faults, 1, "{rule}");
    }
}

/// FB128: one push a connection, on its first stream.
#[test]
fn fb128_a_push_comes_once_a_connection() {
    let scenario = Scenario::catalogue("response/h2-push-foreign").unwrap();
    let proxy = Proxy::play(scenario, Setup::default());
    for _ in 0..2 {
        let mut client = Client::start(&proxy);
        client.send(&[1, 3, 5].map(|stream| request(stream, "GET", HOST, "/", true)).concat());
        let mut lines = Vec::new();
        while [1, 3, 5]
            .iter()
            .any(|s| !lines.contains(&format!("DATA on {s}, 0 bytes, END_STREAM")))
        {
            lines.extend(client.until("DATA on "));
        }
        client.get(7);
        lines.extend(client.until("DATA on 7, 0 bytes, END_STREAM"));
        let pushes: Vec<_> = lines.iter().filter(|l| l.starts_with("PUSH_PROMISE")).collect();
        let promised = "PUSH_PROMISE on 1 of 2, :method: GET; :scheme: https; \
                        :authority: other.badproxy.test; :path: /";
        assert_eq!(pushes, [promised], "{lines:#?}");
        let at = |text: &str| lines.iter().position(|l| l.starts_with(text));
        assert!(at("PUSH_PROMISE") < at("HEADERS on 1, :status: 200"), "{lines:#?}");
        for stream in [1, 3, 5, 7] {
            assert!(at(&format!("HEADERS on {stream}, :status: 200")).is_some(), "{lines:#?}");
        }
    }
}

/// FB125: one frame that is too long a connection, however many streams there are.
#[test]
fn fb125_a_frame_too_long_comes_once_a_connection() {
    let scenario = Scenario::catalogue("response/h2-oversized-frame").unwrap();
    let proxy = Proxy::play(scenario, Setup::default());
    for _ in 0..2 {
        let mut client = Client::start(&proxy);
        client.send(&[1, 3, 5].map(|stream| request(stream, "GET", HOST, "/", true)).concat());
        client.tls.sock.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let (mut heads, mut lines) = (Vec::new(), Vec::new());
        let ended = |lines: &Vec<String>, stream: u32| {
            lines.contains(&format!("DATA on {stream}, 0 bytes, END_STREAM"))
        };
        let mut more = true;
        while heads.is_empty() || ![3, 5, 7].iter().all(|stream| ended(&lines, *stream)) {
            let mut buffer = [0; 65_536];
            let n = client.tls.read(&mut buffer).unwrap();
            assert!(n > 0, "{heads:?} {lines:#?}");
            client.inbox.extend_from_slice(&buffer[..n]);
            // Out of the way, so that the others can be read.
            while let Some(at) = client.inbox.windows(4).position(|w| w == b"\xff\xff\xff\0")
                && client.inbox.len() >= at + 9
            {
                heads.push(client.inbox.drain(at..at + 9).collect::<Vec<u8>>());
            }
            lines.extend(std::iter::from_fn(|| frames::take(&mut client.inbox)).map(|f| shown(&f)));
            if more && [3, 5].iter().all(|stream| ended(&lines, *stream)) {
                more = false;
                client.get(7);
            }
        }
        assert_eq!(heads, [b"\xff\xff\xff\0\0\0\0\0\x01"], "{lines:#?}");
        assert!(!lines.iter().any(|line| line.contains(" on 1,")), "{lines:#?}");
    }
}

/// Whoever talks nonsense gets a clean end, and an event says so.
#[test]
fn nonsense_ends_cleanly() {
    let greeting = [frames::PREFACE, &frame(4, 0, 0, &[])].concat();
    let after = |bytes: &[u8]| [&greeting[..], bytes].concat();
    for (what, bytes) in [
        ("HTTP/1.1", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec()),
        ("an oversized frame", after(&[0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1])),
        ("HEADERS on stream 0", after(&request(0, "GET", HOST, "/", true))),
        ("HEADERS on an even stream", after(&request(2, "GET", HOST, "/", true))),
        ("a broken block", after(&frame(1, 5, 1, &[0xff; 40]))),
        ("DATA on an idle stream", after(&frame(0, 0, 7, b"x"))),
        ("SETTINGS of five bytes", after(&frame(4, 0, 0, &[0; 5]))),
        ("a window of more than 31 bits", after(&frame(8, 0, 0, &[0x7f, 0xff, 0xff, 0xff]))),
    ] {
        let proxy = Proxy::start("name: x\n");
        let mut client = Client::raw(&proxy);
        client.send(&bytes);
        let (lines, end) = client.read(Duration::from_secs(20), &[]);
        assert_eq!(end, End::Fin, "{what}: {lines:#?}");
        let says = |name: &str| proxy.events().iter().any(|e| e.what.name() == name);
        assert!(says("h2:failed") || says("h2:error"), "{what}: {:#?}", proxy.events());
    }
}

/// A request that is malformed is refused by its stream, and the connection goes on (FB121,
/// curl/curl#12172).
#[test]
fn fb121_connection_headers_in_a_request_are_refused() {
    let proxy = Proxy::start("name: x\n");
    let mut client = Client::start(&proxy);
    let mut block = request(1, "GET", HOST, "/", true)[9..].to_vec();
    block.extend(b"\0\x10proxy-connection\x0akeep-alive");
    client.send(&frame(1, 5, 1, &block));
    client.until("RST_STREAM on 1, code 1");
    proxy.wait_for("h2:error", "PROTOCOL_ERROR");
    client.get(3);
    client.until("HEADERS on 3, :status: 200");
}
