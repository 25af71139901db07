use super::*;
use crate::stage::Stage;

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
    let found = verdict(WELL, script);
    assert_eq!((found.word, found.word.exit_code()), (Word::Unsupported, 5));
    assert!(found.summary.contains("exit code 77") && found.summary.contains("nothing was judged"));
    // The shell's "command not found" is no such thing.
    assert_eq!(verdict(WELL, client().exits(127)).word, Word::NotExercised);
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
    let other = "rule 1, at `body`, was never met: no attempt was what its `when` asks for \
                 (host: b.test)";
    earns(Word::Inconclusive, other, &body("when: {host: b.test}, "), fetches.clone());
    // An accept that never came, because the client kept its connection.
    let yaml = "rules: [{when: {attempt: 2}, at: accept, do: reset}]\n";
    let reused = client().connect().fetch().again().fetch().exits(0);
    let summary = "rule 1, at `accept`, was never met: the client made 2 attempts on 1 connection: \
                   a reused connection does not pass `accept` again";
    earns(Word::Inconclusive, summary, yaml, reused);
    let yaml = "client: {target: 'ws://a.test/ws'}\nrules: [{at: body, do: reset}]\n";
    let frames = "rule 1, at `body`, was never met: the frames of a WebSocket are in no body; \
                  `at: tunnel` reaches them";
    earns(Word::Inconclusive, frames, yaml, client().connect().fetch().exits(0));
    // Something worse was found.
    let storm = (0..9).fold(client(), |s, _| s.connect().request(&[])).exits(1);
    assert_eq!(verdict(&body(""), storm).word, Word::Storm);
}

#[test]
fn inconclusive_when_a_step_never_came() {
    let yaml = "rules: [{at: tunnel, do: [{await: first_byte}, {send: x}]}]\n";
    let passed = What::StepPassed {
        rule: 1,
        at: Stage::Tunnel,
        effect: "await",
        did: "x".into(),
        unspoken: false,
    };
    let script = client().connect().request(&[]).reply(200).here(passed).exits(1);
    let summary = "rule 1, at `tunnel`, was never met: it was begun (await, send; 1 time past a \
                   condition), then the connection ended";
    earns(Word::Inconclusive, summary, yaml, script);
}

#[test]
fn inconclusive_when_bytes_passed_for_another_time() {
    let long = client().connect().fetch().exits(0);
    for (until, scale, why) in [
        ("idle: 5m", "", "`tunnel` was never idle for 300s (`scale:` shortens times)"),
        ("idle: 5m", "scale: 0.001\n", "`tunnel` was never idle for 300 ms (300s, scaled)"),
        ("elapsed: 3s", "", "`tunnel` did not last 3s (`scale:` shortens times)"),
        ("bytes: 9KiB", "", "fewer than 9KiB passed at `tunnel`"),
    ] {
        let yaml = format!("{scale}rules: [{{at: tunnel, do: [{{until: {{{until}}}}}, reset]}}]\n");
        let summary = format!("rule 1, at `tunnel`, was never met: {why}");
        earns(Word::Inconclusive, &summary, &yaml, long.clone());
    }
}

#[test]
fn inconclusive_when_no_packet_was_lost() {
    let yaml =
        |which: &str| format!("requires: 1\nrules: [{{at: syn, do: {{lose: {{{which}}}}}}}]\n");
    let plain = client().connect().fetch().exits(0);
    for (which, why) in [
        ("first: 2", "the client sent none in that direction"),
        ("every: 9", "no connection had 9 in one direction: send more"),
        (
            "chance: 0.15",
            "each with a chance of 0.15: play it again, with another --seed, or send more",
        ),
    ] {
        let summary = format!("rule 1, at `syn`, was never met: no packet was lost; {why}");
        earns(Word::Inconclusive, &summary, &yaml(which), plain.clone());
    }
    let yaml = &yaml("every: 9");
    let (rule, did) = (1, "loses a packet to the client".to_owned());
    let lost = What::Fault { rule, at: Stage::Syn, effect: "lose", did, audible: false };
    let found = verdict(yaml, plain.also(None, lost));
    assert_eq!(found.word, Word::Pass);
    assert_eq!(found.proxy_did, "lose at syn: loses a packet to the client");
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
    // Who had its answer from a real target before a rule was met had not to fail.
    assert_eq!(verdict(FIN, forwards("192.0.2.1:443")).word, Word::Inconclusive);
    assert_eq!(verdict(FIN, forwards("origin")).word, Word::Wrong);
    assert_eq!(verdict(WELL, forwards("origin")).word, Word::Wrong);
}

