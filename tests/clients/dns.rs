//! Real clients and a name server that is broken: their own resolvers, in the sandbox.

use super::isolate::verdicts;
use super::{run_with, says, there};

#[test]
fn no_such_name() {
    verdicts("dns/nxdomain", ["PASS"; 7]);
    verdicts("dns/cname-loop", ["PASS"; 7]);
}

#[test]
fn asked_again_it_is_there() {
    verdicts("dns/servfail-once", ["PASS"; 7]);
}

#[test]
fn over_tcp_it_is_there() {
    verdicts("dns/truncated", ["PASS"; 7]);
    verdicts("dns/huge-answer", ["PASS"; 7]);
}

/// glibc has no timeout for an answer over TCP. curl gives its resolver up, Go has one of its own;
/// whoever else asks glibc waits on, whatever timeout it was given.
#[test]
fn over_tcp_nobody_answers() {
    let mut wanted = ["HANG"; 7];
    wanted[..2].copy_from_slice(&["PASS", "PASS"]);
    verdicts("dns/truncated-tcp-silent", wanted);
}

/// Only Go sends EDNS, and it does not ask without.
#[test]
fn a_server_that_does_not_know_edns() {
    let mut wanted = ["INCONCLUSIVE"; 7];
    wanted[1] = "PASS";
    verdicts("dns/edns-formerr", wanted);
}

/// The target's name is for the proxy to look up, and none of them asks for it.
#[test]
fn only_the_proxy_knows_the_target() {
    verdicts("dns/target-known-to-proxy-only", ["PASS"; 7]);
}

/// Go asks the C library where it is told to; that one sends no EDNS and has other words.
#[test]
fn both_resolvers_of_go() {
    let mut wrong = Vec::new();
    for (name, scenario, words, verdict) in [
        ("go", "dns/nxdomain", "proxy.badproxy.test on 127.0.0.1:53: no such host", "PASS"),
        ("go-cgo", "dns/nxdomain", "lookup proxy.badproxy.test: no such host", "PASS"),
        ("go-cgo", "dns/servfail-once", "✔ PASS", "PASS"),
        ("go-cgo", "dns/truncated", "✔ PASS", "PASS"),
        ("go-cgo", "dns/edns-formerr", "no rule was met", "INCONCLUSIVE"),
        ("go-cgo", "dns/truncated-tcp-unanswered", "Client.Timeout exceeded", "PASS"),
        ("go", "dns/truncated-tcp-unanswered", "Client.Timeout exceeded", "PASS"),
        ("go", "dns/truncated-tcp-refused", "connection refused", "PASS"),
    ] {
        let Some(client) = there(name) else { return };
        let ran = run_with(&client, scenario, "5s", &["--isolate"]);
        let slow = verdict == "PASS" && ran.verdict == "SLOW";
        if !ran.said.contains(words) || (ran.verdict != verdict && !slow) {
            wrong.push(format!("{name} · {scenario}: {}\n{}", ran.verdict, ran.said));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// DNS over TLS and over HTTPS, by clients that were told so: no sandbox is needed.
#[test]
fn over_tls_and_over_https() {
    says(
        "go-dot",
        &[
            ("dns/ttl-zero", "✔ PASS", "PASS"),
            ("dns/servfail-once", "✔ PASS", "PASS"),
            ("dns/nxdomain", "no such host", "PASS"),
            ("dns/dot-bad-certificate", "certificate signed by unknown authority", "PASS"),
        ],
    );
    says(
        "curl-doh",
        &[
            ("dns/ttl-zero", "✔ PASS", "PASS"),
            ("dns/nxdomain", "resolve host name", "PASS"),
            ("dns/doh-502", "resolve host name", "PASS"),
            ("dns/doh-html", "resolve host name", "PASS"),
            ("dns/doh-slow", "Resolving timed out", "PASS"),
            // The certificate is the reason, and it says nothing of it.
            ("dns/doh-bad-certificate", "resolve host name", "VAGUE"),
        ],
    );
}
