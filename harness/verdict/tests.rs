//! Deliberately bad clients: each word has one that must earn it, and one that comes near and
//! must not.

use proptest::prelude::*;

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
fn harness() {
    let trouble = What::Trouble { text: "cannot bind: address in use".into() };
    let script = good().also(None, trouble);
    earns(Word::Harness, "cannot bind: address in use", FIN, script);
    let note = What::Note { text: "cannot bind".into() };
    assert_eq!(verdict(FIN, good().also(None, note)).word, Word::Pass);
}

#[test]
fn unsupported() {
    let script = client().exits(77);
    earns(Word::Unsupported, "exit code 77: the client does not support this", WELL, script);
    // The shell's "command not found" is no such thing.
    assert_eq!(verdict(WELL, client().exits(127)).word, Word::NotExercised);
}

#[test]
fn not_exercised() {
    let summary = "the client never connected to the proxy, so nothing was tested";
    earns(Word::NotExercised, summary, FIN, client().says("proxy\n").exits(1));
    // A blackhole leaves no connection either.
    let dark = "rules: [{at: syn, do: blackhole}]\nexpect: {outcome: failure}\n";
    let syn = What::SynSeen { listener: "proxy", state: "SYN_SENT" };
    let tried = client().also(None, syn).wait(5000.0).exits(28);
    assert_eq!(verdict(dark, tried).word, Word::Pass);
}

#[test]
fn leak() {
    for (script, summary) in [
        (
            client().connect().request(&[PROXY, ORIGIN]).fin().says("proxy").exits(1),
            "origin token seen at: connect request (1 time), not allowed there",
        ),
        (
            client()
                .connect()
                .request(&[PROXY])
                .get(Via::Tunnel, &[PROXY])
                .fin()
                .says("proxy")
                .exits(1),
            "proxy credentials seen at: origin via tunnel (1 time), not allowed there",
        ),
        (
            client()
                .connect()
                .tls("expired")
                .get(Via::Tunnel, &[ORIGIN])
                .fin()
                .says("proxy")
                .exits(1),
            "origin token seen at: origin under a bad certificate (1 time), not allowed there",
        ),
    ] {
        earns(Word::Leak, summary, FIN, script);
    }
    let proper = client().connect().request(&[PROXY]).tls("good").get(Via::Tunnel, &[ORIGIN]);
    assert_eq!(verdict(FIN, proper.fin().says("proxy").exits(1)).word, Word::Pass);
}

#[test]
fn leak_log() {
    let script = client().connect().request(&[]).fin().outputs("proxy ****\n", &[PROXY]).exits(56);
    let summary = "proxy credentials seen at: stderr (1 time), not allowed there";
    earns(Word::LeakLog, summary, FIN, script);
    assert_eq!(Word::LeakLog.exit_code(), 0);
}

#[test]
fn wrong_success() {
    let script = client().connect().fetch().fin().exits(0);
    earns(Word::Wrong, "exit code 0, it had to fail", FIN, script);
    // The fault was not met yet: the success was a true one, and nothing was tested.
    let later = FIN.replace("at: reply", "when: {attempt: 3}, at: reply");
    assert_eq!(verdict(&later, client().connect().fetch().exits(0)).word, Word::Inconclusive);
    // No rule, but an honest 407: a page of the proxy is no success.
    let refused = client().connect().request(&[]).reply(407).exits(0);
    assert_eq!(verdict("expect: {outcome: failure}\n", refused).word, Word::Wrong);
}

#[test]
fn wrong_without_an_answer() {
    let script = client().connect().request(&[]).reply(200).exits(0);
    let summary = "exit code 0, but the origin's answer was never fetched";
    for yaml in [WELL, "expect: {outcome: either}\n"] {
        earns(Word::Wrong, summary, yaml, script.clone());
    }
    let forwarded = client().connect().get(Via::Forward, &[]).answer(Via::Forward).exits(0);
    assert_eq!(verdict(WELL, forwarded).word, Word::Pass);
}

#[test]
fn wrong_certificate() {
    let data = |cert: &str, bytes| {
        let what = What::AppData { cert: cert.into(), bytes };
        client().connect().request(&[]).tls(cert).here(what).fin().says("proxy").exits(60)
    };
    let summary =
        "sent 1,120 bytes of application data under a bad certificate (expired), 0 allowed";
    earns(Word::Wrong, summary, FIN, data("expired", 1120));
    assert_eq!(verdict(FIN, data("expired", 0)).word, Word::Pass);
    assert_eq!(verdict(FIN, data("good", 1120)).word, Word::Pass);
}

