//! Faults that were not met, and what is said of them: names, PAC files, limits, rules at `syn`.

use super::*;
use crate::stage::Stage;

fn hidden() -> Terms {
    Terms { bypass_observable: false, ..terms() }
}

fn rules(verdict: &Verdict) -> Vec<(Word, &'static str)> {
    verdict.findings.iter().map(|found| (found.word, found.rule)).collect()
}

/// Who asked for a name, or fetched the file, has come; who did neither is told what to do.
#[test]
fn who_asks_has_come() {
    let dns = "dns: {}\nexpect: {outcome: failure}\n";
    let pac = "pac: {script: 'function FindProxyForURL(u, h) { return \"PROXY {proxy}\"; }'}\n\
               expect: {outcome: failure}\n";
    let both = format!("dns: {{}}\n{pac}");
    let nobody = || client().exits(1);
    let first = |yaml: &str, script, terms| {
        let found = on(yaml, script, terms);
        let first = found.findings.first().cloned();
        (found.word, first.map(|f| f.summary()).unwrap_or_default())
    };
    for (yaml, terms, asks, isolate) in [
        (WELL, hidden(), "the client never connected to the proxy", false),
        (dns, hidden(), "the client never asked the name server, nor connected", true),
        (dns, terms(), "the client never asked the name server, nor connected", false),
        (pac, hidden(), "the client never fetched the PAC file, nor connected", false),
        (&both, hidden(), "the client never fetched the PAC file, nor connected", false),
    ] {
        let (word, said) = first(yaml, nobody(), terms);
        assert_eq!(word, Word::NotExercised, "{yaml}");
        assert!(said.starts_with(asks) && said.contains("run --isolate") == isolate, "{said}");
    }
    let asked = || client().also(None, query("proxy.badproxy.test")).exits(1);
    let fetched = || client().also(None, fetch()).exits(1);
    let words =
        |yaml: &str| [asked(), fetched(), nobody()].map(|script| verdict(yaml, script).word);
    let (away, pass) = (Word::NotExercised, Word::Pass);
    assert_eq!(words(dns), [pass, away, away]);
    assert_eq!(words(pac), [away, pass, away]);
    assert_eq!(words("expect: {outcome: failure}\n"), [away, away, away]);
}

/// Met in the handshake of DoH or DoT, a rule keeps a good client from asking at all.
#[test]
fn a_rule_at_dns_that_was_met_excuses_who_never_asked() {
    let at = |stage| {
        let fault =
            What::Fault { rule: 1, at: stage, effect: "cert", did: "x".into(), audible: true };
        client().also(None, fault).says("certificate").exits(1)
    };
    let yaml = "rules: [{when: {transport: doh}, at: dns, do: {cert: expired}}]\nexpect: {outcome: failure}\n";
    assert_eq!(verdict(yaml, at(Stage::Dns)).word, Word::Pass);
    let other = "rules: [{at: reply, do: close}]\nexpect: {outcome: failure}\n";
    assert_eq!(verdict(other, at(Stage::Reply)).word, Word::NotExercised);
    // The second rule is met, which is not at `dns`.
    let two = "rules: [{when: {transport: doh}, at: dns, do: {cert: expired}}, {at: reply, do: close}]\n\
               expect: {outcome: failure}\n";
    let fault = What::Fault {
        rule: 2,
        at: Stage::Reply,
        effect: "close",
        did: "FIN".into(),
        audible: true,
    };
    assert_eq!(verdict(two, client().also(None, fault).exits(1)).word, Word::NotExercised);
}

#[test]
fn why_a_rule_at_dns_was_not_met() {
    let yaml = "rules: [{when: {type: AAAA}, at: dns, do: {delay: 1s}}]\n\
                expect: {outcome: either}\n";
    let none = verdict(yaml, client().connect().fetch().exits(0)).summary;
    assert!(none.contains("never met: no query came to the name server; "), "{none}");
    let other =
        verdict(yaml, client().also(None, query("proxy.badproxy.test")).connect().fetch().exits(0))
            .summary;
    assert!(other.ends_with("never met: no query was what its `when` asks for"), "{other}");
    let body = yaml.replace("type: AAAA", "host: b.test").replace("at: dns", "at: body");
    let body = verdict(&body, client().connect().fetch().exits(0)).summary;
    assert!(body.ends_with("no attempt was what its `when` asks for (host: b.test)"), "{body}");
}

/// What a rule waits for is said where the client came that far.
#[test]
fn a_rule_that_waits_is_spoken_of_where_it_was_reached() {
    let yaml = "rules: [{at: tunnel, do: [{until: {end: upstream, unanswered: true}}, reset]}]\n\
                expect: {outcome: either}\n";
    let said = |script: Script| verdict(yaml, script.exits(1)).summary;
    let open = said(client().connect().request(&[]).reply(200).tls("good"));
    assert!(open.ends_with("it sent no FIN before it had an answer"), "{open}");
    let early = said(client().connect().request(&[]).reply(200));
    assert!(early.ends_with("the client got as far as `reply`"), "{early}");
    let any = yaml.replace(", unanswered: true", "");
    let any = verdict(&any, client().connect().request(&[]).tls("good").exits(1)).summary;
    assert!(any.ends_with("it sent no FIN"), "{any}");
}

