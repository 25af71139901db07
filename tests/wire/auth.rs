//! Proxy authentication from plain sockets: what each 407 offers, which answers open the tunnel, on
//! which connection.

use std::io::{Read, Write};
use std::net::TcpStream;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::login::{digest_answer, first_leg, offers, third_leg};
use crate::proxy::Proxy;
use crate::{End, read_all, read_until};

const LOGIN: &str = "user: alice, password: s3cret-long-enough, realm: corp";
const TARGET: &str = "target.badproxy.test:80";

/// Sends a request and reads the whole answer; its head, or up to the end of its body.
fn ask(socket: &mut TcpStream, line: &str, credentials: &str) -> String {
    let mut text = format!("{line} HTTP/1.1\r\nHost: {TARGET}\r\n");
    if !credentials.is_empty() {
        text += &format!("Proxy-Authorization: {credentials}\r\n");
    }
    socket.write_all((text + "\r\n").as_bytes()).unwrap();
    let head = read_until(socket, "\r\n\r\n");
    let length =
        head.lines().find_map(|l| l.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    socket.read_exact(&mut body).unwrap();
    head
}

fn connect(socket: &mut TcpStream, credentials: &str) -> String {
    ask(socket, &format!("CONNECT {TARGET}"), credentials)
}

const ALICE: (&str, &str) = ("alice", "s3cret-long-enough");

#[test]
fn digest_opens_the_tunnel_once_a_count() {
    for settings in ["", "algorithm: sha-256", "algorithm: sha-256-sess, opaque: o", "qop: none"] {
        let proxy = Proxy::start(&format!(
            "proxy: {{auth: {{scheme: digest, {LOGIN}, digest: {{{settings}}}}}}}\n"
        ));
        let line = format!("CONNECT {TARGET}");
        let mut socket = proxy.connect();
        let first = connect(&mut socket, "");
        assert!(first.starts_with("HTTP/1.1 407 Proxy Authentication Required\r\n"), "{first}");
        let good = digest_answer(&first, &line, ALICE, 1);
        let wrong = digest_answer(&first, &line, ("alice", "wrong"), 1);
        let again = connect(&mut socket, &wrong);
        assert!(again.starts_with("HTTP/1.1 407 ") && !again.contains("stale"), "{again}");
        assert_ne!(offers(&first), offers(&again), "each 407 has a nonce of its own");
        let reply = connect(&mut socket, &good);
        assert!(reply.starts_with("HTTP/1.1 200 "), "{settings}: {reply}");
        if !settings.contains("none") {
            // The same header once more: its count was used.
            let replayed = connect(&mut proxy.connect(), &good);
            assert!(replayed.starts_with("HTTP/1.1 407 "), "{replayed}");
            proxy.wait_for("auth:leg", "nc 00000001 was used with this nonce before");
        }
        proxy.wait_for("auth:leg", "wrong response");
        proxy.wait_for("auth:leg", "\"right\"");
    }
}

#[test]
fn an_old_nonce_is_stale_or_only_changes() {
    for (stale, told) in [(true, true), (false, false)] {
        let proxy = Proxy::start(&format!(
            "proxy: {{auth: {{scheme: digest, {LOGIN}, digest: {{uses: 1, stale: {stale}}}}}}}\n"
        ));
        let line = "GET http://target.badproxy.test/";
        let mut socket = proxy.connect();
        let first = ask(&mut socket, line, "");
        let served = ask(&mut socket, line, &digest_answer(&first, line, ALICE, 1));
        assert!(served.starts_with("HTTP/1.1 200 "), "{served}");
        let old = ask(&mut socket, line, &digest_answer(&first, line, ALICE, 2));
        assert!(old.starts_with("HTTP/1.1 407 "), "{old}");
        assert_eq!(offers(&old)[0].ends_with(", stale=true"), told, "{old}");
        let redone = ask(&mut socket, line, &digest_answer(&old, line, ALICE, 1));
        assert!(redone.starts_with("HTTP/1.1 200 "), "{redone}");
        proxy.wait_for("auth:leg", "the nonce is used up");
    }
}

/// FB013: the scenario's client has to take the new nonce, whatever it has sent before its first right
/// answer.
#[test]
fn fb013_a_nonce_that_was_called_stale_is_not_taken_again() {
    let line = "GET http://target.badproxy.test/";
    for before in 0..4 {
        let proxy = Proxy::start(&format!(
            "proxy: {{auth: {{scheme: digest, {LOGIN}}}}}\n\
             rules: [{{when: {{credentials: right, attempt: 1, per: credentials}}, at: auth, \
             do: {{challenge: {{stale: true}}}}}}]\n"
        ));
        let mut socket = proxy.connect();
        let mut first = ask(&mut socket, line, "");
        let mut older = Vec::new();
        for n in 0..before {
            // Nothing, Basic, a wrong answer; on this connection and on others.
            let wrong = digest_answer(&first, line, ("alice", "wrong"), 1);
            let say = ["", "Basic YWxpY2U6eA==", &wrong][n % 3];
            if n == 1 {
                socket = proxy.connect();
            }
            older.push(std::mem::replace(&mut first, ask(&mut socket, line, say)));
            assert!(!first.contains("stale"), "{first}");
        }
        let told = ask(&mut socket, line, &digest_answer(&first, line, ALICE, 1));
        assert!(offers(&told)[0].ends_with(", stale=true"), "after {before}: {told}");
        for nc in 2..4 {
            let old = ask(&mut socket, line, &digest_answer(&first, line, ALICE, nc));
            assert!(offers(&old)[0].ends_with(", stale=true"), "{old}");
        }
        // None that came before it is better.
        for asked in &older {
            let old = ask(&mut socket, line, &digest_answer(asked, line, ALICE, 1));
            assert!(offers(&old)[0].ends_with(", stale=true"), "after {before}: {old}");
        }
        let redone = ask(&mut socket, line, &digest_answer(&told, line, ALICE, 1));
        assert!(redone.starts_with("HTTP/1.1 200 "), "after {before}: {redone}");
        proxy.wait_for("auth:leg", "the nonce has expired");
    }
}

#[test]
fn an_expired_nonce_is_stale() {
    let proxy = Proxy::start(&format!(
        "proxy: {{auth: {{scheme: digest, {LOGIN}, digest: {{lifetime: 20ms}}}}}}\n"
    ));
    let line = format!("CONNECT {TARGET}");
    let mut socket = proxy.connect();
    let first = connect(&mut socket, "");
    std::thread::sleep(std::time::Duration::from_millis(25));
    let late = connect(&mut socket, &digest_answer(&first, &line, ALICE, 1));
    assert!(offers(&late)[0].ends_with(", stale=true"), "{late}");
    proxy.wait_for("auth:leg", "the nonce has expired");
}

/// All else is right.
#[test]
fn one_wrong_thing_is_enough() {
    let proxy = Proxy::start(&format!("proxy: {{auth: {{scheme: basic, {LOGIN}}}}}\n"));
    for (login, status) in
        [("alice:wrong", 407), ("bob:s3cret-long-enough", 407), ("alice:s3cret-long-enough", 200)]
    {
        let head = connect(&mut proxy.connect(), &format!("Basic {}", STANDARD.encode(login)));
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{login}: {head}");
    }
    let proxy = Proxy::start(&format!("proxy: {{auth: {{scheme: digest, {LOGIN}}}}}\n"));
    let mut socket = proxy.connect();
    // Hashed with the realm that it names, which is not the proxy's.
    let other = connect(&mut socket, "").replace("realm=\"corp\"", "realm=\"other\"");
    let answer = digest_answer(&other, &format!("CONNECT {TARGET}"), ALICE, 1);
    assert!(answer.contains("realm=\"other\"") && connect(&mut socket, &answer).contains(" 407 "));
    proxy.wait_for("auth:leg", "wrong realm");
}

/// A token is answered with the next one, until the scenario has had enough of them.
#[test]
fn negotiate_goes_on_leg_by_leg() {
    let proxy = Proxy::start(
        "proxy: {auth: {scheme: negotiate, negotiate: {answer: accept, legs: 2, token: b25l}}}\n",
    );
    let mut socket = proxy.connect();
    assert_eq!(offers(&connect(&mut socket, "")), ["Negotiate"]);
    assert_eq!(offers(&connect(&mut socket, "Negotiate YAA=")), ["Negotiate b25l"]);
    // The second leg is worth nothing on another connection.
    assert_eq!(offers(&connect(&mut proxy.connect(), "Negotiate oQA=")), ["Negotiate b25l"]);
    assert!(connect(&mut socket, "Negotiate oQA=").starts_with("HTTP/1.1 200 "));
}

/// The path alone is hashed by curl, the whole URL by others (RFC 7616, section 3.4.6).
#[test]
fn a_path_stands_for_the_absolute_form() {
    let proxy = Proxy::start(&format!("proxy: {{auth: {{scheme: digest, {LOGIN}}}}}\n"));
    let line = "GET http://target.badproxy.test/x";
    let mut socket = proxy.connect();
    let first = ask(&mut socket, line, "");
    let answer = digest_answer(&first, "GET /x", ALICE, 1);
    assert!(ask(&mut socket, line, &answer).starts_with("HTTP/1.1 200 "));
    let other = ask(&mut socket, line, &digest_answer(&first, "GET /y", ALICE, 2));
    assert!(other.starts_with("HTTP/1.1 407 "), "{other}");
    proxy.wait_for("auth:leg", "wrong uri: /y");
}

#[test]
fn ntlm_is_bound_to_its_connection() {
    let yaml = format!("proxy: {{auth: {{scheme: [ntlm, basic], {LOGIN}, domain: CORP}}}}\n");
    let proxy = Proxy::start(&yaml);
    let line = "GET http://target.badproxy.test/";
    let mut socket = proxy.connect();
    assert_eq!(offers(&ask(&mut socket, line, "")), ["NTLM", "Basic realm=\"corp\""]);
    let second = ask(&mut socket, line, &first_leg());
    assert!(offers(&second).len() == 1 && offers(&second)[0].starts_with("NTLM TlRMTVNTUAAC"));
    let good = third_leg(&second, ALICE);
    // On another connection the third leg answers nothing.
    let elsewhere = ask(&mut proxy.connect(), line, &good);
    assert!(elsewhere.starts_with("HTTP/1.1 407 "), "{elsewhere}");
    proxy.wait_for("auth:leg", "type 3 on a connection that was sent no type 2");
    assert!(ask(&mut socket, line, &good).starts_with("HTTP/1.1 200 "));
    assert!(ask(&mut socket, line, "").starts_with("HTTP/1.1 200 "), "it is logged in");
    let mut socket = proxy.connect();
    let second = ask(&mut socket, line, &first_leg());
    let wrong = ask(&mut socket, line, &third_leg(&second, ("alice", "wrong")));
    assert_eq!(offers(&wrong), ["NTLM", "Basic realm=\"corp\""]);
    proxy.wait_for("auth:leg", "wrong password");
}

#[test]
fn ntlm_over_connect_too() {
    let proxy = Proxy::start(&format!("proxy: {{auth: {{scheme: ntlm, {LOGIN}}}}}\n"));
    let mut socket = proxy.connect();
    let second = connect(&mut socket, &first_leg());
    let reply = connect(&mut socket, &third_leg(&second, ALICE));
    assert!(reply.starts_with("HTTP/1.1 200 "), "{reply}");
}

/// The challenges stand in one line or several, in the order of the file.
#[test]
fn challenges_in_the_order_and_lines_of_the_scenario() {
    let yaml = "rules:\n  - at: auth\n    do:\n      challenge:\n        \
        scheme: [{verbatim: 'Hawk ts=\"1\"'}, negotiate, basic, digest]\n        realm: x\n        ";
    let proxy = Proxy::start(&format!("{yaml}lines: several\n"));
    let head = connect(&mut proxy.connect(), "");
    let got = offers(&head);
    assert_eq!(got[..3], ["Hawk ts=\"1\"", "Negotiate", "Basic realm=\"x\""]);
    assert!(got[3].starts_with("Digest realm=\"x\", nonce=\"") && got.len() == 4, "{got:?}");
    let proxy = Proxy::start(&format!("{yaml}lines: one\n"));
    let head = connect(&mut proxy.connect(), "");
    let got = offers(&head);
    let start = "Hawk ts=\"1\", Negotiate, Basic realm=\"x\", Digest realm=\"x\", nonce=\"";
    assert!(got.len() == 1 && got[0].starts_with(start), "{got:?}");
}

#[test]
fn http_1_0_and_what_ends_the_connection() {
    let yaml = "rules: [{at: auth, do: {challenge: {scheme: ntlm, version: 1.0, body: no, \
        headers: ['X: 1']}, then: close}}]\n";
    let proxy = Proxy::start(yaml);
    let mut socket = proxy.connect();
    socket.write_all(crate::CONNECT).unwrap();
    let (got, end) = read_all(&mut socket);
    assert_eq!(
        String::from_utf8(got).unwrap(),
        "HTTP/1.0 407 Proxy Authentication Required\r\nProxy-Authenticate: NTLM\r\nX: 1\r\n\
         Content-Length: 2\r\nConnection: close\r\n\r\nno"
    );
    assert_eq!(end, End::Fin);
}

/// A token that the proxy does not take is none of the proxy's secrets: a client that sends its
/// origin's token to both leaks nothing of the proxy's to the origin.
#[test]
fn a_wrong_token_inside_the_tunnel_is_no_leak_of_the_proxys() {
    let proxy = Proxy::start(&format!("proxy: {{auth: {{scheme: bearer, {LOGIN}}}}}\n"));
    let mut socket = proxy.connect();
    let token = "a-token-of-the-origins-own-0123456789";
    assert!(connect(&mut socket, &format!("Bearer {token}")).starts_with("HTTP/1.1 407 "));
    proxy.wait_for("auth:leg", "wrong token");
    assert!(connect(&mut socket, &format!("Bearer {}", ALICE.1)).starts_with("HTTP/1.1 200 "));
    write!(socket, "GET /a HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n").unwrap();
    let foreign = proxy.wait_for("http:request", "\"path\":\"/a\"");
    assert!(foreign.contains("\"secret_seen\":[]"), "{foreign}");
    assert!(!foreign.contains(token), "and it is masked all the same: {foreign}");
    // The right one still is.
    read_until(&mut socket, "\r\n\r\n");
    write!(socket, "GET /b HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n", ALICE.1)
        .unwrap();
    proxy.wait_for("http:request", "\"secret_seen\":[\"proxy_credentials\"]");
}

/// What was made of the password is known again where it does not belong.
#[test]
fn an_answer_repeated_inside_the_tunnel_is_seen() {
    let proxy = Proxy::start(&format!("proxy: {{auth: {{scheme: digest, {LOGIN}}}}}\n"));
    let mut socket = proxy.connect();
    let first = connect(&mut socket, "");
    let good = digest_answer(&first, &format!("CONNECT {TARGET}"), ALICE, 1);
    assert!(connect(&mut socket, &good).starts_with("HTTP/1.1 200 "));
    assert!(ask(&mut socket, "GET /", &good).starts_with("HTTP/1.1 200 "));
    let seen = proxy.wait_for("http:request", "proxy_credentials");
    assert!(!format!("{seen:?}").contains("response="), "and it is masked");
}

/// In clear where other schemes were asked for, on whichever connection: given away. A client that sends
/// it at once, on each connection, has not been asked there.
#[test]
fn a_password_in_clear_on_another_connection_than_the_407() {
    let basic = format!("Basic {}", STANDARD.encode("alice:s3cret-long-enough"));
    let spots = |offer: &str, first: &str, others: usize| {
        let proxy = Proxy::start(&format!("proxy: {{auth: {{scheme: {offer}, {LOGIN}}}}}\n"));
        connect(&mut proxy.connect(), first);
        for _ in 0..others {
            connect(&mut proxy.connect(), &basic);
        }
        let sights = proxy.conduct().sights;
        let spots = sights.iter().filter(|s| s.spot.words() != "connect request");
        spots.map(|s| (s.spot.words(), s.times, s.belongs())).collect::<Vec<_>>()
    };
    let unasked = ("proxy that has not asked for Basic", 2, false);
    for offer in ["digest", "[ntlm, negotiate]", "{verbatim: 'X-Corp-SSO'}"] {
        assert_eq!(spots(offer, "", 2), [unasked], "{offer}");
        assert_eq!(spots(offer, &basic, 2), [("proxy before it has asked", 3, true)], "{offer}");
    }
    for offer in ["basic", "[digest, basic]"] {
        assert_eq!(spots(offer, "", 2), [], "{offer}");
        assert_eq!(spots(offer, &basic, 2), [], "{offer}");
    }
}