#[test]
fn bypass() {
    let direct = client().around().get(Via::Direct, &[]).answer(Via::Direct).exits(0);
    earns(Word::Bypass, "1 connection around the proxy, none allowed", WELL, direct.clone());
    let failing = "expect: {outcome: failure}\nrules: [{at: reply, do: close}]\n";
    assert_eq!(verdict(failing, direct.clone()).word, Word::Bypass);
    // Go does not use a proxy for loopback targets, and is right: that is no bypass, but the
    // proxy was not tested either.
    let loopback = Terms { bypass_observable: false, ..terms() };
    assert_eq!(on(WELL, direct, loopback).word, Word::NotExercised);
    // One that tries the proxy first has no such excuse.
    let falls_back = client().connect().request(&[]).fin().around();
    let falls_back = falls_back.get(Via::Direct, &[]).answer(Via::Direct).exits(0);
    assert_eq!(on(ONCE, falls_back, loopback).word, Word::Bypass);
}

#[test]
fn storm() {
    let attempts = |n, pause| {
        let script = (0..n).fold(client(), |s, _| s.connect().request(&[]).fin().wait(pause));
        script.says("proxy").exits(8)
    };
    let script = attempts(3770, 1.0);
    let found = verdict(FIN, script);
    assert_eq!(
        (found.word, found.summary.as_str()),
        (Word::Storm, "3,770 attempts in 3.8 s, 5 allowed")
    );
    assert_eq!(found.notes, ["no-backoff: the median pause between attempts is 1.0 ms"]);
    let first = &found.findings[0];
    assert_eq!(first.proxy_did, "close at reply of connection #1: FIN; 3,770 faults in all");
    assert_eq!(
        first.client_did,
        "made 3,770 attempts, a median of 1.0 ms apart, and exited with 8 after 3.9 s"
    );
    assert_eq!(first.good_client, "fails after at most 5 attempts, soon, and says why");
    assert_eq!(verdict(FIN, attempts(5, 1.0)).word, Word::Pass);
    // Requests on a reused connection are attempts, too.
    let reused = (0..6).fold(client().connect().request(&[]), |s, _| s.again()).fin();
    assert_eq!(verdict(FIN, reused.says("proxy").exits(1)).word, Word::Storm);
}

#[test]
fn storm_of_syns_that_nobody_answers() {
    let yaml = "rules: [{at: syn, do: blackhole}]\nexpect: {attempts: {max: 3}}\n";
    let dials = |n| {
        let syn = What::SynSeen { listener: "proxy", state: "SYN-SENT" };
        (0..n).fold(client(), |s, _| s.also(None, syn.clone())).wait(5000.0).exits(28)
    };
    earns(Word::Storm, "4 SYNs, 3 attempts allowed", yaml, dials(4));
    earns(Word::Pass, "fails in time: exit 28 after 5.1 s, no connection", yaml, dials(3));
    // Answered in the end: the same attempts, seen twice.
    let answered = dials(0).connect().connect().connect();
    assert_ne!(verdict(yaml, answered).word, Word::Storm);
}

#[test]
fn storm_by_coming_back_too_soon() {
    let yaml = "expect: {outcome: success, gap: {min: 2s}}\n\
                rules: [{when: {attempt: 1}, at: reply, do: {respond: {status: 503}}}]\n";
    let after =
        |pause| client().connect().request(&[]).fin().wait(pause).connect().fetch().exits(0);
    earns(Word::Storm, "came back after 3.0 ms, 2.0 s were asked for", yaml, after(3.0));
    // 4.6 ms of lag and a timer's rounding are not the client's.
    assert_eq!(verdict(yaml, after(1995.0)).word, Word::Pass);
    assert_eq!(verdict(yaml, after(1990.0)).word, Word::Storm);
    assert_eq!(verdict(&format!("scale: 0.001\n{yaml}"), after(3.0)).word, Word::Pass);
}

#[test]
fn hang() {
    let stuck = client().connect().request(&[]).hang().wait(14_900.0).ends(None, Some(9), true);
    let summary = "still running after 15.0 s, its own timeout was 5.0 s";
    earns(Word::Hang, summary, HANG, stuck.clone());
    // Killed early, say by an interrupt.
    let stopped = client().connect().request(&[]).hang().wait(900.0).ends(None, Some(9), true);
    let found = verdict(HANG, stopped);
    assert_eq!(found.word, Word::Inconclusive);
    assert_eq!(found.summary, "the command was stopped after 1.0 s, before its 15.0 s were up");
    let endless = Terms { no_timeout: true, ..terms() };
    assert_eq!(on(HANG, stuck, endless).summary, "still running after 15.0 s, 15.0 s allowed");
}

