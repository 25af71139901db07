//! Real clients and a name server that is broken: their own resolvers, in the sandbox.

use super::isolate::verdicts;

#[test]
fn no_such_name() {
    verdicts("dns/nxdomain", ["PASS"; 7]);
    verdicts("dns/cname-loop", ["PASS"; 7]);
}

#[test]
fn asked_again_it_is_there() {
    verdicts("dns/servfail-once", ["PASS"; 7]);
}

#[test]
fn over_tcp_it_is_there() {
    verdicts("dns/truncated", ["PASS"; 7]);
    verdicts("dns/huge-answer", ["PASS"; 7]);
}

/// glibc has no timeout for an answer over TCP. curl gives its resolver up, Go has one of its own;
/// whoever else asks glibc waits on, whatever timeout it was given.
#[test]
fn over_tcp_nobody_answers() {
    let mut wanted = ["HANG"; 7];
    wanted[..2].copy_from_slice(&["PASS", "PASS"]);
    verdicts("dns/truncated-tcp-silent", wanted);
}

/// Only Go sends EDNS, and it does not ask without.
#[test]
fn a_server_that_does_not_know_edns() {
    let mut wanted = ["INCONCLUSIVE"; 7];
    wanted[1] = "PASS";
    verdicts("dns/edns-formerr", wanted);
}

/// The target's name is for the proxy to look up, and none of them asks for it.
#[test]
fn only_the_proxy_knows_the_target() {
    verdicts("dns/target-known-to-proxy-only", ["PASS"; 7]);
}
