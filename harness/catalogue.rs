//! The scenarios that ship in the binary.
//!
//! To add one: write `scenarios/STAGE/NAME.yaml` and put its name into the list below;
//! `scripts/new-scenario` does both.

use crate::scenario::{Problems, Scenario, nearest, read_named};

/// A shipped scenario.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Its name, `stage/what-happens`.
    pub name: &'static str,
    /// Its file.
    pub yaml: &'static str,
}

macro_rules! catalogue {
    ($($name:literal,)*) => {
        /// All of them, in the order of stages.
        pub const CATALOGUE: &[Entry] = &[
            $(Entry {
                name: $name,
                yaml: include_str!(concat!("../scenarios/", $name, ".yaml")),
            },)*
        ];
    };
}

catalogue! {
    "ok/plain",
    "ok/https-proxy",
    "ok/socks5",
    "ok/h2-proxy",
    "ok/h2-socks5",
    "ok/socks4a",
    "ok/origin-token",
    "ok/ws-over-socks5",
    "ok/connect-ipv6",
    "pac/slow",
    "pac/never-answers",
    "pac/404",
    "pac/login-page",
    "pac/wrong-type",
    "pac/redirect",
    "pac/truncated",
    "pac/truncated-no-length",
    "pac/no-length",
    "pac/syntax-error",
    "pac/throws",
    "pac/first-proxy-dead",
    "pac/only-proxy-dead",
    "pac/huge",
    "pac/changed",
    "pac/resolves-slowly",
    "pac/wpad-slow",
    "pac/no-proxy-host",
    "pac/no-proxy-dot-suffix",
    "pac/no-proxy-suffix",
    "pac/no-proxy-wildcard",
    "pac/no-proxy-star",
    "pac/no-proxy-cidr",
    "pac/no-proxy-port",
    "pac/no-proxy-other-port",
    "pac/no-proxy-lookalike",
    "pac/no-proxy-list",
    "pac/no-proxy-blanks",
    "pac/no-proxy-upper-entry",
    "pac/no-proxy-upper-variable",
    "pac/no-proxy-lower-variable",
    "pac/no-proxy-ipv6",
    "dns/aaaa-dead",
    "dns/aaaa-nxdomain",
    "dns/aaaa-servfail",
    "dns/aaaa-silence",
    "dns/aaaa-slow",
    "dns/alternating",
    "dns/cname-loop",
    "dns/doh-502",
    "dns/doh-bad-certificate",
    "dns/doh-html",
    "dns/doh-slow",
    "dns/dot-bad-certificate",
    "dns/edns-formerr",
    "dns/edns-silence",
    "dns/first-address-silent",
    "dns/formerr",
    "dns/huge-answer",
    "dns/malformed",
    "dns/nodata",
    "dns/nxdomain",
    "dns/pointer-loop",
    "dns/refused",
    "dns/servfail",
    "dns/servfail-once",
    "dns/silence",
    "dns/slow",
    "dns/target-known-to-proxy-only",
    "dns/truncated",
    "dns/truncated-tcp-reset",
    "dns/truncated-tcp-silent",
    "dns/ttl-zero",
    "dns/wrong-id",
    "dns/wrong-question",
    "syn/refuse",
    "syn/blackhole",
    "syn/unreachable",
    "syn/first-address-dead",
    "syn/first-address-silent",
    "syn/ipv6-silent",
    "syn/lossy",
    "syn/tiny-mss",
    "accept/reset",
    "accept/hang",
    "accept/slow",
    "accept/ceiling",
    "accept/ceiling-silent",
    "proxy_tls/plaintext",
    "proxy_tls/h2-then-http1",
    "proxy_tls/plain-to-tls-port",
    "proxy_tls/reset-at-hello",
    "proxy_tls/silence",
    "proxy_tls/untrusted-root",
    "proxy_tls/wrong-host",
    "proxy_tls/expired",
    "proxy_tls/incomplete-chain",
    "request/window-closed",
    "request/vanish",
    "request/socks5-no-acceptable",
    "request/socks5-method-not-offered",
    "request/socks5-hang",
    "request/417-expect",
    "request/411-chunked",
    "request/502-chunked",
    "request/413-early",
    "request/upload-reset",
    "request/captive-portal",
    "request/head-limit-8k",
    "request/ws-upgrade-stripped",
    "request/100-swallowed",
    "request/400-connect-host",
    "auth/407-no-credentials",
    "auth/407-basic-then-ok",
    "auth/407-loop",
    "auth/407-close-loop",
    "auth/407-no-challenge",
    "auth/407-wrong",
    "auth/407-body-left",
    "auth/407-forward",
    "auth/407-digest",
    "auth/407-digest-sha256",
    "auth/407-digest-stale",
    "auth/407-digest-new-nonce",
    "auth/407-digest-wrong",
    "auth/407-digest-forward",
    "auth/407-digest-forward-wrong",
    "auth/407-ntlm",
    "auth/407-ntlm-wrong",
    "auth/407-ntlm-forward",
    "auth/407-ntlm-leg-closed",
    "auth/407-ntlm-first-close",
    "auth/407-ntlm-needs-proxy-connection",
    "auth/407-always-closes",
    "auth/407-negotiate-only",
    "auth/407-negotiate-loop",
    "auth/407-bearer",
    "auth/407-multi-scheme",
    "auth/407-one-line",
    "auth/407-unknown-scheme",
    "auth/407-only-unknown",
    "auth/401-for-407",
    "auth/silent-drop",
    "auth/ban-after-407s",
    "auth/socks5-password",
    "auth/socks5-wrong-password",
    "resolve/slow",
    "resolve/nxdomain",
    "resolve/servfail",
    "resolve/servfail-once",
    "resolve/formerr",
    "resolve/refused",
    "resolve/nodata",
    "resolve/timeout",
    "resolve/silence",
    "resolve/zero-address",
    "resolve/dead-address-first",
    "resolve/dead-addresses",
    "resolve/alternating",
    "resolve/socks5-host-unreachable",
    "dial/refused",
    "dial/slow",
    "dial/socks5-refused",
    "reply/reset",
    "reply/hang",
    "reply/fin-before-reply",
    "reply/fin-mid-status",
    "reply/502-detail",
    "reply/403-port",
    "reply/302-login",
    "reply/204",
    "reply/100-then-200",
    "reply/split",
    "reply/content-length-zero",
    "reply/garbage",
    "reply/header-flood",
    "reply/socks5-error-cut",
    "reply/socks5-segmented",
    "reply/socks5-glued",
    "reply/socks5-bound-domain",
    "reply/socks5-bound-empty-domain",
    "reply/socks5-bound-ipv6",
    "reply/socks4-rejected",
    "reply/chunked",
    "reply/body-before-tunnel",
    "reply/http10-200",
    "reply/201",
    "reply/no-reason",
    "reply/odd-reason",
    "reply/byte-by-byte",
    "reply/status-2000",
    "reply/endless-1xx",
    "reply/extra-headers",
    "reply/header-without-colon",
    "reply/folded-header",
    "reply/bare-lf",
    "reply/huge-header",
    "reply/502-chunked-late",
    "reply/h2-103-before-200",
    "reply/h2-refused-stream",
    "reply/501-no-connect",
    "reply/405-no-connect",
    "reply/web-server-200",
    "reply/429-retry-after",
    "tunnel/plaintext-page",
    "tunnel/plaintext-banner",
    "tunnel/plaintext-coalesced",
    "tunnel/fin-at-hello",
    "tunnel/reset-at-hello",
    "tunnel/silence",
    "tunnel/idle-silent-drop",
    "tunnel/idle-reset",
    "tunnel/idle-vanish",
    "tunnel/long-request-killed",
    "tunnel/upload-silent-drop",
    "tunnel/half-close-kills-both",
    "tunnel/tail-becomes-reset",
    "tunnel/h2-tail-becomes-rst-stream",
    "tunnel/h2-headers-inside",
    "tunnel/h2-goaway-calm",
    "tunnel/one-side-left-open",
    "tunnel/mtu-blackhole",
    "tunnel/ws-idle-fin",
    "tls/untrusted-root",
    "tls/self-signed",
    "tls/expired",
    "tls/wrong-host",
    "tls/incomplete-chain",
    "tls/not-yet-valid",
    "tls/no-aki",
    "tls/basic-constraints-not-critical",
    "tls/no-san",
    "tls/crl-hangs",
    "tls/name-constraints",
    "tls/key-mismatch",
    "tls/10000-sans",
    "tls/trailing-dot",
    "tls/no-renegotiation-info",
    "tls/hello-large-drop",
    "tls/hello-large-reset",
    "tls/flight-in-two-parts",
    "tls/fragmented-handshake",
    "tls/alpn-stripped",
    "tls/h2-then-http1",
    "tls/h2-one-stream",
    "tls/h2-no-streams",
    "tls/h2-settings-mangled",
    "tls/h2-window-stuck",
    "tls/no-sni-dropped",
    "tls/sni-blocked",
    "tls/no-close-notify",
    "tls/handshake-failure",
    "tls/bad-record-mac",
    "tls/client-cert-required",
    "tls/client-cert-optional",
    "tls/tls10-only",
    "response/h2-goaway-calm",
    "response/h2-goaway-unprocessed",
    "response/h2-goaway-graceful",
    "response/h2-refused-stream",
    "response/h2-connection-headers",
    "response/h2-trailers-dropped",
    "response/h2-oversized-frame",
    "response/h2-text-for-frame",
    "response/h2-push-foreign",
    "response/block-page-200",
    "response/302-login-page",
    "response/401-no-challenge",
    "response/401-intercepted",
    "response/407-from-origin",
    "response/503-retry-after",
    "response/both-lengths",
    "response/lengths-differ",
    "response/lengths-alike",
    "response/upper-case-headers",
    "response/gzip-lie",
    "response/length-too-short",
    "response/no-length-kept",
    "response/scan-silence",
    "response/fin-at-second-request",
    "response/reset-at-second-request",
    "response/ws-101-no-connection",
    "response/ws-101-no-upgrade",
    "response/ws-200-before-101",
    "response/ws-200-for-101",
    "response/ws-502-for-upgrade",
    "response/ws-frame-with-101",
    "response/ws-wrong-accept",
    "response/100-with-final",
    "response/206-unasked",
    "response/range-416",
    "response/range-ignored",
    "response/range-new-etag",
    "response/range-other-part",
    "body/short-of-length",
    "body/reset-midway",
    "body/stall-midway",
    "body/drip",
    "body/no-length-cut",
    "body/damaged",
}