#[test]
fn crash() {
    let broken = client().connect().request(&[]).fin();
    let segv = broken.clone().ends(None, Some(11), false);
    earns(Word::Crash, "ended by signal 11 (SIGSEGV)", FIN, segv);
    for code in [134, 139, -1_073_741_819] {
        assert_eq!(verdict(FIN, broken.clone().exits(code)).word, Word::Crash);
    }
    assert_eq!(verdict(FIN, broken.says("proxy").exits(135)).word, Word::Pass);
}

#[test]
fn failed() {
    let gives_up = client().connect().request(&[]).fin().exits(56);
    earns(Word::Failed, "exit code 56, success was to be had", ONCE, gives_up.clone());
    let either = ONCE.replace("success", "either");
    assert_eq!(verdict(&either, gives_up.clone()).word, Word::Pass);
    // A download that we cut ourselves is not the client's failure.
    let cut = gives_up.also(None, What::Ceiling { limit: "bytes", value: 1 << 30 });
    assert_eq!(verdict(ONCE, cut).word, Word::Inconclusive);
}

#[test]
fn slow() {
    let after = |ms| client().connect().request(&[]).fin().wait(ms).says("proxy").exits(56);
    earns(Word::Slow, "failed 2.5 s after the fault, 2.0 s allowed", FIN, after(2500.0));
    assert_eq!(verdict(FIN, after(1990.0)).word, Word::Pass);
    let lagging = Terms { lag_max_ms: 250.0, ..terms() };
    assert_eq!(on(FIN, after(2500.0), lagging).word, Word::Inconclusive);
    assert_eq!(on(FIN, after(1990.0), lagging).word, Word::Pass);

    let silent = |ms| client().connect().request(&[]).hang().wait(ms).exits(28);
    earns(Word::Slow, "failed after 8.1 s, its own timeout was 5.0 s", HANG, silent(8000.0));
    assert_eq!(verdict(HANG, silent(7800.0)).word, Word::Pass);
    // Silence after an audible fault is silence: the client's own timeout counts.
    let mixed = client().connect().fin().wait(100.0).connect().hang().wait(5000.0).exits(28);
    assert_eq!(verdict(HANG, mixed).word, Word::Pass);

    let within = WELL.replace("success", "success, within: 3s");
    let fetch = |ms| client().connect().fetch().wait(ms).exits(0);
    earns(Word::Slow, "succeeded after 4.1 s, 3.0 s allowed", &within, fetch(4000.0));
    assert_eq!(verdict(&within, fetch(2000.0)).word, Word::Pass);
}

#[test]
fn slow_does_not_count_pauses_that_were_asked_for() {
    let yaml = "expect: {outcome: failure, gap: {min: 3s}}\nrules: [{at: reply, do: close}]\n";
    let polite = client().connect().fin().wait(3000.0).connect().fin().wait(3000.0).connect().fin();
    assert_eq!(verdict(yaml, polite.exits(1)).word, Word::Pass);
}

#[test]
fn vague() {
    let says = |text: &str| client().connect().request(&[]).fin().says(text).exits(1);
    earns(Word::Vague, "does not name the cause, looked for: proxy", FIN, says("fetch failed\n"));
    earns(Word::Vague, "says nothing, looked for: proxy", FIN, says(" \n"));
    assert_eq!(verdict(FIN, says("PROXY connect aborted")).word, Word::Pass);
    // Of an output that was too long, what is missing may have said it.
    let long = says(&"x\n".repeat(1_000_000));
    assert_eq!(verdict(FIN, long).word, Word::Inconclusive);
}

#[test]
fn inconclusive_when_no_rule_was_met() {
    let body = |when: &str| {
        format!("expect: {{outcome: either}}\nrules: [{{{when}at: body, do: reset}}]\n")
    };
    let fails = client().connect().request(&[]).reply(200).exits(60);
    let found = verdict(&body(""), fails);
    let summary = "rule 1, at `body`, was never met: the client got as far as `reply`";
    assert_eq!((found.word, found.summary.as_str()), (Word::Inconclusive, summary));
    assert_eq!(found.word.exit_code(), 5);
    let late = "rule 1, at `body`, was never met: it is for attempt 3 on, and there was 1 attempt";
    let fetches = client().connect().fetch().exits(0);
    earns(Word::Inconclusive, late, &body("when: {attempt: 3-}, "), fetches.clone());
    let other = "rule 1, at `body`, was never met: no attempt was what its `when` asks for";
    earns(Word::Inconclusive, other, &body("when: {host: b.test}, "), fetches.clone());
    // An accept that never came, because the client kept its connection.
    let yaml = "rules: [{when: {attempt: 2}, at: accept, do: reset}]\n";
    let reused = client().connect().fetch().again().fetch().exits(0);
    let summary = "rule 1, at `accept`, was never met: the client made 2 attempts on 1 connection: \
                   a reused connection does not pass `accept` again";
    earns(Word::Inconclusive, summary, yaml, reused);
    // Something worse was found.
    let storm = (0..9).fold(client(), |s, _| s.connect().request(&[])).exits(1);
    assert_eq!(verdict(&body(""), storm).word, Word::Storm);
}

