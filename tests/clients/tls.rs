//! TLS with the proxy and in the tunnel, in the words of real clients.

use crate::{Client, run, says, there};

/// A client with more arguments.
fn with(name: &'static str, more: &[&str]) -> Option<Client> {
    let mut client = there(name)?;
    let at = client.command.len() - 1;
    client.command.splice(at..at, more.iter().map(|arg| (*arg).to_owned()));
    Some(client)
}

/// A scenario of its own for what the catalogue has no entry for.
fn file(dir: &tempfile::TempDir, name: &str, rule: &str) -> String {
    let path = dir.path().join(format!("{name}.yaml"));
    std::fs::write(
        &path,
        format!("rules: [{{at: tls, do: {rule}}}]\nexpect: {{outcome: failure}}\n"),
    )
    .unwrap();
    path.display().to_string()
}

/// A handshake that is cut, or ended by an alert: what each client calls it.
fn cut_and_alert(name: &'static str, cut: &str, reset: &str, alert: &str) {
    let Some(client) = there(name) else { return };
    let dir = tempfile::tempdir().unwrap();
    for (scenario, says) in [
        (file(&dir, "cut", "{tls_record: {cut: 600B}}"), cut),
        (file(&dir, "reset", "{tls_record: {cut: 600B, end: reset}}"), reset),
        (file(&dir, "alert", "{alert: {description: internal_error, after: server_hello}}"), alert),
    ] {
        let ran = run(&client, &scenario, "5s");
        assert!(ran.said.contains(says), "{name}, {scenario}: {says:?} wanted\n{}", ran.said);
        assert_eq!(ran.verdict, "PASS", "{name}, {scenario}\n{}", ran.said);
    }
}

#[test]
fn curl_tls() {
    // The proxy's certificate is checked with a CA of its own.
    if let Some(client) = with("curl", &["--proxy-cacert", "{cacert}"]) {
        let ran = run(&client, "ok/https-proxy", "5s");
        assert_eq!(ran.verdict, "PASS", "{}", ran.said);
        for (scenario, words) in [
            ("proxy_tls/wrong-host", "no alternative certificate subject name matches"),
            ("proxy_tls/expired", "certificate has expired"),
            ("proxy_tls/untrusted-root", "self-signed certificate in certificate chain"),
        ] {
            let ran = run(&client, scenario, "5s");
            assert!(ran.said.contains(words), "{}", ran.said);
            assert_eq!(ran.verdict, "PASS", "{}", ran.said);
        }
    }
    if let Some(client) = with("curl", &["--proxy-cacert", "{cacert}"]) {
        let ran = run(&client, "proxy_tls/client-cert-required", "5s");
        assert!(ran.said.contains("certificate required"), "{}", ran.said);
        assert_eq!(ran.verdict, "PASS", "{}", ran.said);
    }
    says(
        "curl",
        &[
            ("proxy_tls/plain-to-tls-port", "400", "PASS"),
            ("tls/incomplete-chain", "unable to get local issuer certificate", "PASS"),
            ("tls/handshake-failure", "alert handshake failure", "PASS"),
            ("tls/no-renegotiation-info", "unsafe legacy renegotiation disabled", "PASS"),
            ("tls/no-close-notify", "✔ PASS", "PASS"),
            ("tls/client-cert-required", "certificate required", "PASS"),
            ("tls/bad-record-mac", "bad record mac", "PASS"),
        ],
    );
    cut_and_alert("curl", "SSL_ERROR_SYSCALL", "reset by peer", "alert internal error");
}

/// curl has a certificate for the proxy, and another option for the target's.
#[test]
fn curl_with_a_certificate() {
    let dir = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["client.badproxy.test".to_owned()]).unwrap();
    let text = made.cert.pem() + &made.signing_key.serialize_pem();
    let path = dir.path().join("client.pem").display().to_string();
    std::fs::write(&path, text).unwrap();
    let to_proxy = ["--proxy-cacert", "{cacert}", "--proxy-cert", &path];
    for (options, scenario, words) in [
        (&to_proxy[..], "proxy_tls/client-cert-required", "recovers: the origin's answer"),
        (&["--cert", &path], "tls/client-cert-required", "recovers: the origin's answer"),
        (&["--cert", &path], "tls/client-cert-refused", "alert unknown ca"),
        (&["--cert", &path], "tls/client-cert-optional", "the origin's answer"),
    ] {
        let Some(client) = with("curl", options) else { return };
        let ran = run(&client, scenario, "5s");
        assert!(ran.said.contains(words), "{scenario}: {words:?}\n{}", ran.said);
    }
}

#[test]
fn go_tls() {
    says(
        "go",
        &[
            ("ok/https-proxy", "✔ PASS", "PASS"),
            ("proxy_tls/untrusted-root", "x509: certificate signed by unknown authority", "PASS"),
            ("proxy_tls/wrong-host", "x509: cannot validate certificate for 127.0.0.1", "PASS"),
            ("tls/incomplete-chain", "x509: certificate signed by unknown authority", "PASS"),
            ("tls/handshake-failure", "handshake failure", "PASS"),
            ("tls/no-close-notify", "✔ PASS", "PASS"),
        ],
    );
    cut_and_alert("go", "EOF", "connection reset by peer", "internal error");
}

#[test]
fn python_tls() {
    for name in ["requests", "httpx"] {
        says(
            name,
            &[
                ("ok/https-proxy", "✔ PASS", "PASS"),
                ("proxy_tls/untrusted-root", "CERTIFICATE_VERIFY_FAILED", "PASS"),
                ("tls/incomplete-chain", "unable to get local issuer certificate", "PASS"),
                ("tls/no-close-notify", "✔ PASS", "PASS"),
            ],
        );
    }
    cut_and_alert("requests", "EOF", "Connection reset", "INTERNAL_ERROR");
}

#[test]
fn node_tls() {
    says(
        "undici",
        &[
            ("ok/https-proxy", "✔ PASS", "PASS"),
            ("proxy_tls/untrusted-root", "certificate", "PASS"),
            ("tls/incomplete-chain", "unable to verify the first certificate", "PASS"),
            ("tls/no-close-notify", "✔ PASS", "PASS"),
        ],
    );
    cut_and_alert(
        "undici",
        "socket disconnected before secure TLS connection",
        "ECONNRESET",
        "internal error",
    );
}

#[test]
fn java_tls() {
    says(
        "java",
        &[
            ("tls/incomplete-chain", "PKIX path building failed", "PASS"),
            ("tls/handshake-failure", "handshake_failure", "PASS"),
            ("tls/no-close-notify", "✔ PASS", "PASS"),
        ],
    );
    cut_and_alert("java", "Remote host terminated the handshake", "reset", "internal_error");
}
