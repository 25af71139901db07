//! Real clients, each in its own words: curl, Go, Python, Node, Java, Rust, Chromium.
//!
//! Not part of `cargo test`: `scripts/clients-install`, then `cargo test --test clients`. A client
//! that is missing is skipped with a word on a desk, and fails the test where CI=true.

#[cfg(target_os = "linux")]
#[path = "clients/chromium.rs"]
mod chromium;
#[cfg(target_os = "linux")]
#[path = "clients/dns.rs"]
mod dns;
#[cfg(unix)]
#[path = "clients/examples.rs"]
mod examples;
#[path = "clients/h2.rs"]
mod h2;
#[path = "clients/hello.rs"]
mod hello;
#[cfg(target_os = "linux")]
#[path = "clients/isolate.rs"]
mod isolate;
#[cfg(target_os = "linux")]
#[path = "clients/lines.rs"]
mod lines;
#[path = "clients/login.rs"]
mod login;
#[cfg(target_os = "linux")]
#[path = "clients/no_proxy.rs"]
mod no_proxy;
#[cfg(target_os = "linux")]
#[path = "clients/pac.rs"]
mod pac;
#[cfg(target_os = "linux")]
#[path = "support/side_by_side.rs"]
mod side_by_side;
#[path = "clients/tls.rs"]
mod tls;

use std::path::PathBuf;
use std::process::{Command, Output};

/// One client: its command line, and what has to be there for it.
struct Client {
    command: Vec<String>,
    needs: Vec<PathBuf>,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn on_path(program: &str) -> PathBuf {
    let dirs = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&dirs).map(|dir| dir.join(program)).find(|p| p.is_file());
    found.unwrap_or_else(|| PathBuf::from(program))
}

fn client(name: &'static str) -> Client {
    let installed = |path: &str| root().join("target/clients").join(path);
    let source = |path: &str| root().join("tests/clients").join(path);
    let (command, needs): (Vec<PathBuf>, Vec<PathBuf>) = match name {
        "curl" => (
            vec![on_path("curl"), "-sS".into(), "--max-time".into(), "{timeout}".into()],
            vec![on_path("curl")],
        ),
        "curl-digest" | "curl-ntlm" | "curl-anyauth" => {
            let scheme = name.replace("curl", "--proxy");
            let rest = ["-sS", scheme.as_str(), "--max-time", "{timeout}"];
            let command = std::iter::once(on_path("curl")).chain(rest.map(PathBuf::from));
            (command.collect(), vec![on_path("curl")])
        }
        "go" => (vec![installed("go/get")], vec![installed("go/get")]),
        "go-dial" => {
            let get = installed("go/get");
            (vec![get.clone(), "-dial-timeout".into(), "500ms".into()], vec![get])
        }
        "go-dot" => {
            let get = installed("go/get");
            (vec![get.clone(), "-dot".into()], vec![get])
        }
        // The C library's resolver in the place of Go's own.
        "go-cgo" => {
            let get = installed("go/get");
            (vec!["env".into(), "GODEBUG=netdns=cgo".into(), get.clone()], vec![get])
        }
        // curl sends its queries through the proxy, where nothing says otherwise.
        "curl-doh" => {
            let rest = ["-sS", "--max-time", "{timeout}", "--doh-url", "{doh}"];
            let head = ["env".into(), "no_proxy=127.0.0.1".into(), on_path("curl")];
            let command = head.into_iter().chain(rest.map(PathBuf::from));
            (command.collect(), vec![on_path("curl")])
        }
        "requests" | "httpx" | "urllib" | "toolbelt" | "pypac" => {
            let python = installed("python/bin/python");
            let program = source(&format!("python/{name}_get.py"));
            (vec![python.clone(), program], vec![python])
        }
        "undici" => {
            let program = installed("node/fetch_undici.mjs");
            (vec![on_path("node"), program.clone()], vec![on_path("node"), program])
        }
        "node-h2" => (vec![on_path("node"), source("node/h2_get.mjs")], vec![on_path("node")]),
        "pac-node" => {
            let program = installed("node/fetch_pac.mjs");
            (vec![on_path("node"), program.clone()], vec![on_path("node"), program])
        }
        "java" => (vec![on_path("java"), source("java/Get.java")], vec![on_path("java")]),
        "java-url" => (vec![on_path("java"), source("java/UrlGet.java")], vec![on_path("java")]),
        "chromium" => (
            vec!["sh".into(), source("chromium/get.sh")],
            vec![on_path("chromium"), on_path("certutil")],
        ),
        "reqwest" => {
            let get = installed("rust/debug/get");
            (vec![get.clone()], vec![get])
        }
        other => panic!("{other}"),
    };
    let mut command: Vec<String> = command.iter().map(|p| p.display().to_string()).collect();
    command.push("{target}".to_owned());
    Client { command, needs }
}

