//! The event log, on disk and on standard output.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::play::{Played, badproxy, file};
use crate::{CURL, run_command};

fn parse(text: &str) -> Vec<Value> {
    text.lines().map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{e}: {l}"))).collect()
}

/// Plays it with `--events`, and gives what was written, too.
fn with_events(options: &str, command: &[&str]) -> (Played, String) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("events.jsonl");
    let played = run_command(&format!("{options} --events {}", path.display()), command);
    let text = std::fs::read_to_string(path).unwrap();
    (played, text)
}

#[test]
fn a_header_then_every_event_from_the_first_to_the_verdict() {
    let (played, text) = with_events("reply/reset --seed 91 --timeout 2s", CURL);
    played.ends(0);
    let events = parse(&text);
    let header = &events[0];
    assert_eq!(header["schema"], "badproxy.events/1");
    assert_eq!(header["badproxy"], env!("CARGO_PKG_VERSION"));
    assert_eq!((&header["seed"], &header["scenario"]), (&91.into(), &"reply/reset".into()));
    assert_eq!(header["limits"]["timeout_ms"], 2000);
    assert_eq!(header["limits"]["hang_ms"], 6000);
    assert_eq!(header["reference_time"]["clock_type"], "monotonic");
    let names: Vec<&str> = events[1..].iter().map(|e| e["name"].as_str().unwrap()).collect();
    assert_eq!(names[0], "tcp:listening");
    for name in ["run:started", "proc:spawned", "tcp:accepted", "connect:request", "fault:applied"]
    {
        assert!(names.contains(&name), "no {name} in {names:?}");
    }
    assert_eq!(names.last(), Some(&"run:ended"));
    assert!(events[1..].iter().all(|e| e["time"].is_f64()));
}

#[test]
fn the_file_and_standard_output_say_the_same() {
    let (played, text) = with_events("tunnel/fin-at-hello --format jsonl", CURL);
    assert_eq!(played.ends(0).out(), text);
}

#[test]
fn no_secret_is_in_it() {
    let shell =
        "echo $BADPROXY_PASS; curl -sSv -H 'X-Token: {token}' {target} 2>&1; echo {token} {pass}";
    let (played, text) = with_events("auth/407-basic-then-ok", &["sh", "-c", shell]);
    let said = played.ends(0);
    let (token, password) = said.out().lines().last().unwrap().split_once(' ').unwrap();
    assert!(token.len() > 10 && password.len() > 10);
    for secret in [token, password] {
        assert!(!text.contains(secret), "{secret} in {text}");
        assert!(!said.stderr.contains(secret), "{secret} in {}", said.stderr);
    }
    assert!(text.contains("\"secret_seen\":[\"proxy_credentials\"]"));
}

/// What differs from run to run is taken out: times, ports, process ids, paths. What the client's
/// pipes and its connections tell comes in any order, so each is compared by itself, and of the
/// pipes only what came and not in how many parts.
fn settled(text: &str) -> BTreeMap<String, Vec<Value>> {
    let mut all: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for mut event in parse(text).into_iter().skip(1) {
        event.as_object_mut().unwrap().remove("time");
        // "waited 10.3 ms".
        if event["name"] == "step:passed" {
            event["data"]["did"] = Value::Null;
        }
        let data = event["data"].as_object_mut().unwrap();
        for varies in ["pid", "src", "env_set", "lag_max_ms", "client_did", "notes"] {
            data.remove(varies);
        }
        for port in ["proxy", "address"] {
            if let Some(Value::String(address)) = data.get_mut(port) {
                *address = address.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned();
            }
        }
        let source = match (&event["group_id"], event["name"].as_str().unwrap()) {
            (Value::Number(conn), _) => format!("connection {conn}"),
            (_, "proc:output") => {
                let text = event["data"]["text"].as_str().unwrap();
                let stream = all.entry(event["data"]["stream"].to_string()).or_default();
                stream.extend(text.lines().map(Value::from));
                continue;
            }
            (_, name) => name.split(':').next().unwrap().to_owned(),
        };
        all.entry(source).or_default().push(event);
    }
    all
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let (_dir, yaml) = file(
        "client: {credentials: right, target: 'http://target.badproxy.test/'}\n\
         proxy: {auth: {scheme: basic}}\n\
         rules:\n\
         - {when: {attempt: 1}, at: request, do: [{garbage: 64B}, close]}\n\
         - {when: {probability: 0.5}, at: request, do: {delay: 10ms}}\n",
    );
    let shell =
        "curl -s {target}; curl -sS {target}; curl -sS {target}; echo {user} {pass} {token}";
    let play = |seed: u32| with_events(&format!("{yaml} --seed {seed}"), &["sh", "-c", shell]);
    let ((first, log), (again, again_log)) = (play(7), play(7));
    assert_eq!(first.ends(0).out(), again.ends(0).out());
    let (log, again_log) = (settled(&log), settled(&again_log));
    assert_eq!(log.keys().collect::<Vec<_>>(), again_log.keys().collect::<Vec<_>>());
    for (source, events) in &log {
        assert_eq!(events, &again_log[source]);
    }
    let (other, other_log) = play(8);
    assert_ne!(log, settled(&other_log));
    assert!(other.ends(0).out().lines().count() >= 3);
}

#[test]
fn the_seed_decides_the_nonce() {
    let nonce =
        |seed: &str| run_command(&format!("ok/plain {seed}"), CURL).ends(0).out().to_owned();
    assert_eq!(nonce("--seed 7"), nonce("--seed 7"));
    assert_ne!(nonce("--seed 7"), nonce("--seed 8"));
    assert_ne!(nonce(""), nonce(""));
}

/// The seed that was drawn is printed, and is enough to play the run again.
#[test]
fn a_drawn_seed_is_printed() {
    let first = run_command("ok/plain", CURL).ends(0);
    let (_, rest) = first.stderr.lines().next().unwrap().rsplit_once("seed ").unwrap();
    let words = ["run", "ok/plain", "--seed", rest.trim(), "--"];
    let again = badproxy(words.into_iter().chain(CURL.iter().copied())).play().ends(0);
    assert_eq!(first.out(), again.out());
}