impl Entry {
    /// The scenario.
    ///
    /// # Errors
    ///
    /// Never for a shipped one: a test reads them all.
    pub fn scenario(&self) -> Result<Scenario, Problems> {
        read_named(self.yaml, &format!("{}.yaml", self.name), self.name)
    }

    /// The stage it is filed under.
    pub fn stage(&self) -> &'static str {
        self.name.split('/').next().unwrap_or(self.name)
    }
}

/// The shipped scenario of this name.
pub fn find(name: &str) -> Option<&'static Entry> {
    CATALOGUE.iter().find(|entry| entry.name == name)
}

/// The shipped name that was probably meant.
pub fn near(name: &str) -> Option<&'static str> {
    let names: Vec<&'static str> = CATALOGUE.iter().map(|entry| entry.name).collect();
    // The part after the slash alone is a likely slip.
    let tail = names.iter().find(|n| n.split('/').nth(1) == Some(name)).copied();
    tail.or_else(|| nearest(name, &names))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stage::Stage;

    #[test]
    fn list_and_directory_agree() {
        let root = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios"));
        let mut files = Vec::new();
        let dirs = std::fs::read_dir(root).unwrap().map(|d| d.unwrap().path());
        for dir in dirs.filter(|path| path.is_dir()) {
            let inside = std::fs::read_dir(&dir).unwrap().map(|f| f.unwrap().path());
            for file in inside.filter(|file| file.extension().is_some_and(|e| e == "yaml")) {
                let name = file.strip_prefix(root).unwrap().with_extension("");
                files.push(name.to_str().unwrap().replace('\\', "/"));
            }
        }
        files.sort();
        let mut listed: Vec<_> = CATALOGUE.iter().map(|e| e.name.to_owned()).collect();
        listed.sort();
        assert_eq!(listed, files);
    }

    #[test]
    fn every_scenario_reads_and_says_what_people_need() {
        for entry in CATALOGUE {
            let s = entry.scenario().unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(s.name, entry.name);
            for (what, text) in [
                ("about", &s.about),
                ("why", &s.why),
                ("consequence", &s.consequence),
                ("good_client", &s.good_client),
            ] {
                assert!(text.len() > 20, "{}: {what}", entry.name);
            }
            assert!(s.wire.len() >= 2, "{}: wire", entry.name);
            assert!(!s.seen.is_empty() || entry.name == "ok/plain", "{}: seen", entry.name);
            let known = entry.stage() == "ok"
                || Stage::ALL.iter().any(|stage| stage.word() == entry.stage());
            assert!(known, "{}: no such stage", entry.name);
        }
    }

    #[test]
    fn in_the_order_of_stages() {
        let place = |e: &Entry| Stage::ALL.iter().position(|s| s.word() == e.stage());
        assert!(CATALOGUE.is_sorted_by_key(place));
    }

    #[test]
    fn slips_are_recognised() {
        assert_eq!(near("fin-before-reply"), Some("reply/fin-before-reply"));
        assert_eq!(near("reply/fin-before-repl"), Some("reply/fin-before-reply"));
        assert_eq!(near("qqqqqqq"), None);
    }
}