/// The client, when all it needs is there.
fn there(name: &'static str) -> Option<Client> {
    let client = client(name);
    let missing: Vec<&PathBuf> = client.needs.iter().filter(|p| !p.exists()).collect();
    if missing.is_empty() {
        return Some(client);
    }
    let text = format!("{name}: {missing:?} is missing: run scripts/clients-install");
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{text}");
    eprintln!("skipped: {text}");
    None
}

/// What a run gave.
struct Ran {
    output: Output,
    said: String,
    verdict: String,
    events: Vec<serde_json::Value>,
}

fn run(client: &Client, scenario: &str, timeout: &str) -> Ran {
    run_with(client, scenario, timeout, &[])
}

fn run_with(client: &Client, scenario: &str, timeout: &str, options: &[&str]) -> Ran {
    let dir = tempfile::tempdir().unwrap();
    let events = dir.path().join("events.jsonl");
    let output = Command::new(env!("CARGO_BIN_EXE_badproxy"))
        .args(["run", scenario, "--quiet", "--timeout", timeout])
        .args(options)
        .arg("--events")
        .arg(&events)
        .arg("--")
        .args(&client.command)
        .output()
        .unwrap();
    let lines = std::fs::read_to_string(&events).unwrap();
    let events: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let verdict = events
        .iter()
        .rfind(|e| e["name"] == "run:ended")
        .and_then(|e| e["data"]["verdict"].as_str())
        .unwrap_or("none")
        .to_owned();
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ran { output, said, verdict, events }
}

