//! A client that does not speak to the proxy as it is told, on the port that takes both.

use badproxy::catalogue::CATALOGUE;

use crate::{judge, judge_command};

/// Takes the scheme of the proxy's URL for HTTP, whatever it is.
const DEAF: &str =
    "curl -sS -m {timeout} -x \"http://${BADPROXY_PROXY#*://}\" $(echo {target} | sed s/^ws/http/)";

/// Every scenario of SOCKS, those that ask for success and those that ask for failure.
#[test]
fn http_to_a_proxy_of_socks_is_no_pass() {
    let mut played = 0;
    for entry in CATALOGUE {
        let name = entry.name;
        if !entry.scenario().unwrap().proxy_scheme().is_socks() {
            continue;
        }
        played += 1;
        let judged = judge(&[name, "--timeout", "1s"], DEAF).earns("INCONCLUSIVE", 5);
        let found = judged.by("protocol");
        let why = found.findings()[0]["measured"].as_str().unwrap();
        assert!(why.starts_with("the client spoke HTTP to a SOCKS"), "{name}: {why}");
    }
    assert!(played >= 15, "{played}");
}

#[test]
fn who_speaks_socks_is_judged() {
    for name in ["ok/socks5", "auth/socks5-password", "auth/socks5-wrong-password"] {
        judge_command(&[name], &["curl", "-sS", "-x", "{proxy}", "{target}"]).earns("PASS", 0);
    }
    let by_hand = "curl -sS --socks5-hostname \"${BADPROXY_PROXY#*://}\" {target}";
    for name in ["ok/socks5", "reply/socks5-glued", "request/socks5-no-acceptable"] {
        judge(&[name], by_hand).earns("PASS", 0);
    }
}

#[test]
fn socks_to_a_proxy_of_http_is_no_pass() {
    for socks in ["--socks5-hostname", "--socks4a"] {
        let by_hand = format!("curl -sS {socks} \"${{BADPROXY_PROXY#*://}}\" {{target}}");
        let other = if socks == "--socks4a" { "ok/socks5" } else { "ok/socks4a" };
        for name in ["ok/plain", "reply/reset", "auth/407-no-credentials", other] {
            let judged = judge(&[name], &by_hand).earns("INCONCLUSIVE", 5).by("protocol");
            let why = judged.findings()[0]["measured"].as_str().unwrap();
            assert!(why.starts_with("the client spoke SOCKS"), "{name}: {why}");
        }
    }
}
