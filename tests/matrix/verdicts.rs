//! One client that is bad in a way of its own behind each scenario.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::play::badproxy;
use crate::{GOOD, Matrix, matrix, play};

/// What it does behind which scenario, and what that is.
pub const BAD: &[(&str, &str, &str)] = &[
    ("ok/plain", "curl -sS {target}; exit 3", "FAILED"),
    ("reply/reset", "exit 77", "UNSUPPORTED"),
    ("reply/502-detail", "echo bad gateway; exit 1", "NOT-EXERCISED"),
    ("auth/407-basic-then-ok", "curl -sS -H 'Proxy-Authorization: Basic {pass}' {target}", "LEAK"),
    ("reply/403-port", "curl -sS {target}; exit 0", "WRONG"),
    ("ok/socks5", "curl -sS {target}; curl -s --noproxy '*' http://{origin}/", "BYPASS"),
    ("reply/fin-before-reply", "curl -s 'https://target.badproxy.test/[1-40]'", "STORM"),
    ("reply/hang", "curl -sS {target}; exec sleep 100", "HANG"),
    ("reply/fin-mid-status", "ulimit -c 0; curl -sS {target}; kill -SEGV $$", "CRASH"),
    ("response/fin-at-second-request", "curl -sS {target}", "INCONCLUSIVE"),
    ("reply/split", "curl -sS {target}; echo {token}", "LEAK-LOG"),
    ("tunnel/fin-at-hello", "curl -sS {target}; code=$?; sleep 2.3; exit $code", "SLOW"),
    ("tls/expired", "curl -s {target} 2>/dev/null; exit 4", "VAGUE"),
    ("syn/unreachable", "curl -sS {target}", "NOT-RUN"),
    ("reply/501-no-connect", "[ -e $SEEN ] && exec curl -sS {target}; >$SEEN; exit 0", "FLAKY"),
    ("dns/target-known-to-proxy-only", LOOKS_UP, "LOCAL-DNS"),
    ("reply/204", "curl -sS {target}", "PASS"),
];

/// Asks the scenario's own name server for the target, which only the proxy has to look up.
const LOOKS_UP: &str = "no_proxy='*' curl -s --doh-url {doh} {target}; \
                        no_proxy=127.0.0.1 curl -sS --doh-url {doh} {target}";

/// It as a line of shell. Behind a healthy proxy it is a good one.
pub fn bad() -> String {
    let mut shell = String::from("case $BADPROXY_SCENARIO in\n");
    for (scenario, line, _) in BAD {
        shell += &format!("{scenario}) {line};;\n");
    }
    shell + "*) exec curl -sS {target};;\nesac"
}

/// The arguments that ask for its scenarios.
fn asked() -> Vec<&'static str> {
    let scenarios = BAD.iter().flat_map(|(scenario, ..)| ["--scenario", *scenario]);
    scenarios.collect()
}

/// Plays all of them.
#[track_caller]
pub fn play_bad(more: &[&str]) -> Matrix {
    let seen = tempfile::tempdir().unwrap();
    let out = tempfile::tempdir().unwrap();
    // Long enough for a busy machine: the one that is SLOW must not be one that HANGs.
    let time: &[&str] = if more.contains(&"--timeout") { &[] } else { &["--timeout", "2s"] };
    let args = [&asked(), time, more].concat();
    let played = play(&args, &bad(), out.path())
        .env("SEEN", seen.path().join("seen").to_str().unwrap())
        .play();
    Matrix::new(played, out).ends(1)
}

fn expected() -> BTreeMap<String, String> {
    BAD.iter().map(|(name, _, word)| (format!("sh {name}"), (*word).to_owned())).collect()
}

/// One after the other.
#[test]
fn each_verdict_has_a_client_that_earns_it() {
    earned(&[&play_bad(&["--jobs", "1"])]);
}

