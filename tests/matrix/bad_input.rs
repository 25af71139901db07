//! Commands and command lines that are not as they should be.

use crate::{Matrix, badproxy, matrix};

#[track_caller]
fn says(args: &[&str], code: i32, text: &str) {
    let out = tempfile::tempdir().unwrap();
    let out_args = ["--out", out.path().to_str().unwrap()];
    let dash = args.iter().position(|arg| *arg == "--").unwrap_or(args.len());
    let args = [&["matrix"], &args[..dash], &out_args, &args[dash..]].concat();
    let played = badproxy(args).play().ends(code);
    assert!(played.stderr.contains(text), "{}", played.stderr);
}

#[test]
fn a_command_that_cannot_be_started() {
    says(&["--", "/no/such/client"], 2, "cannot run `/no/such/client`: no such file");
    says(&["--", "no-such-client"], 2, "is it on the PATH?");
    says(&["--", "curl -sS"], 2, "for a line of shell");
    says(&["--", "/etc/passwd"], 2, "it is not executable");
    says(&["--", "/etc"], 2, "it is a directory");
    says(&["--client", "a=/no/such"], 2, "cannot run `/no/such`");
}

#[test]
fn a_command_line_that_is_wrong() {
    says(&[], 2, "a matrix needs a client");
    says(&["--client", "curl"], 2, "--client 'curl=curl -sS {target}'");
    says(&["--client", "a b=curl"], 2, "a name has 1 to 40 letters");
    says(&["--client", "a=curl 'x"], 2, "is not closed");
    says(&["--client", "a=curl x | cat"], 2, "sh -c");
    says(&["--client", "a=curl", "--client", "a=curl"], 2, "two clients are called `a`");
    says(&["--jobs", "0", "--", "true"], 2, "1..=256");
    says(&["--no-timeout", "--", "curl", "{timeout}"], 2, "there is none to fill in");
    says(&["--scenario", "/no/such.yaml", "--", "true"], 2, "/no/such.yaml");
    says(&["--suite", "2026.1", "--", "true"], 2, "there is no suite `2026.1`");
    says(&["--shard", "6/5", "--", "true"], 2, "from 1/5 to 5/5");
    says(&["--baseline", "/no/such.yaml", "--", "true"], 2, "/no/such.yaml");
    let (dir, path) = crate::play::file("curl / reply/hang: STROM\n");
    says(&["--baseline", &path, "--", "true"], 2, "did you mean `STORM`?");
    std::fs::write(&path, b"curl / reply/hang: \xff\n").unwrap();
    says(&["--baseline", &path, "--", "true"], 2, "UTF-8");
    says(&["--baseline", dir.path().to_str().unwrap(), "--", "true"], 2, "directory");
}

/// Said before anything is played.
#[test]
fn a_file_that_has_no_place() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().to_str().unwrap();
    let nowhere = format!("{dir}/no/file");
    for option in ["--write-baseline", "--junit", "--html"] {
        says(&[option, &nowhere, "--", "false"], 3, "there is no directory");
        says(&[option, "/etc/passwd/file", "--", "false"], 3, "/etc/passwd is no directory");
        says(&[option, dir, "--", "false"], 3, "it is a directory");
    }
}

#[test]
fn no_scenario_matches() {
    says(&["--scenario", "reply/hagn", "--", "true"], 4, "did you mean `reply/hang`?");
    says(&["--scenario", "zzzzz*", "--", "true"], 4, "no scenario of suite all matches `zzzzz*`");
    says(&["--skip", "*", "--", "true"], 4, "no scenario is left to play");
    says(&["--skip", "reply/hagn", "--", "true"], 4, "did you mean `reply/hang`?");
    let (_dir, own) = crate::play::file("rules: []\n");
    says(&["--scenario", &own, "--skip", "nosuch", "--", "true"], 4, "`--skip nosuch`");
}

#[test]
fn a_scenario_of_ones_own() {
    let (_dir, path) = crate::play::file("name: reply/mine\nrules: [{at: reply, do: reset}]\n");
    let matrix = matrix(&["--scenario", &path], "exec curl -sS {target}").ends(0);
    assert_eq!(matrix.cell("reply/mine")["verdict"], "PASS");
    let again = matrix.cell("reply/mine")["again"].as_str().unwrap().to_owned();
    assert!(again.starts_with(&format!("badproxy run {path} --seed ")), "{again}");
    let (_dir, path) = crate::play::file("rules: [{at: replay, do: reset}]\n");
    says(&["--scenario", &path, "--", "true"], 2, "did you mean `reply`?");
}

/// Its standard input is at its end, whatever ours is.
#[test]
fn it_reads_nothing() {
    let shell = "[ -z \"$(cat)\" ] || exit 1; exec curl -sS {target}";
    let out = tempfile::tempdir().unwrap();
    let play = crate::play(&["--scenario", "reply/204"], shell, out.path());
    Matrix::new(play.input(b"not for you").play(), out).ends(0);
}

/// What it leaves running holds a FIFO open, whose end is waited for here.
#[test]
fn it_forks_and_leaves() {
    let dir = tempfile::tempdir().unwrap();
    let fifo = dir.path().join("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let path = fifo.clone();
    let reader = std::thread::spawn(move || std::fs::read(path).unwrap());
    // This keeps the FIFO open until the matrix has ended.
    let writer = std::fs::OpenOptions::new().write(true).open(&fifo).unwrap();
    let shell = "exec 3>$FIFO; sleep 100 & exec curl -sS {target}";
    let out = tempfile::tempdir().unwrap();
    let play = crate::play(&["--scenario", "reply/204"], shell, out.path());
    let played = play.env("FIFO", fifo.to_str().unwrap()).play();
    drop(writer);
    let matrix = Matrix::new(played, out).ends(0);
    assert!(reader.join().unwrap().is_empty());
    let notes = matrix.cell("reply/204")["notes"].to_string();
    assert!(notes.contains("leftover"), "{notes}");
}

#[test]
fn it_ignores_sigterm() {
    let shell = "case $BADPROXY_SCENARIO in control*) exec curl -sS {target};; esac; trap '' TERM; \
                 curl -s {target}; while :; do sleep 100; done";
    let args = ["--scenario", "reply/reset", "--timeout", "1s"];
    let matrix = matrix(&args, shell).ends(1);
    assert_eq!(matrix.cell("reply/reset")["verdict"], "HANG");
    assert_eq!(matrix.cell("reply/reset")["exit"]["signal"], 9);
}

#[test]
fn it_writes_a_lot_and_no_text() {
    let shell = "case $BADPROXY_SCENARIO in control*) exec curl -sS {target};; esac; \
                 curl -s {target}; head -c 100000000 /dev/urandom; head -c 100000000 /dev/zero >&2; \
                 exit 1";
    let args = ["--scenario", "reply/reset", "--confirm", "0", "--timeout", "60s"];
    let matrix = matrix(&args, shell);
    let dir = matrix.out.path().join(matrix.cell("reply/reset")["dir"].as_str().unwrap());
    let sizes = ["events.jsonl", "stdout", "stderr"]
        .map(|name| std::fs::metadata(dir.join(name)).unwrap().len());
    assert!(sizes.iter().sum::<u64>() < 2 << 20, "{sizes:?}");
    assert!(sizes.iter().all(|size| *size > 1000), "{sizes:?}");
}

/// Nothing can be written where results are to go.
#[test]
fn there_is_no_place_for_results() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    let args = ["matrix", "--out", path, "--scenario", "reply/204", "--", "true"];
    let played = badproxy(args).play().ends(3);
    assert!(played.stderr.contains("cannot write to"), "{}", played.stderr);
}
