//! Slips of the hand: exit code 2 before anything is started, and a hint.

use crate::play::{badproxy, file};
use crate::{CURL, run, run_command};

/// Exit code 2, nothing on standard output, and these words on standard error.
#[track_caller]
fn slip(words: &str, hints: &[&str]) {
    let played = run(words).ends(2);
    assert!(played.stdout.is_empty(), "{words}: {}", played.out());
    for hint in hints {
        assert!(played.stderr.contains(hint), "{words}: no {hint:?} in {}", played.stderr);
    }
}

#[test]
fn names_that_are_not_there() {
    slip("walk", &["walk", "--help"]);
    slip("serv", &["'serve'"]);
    slip("lst", &["'list'"]);
    slip("rnu reply/reset -- true", &["did you mean `run`?", "matrix, serve"]);
    slip("reply/reset -- true", &["\n\n  badproxy run reply/reset -- true\n"]);
    slip("reply/reset", &["\n\n  badproxy show reply/reset\n"]);
    slip("my-bug.yaml -- true", &["\n\n  badproxy run my-bug.yaml -- true\n"]);
    slip("run reply/fin-befor-reply -- true", &["`reply/fin-before-reply`", "badproxy list"]);
    slip("run fin-before-reply -- true", &["`reply/fin-before-reply`"]);
    slip("serve fin-before-reply", &["`reply/fin-before-reply`"]);
    slip("show reply/rest", &["`reply/reset`"]);
    slip("run no-such-file.yaml -- true", &["no-such-file.yaml"]);
    slip("list --stage replay", &["`reply`", "tunnel"]);
    slip("list --suite lates", &["`latest`", "2026.11"]);
    slip("list ntlm", &["`badproxy list --search ntlm`"]);
    slip("list reply", &["`badproxy list --stage reply`"]);
    slip("show ntlm", &["`badproxy list --search ntlm`", "badproxy list` shows all"]);
    slip("show reply", &["`badproxy list --stage reply`"]);
    slip("run reply -- true", &["`badproxy list --stage reply`"]);
    let stage = run("show reply").ends(2);
    assert!(!stage.stderr.contains("did you mean"), "{}", stage.stderr);
    let nowhere = run("show zzqqvv").ends(2);
    assert!(!nowhere.stderr.contains("--search"), "{}", nowhere.stderr);
    slip("schema --of summery", &["'summary'", "baseline"]);
    slip("run ok/plain --tiemout 5s -- true", &["--timeout"]);
}

#[test]
fn a_run_needs_a_command() {
    slip("run ok/plain", &["<COMMAND>", "--"]);
    slip("run ok/plain --", &["<COMMAND>"]);
    slip("run", &["<SCENARIO>"]);
    slip("matrix", &["badproxy matrix -- ./client", "--client 'curl=curl"]);
    // The dashes are missing.
    let line =
        "comes after `--`\n\n  badproxy run --timeout 2s ok/plain -- curl -sS {target} -m 2\n";
    slip("run --timeout 2s ok/plain curl -sS {target} -m 2", &["`curl`", line]);
    slip(
        "matrix --jobs 2 curl -sS {target}",
        &["\n\n  badproxy matrix --jobs 2 -- curl -sS {target}\n"],
    );
    let odd = badproxy(["matrix", "sh", "-c", "exit 1"]).play().ends(2);
    assert!(odd.stderr.contains("  badproxy matrix -- sh -c 'exit 1'\n"), "{}", odd.stderr);
    // Where they are there, another word is meant, and an option that is none is no command.
    slip("run ok/plain reply/reset -- true", &["'reply/reset'", "Usage"]);
    slip("matrix --jbos 2 curl", &["--jobs"]);
}