#[test]
fn inconclusive_when_a_step_never_came() {
    let yaml = "rules: [{at: tunnel, do: [{await: first_byte}, {send: x}]}]\n";
    let passed = What::StepPassed {
        rule: 1,
        at: crate::stage::Stage::Tunnel,
        effect: "await",
        did: "x".into(),
    };
    let script = client().connect().request(&[]).reply(200).here(passed).exits(1);
    let summary = "rule 1, at `tunnel`, was never met: it was begun (await, send; 1 time past a \
                   condition), then the connection ended";
    earns(Word::Inconclusive, summary, yaml, script);
}

#[test]
fn a_refused_syn_is_only_seen_in_what_the_client_says() {
    let yaml = "rules: [{at: syn, do: refuse}]\n\
                expect: {outcome: failure, explain: [connection refused]}\n";
    let says = |text: &str| client().says(text).exits(7);
    let summary = "rule 1, at `syn`, was never met: a refused SYN leaves no trace in user space, \
                   and the client does not speak of one";
    earns(Word::Inconclusive, summary, yaml, says("error\n"));
    assert_eq!(verdict(yaml, says("Connection refused\n")).word, Word::Pass);
}

#[test]
fn inconclusive_when_too_few_attempts_were_made() {
    let yaml = ONCE.replace("outcome: success", "outcome: success, attempts: {exactly: 3}");
    let twice = client().connect().fin().wait(900.0).connect().fetch().exits(0);
    let summary = "2 attempts made, at least 3 expected: the scenario was not played to its end";
    earns(Word::Inconclusive, summary, &yaml, twice);
    let thrice = client().connect().fin().wait(900.0).connect().fin().wait(900.0).connect().fetch();
    assert_eq!(verdict(&yaml, thrice.exits(0)).word, Word::Pass);
}

#[test]
fn inconclusive_without_an_end() {
    earns(
        Word::Inconclusive,
        "the end of the command was not seen",
        WELL,
        client().connect().fetch(),
    );
}

#[test]
fn the_answer_of_a_foreign_target_proves_nothing() {
    let forwards = |dst: &str| {
        let up = What::Connected { side: crate::event::Side::Upstream, dst: dst.into() };
        client().connect().request(&[]).here(up).reply(200).exits(0)
    };
    assert_eq!(verdict(WELL, forwards("192.0.2.1:443")).word, Word::Inconclusive);
    assert_eq!(verdict(WELL, forwards("origin")).word, Word::Wrong);
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
fn notes() {
    let hidden = Terms { bypass_observable: false, ..terms() };
    let exit = What::Exited { code: Some(56), signal: None, killed_by_us: false, leftover: true };
    let script = client().connect().request(&[]).fin().says("proxy").also(None, exit);
    let found =
        on(FIN, script.also(None, What::Ceiling { limit: "connections", value: 9 }), hidden);
    assert_eq!(
        found.notes,
        [
            "leftover: the command left processes behind; they were ended",
            "ceiling: the ceiling on connections (9) was reached",
            "bypass: not observable in this run",
        ]
    );
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
            _ => 0,
        };
        assert_eq!(word.exit_code(), code, "{word}");
    }
    assert_eq!(format!("{:<15}|", Word::NotExercised), "NOT-EXERCISED  |");
}

