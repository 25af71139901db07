//! The examples for other languages (`tests/examples`), each by its language's usual test runner:
//! they pass, and they fail where the proxy is a healthy one, so that they are no decoration.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::{on_path, root};

/// Runs a command in a copy of an example, which may be written into.
fn play(language: &str, command: &[PathBuf], badproxy: &Path) -> Output {
    let dir = tempfile::tempdir().unwrap();
    copy(&root().join("tests/examples").join(language), dir.path());
    let (program, arguments) = command.split_first().unwrap();
    let mut command = Command::new(program);
    command.args(arguments).current_dir(dir.path()).env("BADPROXY", badproxy);
    // Their own caches stay where the tools have them; nothing else is written elsewhere.
    command.env("PYTHONDONTWRITEBYTECODE", "1").output().unwrap()
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap().map(|entry| entry.unwrap()) {
        let into = to.join(entry.file_name());
        match entry.path() {
            path if path.is_dir() => {
                std::fs::create_dir(&into).unwrap();
                copy(&path, &into);
            }
            path => drop(std::fs::copy(path, into).unwrap()),
        }
    }
}

/// A badproxy that plays the healthy proxy, whatever it is asked for.
fn healthy(dir: &Path) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let script = dir.join("badproxy");
    let binary = env!("CARGO_BIN_EXE_badproxy");
    let text = format!("#!/bin/sh\nshift 2\nexec '{binary}' serve ok/plain \"$@\"\n");
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    script
}

fn passes_and_can_fail(language: &str, command: &[&str]) {
    let mut command: Vec<PathBuf> = command.iter().map(PathBuf::from).collect();
    if command[0].components().count() == 1 {
        command[0] = on_path(&command[0].display().to_string());
    }
    if !command[0].is_file() {
        let text = format!("{language}: {:?} is missing: run scripts/clients-install", command[0]);
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{text}");
        eprintln!("skipped: {text}");
        return;
    }
    let told = |output: &Output| {
        let (out, err) = (&output.stdout, &output.stderr);
        format!("{language}\n{}{}", String::from_utf8_lossy(out), String::from_utf8_lossy(err))
    };
    let good = play(language, &command, Path::new(env!("CARGO_BIN_EXE_badproxy")));
    assert!(good.status.success(), "{}", told(&good));
    let dir = tempfile::tempdir().unwrap();
    let bad = play(language, &command, &healthy(dir.path()));
    assert!(!bad.status.success(), "it passes with a healthy proxy: {}", told(&bad));
}

#[test]
fn go() {
    passes_and_can_fail("go", &["go", "test", "-count=1", "./..."]);
}

#[test]
fn pytest() {
    let python = root().join("target/clients/python/bin/python");
    let python = python.display().to_string();
    passes_and_can_fail("python", &[&python, "-m", "pytest", "-q", "-p", "no:cacheprovider"]);
}

#[test]
fn node_test() {
    passes_and_can_fail("node", &["node", "--test"]);
}

#[test]
fn junit() {
    passes_and_can_fail("java", &["mvn", "-B", "-q", "test"]);
}
