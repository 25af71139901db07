//! What goes where: the client's output stays its own, the report goes to standard error. And
//! nobody needs to read any of it.

use std::process::{Command, Stdio};

use crate::{CURL, run, run_command};

#[test]
fn the_clients_output_stays_its_own() {
    let played = run_command("ok/plain", CURL).ends(0);
    let nonce = played.out().trim();
    assert_eq!(played.out(), format!("{nonce}\n"));
    assert!(nonce.len() == 16 && nonce.bytes().all(|b| b.is_ascii_alphanumeric()), "{nonce}");
    for part in
        ["badproxy", "ok/plain", "seed", "CONNECT target.badproxy.test:443", "✔ PASS", "again"]
    {
        assert!(played.stderr.contains(part), "no {part:?} in {}", played.stderr);
    }
    let played = run_command("ok/plain", &["sh", "-c", "echo out; echo err >&2"]).ends(1);
    assert_eq!(played.out(), "out\n");
    assert!(played.stderr.contains("\nerr\n"), "{}", played.stderr);
}

#[test]
fn quiet_leaves_the_verdict() {
    let played = run_command("ok/plain --quiet", CURL).ends(0);
    assert!(played.stderr.starts_with("✔ PASS"), "{}", played.stderr);
    assert!(!played.stderr.contains("#1"), "{}", played.stderr);
    assert_eq!(played.out().lines().count(), 1);
}

#[test]
fn pass_exit_gives_the_commands_own_code() {
    run_command("ok/plain --pass-exit", &["sh", "-c", "exit 9"]).ends(9);
    run_command("ok/plain", &["sh", "-c", "exit 9"]).ends(1);
    run_command("reply/reset --pass-exit", CURL).ends(56);
    run_command("reply/reset", CURL).ends(0);
    // As a shell says that a signal did it.
    run_command("ok/plain --pass-exit", &["sh", "-c", "kill -KILL $$"]).ends(137);
}

#[test]
fn strict_turns_warnings_into_failures() {
    let vague = ["curl", "-s", "{target}"];
    run_command("reply/reset", &vague).ends(0);
    run_command("reply/reset --strict", &vague).ends(1);
    run_command("reply/reset --strict", CURL).ends(0);
}

/// The line that repeats a run has all that it depends on, ready for a shell.
#[test]
fn again_repeats_the_run() {
    let options =
        "ok/plain --seed 7 --timeout 2s --scale 0.5 --target http://a.test/?b=1 --name *.corp";
    let played = run_command(options, &["curl", "-sS", "it's", "{target}"]);
    let line = played.stderr.lines().find_map(|l| l.trim().strip_prefix("again")).unwrap();
    assert_eq!(
        line.trim(),
        "badproxy run ok/plain --seed 7 --timeout 2s --scale 0.5 --target 'http://a.test/?b=1' \
         --name '*.corp' -- curl -sS 'it'\\''s' {target}"
    );
    let played = run_command("reply/reset --seed 3 --strict --pass-exit", CURL);
    let line = "badproxy run reply/reset --seed 3 --pass-exit --strict -- curl -sS {target}\n";
    assert!(played.stderr.contains(line), "{}", played.stderr);
    let played = run_command("reply/reset --seed 3", CURL);
    assert!(played.stderr.contains("badproxy run reply/reset --seed 3 -- curl -sS {target}\n"));
}

/// `badproxy list | head -1`.
#[test]
fn a_reader_may_leave_early() {
    for verb in ["list", "schema", "man", "completions bash", "show reply/reset", "run --help"] {
        let line = format!("{} {verb} | head -1", env!("CARGO_BIN_EXE_badproxy"));
        let out = Command::new("sh").args(["-c", &line]).output().unwrap();
        assert!(out.stderr.is_empty(), "{verb}: {}", String::from_utf8_lossy(&out.stderr));
        assert_eq!(out.stdout.iter().filter(|b| **b == b'\n').count(), 1, "{verb}");
    }
}

