//! Where there is no sandbox, the text says what is missing and what helps.

use std::process::Command;

use crate::play::file;
use crate::{allowed, badproxy, isolated};

const NONE: &str = "\
badproxy: no sandbox here: this system allows no user namespace (user.max_user_namespaces is 0); \
user failed: No space left on device (os error 28)
  what helps: sudo sysctl -w user.max_user_namespaces=15000
  otherwise: without --isolate, a client can be pointed at the proxy by its own settings, as `run` \
does by environment variables; scenarios with `requires: 1` need the sandbox
";

/// In a user namespace of its own, whose limits can be set to nothing.
#[test]
fn a_system_without_namespaces() {
    if !allowed() {
        return;
    }
    let limits = "echo 0 > /proc/sys/user/max_net_namespaces; \
                  echo 0 > /proc/sys/user/max_user_namespaces; \
                  exec \"$0\" run ok/plain --isolate -- true";
    let out = Command::new("unshare")
        .args(["--user", "--map-root-user", "sh", "-c", limits])
        .arg(env!("CARGO_BIN_EXE_badproxy"))
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&out.stderr), NONE);
    assert_eq!(out.status.code(), Some(3));
}

const WITHOUT: &str = "\
badproxy: mine needs the sandbox, and is not run as something weaker
  what helps: badproxy run --isolate mine -- ...
";

/// Nothing weaker is run.
#[test]
fn a_scenario_that_needs_it_is_not_run_without() {
    let (dir, path) = file("name: mine\nrequires: 1\n");
    let ran = dir.path().join("ran");
    let touch = format!("touch {}", ran.display());
    let played = badproxy(["run", &path, "--", "sh", "-c", &touch]).play().ends(3);
    assert_eq!(played.stderr, WITHOUT.replace("--isolate mine", &format!("--isolate {path}")));
    assert!(!ran.exists());
    if allowed() {
        isolated(&path, "curl -sS {target}").play().ends(0);
    }
}

/// What is served has no command to put into a sandbox.
#[test]
fn such_a_scenario_is_not_served() {
    let played = badproxy(["serve", "syn/ipv6-silent"]).play().ends(3);
    let wanted = "badproxy: syn/ipv6-silent needs the sandbox, which `badproxy run --isolate` has: \
                  it cannot be served\n";
    assert_eq!(played.stderr, wanted);
}

#[test]
fn what_needs_root_is_said() {
    let (_dir, path) = file("name: mine\nrequires: 2\n");
    let played = badproxy(["run", &path, "--isolate", "--", "true"]).play().ends(3);
    assert!(played.stderr.contains("needs root (`requires: 2`)"), "{}", played.stderr);
}