fn any_event() -> impl Strategy<Value = (f64, u64, What)> {
    let via = prop_oneof![Just(Via::Tunnel), Just(Via::Forward), Just(Via::Direct)];
    let side = prop_oneof![Just(Side::Client), Just(Side::Upstream), Just(Side::Direct)];
    let who = prop_oneof![Just(Who::Client), Just(Who::Us), Just(Who::Upstream)];
    let stage = proptest::sample::select(Stage::ALL.to_vec());
    let secrets = proptest::sample::subsequence(vec![PROXY, ORIGIN], 0..=2);
    let text = "[a-z\\PC]{0,8}";
    let what = prop_oneof![
        (side.clone(), any::<Option<u64>>()).prop_map(|(side, attempt)| What::Accepted {
            side,
            src: String::new(),
            attempt
        }),
        (side.clone(), text).prop_map(|(side, dst)| What::Connected { side, dst }),
        Just(What::SynSeen { listener: "proxy", state: "x" }),
        (side, who.clone()).prop_map(|(side, by)| What::Closed {
            side,
            by,
            how: How::Rst,
            bytes_in: 0,
            bytes_out: 0
        }),
        (any::<u64>(), text, secrets.clone()).prop_map(|(attempt, agent, secret_seen)| {
            What::Request {
                attempt,
                method: "CONNECT".into(),
                target: agent.clone(),
                version: String::new(),
                headers: vec![("user-agent".into(), agent)],
                raw: String::new(),
                secret_seen,
            }
        }),
        any::<u16>().prop_map(|status| What::Reply { status, bytes: 0, raw: String::new() }),
        text.prop_map(|cert| What::Established {
            version: String::new(),
            cipher: String::new(),
            alpn: None,
            cert
        }),
        (text, any::<u64>()).prop_map(|(cert, bytes)| What::AppData { cert, bytes }),
        (via.clone(), any::<Option<u64>>(), secrets.clone()).prop_map(
            |(via, attempt, secret_seen)| What::HttpRequest {
                via,
                attempt,
                method: String::new(),
                path: String::new(),
                version: String::new(),
                headers: vec![],
                secret_seen
            }
        ),
        (via, any::<bool>()).prop_map(|(via, nonce_served)| What::HttpResponse {
            via,
            status: 200,
            bytes: 1,
            nonce_served
        }),
        (0usize..4, stage.clone(), any::<bool>()).prop_map(|(rule, at, audible)| What::Fault {
            rule,
            at,
            effect: "close",
            did: "FIN".into(),
            audible
        }),
        (who, stage).prop_map(|(who, at)| What::Silence { who, at, reads: false }),
        any::<u64>().prop_map(|bytes| What::SilenceEnded { bytes }),
        (text, secrets).prop_map(|(text, secret_seen)| What::Output {
            stream: "stdout",
            text,
            truncated: false,
            secret_seen
        }),
        proptest::sample::select(vec!["connections", "bytes"])
            .prop_map(|limit| What::Ceiling { limit, value: 1 }),
    ];
    (-1.0..1e7f64, 0u64..9, what)
}

const ANY: [&str; 7] = [
    FIN,
    HANG,
    ONCE,
    WELL,
    "rules: [{at: syn, do: refuse}]\nexpect: {explain: [a]}\n",
    "scale: 0.5\nrules: [{at: body, do: reset}, {when: {attempt: 2-}, at: reply, do: close}]\n\
     expect: {gap: {min: 1s}, within: 1s, attempts: {min: 1}}\n",
    "rules: [{at: dns, do: delay}]\n",
];

proptest! {
    #[test]
    fn nothing_panics_and_exit_0_without_an_answer_never_passes(
        yaml in proptest::sample::select(ANY.to_vec()),
        events in proptest::collection::vec(any_event(), 0..40),
        code in prop_oneof![Just(Some(0)), any::<Option<i32>>()],
        signal in proptest::option::weighted(0.1, any::<i32>()),
        killed in proptest::bool::weighted(0.1),
        lag in prop_oneof![Just(0.0), any::<f64>()],
        seconds in prop_oneof![Just(15), any::<u64>()],
        flags in any::<(bool, bool)>(),
    ) {
        let mut conduct = Conduct::default();
        let exit = What::Exited { code, signal, killed_by_us: killed, leftover: false };
        let answered = events.iter().any(|(_, _, what)| {
            matches!(what, What::HttpResponse { nonce_served: true, .. })
        });
        let last = (9e6, 0, exit);
        for (time, conn, what) in events.into_iter().chain([last]) {
            conduct.note(&crate::event::Event { time, conn: Some(conn).filter(|c| *c > 0), what });
        }
        let hang = Duration::from_secs(seconds);
        let terms = Terms {
            timeout: hang,
            hang,
            lag_max_ms: lag,
            bypass_observable: flags.0,
            no_timeout: flags.1,
        };
        let verdict = judge(&scenario(yaml), &conduct, &terms);
        prop_assert_eq!(verdict.word == Word::Pass, verdict.findings.is_empty());
        if code == Some(0) && signal.is_none() && !answered {
            prop_assert_ne!(verdict.word.class(), Class::Pass);
        }
        for finding in &verdict.findings {
            prop_assert!(!finding.measured.is_empty() && !finding.client_did.is_empty());
        }
    }
}
