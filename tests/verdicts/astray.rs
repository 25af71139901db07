//! The token in clear or to another host, and answers in clear where the target's URL says TLS.

use crate::play::file;
use crate::{judge, judge_command};

/// A client of a line of Python: `tunnel(host)` opens one, with TLS inside; `clear(url, line)` asks the
/// proxy in absolute form.
fn python(rest: &str) -> String {
    format!(
        "python3 -c 'import os, socket, ssl, urllib.parse
e = os.environ
proxy = urllib.parse.urlsplit(e[\"BADPROXY_PROXY\"])
token = \"Authorization: Bearer \" + e[\"BADPROXY_TOKEN\"] + \"\\r\\n\"
context = ssl.create_default_context(cafile=e[\"BADPROXY_CACERT\"])
def connect(host):
    s = socket.create_connection((proxy.hostname, proxy.port))
    s.sendall((\"CONNECT %s:443 HTTP/1.1\\r\\nHost: %s:443\\r\\n\\r\\n\" % (host, host)).encode())
    f = s.makefile(\"rb\", 0)
    while f.readline().strip(): pass
    return s
def tunnel(host):
    return context.wrap_socket(connect(host), server_hostname=host)
def get(s, place, host, line):
    s.sendall((\"GET %s HTTP/1.1\\r\\nHost: %s\\r\\nConnection: close\\r\\n%s\\r\\n\" % (place, host, line)).encode())
    return s.makefile(\"rb\").read()
def clear(host, line):
    s = socket.create_connection((proxy.hostname, proxy.port))
    return get(s, \"http://%s/\" % host, host, line)
me, other = \"target.badproxy.test\", \"other.badproxy.test\"
{rest}'"
    )
}

#[test]
fn the_origins_token_in_clear_or_to_another_host_is_a_leak() {
    let well = "get(tunnel(me), \"/\", me, token)";
    judge(&["ok/origin-token"], &python(well)).earns("PASS", 0);
    for (first, place) in [
        ("clear(me, token)", "request outside TLS with the origin (1 time)"),
        ("get(connect(me), \"/\", me, token)", "request outside TLS with the origin (1 time)"),
        ("clear(other, token)", "request for another host (1 time)"),
        ("get(tunnel(other), \"/\", other, token)", "request for another host (1 time)"),
    ] {
        let client = python(&format!("{first}\n{well}"));
        let judged = judge(&["ok/origin-token"], &client).earns("LEAK", 1).by("secret");
        let measured = judged.findings()[0]["measured"].as_str().unwrap();
        assert!(measured.contains(place), "{measured}");
    }
    // A target in clear is asked in clear.
    let target = ["ok/origin-token", "--target", "http://target.badproxy.test/"];
    judge(&target, &python("clear(me, token)")).earns("PASS", 0);
    judge(&target, &python("clear(other, token)\nclear(me, token)")).earns("LEAK", 1);
}

/// TLS has failed, so it tries without, and gives up then: too late.
#[test]
fn the_origins_token_after_tls_has_failed_is_a_leak() {
    let client = |line: &str| {
        python(&format!(
            "try: tunnel(me)
except Exception as error: print(error)
clear(me, {line})
exit(1)"
        ))
    };
    for scenario in ["tls/expired", "tls/untrusted-root", "reply/501-no-connect"] {
        judge(&[scenario], &client("token")).earns("LEAK", 1).by("secret");
    }
    assert_ne!(judge(&["tls/expired"], &client("\"\"")).word(), "LEAK");
}

#[test]
fn an_answer_in_clear_is_wrong_where_the_url_says_tls() {
    for client in ["clear(me, \"\")", "get(connect(me), \"/\", me, \"\")"] {
        let judged = judge(&["ok/plain"], &python(client)).earns("WRONG", 1).by("nonce");
        let measured = judged.findings()[0]["measured"].as_str().unwrap();
        assert!(measured.contains("in clear alone"), "{measured}");
        let target = ["ok/plain", "--target", "http://target.badproxy.test/"];
        judge(&target, &python(client)).earns("PASS", 0);
    }
    let falls_back = "try: tunnel(me)
except Exception: pass
clear(me, \"\")";
    judge(&["tls/no-san"], &python(falls_back)).earns("WRONG", 1).by("nonce");
}

/// What the origin answers is its answer, whatever the status; what it sends the client on to is no retry.
#[test]
fn statuses_and_redirects_of_the_origin() {
    let target = |place: &str| format!("https://target.badproxy.test/{place}");
    for place in ["status/404", "status/503", "redirect/1"] {
        let args = ["ok/plain", "--target", &target(place)];
        judge_command(&args, &["curl", "-sS", "{target}"]).earns("PASS", 0);
    }
    let follow = ["curl", "-sSL", "{target}"];
    for (place, word, code) in [("redirect/9", "PASS", 0), ("redirect/1", "PASS", 0)] {
        judge_command(&["ok/plain", "--target", &target(place)], &follow).earns(word, code);
    }
    // A test suite that fetches six pages; and six attempts that get none.
    judge(&["ok/plain"], "for n in 1 2 3 4 5 6; do curl -sS {target}; done").earns("PASS", 0);
    let none = "for n in 1 2 3 4 5 6; do curl -sS https://elsewhere.example/; done";
    judge(&["ok/plain"], none).earns("STORM", 1);
    // From https to http, because the origin says so.
    let place = target("redirect?to=http://target.badproxy.test/");
    judge_command(&["ok/plain", "--target", &place], &follow).earns("PASS", 0);
    // A page of the proxy's is none of the origin's.
    let (_dir, yaml) =
        file("rules: [{at: response, do: {respond: {status: 404}}}]\nexpect: {outcome: either}\n");
    judge(&[&yaml], "curl -sS {target}").earns("WRONG", 1).by("nonce");
}
