//! What the command leaves behind without a trace of the run in its environment is ended with it,
//! and nobody else's processes are. Linux only.

use std::path::Path;
use std::process::Command;

use crate::play::badproxy;

/// Plays a command that leaves a process behind and waits until that has told its number.
fn left(verb: &[&str], leave: &str) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("pid");
    let path = file.to_str().unwrap();
    let leave = leave.replace("FILE", path);
    let shell = format!("{leave}\nuntil [ -s {path} ]; do :; done; exec curl -sS {{target}}");
    let out = dir.path().join("out");
    let words: Vec<&str> =
        verb.iter().map(|w| if *w == "OUT" { out.to_str().unwrap() } else { w }).collect();
    badproxy(words.into_iter().chain(["--", "sh", "-c", &shell])).play();
    let pid = std::fs::read_to_string(&file).unwrap();
    assert!(!pid.trim().is_empty());
    // Neither running nor a zombie: its number is free, or somebody else's.
    let text = std::fs::read(format!("/proc/{}/cmdline", pid.trim())).unwrap_or_default();
    let alive = text.windows(path.len()).any(|part| part == path.as_bytes());
    assert!(!alive, "{pid}: {}", String::from_utf8_lossy(&text));
}

/// Each keeps the name of its file in its arguments, by which it is known.
const ALONE: &str =
    "env -i setsid sh -c 'echo $$ >FILE; while :; do sleep 1; done' sh FILE >&- 2>&- &";
const TWICE: &str = "env -i setsid sh -c \"setsid sh -c 'echo \\$\\$ >FILE; while :; do sleep 1; done' sh FILE & exit\" >&- 2>&-";
/// As servers do that set their title: over the environment that they were started with.
const TITLED: &str = "setsid python3 -c '
import ctypes, os, time
stat = open(\"/proc/self/stat\").read().rsplit(\")\", 1)[1].split()
start, end = int(stat[47]), int(stat[48])
ctypes.memset(start, 0, end - start)
assert b\"BADPROXY\" not in open(\"/proc/self/environ\", \"rb\").read()
open(\"FILE\", \"w\").write(str(os.getpid()))
time.sleep(1000)
' FILE >&- 2>&- &";

#[test]
fn without_an_environment() {
    left(&["run", "ok/plain"], ALONE);
}

#[test]
fn when_both_parents_have_gone() {
    left(&["run", "ok/plain"], TWICE);
}

#[test]
fn with_its_environment_written_over() {
    if Command::new("python3").arg("--version").output().is_err() {
        eprintln!("skipped: no python3 here");
        return;
    }
    left(&["run", "ok/plain"], TITLED);
}

/// Several at a time: at the latest with the last of them.
#[test]
fn in_a_matrix() {
    let words = ["matrix", "--scenario", "ok/plain", "--scenario", "reply/reset", "--jobs", "2"];
    left(&[&words[..], &["--confirm", "1", "--out", "OUT"]].concat(), ALONE);
}

/// What has ended by itself was not left running, whoever has to collect it.
#[test]
fn what_has_ended_is_not_left() {
    let shell = "(sleep 0 & exec true); sleep 0 & exec curl -sS {target}";
    let played = badproxy(["run", "ok/plain", "--", "sh", "-c", shell]).play().ends(0);
    assert!(!played.stderr.contains("left"), "{}", played.stderr);
}

/// A sibling, and a child that badproxy has because it took the place of a shell.
#[test]
fn whose_it_is_not_is_left_alone() {
    let program = Path::new(env!("CARGO_BIN_EXE_badproxy"));
    for exec in ["", "exec "] {
        let shell =
            format!("sleep 1000 & echo $!; {exec}{} run ok/plain -- true", program.display());
        let mut sh = Command::new("sh");
        // Nobody waits for the output of what goes on running.
        let dir = tempfile::tempdir().unwrap();
        let out = std::fs::File::create(dir.path().join("out")).unwrap();
        sh.args(["-c", &shell]).stdout(out).stderr(std::process::Stdio::null());
        sh.status().unwrap();
        let pid = std::fs::read_to_string(dir.path().join("out")).unwrap();
        let pid = pid.split_whitespace().next().unwrap();
        let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap();
        assert_eq!(name, "sleep\n", "{exec}");
        Command::new("kill").arg(pid).status().unwrap();
    }
}
