//! Clients that learn their proxy from the PAC file, and those that do not.

use crate::judge;
use crate::play::file;

/// Takes the first proxy of the script; no more of a script engine is needed here.
const GOOD: &str = r#"script=$(curl -sSfL {pac}) || { echo "no PAC file" >&2; exit 1; }
proxy=$(echo "$script" | sed -n 's/.*return "PROXY \([^;"]*\).*/\1/p')
[ "$proxy" ] || { echo "a PAC file without a proxy" >&2; exit 1; }
curl -sS -x "$proxy" {target}"#;

#[test]
fn a_client_that_asks_is_told_its_proxy() {
    let (_dir, slow) = file("rules: [{at: pac, do: {delay: 100ms}}]\n");
    let slow = slow.as_str();
    for (scenario, attempts) in [(slow, 1), ("pac/redirect", 1), ("pac/huge", 1), ("pac/404", 0)] {
        let judged = judge(&[scenario], GOOD).earns("PASS", 0);
        assert_eq!(judged.all("connect:request").len(), attempts, "{scenario}");
    }
}

#[test]
fn who_never_asks_has_shown_nothing() {
    // The fault is in the script: there is no rule that could be missed.
    let around = judge(&["pac/first-proxy-dead"], "curl -sS -x {proxy} {target}");
    around.earns("INCONCLUSIVE", 5).by("never-met");
    let away = judge(&["pac/first-proxy-dead"], "curl -sS --max-time 5 {target}");
    let first = away.earns("NOT-EXERCISED", 1).findings()[0]["measured"].to_string();
    assert!(first.contains("never fetched the PAC file"), "{first}");
}

/// The file alone says where the proxy is.
#[test]
fn no_proxy_variable_is_set() {
    let env = "test -z \"$http_proxy$HTTPS_PROXY$ALL_PROXY\" && test \"$BADPROXY_PAC\" = {pac}";
    judge(&["pac/wrong-type"], &format!("{env} && {GOOD}")).earns("PASS", 0);
}

#[test]
fn a_client_that_waits_for_ever_hangs() {
    let judged = judge(&["pac/never-answers", "--timeout", "1s"], GOOD).earns("HANG", 1);
    assert_eq!(judged.all("wait:silence").len(), 1);
}
