use super::*;

#[test]
fn slow() {
    let after = |ms| client().connect().request(&[]).fin().wait(ms).says("proxy").exits(56);
    earns(Word::Slow, "failed 2.5 s after the fault, 2.0 s allowed", FIN, after(2500.0));
    assert_eq!(verdict(FIN, after(1990.0)).word, Word::Pass);
    let lagging = Terms { lag_max_ms: 250.0, ..terms() };
    assert_eq!(on(FIN, after(2500.0), lagging).word, Word::Inconclusive);
    assert_eq!(on(FIN, after(1990.0), lagging).word, Word::Pass);

    let silent = |ms| client().connect().request(&[]).hang().wait(ms).exits(28);
    earns(Word::Slow, "failed after 8.1 s, BADPROXY_TIMEOUT said 5.0 s", HANG, silent(8000.0));
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
