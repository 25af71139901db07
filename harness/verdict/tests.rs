//! Deliberately bad clients: each word has one that must earn it, and one that comes near and
//! must not.

mod astray;
mod clarity;
mod lag;
mod login;
mod near;
mod never;
mod open;
mod random;
mod robustness;
mod safety;
mod tongue;

use super::script::Script;
use super::*;
use crate::event::{How, Side, Via, Who};
use crate::scenario::read_named;
use crate::secrets::{ORIGIN, PROXY};

/// `reply/close`, expecting failure.
const FIN: &str = "rules: [{at: reply, do: close}]\nexpect: {outcome: failure, explain: [proxy]}\n";
/// `reply/hang`, expecting failure.
const HANG: &str = "rules: [{at: reply, do: hang}]\nexpect: {outcome: failure}\n";
/// The first attempt fails, the next ones do not.
const ONCE: &str =
    "rules: [{when: {attempt: 1}, at: reply, do: close}]\nexpect: {outcome: success}\n";
/// Nothing goes wrong.
const WELL: &str = "expect: {outcome: success}\n";

fn terms() -> Terms {
    Terms {
        timeout: Duration::from_secs(5),
        hang: Duration::from_secs(15),
        lag_max_ms: 4.6,
        bypass_observable: true,
        no_timeout: false,
        syns: Syns::Waiting,
    }
}

fn scenario(yaml: &str) -> Scenario {
    read_named(yaml, "test.yaml", "reply/test").unwrap_or_else(|problems| panic!("{problems}"))
}

fn on(yaml: &str, script: Script, terms: Terms) -> Verdict {
    judge(&scenario(yaml), &script.conduct(), &terms)
}

fn verdict(yaml: &str, script: Script) -> Verdict {
    on(yaml, script, terms())
}

/// A query of the client's to the name server.
fn query(name: &str) -> What {
    What::DnsQuery {
        name: name.into(),
        kind: "A".into(),
        from: "127.0.0.1:5".into(),
        transport: crate::event::Transport::Udp,
        attempt: 1,
    }
}

/// A request for the PAC file.
fn fetch() -> What {
    What::PacRequest {
        method: "GET".into(),
        path: "/proxy.pac".into(),
        headers: vec![],
        attempt: 1,
        secret_seen: vec![],
    }
}

#[track_caller]
fn earns(word: Word, summary: &str, yaml: &str, script: Script) {
    let verdict = verdict(yaml, script);
    assert_eq!((verdict.word, verdict.summary.as_str()), (word, summary), "{verdict:#?}");
}

fn client() -> Script {
    Script::new("./client").wait(100.0)
}

/// A client that does right in `FIN`.
fn good() -> Script {
    client().connect().request(&[]).fin().wait(10.0).says("error: the proxy closed\n").exits(56)
}

#[test]
fn pass() {
    earns(Word::Pass, "fails fast: exit 56, 10.0 ms after the fault, 1 attempt", FIN, good());
    let patient = client().connect().request(&[]).hang().wait(5000.0).exits(28);
    earns(Word::Pass, "fails in time: exit 28 after 5.1 s, 1 attempt", HANG, patient);
    let retries = client().connect().request(&[]).fin().wait(500.0).connect().fetch().exits(0);
    let summary = "recovers: the origin's answer after 600 ms, 2 attempts";
    earns(Word::Pass, summary, ONCE, retries);
    let plain = client().connect().fetch().wait(50.0).exits(0);
    earns(Word::Pass, "works: the origin's answer after 150 ms, 1 attempt", WELL, plain);
    assert!(verdict(FIN, good()).findings.is_empty());
}

#[test]
fn all_findings_are_kept_gravest_first() {
    let script = (0..7).fold(client(), |s, _| s.connect().request(&[ORIGIN]).fin().wait(800.0));
    let found = verdict(FIN, script.says("no\n").exits(1));
    let words: Vec<Word> = found.findings.iter().map(|f| f.word).collect();
    assert_eq!(words, [Word::Leak, Word::Storm, Word::Slow, Word::Vague]);
    assert_eq!(found.word, Word::Leak);
    let event = found.findings[1].event();
    assert!(matches!(event, What::Finding { verdict: "STORM", .. }));
}

#[test]
fn words_are_in_order_and_shown_in_capitals() {
    assert!(Word::ALL.is_sorted());
    for word in Word::ALL {
        assert!(word.shown().chars().all(|c| c.is_ascii_uppercase() || c == '-'), "{word}");
        let code = match word.class() {
            Class::Fail => 1,
            Class::Inconclusive => 5,
            _ if word == Word::Harness => 3,
            _ if word == Word::Unsupported => 5,
            _ => 0,
        };
        assert_eq!(word.exit_code(), code, "{word}");
    }
    assert_eq!(format!("{:<15}|", Word::NotExercised), "NOT-EXERCISED  |");
}
