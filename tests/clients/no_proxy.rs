//! NO_PROXY in the forms that clients read differently: which way each of them goes, in the sandbox.

use super::{run_with, there};

const ALL: [&str; 6] = ["curl", "go", "requests", "httpx", "undici", "reqwest"];

/// The way that a run took, as its verdict tells it.
fn way(name: &'static str, scenario: &str) -> Option<(&'static str, String)> {
    let client = there(name)?;
    let ran = run_with(&client, scenario, "5s", &["--isolate"]);
    let of = |event: &str| ran.events.iter().filter(|e| e["name"] == event).count();
    let direct =
        ran.events.iter().any(|e| e["name"] == "tcp:accepted" && e["data"]["side"] == "direct");
    let way = match (of("connect:request") > 0, direct) {
        (true, false) => "proxy",
        (false, true) => "direct",
        (true, true) => "both",
        (false, false) => "none",
    };
    Some((way, format!("{} {}", ran.verdict, ran.said)))
}

/// Which way each of [`ALL`] goes; `d` directly, `p` through the proxy. Clients that are not installed
/// are left out.
const WAYS: [(&str, &str); 15] = [
    ("pac/no-proxy-host", "dddddd"),
    ("pac/no-proxy-dot-suffix", "dddddd"),
    ("pac/no-proxy-suffix", "dddddd"),
    ("pac/no-proxy-wildcard", "pdppdp"),
    ("pac/no-proxy-star", "dddddd"),
    ("pac/no-proxy-cidr", "dddppd"),
    ("pac/no-proxy-port", "pdppdp"),
    ("pac/no-proxy-other-port", "pppppp"),
    ("pac/no-proxy-lookalike", "pppppp"),
    ("pac/no-proxy-list", "dddddd"),
    ("pac/no-proxy-blanks", "dpppdp"),
    ("pac/no-proxy-upper-entry", "dddddd"),
    ("pac/no-proxy-upper-variable", "dddddd"),
    ("pac/no-proxy-lower-variable", "dddddd"),
    ("pac/no-proxy-ipv6", "ddddpd"),
];

#[test]
fn which_way_each_client_goes() {
    let mut wrong = Vec::new();
    for (scenario, ways) in WAYS {
        for (name, wanted) in ALL.into_iter().zip(ways.chars()) {
            let Some((got, said)) = way(name, scenario) else { continue };
            if !got.starts_with(wanted) {
                wrong.push(format!("{name} · {scenario}: {got}, {wanted} wanted\n{said}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