#[test]
fn values_that_mean_nothing() {
    slip("run ok/plain --timeout 0s -- true", &["--timeout", "no time"]);
    slip("run ok/plain --timeout 5 -- true", &["unit", "1.5s"]);
    slip("run ok/plain --timeout 2d -- true", &["a day"]);
    slip("run ok/plain --timeout=-1s -- true", &["--timeout"]);
    slip("run ok/plain --scale 0 -- true", &["above 0"]);
    slip("run ok/plain --scale x -- true", &["above 0"]);
    slip("run ok/plain --scale inf -- true", &["above 0"]);
    slip("run ok/plain --seed x -- true", &["--seed"]);
    slip("run ok/plain --color pink -- true", &["always", "never"]);
    slip("run ok/plain --format xml -- true", &["human", "jsonl"]);
    slip("run ok/plain --origin-ip here -- true", &["--origin-ip"]);
    slip("run ok/plain --no-timeout --timeout 1s -- true", &["cannot be used with"]);
    slip("run ok/plain --no-timeout -- curl -m {timeout}", &["{timeout}", "--no-timeout"]);
    slip("serve ok/plain --listen 3128", &["--listen", "e.g. 127.0.0.1:3128"]);
    slip("serve ok/plain --listen localhost:0", &["e.g. 127.0.0.1:0"]);
    slip("serve ok/plain --dns 127.0.0.2", &["e.g. 127.0.0.2:0"]);
    slip("serve ok/plain --origin here", &["an IP address and a port"]);
    slip("run ok/plain --seed -1 -- true", &["--seed", "from 0 to"]);
    slip("run ok/plain -- curl {targt}", &["{targt}", "did you mean {target}?"]);
    slip("matrix -- curl {targt}", &["did you mean {target}?"]);
}

#[test]
fn commands_that_cannot_be_run() {
    let (dir, plain) = file("");
    let shebang = dir.path().join("script");
    std::fs::write(&shebang, "#!/no/such/interpreter\n").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&shebang, mode).unwrap();
    for (command, hint) in [
        ("no-such-command-of-badproxy", "on the PATH"),
        ("/no/such/file", "no such file"),
        ("curl -sS {target}", "sh -c"),
        (plain.as_str(), "not executable"),
        (dir.path().to_str().unwrap(), "a directory"),
        (shebang.to_str().unwrap(), "first line"),
    ] {
        let played = run_command("ok/plain", &[command]).ends(2);
        assert!(played.stderr.contains(hint), "{command}: {}", played.stderr);
        assert!(played.stdout.is_empty());
    }
}

#[test]
fn events_that_cannot_be_written_stop_the_run_before_it_starts() {
    let dir = tempfile::tempdir().unwrap();
    let (events, mark) = (dir.path().join("no/such/dir/e.jsonl"), dir.path().join("mark"));
    let options = format!("ok/plain --events {}", events.display());
    let played = run_command(&options, &["touch", mark.to_str().unwrap()]).ends(2);
    assert!(played.stderr.contains("e.jsonl"), "{}", played.stderr);
    assert!(!mark.exists());
    let options = format!("ok/plain --events {}", dir.path().display());
    run_command(&options, &["touch", mark.to_str().unwrap()]).ends(2);
    assert!(!mark.exists());
}

/// What is wrong with the machine, and not with the command line, is 3.
#[test]
fn what_the_machine_cannot_do_is_3() {
    let words = ["run", "ok/plain", "--"].into_iter().chain(CURL.iter().copied());
    let played = badproxy(words).env("TMPDIR", "/no/such/dir").play().ends(3);
    assert!(played.stderr.contains("CA files"), "{}", played.stderr);
    // TEST-NET-3: nobody's address.
    let played = run_command("ok/plain --origin-ip 203.0.113.7", CURL).ends(3);
    assert!(played.stderr.contains("cannot start the proxy"), "{}", played.stderr);
}

#[test]
fn a_scenario_with_a_mistake_is_drawn_and_not_run() {
    let (_dir, path) = file("rules: [{at: reply, do: rest}]\n");
    for words in [format!("run {path} -- true"), format!("serve {path}"), format!("show {path}")] {
        slip(&words, &["scenario.yaml:1", "^", "`reset`"]);
    }
}

/// What looks like a mistake and is none.
#[test]
fn braces_of_somebody_else_are_let_through() {
    let json = r#"{"target": {"timeot": 1}} {a} {one,two}"#;
    let played = run_command("ok/plain --pass-exit", &["echo", json]).ends(0);
    assert!(played.out().contains(json), "{}", played.out());
    run("explain ok/plain").ends(0);
}