/// Plays each scenario: the client has to say these words, and gets this verdict.
fn says(name: &'static str, table: &[(&str, &str, &str)]) {
    let Some(client) = there(name) else { return };
    let mut wrong = Vec::new();
    for (scenario, words, verdict) in table {
        let ran = run(&client, scenario, "5s");
        if !ran.said.contains(words) || ran.verdict != *verdict {
            wrong.push(format!(
                "{name} · {scenario}: {}, {verdict} and {words:?} wanted\n{}",
                ran.verdict, ran.said
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The seed of this project: the table of symptoms that Go programs show behind bad proxies.
#[test]
fn go_in_its_own_words() {
    says(
        "go",
        &[
            ("ok/plain", "✔ PASS", "PASS"),
            ("auth/407-no-credentials", "Proxy Authentication Required", "PASS"),
            ("auth/407-basic-then-ok", "✔ PASS", "PASS"),
            ("auth/407-loop", "Proxy Authentication Required", "PASS"),
            ("reply/reset", "read: connection reset by peer", "PASS"),
            (
                "tunnel/plaintext-banner",
                "tls: first record does not look like a TLS handshake",
                "PASS",
            ),
            ("tunnel/plaintext-page", "http: server gave HTTP response to HTTPS client", "PASS"),
            ("tls/untrusted-root", "x509: certificate signed by unknown authority", "PASS"),
            ("tls/expired", "x509: certificate has expired or is not yet valid", "PASS"),
            (
                "tls/wrong-host",
                "x509: certificate is valid for somewhere-else.badproxy.test",
                "PASS",
            ),
            ("syn/refuse", "proxyconnect tcp: dial tcp", "PASS"),
            // CONNECT hangs on the proxy's slow name look-up.
            ("resolve/slow", "context deadline exceeded", "PASS"),
        ],
    );
    says("go-dial", &[("syn/blackhole", "i/o timeout", "PASS")]);
    let Some(client) = there("go-dial") else { return };
    let ran = run(&client, "syn/blackhole", "5s");
    assert!(ran.said.contains("proxyconnect tcp: dial tcp 127.0.0.1:"), "{}", ran.said);
}

#[test]
fn curl() {
    says(
        "curl",
        &[
            ("ok/plain", "✔ PASS", "PASS"),
            ("auth/407-no-credentials", "407", "PASS"),
            ("auth/407-basic-then-ok", "✔ PASS", "PASS"),
            ("auth/407-loop", "407", "PASS"),
            ("reply/reset", "Connection reset by peer", "PASS"),
            ("syn/blackhole", "timed out", "PASS"),
            ("tunnel/plaintext-banner", "wrong version number", "PASS"),
            ("tls/untrusted-root", "certificate", "PASS"),
            ("resolve/slow", "timed out", "PASS"),
        ],
    );
}

#[test]
fn python_requests() {
    says(
        "requests",
        &[
            ("ok/plain", "✔ PASS", "PASS"),
            (
                "auth/407-no-credentials",
                "Tunnel connection failed: 407 Proxy Authentication Required",
                "PASS",
            ),
            ("auth/407-basic-then-ok", "✔ PASS", "PASS"),
            ("auth/407-loop", "407", "PASS"),
            ("reply/reset", "Connection reset by peer", "PASS"),
            ("syn/blackhole", "timed out", "PASS"),
            ("tunnel/plaintext-banner", "WRONG_VERSION_NUMBER", "PASS"),
            ("tls/untrusted-root", "CERTIFICATE_VERIFY_FAILED", "PASS"),
            ("resolve/slow", "timed out", "PASS"),
        ],
    );
}

#[test]
fn python_httpx() {
    says(
        "httpx",
        &[
            ("ok/plain", "✔ PASS", "PASS"),
            ("auth/407-no-credentials", "ProxyError: 407 Proxy Authentication Required", "PASS"),
            ("auth/407-basic-then-ok", "✔ PASS", "PASS"),
            ("auth/407-loop", "407", "PASS"),
            ("reply/reset", "Connection reset by peer", "PASS"),
            ("syn/blackhole", "ConnectTimeout", "PASS"),
            ("tunnel/plaintext-banner", "WRONG_VERSION_NUMBER", "PASS"),
            ("tls/untrusted-root", "CERTIFICATE_VERIFY_FAILED", "PASS"),
            ("resolve/slow", "ReadTimeout", "PASS"),
        ],
    );
}

#[test]
fn node_undici() {
    says(
        "undici",
        &[
            ("ok/plain", "✔ PASS", "PASS"),
            ("auth/407-no-credentials", "Proxy response (407) !== 200", "PASS"),
            ("auth/407-basic-then-ok", "✔ PASS", "PASS"),
            ("auth/407-loop", "407", "PASS"),
            ("reply/reset", "ECONNRESET", "PASS"),
            ("syn/blackhole", "timeout", "PASS"),
            ("tunnel/plaintext-banner", "wrong version number", "PASS"),
            ("tls/untrusted-root", "certificate", "PASS"),
            ("resolve/slow", "timeout", "PASS"),
        ],
    );
}

/// nodejs/undici#3897 (FB052): undici 7 reconnects without pause when the proxy closes.
#[test]
fn fb052_undici_7_storms_on_a_fin() {
    says("undici", &[("reply/fin-before-reply", "STORM", "STORM")]);
    let Some(client) = there("undici") else { return };
    let ran = run(&client, "reply/fin-before-reply", "1s");
    let accepted = ran.events.iter().filter(|e| e["name"] == "tcp:accepted").count();
    assert!(accepted > 50, "only {accepted} connections");
    assert_eq!(ran.output.status.code(), Some(1));
}

#[test]
fn java_http_client() {
    says(
        "java",
        &[
            ("ok/plain", "✔ PASS", "PASS"),
            ("auth/407-no-credentials", "407", "PASS"),
            ("auth/407-basic-then-ok", "✔ PASS", "PASS"),
            ("auth/407-loop", "too many authentication attempts", "PASS"),
            ("reply/reset", "Connection reset", "PASS"),
            ("syn/blackhole", "timed out", "PASS"),
            ("tunnel/plaintext-banner", "plaintext connection?", "PASS"),
            ("tls/untrusted-root", "PKIX path building failed", "PASS"),
            ("resolve/slow", "timed out", "PASS"),
        ],
    );
}

#[test]
fn rust_reqwest() {
    says(
        "reqwest",
        &[
            ("ok/plain", "✔ PASS", "PASS"),
            ("auth/407-no-credentials", "proxy authorization required", "PASS"),
            ("auth/407-basic-then-ok", "✔ PASS", "PASS"),
            ("auth/407-loop", "proxy authorization required", "PASS"),
            ("reply/reset", "Connection reset by peer", "PASS"),
            ("syn/blackhole", "timed out", "PASS"),
            ("tunnel/plaintext-banner", "InvalidContentType", "PASS"),
            ("tls/untrusted-root", "UnknownIssuer", "PASS"),
            ("resolve/slow", "timed out", "PASS"),
        ],
    );
}

/// Segments are what the scenario says, as the kernel of a real client counts them.
#[cfg(target_os = "linux")]
#[test]
fn one_segment_a_part() {
    let Some(python) = there("requests") else { return };
    let program = root().join("tests/clients/python/segments.py");
    let client = Client {
        command: vec![python.command[0].clone(), program.display().to_string()],
        needs: Vec::new(),
    };
    for (scenario, segments) in
        [("ok/plain", 1), ("reply/split", 3), ("tunnel/plaintext-coalesced", 1)]
    {
        let ran = run(&client, scenario, "5s");
        let said = String::from_utf8_lossy(&ran.output.stdout).into_owned();
        assert!(said.contains(&format!("segments {segments}\n")), "{scenario}: {}", ran.said);
    }
}
