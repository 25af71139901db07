//! What is fetched, and who answers.

use crate::{CURL, run_command};

#[test]
fn the_target_can_be_another() {
    let target = "--target http://target.badproxy.test/bytes/5";
    assert_eq!(run_command(&format!("ok/plain {target}"), CURL).ends(0).stdout.len(), 5);
    let played = run_command("ok/plain --target http://{origin}/", CURL).ends(0);
    assert_eq!(played.stdout.len(), 17);
    let command = ["sh", "-c", "echo {target} {origin}"];
    let played = run_command("ok/plain --target http://{origin}/x", &command).ends(1);
    let (target, origin) = played.out().trim().split_once(' ').unwrap();
    assert_eq!(target, format!("http://{origin}/x"));
}

/// The built-in origin answers for the names that it was told, with certificates for them.
#[test]
fn names_can_be_added() {
    let options = "ok/plain --name *.corp --target https://deep.down.corp/";
    run_command(options, CURL).ends(0);
    run_command("ok/plain --name wiki --target https://wiki/", CURL).ends(0);
}

/// Nothing is forwarded that nobody asked to forward: the proxy answers 502 and says why.
#[test]
fn other_targets_are_not_connected_to() {
    let played = run_command("ok/plain --target http://elsewhere.example/", CURL).ends(1);
    assert!(played.out().contains("could not reach elsewhere.example"), "{}", played.out());
    assert!(played.stderr.contains("elsewhere.example: not served here"), "{}", played.stderr);
    // Who has forgotten {target} is told of it, and of no certificate.
    let forgotten = run_command("ok/plain", &["curl", "-sS", "https://elsewhere.example/"]).ends(1);
    assert!(forgotten.stderr.contains("`--name elsewhere.example`"), "{}", forgotten.stderr);
    assert!(!forgotten.stderr.contains("--cacert"), "{}", forgotten.stderr);
}

/// Every time of the scenario, not those of the harness.
#[test]
fn times_can_be_scaled() {
    // 8 s, without that.
    run_command("resolve/slow --scale 0.001 --timeout 2s", CURL).ends(0);
}
