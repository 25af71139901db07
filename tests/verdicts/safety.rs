//! LEAK, WRONG, BYPASS, LEAK-LOG.

use std::net::{IpAddr, UdpSocket};

use crate::play::file;
use crate::{judge, judge_command};

/// A proxy that asks for credentials, and a client that has them.
const AUTH: &str = "auth/407-basic-then-ok";

#[test]
fn the_proxys_password_inside_the_tunnel_is_a_leak() {
    let client = ["curl", "-sS", "-H", "Proxy-Authorization: Basic {pass}", "{target}"];
    let judged = judge_command(&[AUTH], &client).earns("LEAK", 1).by("secret");
    let did = judged.findings()[0]["client_did"].as_str().unwrap();
    assert!(did.contains("origin via tunnel"), "{did}");
}

#[test]
fn the_proxys_password_forwarded_to_the_origin_is_a_leak() {
    let target = "http://target.badproxy.test/";
    let client = ["curl", "-sS", "-H", "X-Login: {user}:{pass}", "{target}"];
    let judged = judge_command(&[AUTH, "--target", target], &client).earns("LEAK", 1).by("secret");
    let measured = judged.findings()[0]["measured"].as_str().unwrap();
    assert!(measured.contains("origin via forward"), "{measured}");
}

/// A client of a line of Python: what it sends to the origin, through a tunnel to plain HTTP.
fn sends(what: &str) -> String {
    format!(
        "python3 -c 'import base64, os, socket, urllib.parse
e = os.environ
proxy = urllib.parse.urlsplit(e[\"BADPROXY_PROXY\"])
pair, password = e[\"BADPROXY_USER\"] + \":\" + e[\"BADPROXY_PASS\"], e[\"BADPROXY_PASS\"]
s = socket.create_connection((proxy.hostname, proxy.port))
login = base64.b64encode(pair.encode()).decode()
to = \"target.badproxy.test:80\"
s.sendall((\"CONNECT %s HTTP/1.1\\r\\nHost: %s\\r\\nProxy-Authorization: Basic %s\\r\\n\\r\\n\" % (to, to, login)).encode())
f = s.makefile(\"rb\")
while f.readline().strip(): pass
post = \"POST /echo HTTP/1.1\\r\\nHost: t\\r\\n\"
chunked = post + \"Transfer-Encoding: chunked\\r\\n\\r\\n\"
{what}
s.shutdown(socket.SHUT_WR)
f.read()'"
    )
}

/// Wherever it stands in what the origin gets: a body, its chunks, a trailer, behind a request, and in
/// what is no HTTP at all.
#[test]
fn the_proxys_password_outside_a_head_is_a_leak() {
    let args = [AUTH, "--target", "http://target.badproxy.test/echo"];
    let send = |text: &str| sends(&format!("s.sendall(({text}).encode())"));
    let body = "post + \"Content-Length: %d\\r\\n\\r\\n\" % (300000 + len(password)) + \"x\" * 300000 + password";
    let chunks =
        "chunked + \"\".join(\"1\\r\\n%s\\r\\n\" % c for c in password) + \"0\\r\\n\\r\\n\"";
    let trailer = "chunked + \"1\\r\\nx\\r\\n0\\r\\nX: \" + password + \"\\r\\n\\r\\n\"";
    let behind = "post + \"\\r\\n\" + password";
    let closing = "post + \"Connection: close\\r\\n\\r\\n\" + password";
    let clear = "\"\\x01\\x02 login \" + password";
    let encoded =
        "post + \"X: \" + base64.b64encode((\"a\" + pair).encode()).decode() + \"\\r\\n\\r\\n\"";
    for text in [body, chunks, trailer, behind, closing, clear, encoded] {
        let judged = judge(&args, &send(text)).earns("LEAK", 1).by("secret");
        let measured = judged.findings()[0]["measured"].as_str().unwrap();
        assert!(measured.contains("origin via tunnel (1 time)"), "{measured}");
    }
    // In pieces of a byte, each a read of its own.
    let pieces = "s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
for c in post + \"Content-Length: %d\\r\\n\\r\\n\" % len(password) + password: s.sendall(c.encode())";
    judge(&args, &sends(pieces)).earns("LEAK", 1).by("secret");
    // All but its last letter is nothing.
    let cut = "post + \"Content-Length: %d\\r\\n\\r\\n\" % (len(password) - 1) + password[:-1]";
    judge(&args, &send(cut)).earns("PASS", 0);
    // The origin's own token belongs there.
    let token = "post + \"Content-Length: %d\\r\\n\\r\\n\" % len(e[\"BADPROXY_TOKEN\"]) + e[\"BADPROXY_TOKEN\"]";
    judge(&args, &send(token)).earns("PASS", 0);
}

/// In clear to a proxy that has asked for anything else, on this connection: given away. Before it
/// has asked, it is what many clients are told to do, and a note.
#[test]
fn basic_that_was_not_asked_for_is_a_leak() {
    let client = |requests: &str| {
        format!(
            "python3 -c 'import base64, os, socket, urllib.parse
e = os.environ
proxy = urllib.parse.urlsplit(e[\"BADPROXY_PROXY\"])
login = base64.b64encode((e[\"BADPROXY_USER\"] + \":\" + e[\"BADPROXY_PASS\"]).encode()).decode()
s = socket.create_connection((proxy.hostname, proxy.port))
f = s.makefile(\"rb\")
for with_login in {requests}:
    line = \"Proxy-Authorization: Basic \" + login + \"\\r\\n\" if with_login else \"\"
    s.sendall((\"CONNECT target.badproxy.test:443 HTTP/1.1\\r\\nHost: target.badproxy.test:443\\r\\n\" + line + \"\\r\\n\").encode())
    size = 0
    while True:
        head = f.readline().strip().lower()
        if head.startswith(b\"content-length:\"): size = int(head[15:])
        if not head: break
    f.read(size)
print(\"407 proxy authentication required\")
exit(1)'"
        )
    };
    for scenario in ["auth/407-negotiate-only", "auth/407-digest", "auth/407-only-unknown"] {
        let judged = judge(&[scenario], &client("[0, 1]")).earns("LEAK", 1).by("secret");
        let measured = judged.findings()[0]["measured"].as_str().unwrap();
        assert!(measured.contains("proxy that has not asked for Basic (1 time)"), "{measured}");
        let early = judge(&[scenario], &client("[1]"));
        assert_ne!(early.word(), "LEAK", "{scenario}");
        assert!(early.ended["notes"].to_string().contains("password: "), "{}", early.ended);
    }
    // Where Basic is among what is offered, it was asked for.
    for scenario in ["auth/407-basic-then-ok", "auth/407-multi-scheme"] {
        assert_ne!(judge(&[scenario], &client("[0, 1]")).word(), "LEAK", "{scenario}");
    }
}

#[test]
fn the_origins_token_on_the_connect_is_a_leak() {
    let client = ["curl", "-sS", "--proxy-header", "X-Token: {token}", "{target}"];
    judge_command(&["ok/plain"], &client).earns("LEAK", 1).by("secret");
    // Where it belongs, it is none.
    judge_command(&["ok/plain"], &["curl", "-sS", "-H", "X-Token: {token}", "{target}"])
        .earns("PASS", 0);
}

#[test]
fn the_origins_token_to_a_stranger_is_a_leak() {
    let shell = "curl -skH 'X-Token: {token}' {target}; exit 1";
    judge(&["tls/self-signed"], shell).earns("LEAK", 1).also("WRONG");
}

/// A client that does not look at the proxy's certificate gives its password to anybody.
#[test]
fn the_proxys_password_to_a_strange_proxy_is_a_leak() {
    let shell = "curl -sS --proxy-insecure {target}; exit 1";
    for scenario in ["proxy_tls/untrusted-root", "proxy_tls/wrong-host", "proxy_tls/expired"] {
        let judged = judge(&[scenario], shell).earns("LEAK", 1).also("WRONG").by("secret");
        let measured = judged.findings()[0]["measured"].as_str().unwrap();
        assert!(measured.contains("proxy under a bad certificate"), "{measured}");
        // One that looks, says nothing.
        let shell = "curl -sS --proxy-cacert \"$BADPROXY_CACERT\" {target}";
        judge(&[scenario], shell).earns("PASS", 0);
    }
}

/// The proxy URL says https, and the client speaks plain HTTP all the same.
#[test]
fn the_proxys_password_in_clear_to_a_proxy_of_tls_is_a_leak() {
    let shell = "curl -sS -x http://{user}:{pass}@${BADPROXY_PROXY##*[@/]} {target}";
    let judged = judge(&["proxy_tls/untrusted-root"], shell).earns("LEAK", 1);
    let measured = judged.findings()[0]["measured"].as_str().unwrap();
    assert!(measured.contains("proxy in clear"), "{measured}");
}

#[test]
fn a_password_in_the_clients_own_output_is_a_warning() {
    let shell = "curl -sS {target} && echo the password is $BADPROXY_PASS";
    judge(&[AUTH], shell).earns("LEAK-LOG", 0).by("secret");
    let judged = judge(&[AUTH, "--strict"], shell).earns("LEAK-LOG", 1);
    assert!(judged.played.out().contains("the password is ****"));
    // In two parts, as a program without buffers writes it.
    let halves = "curl -sS {target}; p={pass}; printf %s \"${p%??????????}\" >&2; \
                  printf %s \"${p#??????????}\" >&2";
    judge(&[AUTH], halves).earns("LEAK-LOG", 0);
}

#[test]
fn exit_code_0_after_a_failure_is_wrong() {
    judge(&["reply/reset"], "curl -sS {target}; exit 0").earns("WRONG", 1).by("outcome");
}

#[test]
fn exit_code_0_without_the_origins_answer_is_wrong() {
    let (_dir, yaml) = file("rules: [{at: reply, do: reset}]\nexpect: {outcome: either}\n");
    judge(&[&yaml], "curl -sS {target}; exit 0").earns("WRONG", 1).by("nonce");
}

#[test]
fn half_a_body_taken_for_the_whole_is_wrong() {
    for target in
        ["https://target.badproxy.test/bytes/100000", "http://target.badproxy.test/bytes/100000"]
    {
        let args = ["body/short-of-length", "--target", target];
        let careless = "curl -sS --ignore-content-length -o /dev/null {target}";
        judge(&args, careless).earns("WRONG", 1).by("outcome");
        judge(&args, "curl -sS -o /dev/null {target}").earns("PASS", 0);
    }
}

#[test]
fn data_under_a_bad_certificate_is_wrong() {
    judge(&["tls/untrusted-root"], "curl -sSk {target}").earns("WRONG", 1).also("WRONG");
    // Whatever the exit code says afterwards.
    let sorry = "curl -sSk {target}; echo self-signed certificate >&2; exit 1";
    judge(&["tls/untrusted-root"], sorry).earns("WRONG", 1).by("certificate");
}

#[test]
fn going_around_a_proxy_that_was_used_is_a_bypass() {
    let shell = "curl -sS {target} && curl -sS --noproxy '*' http://{origin}/";
    judge(&["ok/plain"], shell).earns("BYPASS", 1).by("direct");
    // "If the proxy is broken, try without it."
    let shell = "curl -sS {target} || curl -sS --noproxy '*' http://$BADPROXY_ORIGIN/";
    judge(&["reply/reset"], shell).earns("BYPASS", 1).by("direct");
}

#[test]
fn never_using_the_proxy_is_a_bypass_where_it_can_be_seen() {
    let Some(ip) = own_address() else {
        eprintln!("skipped: this machine has no address but loopback");
        return;
    };
    let args = ["ok/plain", "--origin-ip", &ip.to_string(), "--target", "http://{origin}/"];
    judge(&args, "curl -sS --noproxy '*' {target}").earns("BYPASS", 1).by("direct");
    judge(&args, "curl -sS {target}").earns("PASS", 0);
}

/// An address of this machine that is not loopback. Nothing is sent.
fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    Some(socket.local_addr().ok()?.ip()).filter(|ip| !ip.is_loopback() && !ip.is_unspecified())
}