#[test]
fn notes() {
    let hidden = Terms { bypass_observable: false, ..terms() };
    let exit = What::Exited { code: Some(56), signal: None, killed_by_us: false };
    let script = client().connect().request(&[]).fin().says("proxy").also(None, exit);
    let script = script.also(None, What::Leftover {});
    let found =
        on(FIN, script.also(None, What::Ceiling { limit: "connections", value: 9 }), hidden);
    assert_eq!(
        found.notes,
        [
            "leftover: the command left processes behind; those found were ended",
            "ceiling: the ceiling on connections (9) was reached",
            "bypass: a way around the proxy could not be seen here (run --isolate sees each one)",
        ]
    );
}

#[test]
fn a_rule_that_was_not_met_beside_one_that_was_is_a_note() {
    let yaml = "rules: [{at: reply, do: close}, {at: tunnel, when: {host: b.test}, do: reset}]\n\
                expect: {outcome: failure}\n";
    let yaml = yaml.replace("{at: reply,", "{at: reply, when: {attempt: 1},");
    let found = verdict(&yaml, good());
    let note = "never-met: rule 2, at tunnel, was never met: the client got as far as `reply`";
    assert_eq!((found.word, found.notes.as_slice()), (Word::Pass, &[note.to_owned()][..]));
    // Where all were, and where none was (INCONCLUSIVE says so), there is no such note.
    assert_eq!(verdict(FIN, good()).notes, [""; 0]);
    let none = verdict(&yaml, client().connect().fetch().exits(1));
    assert_eq!((none.word, none.notes.len()), (Word::Inconclusive, 0));
    // A rule at `syn` that keeps everybody away is the kernel's, and leaves no event.
    let shut = "rules: [{at: syn, do: refuse}, {at: dns, do: {delay: 1s}}]\n\
                expect: {outcome: failure, explain: [refused]}\n";
    let slow = client().fault(Stage::Dns, "delay", "1 s", true).says("refused").exits(1);
    let notes = verdict(shut, slow).notes;
    assert!(notes.iter().all(|note| !note.contains("rule 1")), "{notes:?}");
}

#[test]
fn without_expect_a_healthy_proxy_asks_for_success() {
    let fails = || client().connect().request(&[]).reply(200).exits(60);
    for yaml in [
        "name: a/b\n",
        "proxy: {auth: {scheme: basic, user: al, password: pass}}\nclient: {credentials: right}\n",
    ] {
        let found = verdict(yaml, fails());
        assert_eq!(found.word, Word::Failed, "{yaml}");
        assert!(found.good_client.starts_with("gets the origin's answer with"));
    }
    // Said, it is as it was said; and what keeps a client away need be no rule.
    for yaml in [
        "expect: {outcome: either}\n",
        "proxy: {auth: {scheme: basic, user: al, password: pass}}\n",
        "dns: {}\n",
    ] {
        assert_eq!(verdict(yaml, fails()).word, Word::Pass, "{yaml}");
    }
}

#[test]
fn a_pass_without_expect_says_so() {
    let bare = FIN.split_once("expect").unwrap().0;
    let said = "expect: no `expect`: any quick end passes";
    let found = verdict(bare, good());
    assert_eq!((found.word, found.notes.as_slice()), (Word::Pass, &[said.to_owned()][..]));
    assert!(verdict("name: a/b\n", client().connect().fetch().exits(0)).notes.is_empty());
    assert!(verdict(FIN, good()).notes.is_empty());
    // What is found needs no such excuse.
    let storm = (0..9).fold(client(), |s, _| s.connect().request(&[]).fin()).exits(1);
    assert!(verdict(bare, storm).notes.iter().all(|note| note != said));
}

/// Who was told to give up earlier than the answer may come is not the one to blame.
#[test]
fn a_timeout_below_what_the_scenario_takes() {
    let yaml = "scale: 0.5\nexpect: {outcome: success, within: 12s}\n";
    let note = "timeout: the answer may take 6.0 s here, and the client was told to wait for 5.0 s";
    let gives_up = || client().connect().request(&[]).wait(5000.0).says("timed out").exits(28);
    let notes = |yaml: &str, terms| on(yaml, gives_up(), terms).notes;
    assert!(notes(yaml, terms()).contains(&note.to_owned()), "{:?}", notes(yaml, terms()));
    let of = |notes: Vec<String>| notes.iter().any(|note| note.starts_with("timeout: "));
    assert!(!of(notes(&yaml.replace("12s", "10s"), terms())));
    assert!(!of(notes(yaml, Terms { no_timeout: true, ..terms() })));
    assert!(!of(on(yaml, client().connect().fetch().exits(0), terms()).notes));
}
