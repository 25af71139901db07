//! UNSUPPORTED and INCONCLUSIVE: what says nothing about the client.

use crate::judge;
use crate::play::file;

#[test]
fn exit_code_77_is_unsupported() {
    judge(&["ok/plain"], "exit 77").earns("UNSUPPORTED", 5).by("exit");
    judge(&["reply/reset"], "curl -sS {target}; exit 77").earns("UNSUPPORTED", 5);
    // A code of curl's own: no green run comes of it.
    judge(&["ok/plain"], "curl -sS --cacert /nonexistent.pem {target}").earns("UNSUPPORTED", 5);
    judge(&["reply/reset", "--pass-exit"], "exit 77").earns("UNSUPPORTED", 77);
}

#[test]
fn a_rule_that_was_never_met_is_inconclusive() {
    let (_dir, yaml) = file("rules: [{when: {attempt: 5}, at: reply, do: reset}]\n");
    let judged = judge(&[&yaml], "curl -sS {target}").earns("INCONCLUSIVE", 5).by("never-met");
    let why = judged.findings()[0]["measured"].as_str().unwrap();
    assert!(why.contains("attempt 5"), "{why}");
    // The fifth attempt meets it.
    let five = "for n in 1 2 3 4 5; do curl -sS {target} || exit; done";
    judge(&[&yaml], five).earns("PASS", 0);
}

#[test]
fn a_stage_that_the_client_does_not_reach_is_inconclusive() {
    // No tunnel, so no stage `tunnel`.
    let args = ["tunnel/silence", "--target", "http://target.badproxy.test/"];
    judge(&args, "curl -sS {target}").earns("INCONCLUSIVE", 5).by("never-met");
}

#[test]
fn a_port_that_refuses_shows_only_in_what_the_client_says() {
    judge(&["syn/refuse"], "curl -sS {target}").earns("PASS", 0);
    judge(&["syn/refuse"], "curl -s {target}").earns("INCONCLUSIVE", 5).by("never-met");
}

/// SYNs that nobody answers are seen where they wait: one that says so and has sent none has met nothing.
#[test]
#[cfg(target_os = "linux")]
fn who_has_sent_no_syn_has_met_no_blackhole() {
    let judged = judge(&["syn/blackhole"], "echo timed out; exit 1");
    let judged = judged.earns("INCONCLUSIVE", 5).by("never-met");
    let why = judged.findings()[0]["measured"].as_str().unwrap();
    assert!(why.contains("no SYN was seen"), "{why}");
    let dials = |family: &str, place: &str| {
        format!(
            "python3 -c 'import os, socket, urllib.parse
port = urllib.parse.urlsplit(os.environ[\"BADPROXY_PROXY\"]).port
s = socket.socket(socket.{family})
s.settimeout(1)
s.connect((\"{place}\", port))'"
        )
    };
    // A socket of IPv6 dials IPv4 as well.
    for (family, place) in [("AF_INET", "127.0.0.1"), ("AF_INET6", "::ffff:127.0.0.1")] {
        judge(&["syn/blackhole"], &dials(family, place)).earns("PASS", 0);
    }
}

/// This program does not do half of what it cannot do: no verdict, exit code 3.
#[test]
fn what_needs_more_than_there_is_is_not_run() {
    let (_dir, yaml) = file("requires: 2\n");
    let play = crate::badproxy(["run", &yaml, "--", "curl", "{target}"]).play().ends(3);
    assert!(play.stderr.contains("needs root (`requires: 2`)"), "{}", play.stderr);
    assert!(play.stdout.is_empty());
}
