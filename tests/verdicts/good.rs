//! A good client, curl with a timeout, earns none of the words.

use crate::play::badproxy;
use crate::{Judged, judge_command};

#[track_caller]
fn passes(scenario: &str, more: &[&str]) {
    let client = ["curl", "-sS", "-m", "{timeout}", "{target}"];
    judge_command(&[&[scenario], more].concat(), &client).earns("PASS", 0);
}

#[test]
fn where_nothing_is_wrong() {
    for scenario in
        ["ok/plain", "auth/407-basic-then-ok", "reply/split", "reply/content-length-zero"]
    {
        passes(scenario, &[]);
    }
    passes("ok/plain", &["--target", "http://target.badproxy.test/"]);
}

/// Settings that would send it around the proxy, or have it trust somebody else, do not reach it.
#[test]
fn whatever_the_caller_has_set() {
    let words = "run ok/plain --format jsonl -- curl -sS {target}".split(' ');
    let mut play = badproxy(words);
    for name in ["NO_PROXY", "no_proxy"] {
        play = play.env(name, "*");
    }
    for name in ["https_proxy", "HTTPS_PROXY", "ALL_PROXY"] {
        play = play.env(name, "http://127.0.0.1:9");
    }
    play = play.env("CURL_CA_BUNDLE", "/nonexistent");
    Judged::new(play.play()).earns("PASS", 0);
}

#[test]
fn where_it_is_cut_off() {
    for scenario in
        ["reply/reset", "reply/fin-before-reply", "tunnel/fin-at-hello", "tunnel/reset-at-hello"]
    {
        passes(scenario, &[]);
    }
}

#[test]
fn where_it_is_refused() {
    for scenario in ["auth/407-no-credentials", "reply/403-port", "dial/refused"] {
        passes(scenario, &[]);
    }
}

#[test]
fn where_nobody_answers() {
    for scenario in ["reply/hang", "tunnel/silence"] {
        passes(scenario, &["--timeout", "1s"]);
    }
}

#[test]
fn where_a_stranger_answers() {
    for scenario in ["tls/expired", "tls/untrusted-root", "tls/self-signed", "tls/wrong-host"] {
        passes(scenario, &[]);
    }
}

#[test]
fn where_the_body_breaks_off() {
    let client = ["curl", "-sS", "-m", "{timeout}", "-o", "/dev/null", "{target}"];
    for scenario in ["body/short-of-length", "body/reset-midway"] {
        judge_command(&[scenario], &client).earns("PASS", 0);
    }
    judge_command(&["body/stall-midway", "--timeout", "1s"], &client).earns("PASS", 0);
}
