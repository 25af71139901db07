//! The name server over HTTPS: curl as a client of HTTP/1.1, and HTTP/2 by hand.

use std::net::TcpStream;
use std::process::Command;

use crate::End;
use crate::dns::{A, FINE, PROXY, addresses, ask, header, query};
use crate::frames::{self, frame};
use crate::h2::{secure, tls};
use crate::proxy::Proxy;

/// RFC 8484, section 4.1.1: www.example.com, id 0.
const GET: &str = "?dns=AAABAAABAAAAAAAAA3d3dwdleGFtcGxlA2NvbQAAAQAB";

/// Curl as an HTTP client, with these options or this query in the URL: status, then the body.
fn doh(proxy: &Proxy, arguments: &[&str], body: &[u8]) -> (String, Vec<u8>) {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    std::fs::write(path("ca"), &proxy.roots).unwrap();
    std::fs::write(path("query"), body).unwrap();
    let url = format!("https://{}/dns-query", proxy.dns.unwrap());
    let url = arguments.first().filter(|a| a.starts_with('?')).map_or(url.clone(), |q| url + q);
    let mut curl = Command::new("curl");
    curl.args(["-q", "-sS", "--max-time", "20", "--noproxy", "*", "-w", "%{http_code}"]);
    curl.args(["--cacert", &path("ca"), "-o", &path("out")]);
    if !body.is_empty() {
        curl.args(["-H", "Content-Type: application/dns-message"]);
        curl.args(["--data-binary", &format!("@{}", path("query"))]);
    }
    curl.args(arguments.iter().filter(|a| a.starts_with('-')));
    let said = curl.arg(url).output().unwrap();
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    let text = if said.status.success() { text } else { format!("curl {}", said.status) };
    (text, std::fs::read(path("out")).unwrap_or_default())
}

