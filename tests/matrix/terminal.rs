//! On a terminal: the line that says what is going on, and the key that asks for more. `script` is
//! the terminal.

#![cfg(target_os = "linux")]

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// `badproxy matrix ARGS` on a terminal that is `columns` wide.
fn on_terminal(columns: u32, args: &str, env: &[(&str, &str)]) -> (Child, Receiver<Vec<u8>>) {
    let binary = env!("CARGO_BIN_EXE_badproxy");
    let line = format!(
        "stty rows 24 cols {columns}; echo stty=$(stty -g); {binary} matrix {args}; echo stty=$(stty -g) end"
    );
    let mut command = Command::new("script");
    command.args(["-qec", &line, "/dev/null"]).envs(env.iter().copied());
    command.env("TERM", "xterm").env("HOME", "/nonexistent").env_remove("COLUMNS");
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut out = child.stdout.take().unwrap();
    let (send, receive) = channel();
    std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(n @ 1..) = out.read(&mut bytes) {
            let _ = send.send(bytes[..n].to_vec());
        }
    });
    (child, receive)
}

/// Reads until this is there.
fn until(text: &str, from: &Receiver<Vec<u8>>, seen: &mut Vec<u8>) -> String {
    loop {
        let all = String::from_utf8_lossy(seen).into_owned();
        if all.contains(text) {
            return all;
        }
        match from.recv_timeout(Duration::from_secs(120)) {
            Ok(bytes) => seen.extend(bytes),
            Err(error) => panic!("{error}, and no {text:?} in {all}"),
        }
    }
}

#[test]
fn the_live_line_and_the_key_t() {
    if Command::new("script").arg("--version").output().is_err() {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "CI has to have `script`");
        return eprintln!("skipped: there is no `script` here");
    }
    let dir = tempfile::tempdir().unwrap();
    let (out, go) = (dir.path().join("out"), dir.path().join("go"));
    let client = dir.path().join("client");
    let shell = "case $BADPROXY_SCENARIO in reply/hang) curl -s {target} & echo words-so-far; \
                 while [ ! -e $GO ]; do sleep 0.05; done; kill $!; exit 28;; esac; exec curl -sS $1";
    std::fs::write(&client, shell.replace("{target}", "$1")).unwrap();
    for columns in [44, 120] {
        let _ = std::fs::remove_file(&go);
        let args = format!(
            "--scenario reply/hang --scenario reply/reset --timeout 60s --confirm 0 --out {} -- sh {} {{target}}",
            out.display(),
            client.display()
        );
        let env = [("GO", go.to_str().unwrap())];
        let (mut child, from) = on_terminal(columns, &args, &env);
        let mut seen = Vec::new();
        until("reply/hang  silent at reply for ", &from, &mut seen);
        child.stdin.as_mut().unwrap().write_all(b"qt").unwrap();
        child.stdin.as_mut().unwrap().write_all(b"t").unwrap();
        until("words-so-far", &from, &mut seen);
        std::fs::write(&go, "").unwrap();
        let all = until(" end", &from, &mut seen);
        // The terminal is as it was.
        let mut modes =
            all.split("stty=").skip(1).filter_map(|rest| rest.split_whitespace().next());
        assert_eq!(modes.next().unwrap(), modes.next().unwrap());
        child.wait().unwrap();
        // Each drawing begins at the start of an emptied line, and fits into it.
        for drawn in all.split("\r\x1b[K").skip(1).filter(|part| !part.contains('\n')) {
            assert!(drawn.chars().count() < columns as usize, "{drawn:?}");
        }
        assert!(all.contains("1 running"), "{all}");
    }
}
