//! Chromium, headless: what a browser makes of a broken proxy. It says so by the code of its error page,
//! and what it did is in badproxy's events. Its own trust, no check switched off.

use serde_json::Value;

use super::{Client, Ran, run_with, there};

/// What it shows of the page, or the code of its error page, and the verdict.
const TABLE: &[(&str, &str, &str)] = &[
    ("ok/plain", "✔ PASS", "PASS"),
    ("ok/https-proxy", "✔ PASS", "PASS"),
    ("ok/socks5", "✔ PASS", "PASS"),
    // A refused SYN is no event, and the code does not say `refused`.
    ("syn/refuse", "ERR_PROXY_CONNECTION_FAILED", "INCONCLUSIVE"),
    ("proxy_tls/expired", "ERR_PROXY_CERTIFICATE_INVALID", "VAGUE"),
    ("proxy_tls/wrong-host", "ERR_PROXY_CERTIFICATE_INVALID", "VAGUE"),
    ("proxy_tls/untrusted-root", "ERR_PROXY_CERTIFICATE_INVALID", "VAGUE"),
    ("auth/407-no-credentials", "ERR_INVALID_AUTH_CREDENTIALS", "VAGUE"),
    ("auth/407-no-challenge", "ERR_PROXY_AUTH_UNSUPPORTED", "VAGUE"),
    ("reply/fin-before-reply", "ERR_EMPTY_RESPONSE", "VAGUE"),
    ("reply/fin-mid-status", "ERR_RESPONSE_HEADERS_TRUNCATED", "VAGUE"),
    // It follows no Location to a CONNECT, and shows none of the proxy's pages.
    ("reply/302-login", "ERR_TUNNEL_CONNECTION_FAILED", "VAGUE"),
    ("reply/502-detail", "ERR_TUNNEL_CONNECTION_FAILED", "VAGUE"),
    // Any other 2xx than 200 opens no tunnel for it.
    ("reply/204", "ERR_TUNNEL_CONNECTION_FAILED", "FAILED"),
    ("tunnel/plaintext-banner", "ERR_SSL_PROTOCOL_ERROR", "VAGUE"),
    ("tunnel/reset-at-hello", "ERR_CONNECTION_RESET", "PASS"),
    ("tls/untrusted-root", "ERR_CERT_AUTHORITY_INVALID", "VAGUE"),
    ("tls/expired", "ERR_CERT_DATE_INVALID", "VAGUE"),
    ("tls/no-san", "ERR_CERT_COMMON_NAME_INVALID", "PASS"),
];

/// The same with a PAC file. A file that is none sends it around the proxy: there it looks the name up,
/// which it is told to find nowhere.
const PAC: &[(&str, &str, &str)] = &[
    ("pac/first-proxy-dead", "✔ PASS", "PASS"),
    ("pac/only-proxy-dead", "ERR_PROXY_CONNECTION_FAILED", "VAGUE"),
    ("pac/syntax-error", "ERR_NAME_NOT_RESOLVED", "VAGUE"),
    ("pac/404", "ERR_NAME_NOT_RESOLVED", "VAGUE"),
];

/// The same where it looks for the file itself, and where what it finds is none: then it goes to the
/// target.
const WPAD: &[(&str, &str, &str)] =
    &[("pac/wpad", "✔ PASS", "PASS"), ("pac/wpad-login-page", "around the proxy", "PASS")];

#[test]
fn chromium() {
    plays(TABLE, &[]);
}

#[test]
fn chromium_and_a_pac_file() {
    plays(PAC, &[]);
}

#[test]
fn chromium_finds_its_proxy() {
    plays(WPAD, &["--isolate"]);
}

fn plays(table: &[(&str, &str, &str)], options: &[&str]) {
    let Some(client) = there("chromium") else { return };
    let mut wrong = Vec::new();
    for (scenario, words, verdict) in table {
        let ran = browse(&client, scenario, options);
        // A browser on a busy machine may be slow as well.
        let slow = ["PASS", "VAGUE"].contains(verdict) && ran.verdict == "SLOW";
        if !ran.said.contains(words) || (ran.verdict != *verdict && !slow) {
            let (got, said) = (ran.verdict, ran.said);
            wrong.push(format!("{scenario}: {got}, {verdict} and {words:?} wanted\n{said}"));
        }
        // What it asks for by itself would be attempts, and might decide.
        let others = ran.events.iter().filter(|e| e["name"] == "connect:request");
        let others: Vec<&Value> = others.map(|e| &e["data"]["target"]).collect();
        if others.iter().any(|t| !t.as_str().unwrap().contains("target.badproxy.test")) {
            wrong.push(format!("{scenario}: {others:?} asked for"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Plays a scenario, again where badproxy itself was too late to tell. No process of the browser's is
/// left: each of them has the directory of its profile among its words.
fn browse(client: &Client, scenario: &str, options: &[&str]) -> Ran {
    let mut left = 3;
    loop {
        let dir = tempfile::tempdir().unwrap();
        let profile = dir.path().display().to_string();
        let mut command = client.command.clone();
        command.insert(command.len() - 1, profile.clone());
        let ran = run_with(&Client { command, needs: Vec::new() }, scenario, "30s", options);
        assert_eq!(processes(&profile), [""; 0], "{scenario}");
        left -= 1;
        let late = |e: &Value| e["name"] == "verdict:finding" && e["data"]["rule"] == "lag";
        if left == 0 || !ran.events.iter().any(late) {
            return ran;
        }
    }
}

/// The command lines that have this word in them.
fn processes(word: &str) -> Vec<String> {
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let read = all.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    read.map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| line.contains(word))
        .collect()
}
