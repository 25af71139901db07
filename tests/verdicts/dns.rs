//! Verdicts about names: LOCAL-DNS, and clients that a name server keeps from coming. The clients
//! ask over HTTPS, which curl can do without the sandbox.

use crate::judge;

/// `no_proxy`: curl would ask the name server through the proxy.
const GOOD: &str = "no_proxy=127.0.0.1 curl -sS --doh-url {doh} {target}";

#[test]
fn looking_the_target_up_is_local_dns() {
    let scenario = "dns/target-known-to-proxy-only";
    let bad = format!("no_proxy='*' curl -s --doh-url {{doh}} {{target}}; {GOOD}");
    let judged = judge(&[scenario], &bad).earns("LOCAL-DNS", 0).by("target");
    assert_eq!(judged.findings()[0]["measured"].as_str().unwrap().matches("(2 times)").count(), 1);
    judge(&[scenario, "--strict"], &bad).earns("LOCAL-DNS", 1);
    judge(&[scenario, "--strict"], GOOD).earns("PASS", 0);
}

/// Where the client may look the target up itself, it is no finding that it does.
#[test]
fn where_it_may_it_is_not() {
    let (_dir, path) = crate::play::file("client: {proxy_host: name}\ndns: {others: origin}\n");
    let ask = "no_proxy='*' curl -sk --max-time 1 --doh-url {doh} https://target.badproxy.test:1/";
    judge(&[&path, "--strict"], &format!("{ask}; {GOOD}")).earns("PASS", 0);
}

/// A client that refuses the name server's certificate asks nothing and dials nobody, and has met
/// the rule all the same; one that asks under it has told a stranger. curl says that it could not
/// resolve a name, which is not the reason.
#[test]
fn a_certificate_of_the_name_server_is_checked() {
    judge(&["dns/doh-bad-certificate"], GOOD).earns("VAGUE", 0);
    let says = format!("{GOOD} || {{ echo 'certificate has expired' >&2; exit 6; }}");
    judge(&["dns/doh-bad-certificate"], &says).earns("PASS", 0);
    let bad = format!("{GOOD} --doh-insecure");
    judge(&["dns/doh-bad-certificate"], &bad).earns("WRONG", 1);
}

/// Outside the sandbox a client may know nothing of the name server.
#[test]
fn a_client_that_asks_nobody_is_told_of_the_sandbox() {
    let judged = judge(&["dns/nxdomain"], "true").earns("NOT-EXERCISED", 1).by("attempts");
    assert!(judged.findings()[0]["limit"].as_str().unwrap().contains("run --isolate"));
}