#[test]
fn over_https() {
    let proxy = Proxy::start(
        "rules:\n  - {at: dns, when: {transport: doh, name: bad.test}, do: {respond: 502}}\n",
    );
    let (status, got) = doh(&proxy, &[], &query(PROXY, A, None));
    assert_eq!((status.as_str(), addresses(&got)), ("200", vec![[127, 0, 0, 1]]));
    let (status, got) = doh(&proxy, &[GET], b"");
    assert_eq!((status.as_str(), header(&got)), ("200", [0, FINE | 3, 1, 0, 1, 0]));
    assert_eq!(doh(&proxy, &[], &query("bad.test", A, None)).0, "502");
    assert_eq!(doh(&proxy, &["?x=1"], b"").0, "400");
    proxy.wait_for("dns:query", r#""transport":"doh""#);
}

/// What `dig` and `kdig` speak, and nothing else: each request on its stream, a body without a length.
#[test]
fn over_https_in_http_2() {
    let proxy = Proxy::start(
        "rules:\n  - {at: dns, when: {transport: doh, name: bad.test}, do: {respond: 502}}\n  \
         - {at: dns, when: {transport: doh, name: hang.test}, do: hang}\n",
    );
    let socket = TcpStream::connect(proxy.dns.unwrap()).unwrap();
    let mut client = secure(&proxy, socket, "127.0.0.1");
    client.send(&[frames::PREFACE, &frame(4, 0, 0, &[])].concat());
    let mut asked = |stream: u32, name: &str, path: &str| {
        client.send(&post(stream, path));
        client.send(&frame(0, 1, stream, &query(name, A, None)));
    };
    asked(1, "hang.test", "/dns-query");
    asked(3, PROXY, "/dns-query");
    asked(5, "bad.test", "/dns-query");
    asked(7, PROXY, "/other");
    client.send(&frames::request(9, "GET", "x", &format!("/dns-query{GET}"), true));
    let (lines, end) = client.rest();
    let first =
        |stream: u32| lines.iter().find(|line| line.contains(&format!(" on {stream}, "))).cloned();
    let whole = ask(&proxy, &query(PROXY, A, None)).len();
    assert_eq!((first(1), end), (None, End::Silence), "{lines:#?}");
    let good = first(3).unwrap();
    assert!(good.contains(":status: 200; content-type: application/dns-message;"), "{good}");
    assert!(lines.contains(&format!("DATA on 3, {whole} bytes")), "{lines:#?}");
    for (stream, status) in [(5, "502"), (7, "404"), (9, "200")] {
        assert!(first(stream).unwrap().contains(&format!(":status: {status}")), "{lines:#?}");
        assert!(lines.iter().any(|l| *l == format!("DATA on {stream}, 0 bytes, END_STREAM")));
    }
    // Four, and the one over UDP.
    assert_eq!(proxy.conduct().queries, 5);
}

/// HEADERS of a request with a DNS message.
fn post(stream: u32, path: &str) -> Vec<u8> {
    let fields = [
        (":method", "POST"),
        (":scheme", "https"),
        (":authority", "x"),
        (":path", path),
        ("content-type", "application/dns-message"),
    ];
    let field = |(n, v): &(&str, &str)| {
        [&[0, n.len() as u8], n.as_bytes(), &[v.len() as u8], v.as_bytes()].concat()
    };
    frame(1, 4, stream, &fields.iter().flat_map(field).collect::<Vec<u8>>())
}

/// Without ALPN a hello may become DoH as well as DoT: it gets the certificate of a rule for either.
#[test]
fn a_bad_certificate_whatever_alpn_is_offered() {
    for (transport, offers) in
        [("doh", [true, true, true, false]), ("dot", [true, false, false, true])]
    {
        let rule = format!(
            "rules: [{{at: dns, when: {{transport: {transport}}}, do: {{cert: expired}}}}]\n"
        );
        let proxy = Proxy::start(&rule);
        let alpns: [&[&str]; 4] = [&[], &["http/1.1"], &["h2", "http/1.1"], &["dot"]];
        for (alpn, bad) in alpns.into_iter().zip(offers) {
            let socket = TcpStream::connect(proxy.dns.unwrap()).unwrap();
            let mut client = tls(&proxy, socket, "127.0.0.1", alpn);
            let said = client.conn.complete_io(&mut client.sock).map_err(|e| e.to_string());
            match bad {
                true => assert!(
                    said.unwrap_err().contains("certificate expired"),
                    "{transport}: {alpn:?}"
                ),
                false => assert!(said.is_ok(), "{transport}: {alpn:?}: {said:?}"),
            }
        }
        let shown = proxy.events().iter().filter(|e| e.what.name() == "fault:applied").count();
        assert_eq!(shown, offers.iter().filter(|bad| **bad).count());
        assert_eq!(proxy.conduct().queries, 0);
    }
}

/// A client of HTTP/1.1 that offers no ALPN, as it comes: it refuses the certificate, or asks under it.
#[test]
fn a_bad_certificate_for_a_client_without_alpn() {
    let proxy = Proxy::start("rules: [{at: dns, when: {transport: doh}, do: {cert: expired}}]\n");
    let (status, _) = doh(&proxy, &["--no-alpn", "--http1.1"], &query(PROXY, A, None));
    assert_eq!((status.as_str(), proxy.conduct().queries), ("curl exit status: 60", 0));
    let asks = ["--no-alpn", "--http1.1", "--insecure"];
    let (status, got) = doh(&proxy, &asks, &query(PROXY, A, None));
    assert_eq!((status.as_str(), addresses(&got)), ("200", vec![[127, 0, 0, 1]]));
    proxy.wait_for("tls:application_data", "expired");
    // Where a rule is for the query, it is DoH that it came by.
    proxy.wait_for("dns:query", r#""transport":"doh""#);
}

#[test]
fn a_bad_certificate_for_https_alone() {
    let proxy = Proxy::start("rules: [{at: dns, when: {transport: doh}, do: {cert: expired}}]\n");
    let (status, _) = doh(&proxy, &[], &query(PROXY, A, None));
    assert_eq!(status, "curl exit status: 60");
    proxy.wait_for("fault:applied", "expired");
    assert_eq!(proxy.conduct().queries, 0);
    assert_eq!(header(&ask(&proxy, &query(PROXY, A, None)))[1], FINE);
}
