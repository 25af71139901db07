//! The server of the PAC file, met by plain sockets.

use std::io::{ErrorKind, Write};
use std::net::TcpStream;

use badproxy::conduct::Spot;

use crate::proxy::Proxy;
use crate::{End, read_all, read_until};

/// One request on a connection of its own: all that comes, and how it ends.
fn ask(proxy: &Proxy, request: &str) -> (String, End) {
    let mut socket = TcpStream::connect(proxy.pac.unwrap().0).unwrap();
    socket.write_all(request.as_bytes()).unwrap();
    let (got, end) = read_all(&mut socket);
    (String::from_utf8(got).unwrap(), end)
}

fn get(proxy: &Proxy) -> (String, End) {
    ask(proxy, "GET /proxy.pac HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
}

/// A rule at `pac`.
fn rule(steps: &str) -> Proxy {
    Proxy::start(&format!("rules: [{{at: pac, do: {steps}}}]\n"))
}

#[test]
fn the_file_names_the_proxy() {
    let proxy = Proxy::start("pac: {}\n");
    let body = format!(
        "function FindProxyForURL(url, host) {{\n  return \"PROXY {}\";\n}}\n",
        proxy.address
    );
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/x-ns-proxy-autoconfig\r\n\
         Content-Length: {}\r\n",
        body.len()
    );
    let closing = format!("{head}Connection: close\r\n\r\n{body}");
    assert_eq!(get(&proxy), (closing.clone(), End::Fin));
    let wpad = "GET /wpad.dat HTTP/1.0\r\n\r\n";
    assert_eq!(ask(&proxy, wpad), (closing, End::Fin));
    // A connection that is kept takes the next request.
    let kept = "GET /proxy.pac?x=1 HTTP/1.1\r\nHost: x\r\n\r\n";
    let whole = format!("{head}\r\n{body}");
    assert_eq!(ask(&proxy, &kept.repeat(2)), (whole.repeat(2), End::Silence));
    let of_head = ask(&proxy, "HEAD /proxy.pac HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(of_head, (format!("{head}\r\n"), End::Silence));
    for (request, status) in [("GET /other HTTP/1.1", "404"), ("POST /proxy.pac HTTP/1.1", "405")] {
        let (got, _) = ask(&proxy, &format!("{request}\r\nHost: x\r\n\r\n"));
        assert!(got.starts_with(&format!("HTTP/1.1 {status} ")), "{got}");
    }
    assert_eq!(proxy.conduct().fetches, 7);
}

/// Who hangs up before the answer is seen to: at once, and not when the time is over.
#[test]
fn who_does_not_wait_is_seen() {
    let proxy = rule("{delay: 60s}");
    let mut socket = TcpStream::connect(proxy.pac.unwrap().0).unwrap();
    socket.write_all(b"GET /proxy.pac HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    proxy.wait_for("fault:applied", "waits");
    socket.shutdown(std::net::Shutdown::Write).unwrap();
    let closed = proxy.wait_for("tcp:closed", "\"side\":\"pac\"");
    assert!(closed.contains("\"by\":\"client\"") && closed.contains("\"how\":\"fin\""), "{closed}");
    // What is sent ahead ends nothing.
    let proxy = rule("{delay: 100ms}");
    let twice = "GET /proxy.pac HTTP/1.1\r\nHost: x\r\n\r\n".repeat(2);
    let (got, _) = ask(&proxy, &twice);
    assert_eq!(got.matches("HTTP/1.1 200 OK").count(), 2, "{got}");
}

#[test]
fn an_answer_to_head_has_no_body() {
    let proxy = rule("{respond: {status: 404, body: gone}}");
    let head = "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\n";
    let asks =
        "HEAD /proxy.pac HTTP/1.1\r\nHost: x\r\n\r\nGET /proxy.pac HTTP/1.1\r\nHost: x\r\n\r\n";
    assert_eq!(ask(&proxy, asks), (format!("{head}{head}gone"), End::Silence));
}

#[test]
fn the_section_says_what_is_served() {
    let proxy = Proxy::start(
        "pac: {script: 'A {dead} {proxy} {x}', later: B, content_type: text/html, path: /a/b, \
         padding: 81B}\n",
    );
    let (_, dead) = proxy.pac.unwrap();
    let first = ask(&proxy, "GET /a/b HTTP/1.0\r\n\r\n").0;
    let padding = format!("// {}\n", ".".repeat(76)).repeat(2);
    let script = format!("{padding}A {dead} {} {{x}}", proxy.address);
    assert!(first.ends_with(&format!("\r\n\r\n{script}")), "{first}");
    assert!(first.contains("\r\nContent-Type: text/html\r\n"), "{first}");
    let again = ask(&proxy, "GET /a/b HTTP/1.0\r\n\r\n").0;
    assert!(again.ends_with(&format!("\r\n\r\n{padding}B")), "{again}");
    let default = ask(&proxy, "GET /proxy.pac HTTP/1.0\r\n\r\n").0;
    assert!(default.starts_with("HTTP/1.1 404 "), "{default}");
}

/// What `{dead}` names answers a SYN with a RST, now and later, and nobody else can have the port.
#[test]
fn the_dead_one_is_dead() {
    let proxy = Proxy::start("pac: {}\n");
    let (_, dead) = proxy.pac.unwrap();
    for _ in 0..3 {
        let refused = TcpStream::connect(dead).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    }
    let taken = std::net::TcpListener::bind(dead).unwrap_err();
    assert_eq!(taken.kind(), ErrorKind::AddrInUse);
}

/// What the proxy speaks is what the file calls it.
#[test]
fn the_file_knows_what_the_proxy_speaks() {
    for (yaml, word) in [
        ("proxy: {tls: true}", "HTTPS"),
        ("client: {proxy_scheme: socks5h}", "SOCKS5"),
        ("client: {proxy_scheme: socks4a}", "SOCKS4"),
    ] {
        let proxy = Proxy::start(&format!("pac: {{}}\n{yaml}\n"));
        let (got, _) = get(&proxy);
        assert!(got.contains(&format!("return \"{word} {}\";", proxy.address)), "{got}");
    }
}

#[test]
fn a_fin_in_the_middle() {
    let (whole, _) = get(&Proxy::start("pac: {script: '0123456789'}\n"));
    let proxy = Proxy::start("pac: {script: '0123456789'}\nrules: [{at: pac, do: {limit: 60B}}]\n");
    let (got, end) = get(&proxy);
    assert_eq!((got.as_str(), end), (&whole[..60], End::Fin));
    proxy.wait_for("fault:applied", "FIN after 60 bytes");
}

#[test]
fn without_a_length_the_fin_is_the_end() {
    let proxy = Proxy::start("pac: {script: 'x', length: false}\n");
    // Whatever the client would like.
    let (got, end) = ask(&proxy, "GET /proxy.pac HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(!got.contains("Content-Length"), "{got}");
    assert!(got.ends_with("\r\nConnection: close\r\n\r\nx"), "{got}");
    assert_eq!(end, End::Fin);
}

#[test]
fn silence_close_and_reset() {
    assert_eq!(get(&rule("hang")), (String::new(), End::Silence));
    assert_eq!(get(&rule("close")), (String::new(), End::Fin));
    assert_eq!(get(&rule("reset")), (String::new(), End::Rst));
    let proxy = rule("{reset: {after_bytes: 20B}}");
    let (got, end) = get(&proxy);
    assert_eq!((got.as_str(), end), ("HTTP/1.1 200 OK\r\nCon", End::Rst));
}

#[test]
fn other_answers_in_its_place() {
    let proxy = rule("{respond: {status: 404, body: no}}");
    let answer = "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno";
    let kept = "GET /proxy.pac HTTP/1.1\r\nHost: x\r\n\r\n";
    assert_eq!(ask(&proxy, &kept.repeat(2)), (answer.repeat(2), End::Silence));
    let (got, _) = get(&rule("{send: \"HTTP/1.1 2\"}"));
    assert_eq!(got, "HTTP/1.1 2");
    let (got, _) =
        get(&rule("{headers: {set: [\"Content-Type: a/b\"], remove: [Content-Length]}}"));
    assert!(
        got.starts_with("HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nConnection: close\r\n\r\nfun")
    );
    assert!(got.ends_with("\";\n}\n"), "{got}");
}

/// A path moves for good, whatever its query and however often it is asked for; others do not.
#[test]
fn a_path_that_redirects_every_time() {
    let proxy = Proxy::start(
        "rules: [{at: pac, when: {path: /proxy.pac}, do: \
         {respond: {status: 302, headers: ['Location: /wpad.dat']}}}]\n",
    );
    let moved = "HTTP/1.1 302 Found\r\nLocation: /wpad.dat\r\nContent-Length: 0\r\n\r\n";
    let kept = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
    let twice = [kept("/proxy.pac"), kept("/proxy.pac?x=1")].concat();
    assert_eq!(ask(&proxy, &twice), (moved.repeat(2), End::Silence));
    for _ in 0..2 {
        let (file, _) = ask(&proxy, &kept("/wpad.dat"));
        assert!(file.starts_with("HTTP/1.1 200 OK\r\n") && file.ends_with("}\n"), "{file}");
        assert_eq!(ask(&proxy, &kept("/proxy.pac")), (moved.to_owned(), End::Silence));
    }
}

/// The head of the second part waits for its gap; a plain socket sees the first part alone.
#[test]
fn parts_and_later_requests() {
    let ask = |gap: &str| {
        let proxy = rule(&format!("{{split: {{at: [17B], gap: {gap}}}}}"));
        let mut socket = TcpStream::connect(proxy.pac.unwrap().0).unwrap();
        socket.write_all(b"GET /proxy.pac HTTP/1.0\r\n\r\n").unwrap();
        (proxy, socket)
    };
    let (_proxy, mut socket) = ask("1h");
    let (first, end) = read_all(&mut socket);
    assert_eq!((first.as_slice(), end), (&b"HTTP/1.1 200 OK\r\n"[..], End::Silence));
    let (_proxy, mut socket) = ask("50ms");
    assert!(read_until(&mut socket, "\n}\n").starts_with("HTTP/1.1 200 OK\r\nContent-Type"));
    let second = Proxy::start("rules: [{at: pac, when: {attempt: 2, method: GET}, do: reset}]\n");
    assert_eq!([(); 3].map(|()| get(&second).1), [End::Fin, End::Rst, End::Fin]);
}

#[test]
fn what_is_no_request() {
    let proxy = Proxy::start("pac: {}\n");
    for request in ["\x16\x03\x01\x02\0\x01\0", "GET\r\n\r\n", "GET / HTTP/9\r\n\r\n"] {
        let (got, end) = ask(&proxy, request);
        assert!(got.starts_with("HTTP/1.1 400 "), "{request:?}: {got}");
        assert_eq!(end, End::Fin);
    }
    proxy.wait_for("pac:bad_request", "not an HTTP/1 request");
}

/// The password of the proxy is not for whoever has the file.
#[test]
fn credentials_do_not_belong_here() {
    let proxy =
        Proxy::start("proxy: {auth: {scheme: basic, user: alice, password: s3cret}}\npac: {}\n");
    let basic = "YWxpY2U6czNjcmV0";
    ask(&proxy, &format!("GET /proxy.pac HTTP/1.0\r\nAuthorization: Basic {basic}\r\n\r\n"));
    let line = proxy.wait_for("pac:request", "proxy_credentials");
    assert!(!line.contains(basic), "{line}");
    let conduct = proxy.conduct();
    let sight = conduct.sights.iter().find(|sight| sight.spot == Spot::Pac).unwrap();
    assert!(!sight.belongs());
}