/// A pipe that nobody reads.
fn closed() -> Stdio {
    let (_, write) = std::io::pipe().unwrap();
    write.into()
}

fn without_reader(words: &str, out: bool, err: bool) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_badproxy"));
    command.args(words.split_whitespace()).env("HOME", "/nonexistent").stdin(Stdio::null());
    command.stdout(if out { closed() } else { Stdio::piped() });
    command.stderr(if err { closed() } else { Stdio::piped() });
    let played = command.spawn().unwrap().wait_with_output().unwrap();
    (played.status.code(), String::from_utf8_lossy(&played.stderr).into_owned())
}

#[test]
fn nobody_needs_to_read_it() {
    for verb in [
        "list",
        "list --format json",
        "schema",
        "man",
        "completions zsh",
        "show ok/plain",
        "--help",
    ] {
        assert_eq!(without_reader(verb, true, false), (Some(0), String::new()), "{verb}");
    }
    for (words, code) in [
        ("walk", 2),
        ("", 2),
        ("run nothing -- true", 2),
        ("list --stage x", 2),
        ("check nothing", 2),
        ("run ok/plain -- /no/such/command", 2),
        ("run ok/plain -- curl -sS {target}", 0),
        ("run reply/reset --strict -- curl -s {target}", 1),
        ("run ok/plain --format jsonl -- true", 1),
    ] {
        assert_eq!(without_reader(words, true, true).0, Some(code), "{words}");
    }
    // The verdict does not hang on a reader of the events.
    let (code, text) = without_reader("run ok/plain --format jsonl -- true", true, false);
    assert_eq!((code, text.as_str()), (Some(1), ""));
}

/// What is lost is said, and is no success.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_3_and_says_what_could_not_be_written() {
    let full = |words: &[&str]| {
        let played = crate::badproxy(words.iter().copied()).after("exec >/dev/full").play();
        let told = "badproxy: cannot write to standard output: No space left on device";
        assert!(played.stderr.contains(told), "{words:?}: {}", played.stderr);
        played.ends(3)
    };
    full(&["run", "ok/plain", "--format", "jsonl", "--", "curl", "-sS", "{target}"]);
    let played = full(&["run", "ok/plain", "--", "curl", "-sS", "{target}"]);
    assert!(played.stderr.contains("✔ PASS"), "{}", played.stderr);
    full(&["serve", "ok/plain"]);
    for verb in [
        "list",
        "list --format json",
        "list --effects",
        "schema",
        "man",
        "completions bash",
        "show ok/plain",
        "check ok/plain",
        "--help",
    ] {
        full(&verb.split(' ').collect::<Vec<_>>());
    }
}

#[test]
fn nothing_but_json_with_jsonl() {
    let played =
        run_command("reply/reset --format jsonl", &["sh", "-c", "echo out; curl -sS {target}"]);
    for line in played.out().lines() {
        assert!(serde_json::from_str::<serde_json::Value>(line).unwrap().is_object(), "{line}");
    }
    assert!(played.stderr.starts_with("out\ncurl: "), "{}", played.stderr);
    assert!(!run("check --quiet ok/plain").ends(0).out().contains('\n'));
}

/// A client that takes every descriptor there is keeps nothing from being tidied up: `play` looks.
#[test]
fn nothing_is_left_when_descriptors_run_out() {
    let connect = "for i in $(seq 40); do exec {fd}<>/dev/tcp/127.0.0.1/${BADPROXY_PROXY##*:} && \
                   printf 'CONNECT a.test:443 HTTP/1.1\\r\\nHost: a.test\\r\\n\\r\\n' >&$fd; done";
    let connect = connect.replace('\'', "'\\''");
    let twice = format!("bash -c '{connect}' & bash -c '{connect}'; wait");
    let words = ["run", "-q", "reply/hang", "--", "sh", "-c", &twice];
    let played = crate::badproxy(words).after("ulimit -n 64").play();
    assert!(played.stderr.contains("attempts"), "{}", played.stderr);
}
