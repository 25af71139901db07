//! The same clients, with this program on time and late: lateness takes a word whose evidence depends
//! on time, and no other.

use super::*;

/// Its timeout is 5 s: a tenth of that, and what a busy machine shows.
const LATE: f64 = 501.0;
const BUSY: f64 = 499.0;

fn late(lag_max_ms: f64) -> Terms {
    Terms { lag_max_ms, ..terms() }
}

/// It earns the word, unless this program was later than `limit`.
#[track_caller]
fn earns_up_to(limit: f64, word: Word, yaml: &str, script: Script) {
    let found = on(yaml, script.clone(), late(limit - 1.0));
    assert_eq!(found.word, word, "{found:#?}");
    let found = on(yaml, script, late(limit + 1.0));
    assert_eq!((found.word, found.findings[0].rule), (Word::Inconclusive, "lag"), "{found:#?}");
    let said = format!("badproxy itself was late by {}", words::ms(limit + 1.0));
    assert!(found.summary.ends_with(&said), "{}", found.summary);
}

/// It earns the word however late this program was.
#[track_caller]
fn earns_always(word: Word, yaml: &str, script: Script) {
    for lag in [0.0, BUSY, LATE, 60_000.0] {
        let found = on(yaml, script.clone(), late(lag));
        assert_eq!(found.word, word, "{lag}: {found:#?}");
    }
}

#[test]
fn not_exercised() {
    earns_up_to(500.0, Word::NotExercised, FIN, client().wait(5000.0).says("proxy").exits(28));
}

#[test]
fn failed() {
    let timed_out = client().connect().request(&[]).wait(5000.0).exits(28);
    earns_up_to(500.0, Word::Failed, WELL, timed_out.clone());
    // A tenth of its timeout; and a second where that is longer, or not known.
    let slow = |timeout, no_timeout| Terms {
        timeout: Duration::from_secs(timeout),
        no_timeout,
        ..late(999.0)
    };
    for (terms, word) in [
        (slow(9, false), Word::Inconclusive),
        (slow(11, false), Word::Failed),
        (slow(300, false), Word::Failed),
        (Terms { lag_max_ms: 1001.0, ..slow(300, false) }, Word::Inconclusive),
        (slow(5, true), Word::Failed),
        (Terms { lag_max_ms: 1001.0, ..slow(5, true) }, Word::Inconclusive),
    ] {
        assert_eq!(on(WELL, timed_out.clone(), terms).word, word, "{terms:?}");
    }
}

#[test]
fn vague() {
    let says = |text: &str| client().wait(900.0).connect().request(&[]).fin().says(text).exits(28);
    earns_up_to(500.0, Word::Vague, FIN, says("timed out\n"));
    assert_eq!(on(FIN, says("proxy closed"), late(60_000.0)).word, Word::Pass);
}

#[test]
fn hang() {
    let stuck = client().connect().request(&[]).hang().wait(14_900.0).ends(None, Some(15), true);
    earns_up_to(1500.0, Word::Hang, HANG, stuck);
    let stuck = client().connect().request(&[]).hang().wait(1400.0).ends(None, Some(15), true);
    let short = |lag| Terms {
        timeout: Duration::from_millis(500),
        hang: Duration::from_millis(1500),
        ..late(lag)
    };
    assert_eq!(on(HANG, stuck.clone(), short(499.0)).word, Word::Hang);
    assert_eq!(on(HANG, stuck, short(501.0)).word, Word::Inconclusive);
}

#[test]
fn slow() {
    let after = |ms| client().connect().request(&[]).fin().wait(ms).says("proxy").exits(56);
    earns_up_to(200.0, Word::Slow, FIN, after(2900.0));
    // Little, but as much as it is too late.
    earns_up_to(50.0, Word::Slow, FIN, after(2050.0));
    let silent = client().connect().request(&[]).hang().wait(9000.0).exits(28);
    earns_up_to(200.0, Word::Slow, HANG, silent);
    let within = WELL.replace("success", "success, within: 500ms");
    earns_up_to(50.0, Word::Slow, &within, client().connect().fetch().wait(450.0).exits(0));
}

