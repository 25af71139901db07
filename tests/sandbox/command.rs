//! The command inside is started, watched and ended as it is outside.

use std::process::Command;

use crate::play::badproxy;
use crate::{allowed, callers, events, gone, isolated, mark, named, verdict};

/// As whoever calls, without a privilege, and nobody else than that inside.
#[test]
fn a_client_works_inside_as_its_caller() {
    if !allowed() {
        return;
    }
    // Where anybody may read it.
    let dir = tempfile::Builder::new().prefix("badproxy-").tempdir_in("/tmp").unwrap();
    let program = dir.path().join("badproxy");
    std::fs::copy(env!("CARGO_BIN_EXE_badproxy"), &program).unwrap();
    assert!(Command::new("chmod").arg("755").arg(dir.path()).status().unwrap().success());
    for caller in callers() {
        let line = "id -u; grep CapEff /proc/self/status; cat /etc/resolv.conf; curl -sS {target}";
        let words = caller.iter().copied().chain([
            program.to_str().unwrap(),
            "run",
            "ok/plain",
            "--isolate",
            "--",
            "sh",
            "-c",
            line,
        ]);
        let words: Vec<&str> = words.collect();
        let out = Command::new(words[0]).args(&words[1..]).current_dir("/").output().unwrap();
        let (text, said) =
            (String::from_utf8(out.stdout).unwrap(), String::from_utf8_lossy(&out.stderr));
        assert!(out.status.success(), "{caller:?}: {text}{said}");
        assert!(text.contains("nameserver 127.0.0.1\n"), "{text}");
        if !caller.is_empty() {
            assert!(text.starts_with("65534\nCapEff:\t0000000000000000\n"), "{text}");
        }
    }
}

#[test]
fn exit_codes_are_its_own() {
    if !allowed() {
        return;
    }
    for (shell, code) in [("exit 7", 7), ("kill -SEGV $$", 139), ("exit 0", 0)] {
        isolated("ok/plain --pass-exit", shell).play().ends(code);
    }
    let (events, _) = events("ok/plain", "curl -sS {target}; kill -SEGV $$");
    assert_eq!(verdict(&events), "CRASH");
}

#[test]
fn its_streams_are_its_own() {
    if !allowed() {
        return;
    }
    let played = isolated("ok/plain --quiet", "cat; echo said >&2").input(b"given\0").play();
    assert_eq!(played.stdout, b"given\0");
    assert!(played.stderr.contains("said\n"), "{}", played.stderr);
}

#[test]
fn what_cannot_be_started_is_said_as_outside() {
    if !allowed() {
        return;
    }
    for program in ["/nowhere/nothing", "/etc/passwd", "nothing-of-this-name", "/etc"] {
        let run = |options: &[&str]| {
            let words = ["run", "ok/plain"].into_iter().chain(options.iter().copied());
            badproxy(words.chain(["--", program])).play().ends(2).stderr
        };
        let last = |text: String| text.lines().last().unwrap_or_default().to_owned();
        assert_eq!(last(run(&["--isolate"])), last(run(&[])));
    }
}

/// `setsid` leaves the process group, which is how a daemon gets away outside.
#[test]
fn what_becomes_a_daemon_is_gone() {
    if !allowed() {
        return;
    }
    let daemon = "setsid sh -c 'setsid sleep 1000 & exec sleep 1000' >/dev/null 2>&1 & \
                  curl -sS {target}";
    let (events, played) = events("ok/plain", daemon);
    assert_eq!(verdict(&events), "PASS", "{}", played.stderr);
    assert_eq!(named(&events, "proc:leftover").len(), 1);
}

#[test]
fn a_client_that_hangs_is_ended() {
    if !allowed() {
        return;
    }
    let stubborn = "trap '' TERM INT HUP; curl -sS {target}; setsid sleep 1000 & sleep 1000";
    let (events, _) = events("ok/plain --timeout 500ms", stubborn);
    assert_eq!(verdict(&events), "HANG");
}

/// A container may cover parts of `/proc`, and then there can be no second one.
#[test]
fn without_a_process_namespace_nothing_survives_either() {
    if !allowed() {
        return;
    }
    let daemon = "setsid sh -c 'setsid sleep 1000 & exec sleep 1000' >/dev/null 2>&1 & \
                  test $(readlink /proc/self | wc -c) -gt 1 && curl -sS {target}";
    for (options, shell, verdict, code) in [
        ("--quiet", daemon.to_owned(), "PASS", 0),
        ("--timeout=500ms", format!("trap '' TERM; {daemon}; sleep 1000"), "HANG", 1),
    ] {
        let mark = mark();
        let again = ["unshare", "--user", "--map-root-user", "--mount"];
        let cover = "mount -t tmpfs none /proc/irq && exec \"$@\"";
        let out = Command::new(again[0])
            .args(&again[1..])
            .args(["sh", "-c", cover, "sh"])
            .args(again)
            .arg(env!("CARGO_BIN_EXE_badproxy"))
            .args(["run", "ok/plain", "--isolate", options, "--", "bash", "-c", &shell])
            .env("MARK", &mark)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(code), "{said}");
        assert!(said.contains(verdict), "{said}");
        gone(&mark);
    }
}

/// However the run ends: also when nobody is left to clean up.
#[test]
fn a_signal_ends_all_of_it() {
    if !allowed() {
        return;
    }
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let dir = tempfile::tempdir().unwrap();
        let ready = dir.path().join("ready");
        assert!(Command::new("mkfifo").arg(&ready).status().unwrap().success());
        let line = "setsid sleep 1000 & echo >$READY; exec sleep 1000";
        let mark = mark();
        let play = isolated("ok/plain", line).env("READY", ready.to_str().unwrap());
        let play = play.env("MARK", &mark);
        let played = play.play_with(|pid| {
            drop(std::fs::read(&ready).unwrap());
            let kill = format!("kill -{signal} {pid}");
            assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        });
        assert!(played.ends(code).stderr.contains("interrupted"));
        gone(&mark);
    }
}

#[test]
fn nobody_survives_the_death_of_badproxy() {
    if !allowed() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let ready = dir.path().join("ready");
    assert!(Command::new("mkfifo").arg(&ready).status().unwrap().success());
    let mark = mark();
    let line = "setsid sleep 1000 & echo >$READY; exec sleep 1000";
    let mut child = Command::new(env!("CARGO_BIN_EXE_badproxy"))
        .args(["run", "ok/plain", "--isolate", "--", "bash", "-c", line])
        .env("READY", &ready)
        .env("TMPDIR", dir.path())
        .env("MARK", &mark)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    drop(std::fs::read(&ready).unwrap());
    child.kill().unwrap();
    child.wait().unwrap();
    gone(&mark);
}
