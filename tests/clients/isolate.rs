//! Real clients in the sandbox: Go with its own resolver, curl, Python, Node, Java, Rust.

use super::{Client, run_with, there};

const ALL: [&str; 7] = ["curl", "go", "requests", "httpx", "undici", "java", "reqwest"];

/// Plays a scenario in the sandbox; the verdict.
fn verdict(client: &Client, scenario: &str, options: &[&str]) -> (String, String) {
    let options: Vec<&str> = options.iter().copied().chain(["--isolate"]).collect();
    let ran = run_with(client, scenario, "5s", &options);
    (ran.verdict, ran.said)
}

/// Each client's verdict, in the order of [`ALL`]; those that are not installed are left out.
pub(super) fn verdicts(scenario: &str, wanted: [&str; 7]) {
    let mut wrong = Vec::new();
    for (name, wanted) in ALL.iter().zip(wanted) {
        let Some(client) = there(name) else { continue };
        let (got, said) = verdict(&client, scenario, &[]);
        // A client on a busy machine may be slow as well.
        if got != wanted && !(wanted == "PASS" && got == "SLOW") {
            wrong.push(format!("{name} · {scenario}: {got}, {wanted} wanted\n{said}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn all_of_them_work_inside() {
    verdicts("ok/plain", ["PASS"; 7]);
}

/// The client with nothing that tells it of the proxy.
fn around(client: Client) -> Client {
    let forget = "unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY \
                  JAVA_TOOL_OPTIONS NODE_USE_ENV_PROXY; NO_PROXY='*' no_proxy='*' exec \"$@\"";
    let shell = ["sh", "-c", forget, "sh"].map(str::to_owned);
    Client { command: shell.into_iter().chain(client.command).collect(), ..client }
}

/// For a name, and for an address that is nobody's here.
#[test]
fn all_of_them_are_caught_around_the_proxy() {
    let mut wrong = Vec::new();
    for name in ALL {
        let Some(client) = there(name).map(around) else { continue };
        for target in ["https://target.badproxy.test/", "https://93.184.216.34/"] {
            let (got, said) = verdict(&client, "ok/plain", &["--target", target]);
            if got != "BYPASS" && got != "WRONG" {
                wrong.push(format!("{name} · {target}: {got}\n{said}"));
            }
            if !said.contains("BYPASS") {
                wrong.push(format!("{name} · {target}: no BYPASS\n{said}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_dead_first_address() {
    let wanted = ["PASS", "PASS", "PASS", "PASS", "PASS", "FAILED", "PASS"];
    verdicts("syn/first-address-dead", wanted);
}

/// Java dials IPv4 first, and meets nothing.
#[test]
fn a_silent_ipv6_address() {
    let wanted = ["PASS", "PASS", "SLOW", "SLOW", "PASS", "INCONCLUSIVE", "PASS"];
    verdicts("syn/ipv6-silent", wanted);
}

#[test]
fn nobody_answers_and_nobody_acknowledges() {
    verdicts("request/vanish", ["PASS"; 7]);
    verdicts("syn/unreachable", ["PASS"; 7]);
}
