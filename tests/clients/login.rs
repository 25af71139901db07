//! Logins at the proxy, right and wrong, by clients that know more than Basic.

use crate::{run, says, there};

#[test]
fn curl_proxy_digest() {
    says(
        "curl-digest",
        &[
            ("auth/407-digest", "✔ PASS   works", "PASS"),
            ("auth/407-digest-sha256", "✔ PASS   works", "PASS"),
            ("auth/407-digest-forward", "✔ PASS   works", "PASS"),
            ("auth/407-digest-stale", "✔ PASS   recovers", "PASS"),
            ("auth/407-digest-new-nonce", "407", "PASS"),
            ("auth/407-digest-wrong", "CONNECT tunnel failed, response 407", "PASS"),
            // Without --fail, curl takes any status for success.
            ("auth/407-digest-forward-wrong", "exit code 0", "WRONG"),
            ("auth/407-multi-scheme", "✔ PASS   recovers", "PASS"),
            ("auth/407-one-line", "✔ PASS   works", "PASS"),
        ],
    );
}

#[test]
fn curl_proxy_ntlm() {
    says(
        "curl-ntlm",
        &[
            ("auth/407-ntlm", "✔ PASS   works", "PASS"),
            ("auth/407-ntlm-forward", "✔ PASS   works", "PASS"),
            ("auth/407-ntlm-first-close", "✔ PASS   recovers", "PASS"),
            ("auth/407-ntlm-needs-proxy-connection", "✔ PASS   recovers", "PASS"),
            ("auth/407-ntlm-leg-closed", "407", "PASS"),
            ("auth/407-ntlm-wrong", "CONNECT tunnel failed, response 407", "PASS"),
            ("auth/407-always-closes", "407", "PASS"),
        ],
    );
}

#[test]
fn curl_proxy_anyauth() {
    says(
        "curl-anyauth",
        &[
            ("auth/407-digest", "✔ PASS   works", "PASS"),
            ("auth/407-ntlm", "✔ PASS   works", "PASS"),
            ("auth/407-basic-then-ok", "✔ PASS   works", "PASS"),
            ("auth/407-body-left", "✔ PASS   recovers", "PASS"),
            ("auth/407-forward", "✔ PASS   works", "PASS"),
            ("auth/407-unknown-scheme", "✔ PASS   works", "PASS"),
            ("auth/407-negotiate-only", "407", "PASS"),
            ("auth/407-only-unknown", "407", "PASS"),
            ("auth/407-wrong", "407", "PASS"),
            ("auth/ban-after-407s", "407", "PASS"),
        ],
    );
}

/// What the proxy has checked is what the client has hashed: the third leg of NTLM and the answer
/// to Digest are right with the right password alone.
#[test]
fn curl_is_found_right_and_wrong() {
    for (name, scenario, leg, found) in [
        ("curl-digest", "auth/407-digest", "credentials", "right"),
        ("curl-digest", "auth/407-digest-wrong", "credentials", "wrong"),
        ("curl-ntlm", "auth/407-ntlm", "type 3", "right"),
        ("curl-ntlm", "auth/407-ntlm-wrong", "type 3", "wrong"),
    ] {
        let Some(client) = there(name) else { return };
        let ran = run(&client, scenario, "5s");
        let legs: Vec<_> = ran.events.iter().filter(|e| e["name"] == "auth:leg").collect();
        let last = &legs.last().unwrap()["data"];
        assert_eq!((&last["leg"], &last["credentials"]), (&leg.into(), &found.into()), "{last}");
    }
}

/// Python's own library: Digest for requests that the proxy forwards, none for CONNECT. With a
/// wrong password it tries seven times, and then speaks of a 401 that nobody has sent. Of a CONNECT's
/// Digest it has proven nothing.
#[test]
fn python_urllib() {
    says(
        "urllib",
        &[
            ("auth/407-digest-forward", "✔ PASS   works", "PASS"),
            ("auth/407-digest-forward-wrong", "HTTP Error 401: digest auth failed", "STORM"),
            ("auth/407-digest", "407 Proxy Authentication Required", "FAILED"),
            ("auth/407-digest-wrong", "407 Proxy Authentication Required", "INCONCLUSIVE"),
        ],
    );
}

#[test]
fn python_requests_toolbelt() {
    says(
        "toolbelt",
        &[
            ("auth/407-digest-forward", "✔ PASS   works", "PASS"),
            ("auth/407-digest-forward-wrong", "HTTP status 407", "PASS"),
            ("auth/407-digest", "407 Proxy Authentication Required", "FAILED"),
        ],
    );
}

/// HttpURLConnection knows all three, and does not count: a wrong password is proven 19 times by
/// either.
#[test]
fn java_http_url_connection() {
    says(
        "java-url",
        &[
            ("auth/407-basic-then-ok", "✔ PASS   works", "PASS"),
            ("auth/407-digest", "✔ PASS   works", "PASS"),
            ("auth/407-digest-forward", "✔ PASS   works", "PASS"),
            ("auth/407-digest-stale", "✔ PASS   recovers", "PASS"),
            ("auth/407-digest-wrong", "HTTP status 407", "STORM"),
            ("auth/407-ntlm", "✔ PASS   works", "PASS"),
            ("auth/407-ntlm-forward", "✔ PASS   works", "PASS"),
            ("auth/407-ntlm-first-close", "✔ PASS   recovers", "PASS"),
            ("auth/407-ntlm-wrong", "HTTP status 407", "STORM"),
            ("auth/407-one-line", "✔ PASS   works", "PASS"),
            ("auth/407-multi-scheme", "✔ PASS   recovers", "PASS"),
        ],
    );
}

/// HttpClient knows Basic alone.
#[test]
fn java_http_client_knows_basic_alone() {
    says(
        "java",
        &[
            ("auth/407-digest", "HTTP status 407", "FAILED"),
            ("auth/407-ntlm", "HTTP status 407", "PASS"),
            ("auth/407-multi-scheme", "✔ PASS   recovers", "PASS"),
            ("auth/407-wrong", "too many authentication attempts", "STORM"),
            ("auth/ban-after-407s", "Connection reset", "STORM"),
        ],
    );
}
