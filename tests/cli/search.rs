//! `list --search`: what clients print leads to the scenarios that make them print it.

use badproxy::scenario::Scenario;
use serde_json::Value;

use crate::{CURL, badproxy, run_command};

/// The scenarios that are found, each with what it was found by.
fn found(text: &str) -> Vec<(String, Value)> {
    let played = badproxy(["list", "--format", "json", "--search", text]).play().ends(0);
    let rows: Value = serde_json::from_str(played.out()).unwrap();
    let row = |row: &Value| (row["name"].as_str().unwrap().to_owned(), row["found"].clone());
    rows.as_array().unwrap().iter().map(row).collect()
}

/// What a new user pasted in vain, and where it has to lead.
#[test]
fn what_people_paste_leads_where_it_should() {
    for (text, first, too) in [
        ("Recv failure: Connection reset by peer", "reply/reset", "body/reset-midway"),
        ("Tunnel connection failed: 407", "auth/407-no-credentials", "auth/407-wrong"),
        ("RemoteDisconnected", "reply/fin-before-reply", "tunnel/long-request-killed"),
        ("IncompleteRead", "body/short-of-length", "body/reset-midway"),
        ("Max retries exceeded", "syn/refuse", "reply/502-detail"),
        ("http: server gave HTTP response to HTTPS client", "tunnel/plaintext-page", ""),
        ("http2: server sent GOAWAY", "response/h2-goaway-calm", ""),
        ("context deadline exceeded", "reply/hang", "body/stall-midway"),
        ("UND_ERR_SOCKET", "body/short-of-length", "tunnel/long-request-killed"),
        ("ERR_TUNNEL_CONNECTION_FAILED", "reply/502-detail", "reply/403-port"),
        ("ERR_PROXY_CONNECTION_FAILED", "syn/refuse", "dns/nxdomain"),
        ("ERR_EMPTY_RESPONSE", "reply/fin-before-reply", ""),
        ("ERR_CERT_AUTHORITY_INVALID", "tls/untrusted-root", "tls/self-signed"),
        ("ERR_HTTP2_PROTOCOL_ERROR", "response/h2-text-for-frame", "tls/h2-then-http1"),
        ("ERR_CONTENT_DECODING_FAILED", "response/gzip-lie", ""),
        ("Operation timed out", "reply/hang", "body/stall-midway"),
        ("websocket: bad handshake", "response/ws-101-no-upgrade", "response/ws-502-for-upgrade"),
        ("socket hang up", "reply/fin-before-reply", "tunnel/long-request-killed"),
        ("transfer closed with", "body/short-of-length", ""),
        ("Unable to tunnel through proxy", "reply/502-detail", "reply/403-port"),
        ("unexpected EOF", "reply/fin-before-reply", "body/short-of-length"),
    ] {
        let found = found(text);
        assert_eq!(found[0].0, first, "{text}");
        assert_eq!(found[0].1["by"], "symptom", "{text}");
        assert!(too.is_empty() || found.iter().any(|(name, _)| name == too), "{text}: {too}");
    }
    // A colon at the end, no quotes around them, and words that stand nowhere together.
    let colon = found("failed:");
    assert_eq!(colon, found("failed"));
    let bare = badproxy(["list", "--search", "socket", "hang", "up"]).play().ends(0);
    let quoted = badproxy(["list", "--search", "socket hang up"]).play().ends(0);
    assert_eq!(bare.out(), quoted.out());
}

#[test]
fn the_list_says_by_what_it_has_found_them() {
    let played = badproxy(["list", "--search", "curl: (18) transfer closed with"]).play().ends(0);
    let says = "curl says \"transfer closed with ... bytes remaining to read\" behind:\n  body/short-of-length ";
    assert!(played.out().starts_with(says), "{}", played.out());
    let both = badproxy(["list", "--search", "socket hang up"]).play().ends(0);
    let (by_text, by_words) =
        both.out().split_once("\n\nby the words, wherever they stand:\n").unwrap();
    assert!(by_text.starts_with("Node.js says \"socket hang up\" behind:\n"), "{by_text}");
    assert!(by_words.starts_with("  request/socks5-hang "), "{by_words}");
    // A stage narrows it, and a page keeps the order of stages.
    let tls = badproxy(["list", "--stage", "tls", "--search", "Connection reset by peer"]).play();
    assert!(tls.ends(0).out().lines().skip(1).all(|row| !row.starts_with("  reply/")));
    let page = badproxy(["list", "--format", "md", "--search", "unexpected EOF"]).play().ends(0);
    let at = |name: &str| page.out().find(&format!("\n### {name}\n")).unwrap();
    assert!(at("reply/fin-before-reply") < at("body/short-of-length"));
    // Where nothing is looked for, nothing was found by anything.
    let all = badproxy(["list", "--format", "json", "--stage", "ok"]).play().ends(0);
    assert!(!all.out().contains("\"found\""));
}

/// curl is played, and what it prints is looked up again.
#[test]
fn what_curl_prints_leads_back_to_the_scenario() {
    for name in [
        "reply/reset",
        "reply/fin-before-reply",
        "body/short-of-length",
        "tls/expired",
        "syn/refuse",
    ] {
        let scenario: Scenario = badproxy::catalogue::find(name).unwrap().scenario().unwrap();
        let played = run_command(&format!("--quiet {name}"), CURL);
        let line = played.stderr.lines().find(|line| line.contains("curl: ("));
        let line = line.unwrap_or_else(|| panic!("{name}: {}", played.stderr));
        let found = found(&line[line.find("curl: (").unwrap()..]);
        let place = found.iter().position(|(found, _)| *found == scenario.name);
        assert!(place.is_some_and(|place| place < 3), "{line}: {name} is {place:?} of {found:?}");
        assert_eq!(found[place.unwrap()].1["by"], "symptom", "{line}");
    }
}
