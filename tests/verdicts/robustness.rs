//! NOT-EXERCISED, STORM, HANG, CRASH, FAILED.

use crate::play::file;
use crate::{judge, judge_command};

#[test]
fn never_coming_is_not_exercised() {
    judge(&["ok/plain"], "exit 0").earns("NOT-EXERCISED", 1).also("WRONG");
    judge(&["reply/reset"], "echo reset; exit 1").earns("NOT-EXERCISED", 1);
    judge(&["reply/reset"], "curl -sS --noproxy '*' http://{origin}/").earns("NOT-EXERCISED", 1);
}

/// curl tries every URL of the range, each on a connection of its own: thousands a second.
#[test]
fn reconnecting_for_ever_is_a_storm() {
    let client = ["curl", "-s", "https://target.badproxy.test/[1-1000000]"];
    let args = ["reply/fin-before-reply", "--timeout", "500ms"];
    let judged = judge_command(&args, &client).earns("STORM", 1).by("attempts").also("HANG");
    assert_eq!(judged.exited()["killed_by_us"], true);
    judge(&["reply/fin-before-reply"], "curl -sS {target}").earns("PASS", 0);
}

#[test]
fn a_storm_meets_the_ceiling() {
    let (_dir, yaml) = file(
        "rules: [{at: reply, do: close}]\n\
         expect: {outcome: failure, attempts: {max: 5}}\n\
         limits: {connections: 40}\n",
    );
    let judged = judge(&[&yaml], "curl -s 'https://target.badproxy.test/[1-60]'").earns("STORM", 1);
    assert_eq!(judged.all("tcp:accepted").len(), 40);
    assert_eq!(judged.all("limit:reached")[0]["limit"], "connections");
}

#[test]
fn coming_back_before_retry_after_is_a_storm() {
    judge(&["response/503-retry-after"], "curl -sS {target}; curl -sS {target}")
        .earns("STORM", 1)
        .by("gap");
    // curl waits as it is told.
    judge(&["response/503-retry-after"], "curl -sS --retry 1 {target}").earns("PASS", 0);
}

#[test]
fn running_when_the_time_is_up_is_a_hang() {
    let shell = "curl -sS {target}; exec sleep 100";
    let judged =
        judge(&["reply/reset", "--timeout", "500ms"], shell).earns("HANG", 1).by("running");
    assert_eq!(judged.exited()["killed_by_us"], true);
    assert_eq!(judged.exited()["signal"], 15);
}

/// Neither its shell nor what that has started listens to SIGTERM.
#[test]
fn who_ignores_sigterm_is_made_to_end() {
    let shell =
        "trap '' TERM; exec 3<&0; sleep 100 & curl -sS {target}; while :; do sleep 100; done";
    let judged =
        judge(&["reply/reset", "--timeout", "500ms"], shell).earns("HANG", 1).by("running");
    assert_eq!(judged.exited()["signal"], 9);
}

#[test]
fn a_deadline_without_a_timeout_is_none_of_the_clients() {
    let judged =
        judge(&["ok/plain", "--no-timeout"], "curl -sS {target}; echo [$BADPROXY_TIMEOUT]");
    let judged = judged.earns("PASS", 0);
    assert!(judged.played.stderr.contains("[]"), "{}", judged.played.stderr);
    assert_eq!(judged.events[0]["limits"]["hang_ms"], 30_000);
}

#[test]
fn dying_is_a_crash() {
    for death in ["kill -ABRT $$", "kill -SEGV $$", "kill -KILL $$", "exit 134"] {
        let shell = format!("ulimit -c 0; curl -sS {{target}}; {death}");
        judge(&["reply/reset"], &shell).earns("CRASH", 1).by("signal");
    }
}

#[test]
fn failing_where_success_is_to_be_had() {
    judge(&["ok/plain"], "curl -sS {target}; exit 3").earns("FAILED", 1).by("outcome");
    // A client that does not trust the CA.
    let args = ["ok/plain", "--no-trust"];
    judge_command(&args, &["curl", "-sS", "{target}"]).earns("FAILED", 1).by("outcome");
}