#[test]
fn a_limit_that_nothing_came_to() {
    let yaml = "proxy: {head_limit: 8KiB}\nexpect: {outcome: failure}\n";
    let asks = |status| client().connect().request(&[]).reply(status).says("431").exits(1);
    assert_eq!(verdict(yaml, asks(431)).word, Word::Pass);
    let found = verdict(yaml, asks(200));
    assert_eq!(rules(&found), [(Word::Inconclusive, "never-met")]);
    assert!(found.summary.starts_with("no request head was longer than the limit of 8"));
    // Neither the lateness nor the words of a client that met nothing are held against it.
    let vague = yaml.replace("failure", "failure, explain: [long]");
    let late = client().connect().request(&[]).reply(200).wait(9000.0).says("no").exits(1);
    assert_eq!(rules(&verdict(&vague, late)), [(Word::Inconclusive, "never-met")]);
    // Where a rule is the fault, the limit is none.
    let rule = format!("{yaml}rules: [{{at: reply, do: close}}]\n");
    assert_eq!(verdict(&rule, good()).word, Word::Pass);
}

/// Without the file nothing is begun.
#[test]
fn a_pac_file_that_was_not_read() {
    let pac = "pac: {script: 'function FindProxyForURL(u, h) { return \"PROXY {proxy}\"; }'}\n";
    let failure = format!("{pac}expect: {{outcome: failure, explain: [proxy]}}\n");
    let guesses = || client().connect().request(&[]).reply(200);
    let late = verdict(&failure, guesses().wait(9000.0).says("no").exits(1));
    assert_eq!(rules(&late), [(Word::Inconclusive, "never-met")], "{late:#?}");
    let asked = client().also(None, fetch()).connect().request(&[]).reply(200);
    assert_eq!(verdict(&failure, asked.says("no").exits(1)).word, Word::Vague);
    // Who may go directly, and has not read it, is told both.
    let either = format!("{pac}expect: {{outcome: either, way: direct}}\n");
    let found = rules(&verdict(&either, client().exits(1)));
    assert_eq!(found, [(Word::Inconclusive, "never-met"), (Word::Inconclusive, "way")]);
}

#[test]
fn rules_at_syn() {
    let dark = "rules: [{at: body, do: reset}, {at: syn, do: blackhole}]\n\
                expect: {outcome: failure, explain: [timed out]}\n";
    let found = verdict(dark, client().wait(5000.0).says("no").exits(28));
    let said = "none of the 2 rules was met; rule 2 is at `syn`: no SYN was seen; one of a client \
                that waits for less than 20 ms is not (run --isolate sees each)";
    assert_eq!((found.word, found.summary.as_str()), (Word::Inconclusive, said));
    assert_eq!(found.proxy_did, "left every SYN unanswered");
    let lost = dark.replace("blackhole", "unreachable");
    let found = verdict(&lost, client().says("no").exits(28));
    assert!(found.summary.contains("where there is no route no packet leaves"), "{found:#?}");
    assert_eq!(found.proxy_did, "had no route to it");
    let shut = "rules: [{at: syn, do: refuse}]\nexpect: {outcome: failure}\n";
    assert_eq!(verdict(shut, client().exits(7)).proxy_did, "answered every SYN with a RST");
    // A rule at `syn` that was met by nobody is a note beside one that was, and no other.
    let two = "rules: [{at: syn, when: {address: 127.0.0.2}, do: refuse}, {at: reply, do: close}]\n\
               proxy: {addresses: [127.0.0.1, 127.0.0.2]}\n\
               expect: {outcome: failure, explain: [proxy]}\n";
    let fin =
        What::Fault { rule: 2, at: Stage::Reply, effect: "close", did: "x".into(), audible: true };
    let notes =
        verdict(two, client().connect().request(&[]).here(fin).says("proxy").exits(1)).notes;
    assert!(notes.iter().any(|note| note.starts_with("never-met: rule 1, at syn, ")), "{notes:?}");
}

/// Only a stage that a reused connection does not pass.
#[test]
fn a_reused_connection_is_a_reason_where_it_is_one() {
    let yaml =
        "rules: [{when: {host: b.test}, at: accept, do: reset}]\nexpect: {outcome: either}\n";
    let once = client().connect().fetch().exits(0);
    let at = yaml.replace("when: {host: b.test}, ", "when: {open: 2-}, ");
    let said = verdict(&at, once).summary;
    assert!(said.ends_with("no attempt was what its `when` asks for (open: 2-)"), "{said}");
    let twice = verdict(&at, client().connect().fetch().again().exits(0)).summary;
    assert!(twice.contains("does not pass `accept` again"), "{twice}");
}

/// Of a WebSocket only the frames are in no body.
#[test]
fn frames_are_no_excuse_at_other_stages() {
    let at = |stage: &str, target: &str| {
        let yaml = format!(
            "client: {{target: '{target}'}}\nrules: [{{when: {{host: b.test}}, at: {stage}, do: reset}}]\n\
             expect: {{outcome: either}}\n"
        );
        verdict(&yaml, client().connect().fetch().exits(0)).summary.contains("WebSocket")
    };
    assert!(at("body", "ws://a.test/x") && at("body", "wss://a.test/x"));
    assert!(!at("response", "ws://a.test/x") && !at("body", "https://a.test/ws"));
}
