//! `matrix --isolate`: each command in a sandbox of its own. Where the system forbids them these tests
//! say so and are skipped; with CI=true they fail.

#![cfg(target_os = "linux")]

use std::process::Command;

use crate::sandbox::allowed;
use crate::{GOOD, Matrix, badproxy, matrix};

/// What is not run without it, and what is: side by side.
#[test]
fn curl_in_a_sandbox_for_each_cell() {
    if !allowed() {
        return;
    }
    let names = ["reply/reset", "reply/204", "syn/ipv6-silent", "syn/unreachable", "dns/nxdomain"];
    let asked = names.iter().flat_map(|name| ["--scenario", name]);
    let args: Vec<&str> = asked.chain(["--isolate", "--jobs", "4", "--timeout", "20s"]).collect();
    let matrix = matrix(&args, GOOD).ends(0);
    for (name, word) in &matrix.words() {
        assert_eq!(word, "PASS", "{name}\n{}", matrix.played.out());
    }
    assert_eq!(matrix.words().len(), names.len());
    assert_eq!(matrix.summary["isolate"], true);
    // Whoever goes around the proxy is seen: who does not has passed.
    assert_eq!(matrix.cell("reply/204")["scores"]["safety"], true);
    let again = matrix.cell("dns/nxdomain")["again"].as_str().unwrap();
    assert!(again.contains("badproxy run dns/nxdomain") && again.contains("--isolate"), "{again}");
}

/// Ways around the proxy, a process that leaves, one that does not end, and one that dies.
#[test]
fn bad_clients_in_a_sandbox_for_each_cell() {
    if !allowed() {
        return;
    }
    let shell = "case $BADPROXY_SCENARIO in\n\
                 reply/204) curl -sS {target}; curl -s --noproxy '*' http://192.0.2.1/;;\n\
                 reply/201) setsid sleep 100 & exec curl -sS {target};;\n\
                 reply/hang) trap '' TERM; curl -s {target}; while :; do sleep 100; done;;\n\
                 reply/reset) ulimit -c 0; curl -sS {target}; kill -SEGV $$;;\n\
                 *) exec curl -sS {target};;\nesac";
    let names = ["reply/204", "reply/201", "reply/hang", "reply/reset", "reply/403-port"];
    let asked = names.iter().flat_map(|name| ["--scenario", name]);
    let args: Vec<&str> = asked.chain(["--isolate", "--timeout", "3s"]).collect();
    let matrix = matrix(&args, shell).ends(1);
    let words: Vec<String> = names.iter().map(|n| matrix.cell(n)["verdict"].to_string()).collect();
    assert_eq!(words, ["\"BYPASS\"", "\"PASS\"", "\"HANG\"", "\"CRASH\"", "\"PASS\""]);
    let notes = matrix.cell("reply/201")["notes"].to_string();
    assert!(notes.contains("leftover"), "{notes}");
    let seen = matrix.out.path().join(matrix.cell("reply/204")["dir"].as_str().unwrap());
    let events = std::fs::read_to_string(seen.join("events.jsonl")).unwrap();
    assert!(events.contains("\"side\":\"direct\""), "{events}");
}

/// A command that is not there, in the sandbox.
#[test]
fn a_command_that_cannot_be_started() {
    if !allowed() {
        return;
    }
    let out = tempfile::tempdir().unwrap();
    let path = out.path().to_str().unwrap();
    let args = ["matrix", "--isolate", "--scenario", "reply/204", "--out", path, "--", "/no/such"];
    let played = badproxy(args).play().ends(2);
    assert!(played.stderr.contains("cannot run `/no/such`: no such file"), "{}", played.stderr);
}

/// Where there is none, nobody is judged without it, and it is not the client's fault.
#[test]
fn a_system_without_namespaces() {
    if !allowed() {
        return;
    }
    let out = tempfile::tempdir().unwrap();
    let shell = "echo 0 > /proc/sys/user/max_net_namespaces; \
                 echo 0 > /proc/sys/user/max_user_namespaces; \
                 exec \"$0\" matrix --isolate --scenario reply/204 --out \"$1\" -- true";
    let played = Command::new("unshare")
        .args(["--user", "--map-root-user", "sh", "-c", shell])
        .args([env!("CARGO_BIN_EXE_badproxy"), out.path().to_str().unwrap()])
        .output()
        .unwrap();
    let (stdout, stderr) =
        (String::from_utf8_lossy(&played.stdout), String::from_utf8_lossy(&played.stderr));
    assert_eq!(played.status.code(), Some(3), "{stdout}\n{stderr}");
    assert!(stdout.contains("this system allows no user namespace"), "{stdout}");
    assert!(stderr.contains("badproxy could not do its part"), "{stderr}");
    let text = std::fs::read_to_string(out.path().join("summary.json")).unwrap();
    assert!(text.contains("\"partial\": true"), "{text}");
}

/// Ctrl-C ends what runs inside.
#[test]
fn a_signal_ends_all_of_it() {
    if !allowed() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (out, ready) = (tempfile::tempdir().unwrap(), dir.path().join("ready"));
    assert!(Command::new("mkfifo").arg(&ready).status().unwrap().success());
    let shell = "case $BADPROXY_SCENARIO in control*) exec curl -sS {target};; esac; \
                 setsid sleep 100 & echo >$READY; exec sleep 100";
    let args = ["--scenario", "reply/hang", "--isolate", "--timeout", "60s"];
    let play = crate::play(&args, shell, out.path()).env("READY", ready.to_str().unwrap());
    let played = play.play_with(|pid| {
        std::fs::read(&ready).unwrap();
        let line = format!("kill -INT {pid}");
        assert!(Command::new("sh").args(["-c", &line]).status().unwrap().success());
    });
    let matrix = Matrix::new(played, out).ends(130);
    assert_eq!(matrix.summary["partial"], true);
}
