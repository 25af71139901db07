//! Ranges of the origin's `/bytes/N`, and requests that lose theirs; 100 Continue.

use std::io::Write;

use badproxy::scenario::Scenario;
use badproxy::start::Setup;

use crate::proxy::Proxy;
use crate::{read_all, read_until, tunnel};

/// The answer to one GET: its head, in small letters, and its body.
fn get(proxy: &Proxy, lines: &str) -> (String, Vec<u8>) {
    let mut socket = tunnel(proxy);
    write!(socket, "GET /bytes/1000 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{lines}\r\n")
        .unwrap();
    let (got, _) = read_all(&mut socket);
    let at = got.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
    (String::from_utf8(got[..at].to_vec()).unwrap().to_lowercase(), got[at + 4..].to_vec())
}

#[test]
fn a_part_is_the_bytes_of_the_whole() {
    let proxy = Proxy::start("name: x\n");
    let (head, whole) = get(&proxy, "");
    assert!(head.starts_with("http/1.1 200 ") && whole.len() == 1000, "{head}");
    assert!(head.contains("\r\naccept-ranges: bytes\r\n"), "{head}");
    assert!(head.contains("\r\netag: \"bytes-1000\"\r\n"), "{head}");
    for (lines, first, last) in [
        ("Range: bytes=500-\r\n", 500, 999),
        ("Range: bytes=100-163\r\nIf-Range: \"bytes-1000\"\r\n", 100, 163),
        ("range: bytes=-7\r\n", 993, 999),
    ] {
        let (head, part) = get(&proxy, lines);
        assert!(head.starts_with("http/1.1 206 partial content\r\n"), "{head}");
        assert!(head.contains(&format!("\r\ncontent-range: bytes {first}-{last}/1000\r\n")));
        assert!(head.contains(&format!("\r\ncontent-length: {}", part.len())));
        assert!(part == whole[first..=last], "{lines}");
    }
    let (head, all) = get(&proxy, "Range: bytes=500-\r\nIf-Range: \"old\"\r\n");
    assert!(head.starts_with("http/1.1 200 ") && all == whole, "{head}");
    let (head, none) = get(&proxy, "Range: bytes=1000-\r\n");
    assert!(head.starts_with("http/1.1 416 ") && none.is_empty(), "{head}");
    assert!(head.contains("\r\ncontent-range: bytes */1000\r\n"), "{head}");
}

/// What resumes begins anew.
#[test]
fn an_origin_can_have_no_ranges() {
    let proxy = Proxy::start("origin: {accept_ranges: none}\n");
    let (head, body) = get(&proxy, "Range: bytes=500-\r\n");
    assert!(head.starts_with("http/1.1 200 ") && body.len() == 1000, "{head}");
    assert!(head.contains("\r\naccept-ranges: none\r\n"), "{head}");
}

/// FB106, rust-lang/rustup#4710: 200 with everything to a request for a part.
#[test]
fn fb106_a_range_can_be_taken_out_of_the_request() {
    let proxy = Proxy::start("rules: [{at: request, do: {headers: {remove: [Range]}}}]\n");
    let (head, body) = get(&proxy, "Range: bytes=500-\r\n");
    assert!(head.starts_with("http/1.1 200 ") && body.len() == 1000, "{head}");
}

/// FB107, xroche/httrack#428: another part than was asked for.
#[test]
fn fb107_a_range_can_be_another() {
    let rules = "rules: [{at: request, do: {headers: {set: ['Range: bytes=320-']}}}]\n";
    let (head, body) = get(&Proxy::start(rules), "Range: bytes=500-\r\n");
    assert!(head.contains("\r\ncontent-range: bytes 320-999/1000\r\n"), "{head}");
    assert_eq!(body.len(), 680);
}