/// Several at a time: the same words. What is no PASS is played again, alone.
#[test]
fn side_by_side_they_are_the_same_and_confirmed_alone() {
    let matrix = play_bad(&["--jobs", "4"]);
    earned(&[&matrix]);
    let storm = matrix.cell("reply/fin-before-reply");
    assert_eq!(storm["confirmed"], serde_json::json!({"same": 2, "runs": 2}));
    let flaky = matrix.cell("reply/501-no-connect");
    assert_eq!(flaky["class"], "failure");
    assert_eq!(flaky["tally"].as_object().unwrap().len(), 2, "{flaky}");
    assert_eq!(matrix.cell("reply/204")["confirmed"], serde_json::Value::Null);
    assert_eq!(matrix.cell("syn/unreachable")["class"], "not_scored");
}

/// Each word is the one expected; or none, where badproxy itself was late for longer than any machine
/// lets it wait that is only busy. The scenarios may be those of several matrices.
#[track_caller]
pub fn earned(matrices: &[&Matrix]) {
    let words = matrices.iter().flat_map(|matrix| matrix.words());
    let words: BTreeMap<String, (String, &Value)> = words
        .map(|(name, word)| {
            let scenario = name.split_once(' ').unwrap().1;
            let cells = matrices.iter().flat_map(|m| m.summary["cells"].as_array().unwrap());
            let cell = cells.into_iter().find(|cell| cell["scenario"] == scenario).unwrap();
            (name, (word, cell))
        })
        .collect();
    let expected = expected();
    assert!(words.keys().eq(expected.keys()), "{words:?}");
    for (name, wanted) in &expected {
        let (word, cell) = &words[name];
        let late = cell["lag_max_ms"].as_f64().unwrap() > 200.0;
        let none = late && word == "INCONCLUSIVE";
        assert!(word == wanted || none, "{name}: {wanted}\n{cell:#}");
    }
}

/// The client of the first cell takes away the directory in which we write each cell's CA.
#[test]
fn where_we_cannot_do_our_part_it_is_ours() {
    let (ours, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let tmp = ours.path().join("tmp");
    std::fs::create_dir(&tmp).unwrap();
    let shell = "case $BADPROXY_SCENARIO in reply/reset) curl -sS {target}; code=$?; rm -r $TMPDIR; \
                 exit $code;; esac; exec curl -sS {target}";
    let args = ["--scenario", "reply/reset", "--scenario", "reply/403-port", "--jobs", "1"];
    let played = play(&args, shell, out.path()).env("TMPDIR", tmp.to_str().unwrap()).play();
    let matrix = Matrix::new(played, out).ends(3);
    assert_eq!(matrix.cell("reply/reset")["verdict"], "PASS");
    let cell = matrix.cell("reply/403-port");
    assert_eq!((&cell["verdict"], &cell["class"]), (&"HARNESS".into(), &"not_scored".into()));
    let summary = cell["summary"].as_str().unwrap();
    assert!(summary.starts_with("cannot write the CA files: "), "{summary}");
}

#[test]
fn not_confirmed_nobody_is_flaky() {
    let matrix = play_bad(&["--confirm", "0", "--skip", "reply/hang"]);
    assert_ne!(matrix.cell("reply/501-no-connect")["verdict"], "FLAKY");
}

#[test]
fn what_is_expected_is_no_failure() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("expected.yaml");
    let path = file.to_str().unwrap();
    let scenarios = ["--scenario", "reply/403-port", "--scenario", "reply/204"];
    let bad = "case $BADPROXY_SCENARIO in reply/403*) curl -sS {target}; exit 0;; esac; \
               exec curl -sS {target}";
    let first = matrix(&[&scenarios[..], &["--write-baseline", path]].concat(), bad).ends(0);
    assert_eq!(first.cell("reply/403-port")["verdict"], "WRONG");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("sh / reply/403-port: WRONG"), "{text}");
    matrix(&[&scenarios[..], &["--baseline", path]].concat(), bad).ends(0);
    // Mended, it is stale.
    let mended = matrix(&[&scenarios[..], &["--baseline", path]].concat(), GOOD).ends(1);
    assert!(mended.played.out().contains("stale, remove line"), "{}", mended.played.out());
    matrix(&scenarios, bad).ends(1);
}

