//! Clients that evaluate a PAC file: pac-proxy-agent (Node) and PyPAC (Python), in the sandbox, where
//! a connection around the proxy is seen.

use super::{run_with, there};

/// Each scenario: what the client has to say, and its verdict.
fn in_the_sandbox(name: &'static str, table: &[(&str, &str, &str)]) {
    let Some(client) = there(name) else { return };
    let mut wrong = Vec::new();
    for (scenario, words, verdict) in table {
        let ran = run_with(&client, scenario, "5s", &["--isolate"]);
        // A client on a busy machine may be slow as well.
        let slow = *verdict == "PASS" && ran.verdict == "SLOW";
        if !ran.said.contains(words) || (ran.verdict != *verdict && !slow) {
            let (got, said) = (ran.verdict, ran.said);
            wrong.push(format!(
                "{name} · {scenario}: {got}, {verdict} and {words:?} wanted\n{said}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// It never goes around the proxy. Its own fetch of the file knows no timeout.
#[test]
fn pac_proxy_agent() {
    in_the_sandbox(
        "pac-node",
        &[
            ("pac/slow", "PASS", "PASS"),
            ("pac/wrong-type", "PASS", "PASS"),
            ("pac/no-length", "PASS", "PASS"),
            ("pac/redirect", "PASS", "PASS"),
            ("pac/first-proxy-dead", "PASS", "PASS"),
            ("pac/huge", "PASS", "PASS"),
            ("pac/resolves-slowly", "PASS", "PASS"),
            ("pac/never-answers", "still running", "HANG"),
            ("pac/404", "File does not exist at the specified endpoint", "PASS"),
            ("pac/login-page", "Unexpected token <", "PASS"),
            ("pac/truncated", "aborted (ECONNRESET)", "PASS"),
            ("pac/truncated-no-length", "FindProxyForURL is not defined", "PASS"),
            ("pac/syntax-error", "Unexpected end of input", "PASS"),
            ("pac/throws", "corpNetwork is not defined", "PASS"),
            ("pac/only-proxy-dead", "Failed to establish a socket connection to proxies", "PASS"),
            ("pac/changed", "Failed to establish a socket connection to proxies", "PASS"),
        ],
    );
}

/// Without a file that it takes for one it goes around the proxy.
#[test]
fn pypac() {
    in_the_sandbox(
        "pypac",
        &[
            ("pac/slow", "PASS", "PASS"),
            ("pac/no-length", "PASS", "PASS"),
            ("pac/redirect", "PASS", "PASS"),
            ("pac/first-proxy-dead", "PASS", "PASS"),
            ("pac/huge", "PASS", "PASS"),
            // It evaluates the script twice.
            ("pac/resolves-slowly", "7.0 s allowed", "SLOW"),
            ("pac/never-answers", "1 connection around the proxy", "BYPASS"),
            ("pac/404", "1 connection around the proxy", "BYPASS"),
            ("pac/login-page", "1 connection around the proxy", "BYPASS"),
            ("pac/wrong-type", "1 connection around the proxy", "BYPASS"),
            ("pac/truncated", "IncompleteRead", "PASS"),
            ("pac/truncated-no-length", "MalformedPacError", "PASS"),
            ("pac/syntax-error", "MalformedPacError", "PASS"),
            ("pac/throws", "corpNetwork is not defined", "PASS"),
            ("pac/only-proxy-dead", "Unable to connect to proxy", "PASS"),
            ("pac/changed", "Unable to connect to proxy", "PASS"),
        ],
    );
}