/// FB089, abhinavsingh/proxy.py#124, and FB090, cloudflare/pingora#596.
#[test]
fn fb089_no_100_comes_and_fb090_it_comes_with_the_final_head() {
    let post =
        "POST /upload HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";
    let healthy = Proxy::start("name: x\n");
    let mut socket = tunnel(&healthy);
    socket.write_all(post.as_bytes()).unwrap();
    assert_eq!(read_until(&mut socket, "\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");

    let swallowed = "at: request, do: {headers: {remove: [Expect]}}";
    let proxy = Proxy::start(&format!(
        "rules:\n  - {{{swallowed}}}\n  - at: response\n    \
         do: {{glue: {{before: \"HTTP/1.1 100 Continue\\r\\n\\r\\n\"}}}}\n"
    ));
    let mut socket = tunnel(&proxy);
    socket.write_all(post.as_bytes()).unwrap();
    assert_eq!(read_all(&mut socket), (Vec::new(), crate::End::Silence));
    socket.write_all(b"x=1").unwrap();
    let mut buffer = [0; 4096];
    let n = std::io::Read::read(&mut socket, &mut buffer).unwrap();
    let text = String::from_utf8_lossy(&buffer[..n]);
    assert!(text.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"), "{text}");
}

/// FB049, urllib3/urllib3#1222: an address without brackets is no target.
#[test]
fn fb049_an_ipv6_target_needs_its_brackets() {
    let proxy = Proxy::start("origin: {names: ['2001:db8::1']}\n");
    for (target, status) in [
        ("[2001:db8::1]:443", " 200 "),
        // Java writes an address out; all of these are one (RFC 5952).
        ("[2001:db8:0:0:0:0:0:1]:443", " 200 "),
        ("[2001:0DB8::0001]:443", " 200 "),
        ("[2001:db8::2]:443", " 502 "),
        ("2001:db8::1:443", " 400 "),
    ] {
        let mut socket = proxy.connect();
        write!(socket, "CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n").unwrap();
        let head = read_until(&mut socket, "\r\n\r\n");
        assert!(head.lines().next().unwrap().contains(status), "{target}: {head}");
        let hop = head.lines().find_map(|line| line.split_once("next-hop="));
        assert!(hop.is_none_or(|(_, hop)| hop == "\"[2001:db8::2]:443\""), "{head}");
    }
}

/// FB107, owncloud/client#2548: a part that the client has not asked for is no answer to it, in a
/// tunnel and in absolute form.
#[test]
fn fb107_a_part_that_nobody_asked_for_is_no_answer() {
    let rules = "rules: [{at: request, do: {headers: {set: ['Range: bytes=500-']}}}]\n";
    for (asked, counts) in [("", false), ("Range: bytes=0-\r\n", true)] {
        let proxy = Proxy::start(rules);
        assert!(get(&proxy, asked).0.starts_with("http/1.1 206 "));
        proxy.wait_for("http:response", &format!("\"nonce_served\":{counts}"));
        let proxy = Proxy::start(rules);
        let mut socket = proxy.connect();
        let place = "http://target.badproxy.test/bytes/1000";
        write!(socket, "GET {place} HTTP/1.1\r\nHost: x\r\n{asked}\r\n").unwrap();
        assert!(read_until(&mut socket, "\r\n\r\n").starts_with("HTTP/1.1 206 "));
        proxy.wait_for("http:response", &format!("\"nonce_served\":{counts}"));
    }
}

/// One GET of 100,000 bytes by a scenario of the catalogue: the status, how many bytes came, the
/// lines of the head that say which.
fn part(proxy: &Proxy, lines: &str) -> (String, usize, String) {
    let mut socket = proxy.connect();
    let place = "http://target.badproxy.test/bytes/100000";
    write!(socket, "GET {place} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{lines}\r\n").unwrap();
    let (got, _) = read_all(&mut socket);
    let at = got.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(got[..at].to_vec()).unwrap().to_lowercase();
    let line =
        |name: &str| head.lines().find_map(|l| l.strip_prefix(name)).unwrap_or("").to_owned();
    let status = head[9..12].to_owned();
    (status, got.len() - at - 4, line("content-range: bytes "))
}

/// FB105, FB106, FB107, FB108: what breaks off is a first request for everything, and what is
/// wrong is the answer to a request for a part, the first one or a later one.
#[test]
fn fb106_a_first_request_for_a_part_is_one() {
    let rest = "Range: bytes=50000-\r\n";
    for (name, status, bytes, which) in [
        ("range-416", "416", 0, "*/100000"),
        ("range-ignored", "200", 100_000, ""),
        ("range-new-etag", "206", 50_000, "50000-99999/100000"),
        ("range-other-part", "206", 67_232, "32768-99999/100000"),
    ] {
        let start = || {
            let scenario = Scenario::catalogue(&format!("response/{name}")).unwrap();
            Proxy::play(scenario, Setup::default())
        };
        let wrong = (status.to_owned(), bytes, which.to_owned());
        let proxy = start();
        assert_eq!(part(&proxy, ""), ("200".to_owned(), 50_000, String::new()), "{name}");
        assert_eq!(part(&proxy, rest), wrong, "{name}");
        let proxy = start();
        assert_eq!(part(&proxy, rest), wrong, "{name}, at once");
        assert_eq!(part(&proxy, ""), ("200".to_owned(), 100_000, String::new()), "{name}");
    }
}

/// FB107, owncloud/client#2548: a part for a first request that has asked for everything; whoever
/// asks for a part gets that.
#[test]
fn fb107_a_part_for_whoever_asks_for_everything() {
    let asked = |first: &str| {
        let scenario = Scenario::catalogue("response/206-unasked").unwrap();
        let proxy = Proxy::play(scenario, Setup::default());
        [first, ""].map(|lines| part(&proxy, lines))
    };
    let half = ("206".to_owned(), 50_000, "50000-99999/100000".to_owned());
    let whole = ("200".to_owned(), 100_000, String::new());
    assert_eq!(asked(""), [half, whole.clone()]);
    let other = ("206".to_owned(), 10, "0-9/100000".to_owned());
    assert_eq!(asked("Range: bytes=0-9\r\n"), [other, whole]);
}

/// FB105 to FB108: the GET that is to meet the fault is the first one, whatever HEADs come before
/// it, in absolute form and in a tunnel.
#[test]
fn fb107_a_head_first_uses_nothing_up() {
    let names = ["206-unasked", "range-416", "range-ignored", "range-new-etag", "range-other-part"];
    for name in names {
        for tunnelled in [false, true] {
            let scenario = Scenario::catalogue(&format!("response/{name}")).unwrap();
            let proxy = Proxy::play(scenario, Setup::default());
            let ask = |method: &str| {
                let (mut socket, place) = match tunnelled {
                    true => (tunnel(&proxy), ""),
                    false => (proxy.connect(), "http://target.badproxy.test"),
                };
                write!(
                    socket,
                    "{method} {place}/bytes/100000 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
                )
                .unwrap();
                let (got, _) = read_all(&mut socket);
                let at = got.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
                (String::from_utf8(got[9..12].to_vec()).unwrap(), got.len() - at - 4)
            };
            let half = if name == "206-unasked" { "206" } else { "200" };
            let seen = ["HEAD", "HEAD", "GET", "GET"].map(ask);
            let wanted = [("200", 0), ("200", 0), (half, 50_000), ("200", 100_000)];
            let wanted = wanted.map(|(status, bytes)| (status.to_owned(), bytes));
            assert_eq!(seen, wanted, "{name}, tunnelled: {tunnelled}");
        }
    }
}