#[test]
fn shards_are_all_of_it() {
    let mut all = BTreeMap::new();
    for shard in ["1/2", "2/2"] {
        let args = ["--scenario", "reply/5*", "--scenario", "reply/20*", "--shard", shard];
        let part = matrix(&args, GOOD).ends(0);
        assert_eq!(part.summary["shard"]["of"], 2);
        all.extend(part.words());
    }
    let whole = matrix(&["--scenario", "reply/5*", "--scenario", "reply/20*"], GOOD).ends(0);
    assert_eq!(all, whole.words());
}

/// A cell and `badproxy run` with what it says are the same.
#[test]
fn a_cell_can_be_played_again() {
    let args = ["--scenario", "reply/garbage", "--seed", "7", "--timeout", "9s"];
    let played = matrix(&args, "curl -s {target}").ends(0);
    let cell = played.cell("reply/garbage");
    let seed = cell["seed"].as_u64().unwrap();
    let line = format!(
        "badproxy run reply/garbage --seed {seed} --timeout 9s -- sh -c 'curl -s {{target}}'"
    );
    assert_eq!(cell["again"], line.as_str());
    assert_eq!(cell["verdict"], "VAGUE");
    let again = matrix(&args, "curl -s {target}");
    assert_eq!(again.cell("reply/garbage")["seed"], seed);
}

/// A client that says the word when all is well has not explained anything with it.
#[test]
fn a_word_that_is_always_said_explains_nothing() {
    let args = ["--scenario", "reply/reset"];
    let shell = "echo 'curl can say: connection reset by peer'; exec curl -s {target}";
    let matrix = matrix(&args, shell).ends(0);
    let cell = matrix.cell("reply/reset");
    let notes = cell["notes"].as_array().unwrap();
    let explain = notes.iter().filter_map(|n| n.as_str()).find(|n| n.starts_with("explain:"));
    assert!(explain.is_some_and(|note| note.contains("reset")), "{notes:?}");
    assert_eq!(cell["scores"]["clarity"], serde_json::Value::Null, "{cell:#}");
}

/// As many connections a second as curl can make, until the ceiling; nobody beside it suffers.
#[test]
fn a_storm_changes_no_other_verdict() {
    let _one = crate::whole_machine();
    let out = tempfile::tempdir().unwrap();
    let storm = "storm=sh -c 'case $BADPROXY_SCENARIO in control/*) exec curl -sS {target};; esac; \
                 exec curl -s \"https://target.badproxy.test/[1-1000000]\"'";
    let good = format!("good={GOOD}");
    let path = out.path().to_str().unwrap();
    let args = ["matrix", "--client", storm, "--client", &good, "--scenario", "reply/fin*"];
    let more = ["--scenario", "reply/50*", "--jobs", "8", "--confirm", "0", "--timeout", "2s"];
    let played = crate::badproxy([&args[..], &more, &["--out", path]].concat()).play();
    let matrix = Matrix::new(played, out).ends(1);
    let words = matrix.words();
    assert_eq!(words["storm reply/fin-before-reply"], "STORM");
    for (name, word) in words.iter().filter(|(name, _)| name.starts_with("good")) {
        assert_eq!(word, "PASS", "{name}\n{}", matrix.played.out());
    }
}

/// A blank line stands between where the results are and the table of several clients.
#[test]
fn several_clients_are_a_table_of_their_own() {
    let out = tempfile::tempdir().unwrap();
    let at = out.path().join("o");
    let args = ["matrix", "--scenario", "reply/204", "--out", at.to_str().unwrap()];
    let clients = ["--client", "a=curl -sS {target}", "--client", "b=curl -sS {target}"];
    let played = badproxy(args.into_iter().chain(clients)).play();
    let text = String::from_utf8_lossy(&played.stdout).into_owned();
    let (_, behind) = text.split_once("summary.json").unwrap_or_else(|| panic!("{text}"));
    assert!(behind.starts_with("\n\n") && !text.contains("\\n"), "{text}");
}
