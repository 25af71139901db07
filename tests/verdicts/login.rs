//! A client that never speaks the scheme whose failure the scenario is about, and one that does.

use crate::judge;

/// What curl does with this option.
fn curl(option: &str) -> String {
    format!("curl -sS {option} {{target}}")
}

#[test]
fn who_never_begins_the_scheme_is_no_pass() {
    for (scenario, scheme) in [
        ("auth/407-ntlm-wrong", "NTLM"),
        ("auth/407-ntlm-leg-closed", "NTLM"),
        ("auth/407-ntlm-needs-proxy-connection", "NTLM"),
        ("auth/407-digest-wrong", "Digest"),
        ("auth/407-digest-new-nonce", "Digest"),
        ("auth/407-negotiate-loop", "Negotiate"),
    ] {
        // curl sends Basic at once, before anybody has asked for it: that is a note, and no leak.
        let judged = judge(&[scenario], &curl("--proxy-basic")).earns("INCONCLUSIVE", 5);
        let judged = judged.by("never-met");
        let why = judged.findings()[0]["measured"].as_str().unwrap();
        let never = format!("the client never spoke {scheme} (it sent Basic; switch it on: ");
        assert!(why.contains(&never), "{scenario}: {why}");
        assert_eq!(judged.findings().len(), 1, "{scenario}: {:#?}", judged.findings());
    }
}

#[test]
fn who_speaks_it_is_judged() {
    for (scenario, option) in [
        ("auth/407-ntlm-wrong", "--proxy-ntlm"),
        ("auth/407-ntlm-wrong", "--proxy-anyauth"),
        ("auth/407-ntlm-leg-closed", "--proxy-ntlm"),
        ("auth/407-ntlm-needs-proxy-connection", "--proxy-ntlm"),
        ("auth/407-digest-wrong", "--proxy-digest"),
        ("auth/407-digest-new-nonce", "--proxy-anyauth"),
    ] {
        judge(&[scenario], &curl(option)).earns("PASS", 0);
    }
}

/// What these are about is a 407 that the client can do nothing with.
#[test]
fn a_client_that_does_not_know_the_scheme_meets_these() {
    for scenario in [
        "auth/407-negotiate-only",
        "auth/407-only-unknown",
        "auth/407-no-challenge",
        "auth/407-ntlm",
        "auth/407-bearer",
        "auth/407-wrong",
    ] {
        judge(&[scenario], &curl("--proxy-basic")).earns("PASS", 0);
    }
}

/// There the 407 is the riddle: curl's Basic at once is served before it is asked.
#[test]
fn who_never_saw_the_407_is_no_pass() {
    for scenario in ["auth/407-one-line", "auth/407-unknown-scheme", "auth/407-multi-scheme"] {
        let judged = judge(&[scenario], &curl("--proxy-basic")).earns("INCONCLUSIVE", 5);
        let judged = judged.by("never-met");
        let why = judged.findings()[0]["measured"].as_str().unwrap();
        assert!(why.contains("the client sent Basic before it was asked"), "{scenario}: {why}");
        assert!(why.contains("--proxy-anyauth"), "{scenario}: {why}");
    }
    for scenario in ["auth/407-one-line", "auth/407-unknown-scheme"] {
        judge(&[scenario], &curl("--proxy-anyauth")).earns("PASS", 0);
    }
    // Where one scheme is offered, to send it at once is right, and said.
    let judged = judge(&["auth/407-basic-then-ok"], &curl("--proxy-basic")).earns("PASS", 0);
    assert!(judged.ended["notes"].to_string().contains("login: the client sent Basic before it"));
}