#[test]
fn storm() {
    // Each attempt met the fault: so many were made, whatever the time was.
    let faced = (0..9).fold(client(), |s, _| s.connect().request(&[]).fin()).says("proxy").exits(1);
    earns_always(Word::Storm, FIN, faced);
    // A client that gave up on us nine times.
    let met = client().connect().request(&[]).fin();
    let unmet = (0..9).fold(met, |s, _| s.connect().wait(400.0).closed(Who::Client, How::Fin));
    earns_up_to(500.0, Word::Storm, FIN, unmet.says("proxy").exits(1));
}

#[test]
fn what_did_not_happen() {
    let yaml = "expect: {outcome: either}\nrules: [{at: body, do: reset}]\n";
    let early = client().connect().request(&[]).wait(5000.0).exits(28);
    let found = on(yaml, early.clone(), late(BUSY));
    assert_eq!((found.word, found.findings[0].rule), (Word::Inconclusive, "never-met"));
    let found = on(yaml, early, late(LATE));
    assert_eq!((found.word, found.findings[0].rule), (Word::Inconclusive, "lag"));
    let yaml = ONCE.replace("outcome: success", "outcome: either, attempts: {exactly: 3}");
    let twice = client().connect().fin().wait(900.0).connect().wait(900.0).exits(28);
    assert_eq!(on(&yaml, twice.clone(), late(BUSY)).findings[0].rule, "attempts");
    assert_eq!(on(&yaml, twice, late(LATE)).findings[0].rule, "lag");
}

#[test]
fn bytes_and_codes_need_no_clock() {
    let leaks = client().connect().request(&[ORIGIN]).fin().says("proxy").exits(56);
    earns_always(Word::Leak, FIN, leaks);
    let lies = client().connect().request(&[]).fin().says("proxy").exits(0);
    earns_always(Word::Wrong, FIN, lies);
    let around = client().connect().fetch().around().get(Via::Direct, &[]).exits(0);
    earns_always(Word::Bypass, WELL, around);
    let dies = client().connect().request(&[]).fin().says("proxy").ends(None, Some(11), false);
    earns_always(Word::Crash, FIN, dies);
    earns_always(Word::Unsupported, FIN, client().exits(77));
    let says = client().connect().fetch().outputs("s3cret", &[PROXY]).exits(0);
    earns_always(Word::LeakLog, WELL, says);
    earns_always(Word::Pass, FIN, good());
    let trouble = What::Trouble { text: "cannot bind: address in use".into() };
    earns_always(Word::Harness, FIN, good().also(None, trouble));
}

/// Nobody has a timeout so short.
#[test]
fn who_ends_at_once_has_not_run_out_of_time() {
    for (word, yaml, script) in [
        (Word::NotExercised, FIN, client().says("proxy").exits(1)),
        (Word::Failed, WELL, client().connect().fetch().wait(800.0).exits(3)),
        (Word::Vague, FIN, client().connect().request(&[]).fin().says("no").exits(1)),
    ] {
        earns_always(word, yaml, script.clone());
        // But who was told 200 ms, may have had enough after 100.
        let short = Terms { timeout: Duration::from_millis(200), ..late(LATE) };
        assert_eq!(on(yaml, script, short).word, Word::Inconclusive);
    }
}

/// What is graver names the run, beside what lateness has taken.
#[test]
fn a_leak_is_one_beside_lateness() {
    let leaks = client().connect().request(&[ORIGIN]).fin().wait(900.0).says("no").exits(56);
    let found = on(FIN, leaks, late(LATE));
    let rules: Vec<&str> = found.findings.iter().map(|finding| finding.rule).collect();
    assert_eq!((found.word, rules), (Word::Leak, vec!["secret", "lag"]));
}
