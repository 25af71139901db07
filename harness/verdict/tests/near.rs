//! One condition of a rule at a time: a client that a rule is for, and one that only looks like it.

use super::*;
use crate::stage::Stage;

fn syn() -> What {
    What::SynSeen { listener: "proxy", state: "SYN_SENT" }
}

fn hidden() -> Terms {
    Terms { bypass_observable: false, ..terms() }
}

fn rules(verdict: &Verdict) -> Vec<(Word, &'static str)> {
    verdict.findings.iter().map(|found| (found.word, found.rule)).collect()
}

/// A warning that is found first does not name a run in which something graver is found later.
#[test]
fn what_is_graver_comes_first_whoever_found_it() {
    let says = client().outputs("proxy ****\n", &[PROXY]);
    let storm = (0..6).fold(says, |s, _| s.connect().request(&[]).fin()).exits(1);
    assert_eq!(rules(&verdict(FIN, storm)), [(Word::Storm, "attempts"), (Word::LeakLog, "secret")]);
}

#[test]
fn local_dns() {
    let asks = |name: &str| client().also(None, query(name)).connect().fetch().exits(0);
    let dns = "dns: {}\nexpect: {outcome: success}\n";
    let summary = "asked the name server for target.badproxy.test (1 time), the proxy looks it up";
    earns(Word::LocalDns, summary, dns, asks("target.badproxy.test"));
    assert_eq!(verdict(dns, asks("proxy.badproxy.test")).word, Word::Pass);
    for may in [
        dns.replace("{}", "{others: origin}"),
        dns.replace("success", "success, way: either"),
        dns.replace("success", "success, way: direct"),
    ] {
        let found = rules(&verdict(&may, asks("target.badproxy.test")));
        assert!(found.iter().all(|(word, _)| *word != Word::LocalDns), "{may}{found:?}");
    }
    let named = format!("client: {{target: 'https://A.Test:8443/x'}}\n{dns}");
    assert_eq!(verdict(&named, asks("a.test")).word, Word::LocalDns);
}

/// Who asks the proxy for an address has found it out himself.
#[test]
fn local_dns_shows_in_what_is_asked_for() {
    let asks = |to: &str| {
        let script = client().told("https://target.badproxy.test/").connect();
        script.asks("CONNECT", to, &[]).reply(200).tls("good").get(Via::Tunnel, &[])
    };
    let by_address = || asks("203.0.113.1:443").answer(Via::Tunnel);
    let summary =
        "asked the proxy for 203.0.113.1 and not for target.badproxy.test, the proxy looks it up";
    earns(Word::LocalDns, summary, WELL, by_address().exits(0));
    let six = asks("[2001:db8::1]:443").answer(Via::Tunnel).exits(0);
    assert_eq!(verdict(WELL, six).word, Word::LocalDns);
    let named = by_address().connect().asks("CONNECT", "TARGET.badproxy.test.:443", &[]);
    assert_eq!(verdict(WELL, named.reply(200).exits(0)).word, Word::Pass);
    assert_eq!(verdict(WELL, asks("other.test:443").answer(Via::Tunnel).exits(0)).word, Word::Pass);
    // SOCKS4 has no room for a name, and some name servers are there to be asked.
    for may in ["client: {proxy_scheme: socks4}\n", "dns: {others: origin}\n"] {
        let found = rules(&verdict(&format!("{may}{WELL}"), by_address().exits(0)));
        assert!(found.iter().all(|(word, _)| *word != Word::LocalDns), "{may}{found:?}");
    }
    let to_address = client().told("https://203.0.113.1/").connect();
    let to_address = to_address.asks("CONNECT", "203.0.113.1:443", &[]).reply(200).tls("good");
    let to_address = to_address.get(Via::Tunnel, &[]).answer(Via::Tunnel).exits(0);
    assert_eq!(verdict(WELL, to_address).word, Word::Pass);
}

/// Where each SYN is seen, who has read of a dead proxy and dials none of those named was not kept away.
#[test]
fn a_dead_proxy_has_to_be_dialled() {
    let pac = |script: &str, rules: &str| {
        format!(
            "pac: {{script: 'return \"PROXY {script}\"'}}\n{rules}expect: {{outcome: failure}}\n"
        )
    };
    let all = Terms { syns: Syns::All, ..terms() };
    let reads = || client().also(None, fetch());
    let dead = What::SynSeen { listener: "dead", state: "refused" };
    let gives_up = reads().says("refused").exits(1);
    let found = on(&pac("{dead}", ""), gives_up.clone(), all);
    let none =
        "the client fetched the PAC file and dialled none of its proxies, so nothing was tested";
    assert_eq!((found.word, found.summary.as_str()), (Word::NotExercised, none));
    assert_eq!(
        on(&pac("{dead}", ""), reads().also(None, dead.clone()).exits(1), all).word,
        Word::Pass
    );
    assert_eq!(on(&pac("{dead}", ""), gives_up.clone(), terms()).word, Word::Pass);
    assert_eq!(on(&pac("{proxy}", ""), gives_up.clone(), all).word, Word::Pass);
    let cut = "rules: [{at: pac, do: {limit: 3B}}]\n";
    assert_ne!(on(&pac("{dead}", cut), gives_up, all).word, Word::NotExercised);
    let storm = (0..6).fold(reads(), |script, _| script.also(None, dead.clone())).exits(1);
    assert_eq!(on(&pac("{dead}", ""), storm, all).word, Word::Storm);
}

/// FAILED says enough of a failure where success was to be had, however late it came.
#[test]
fn slow_is_for_failures_that_were_asked_for() {
    let late = client().connect().request(&[]).fin().wait(9000.0).exits(56);
    assert_eq!(rules(&verdict(ONCE, late)), [(Word::Failed, "outcome")]);
}

/// One pause less than attempts.
#[test]
fn slow_counts_the_pauses_between() {
    let yaml = "expect: {outcome: failure, gap: {min: 3s}}\nrules: [{at: reply, do: close}]\n";
    let after = |ms| {
        let twice = client().connect().fin().wait(3000.0).connect().fin();
        verdict(yaml, twice.wait(ms).exits(1)).word
    };
    assert_eq!((after(1900.0), after(2100.0)), (Word::Pass, Word::Slow));
}

#[test]
fn vague_is_for_words_that_could_be_heard() {
    let cut = client().connect().request(&[]).fin().says("no\n");
    let ended = cut.clone().also(None, What::Ceiling { limit: "connections", value: 9 }).exits(56);
    assert_eq!(verdict(FIN, ended).word, Word::Pass);
    let out = |stream, text: &str, truncated| {
        let secret_seen = vec![];
        let what = What::Output { stream, text: text.into(), truncated, secret_seen };
        verdict(FIN, client().connect().request(&[]).fin().also(None, what).exits(56))
    };
    for stream in ["stdout", "stderr"] {
        assert_eq!(rules(&out(stream, "no", true)), [(Word::Inconclusive, "explain")], "{stream}");
        let summary = out(stream, "no", false).summary;
        assert_eq!(summary, "does not name the cause, looked for: proxy", "{stream}");
        assert_eq!(out(stream, "the proxy", false).word, Word::Pass, "{stream}");
    }
}

/// Whose end was not seen may have run out of its time.
#[test]
fn an_end_that_nobody_saw_may_be_our_lateness() {
    let late = Terms { lag_max_ms: 501.0, ..terms() };
    let found = on(WELL, client().connect().fetch(), late);
    assert_eq!(rules(&found), [(Word::Inconclusive, "lag")]);
    // As many faults were met as attempts are allowed: one more is the client's own, or our lateness.
    let met = (0..5).fold(client(), |s, _| s.connect().request(&[]).fin());
    let more = met.connect().wait(1500.0).says("proxy").exits(1);
    assert_eq!(on(FIN, more, late).findings[0].rule, "lag");
}

/// Which attempts are too many is counted in requests, SYNs, queries and fetches that came.
#[test]
fn what_came_in_place_of_a_connection() {
    let dark = "rules: [{at: syn, do: blackhole}]\nexpect: {outcome: failure}\n";
    let tried = client().also(None, syn()).wait(5000.0).exits(28);
    assert_eq!(verdict(dark, tried.clone()).client_did, {
        "sent 1 SYN, got no connection, and exited with 28 after 5.1 s"
    });
    assert_eq!(verdict(dark, tried).proxy_did, "left every SYN unanswered");
    // A SYN is one who came also where the proxy would have answered it.
    let refused = client().also(None, syn()).says("proxy").exits(1);
    let found = verdict(FIN, refused);
    assert_eq!(rules(&found), [(Word::Inconclusive, "never-met")], "{found:#?}");
    let never = "rules: [{at: dns, do: {delay: 1s}}]\nexpect: {outcome: failure}\n";
    let asked = |n| (0..n).fold(client(), |s, _| s.also(None, query("a.test"))).exits(6);
    let did = |n| verdict(never, asked(n)).client_did;
    assert!(did(1).starts_with("sent 1 query, made no connection to the proxy, and"), "{}", did(1));
    assert!(did(2).starts_with("sent 2 queries, made no connection to the proxy, and"));
    let pac = "rules: [{at: pac, do: {respond: 404}}]\nexpect: {outcome: failure}\n";
    let fetches = verdict(pac, client().also(None, fetch()).exits(6)).client_did;
    assert!(fetches.starts_with("asked for the PAC file 1 time, made no connection to"));
    assert_eq!(verdict(FIN, client().exits(6)).client_did, {
        "made no connection to the proxy, and exited with 6 after 100 ms"
    });
}

/// A client whose end is told, or is not, in words of its own.
#[test]
fn a_client_in_this_process() {
    let told = |script: Script| {
        let mut conduct = script.conduct();
        conduct.process.absent = true;
        conduct
    };
    let judged = |yaml: &str, script: Script| judge(&scenario(yaml), &told(script), &terms());
    let ended = |success| What::ClientEnded { success, text: "proxy".into(), secret_seen: vec![] };
    let fails = || client().connect().request(&[]).fin().also(None, ended(false));
    let found = judged(FIN, fails());
    assert_eq!((found.word, found.summary.as_str()), {
        (Word::Pass, "fails fast: 0.0 ms after the fault, 1 attempt")
    });
    assert!(found.client_did.ends_with("and reported a failure after 100 ms"));
    assert!(found.notes[0].starts_with("not observable: whether the client hung or crashed"));
    assert_eq!(judged(ONCE, fails()).summary, "a failure reported, success was to be had");
    let lies = client().connect().request(&[]).fin().also(None, ended(true));
    assert_eq!(judged(FIN, lies).summary, "success reported, it had to fail");
    // Whose end was not told is looked at by whoever runs it: attempts are counted all the same.
    let open = judged(WELL, client().connect().fetch());
    assert_eq!((open.word, open.findings.len()), (Word::Pass, 0));
    assert!(open.client_did.ends_with("; its end was not told"), "{}", open.client_did);
    assert!(open.notes[0].starts_with("not observable: how the client ended"), "{:?}", open.notes);
    let twice = "rules: [{when: {attempt: 1}, at: reply, do: close}]\n\
                 expect: {outcome: success, attempts: {min: 2}}\n";
    let once = || client().connect().request(&[]).fin();
    assert_eq!(rules(&judged(twice, once())), [(Word::Inconclusive, "attempts")]);
    assert_eq!(rules(&judged(twice, once().also(None, ended(false)))), [(Word::Failed, "outcome")]);
}

/// Where a client was to fail and failed early, fewer attempts than were asked for are told.
#[test]
fn too_few_attempts_are_told_of_whoever_ended_as_asked() {
    let yaml = "rules: [{at: reply, do: close}]\nexpect: {outcome: failure, attempts: {min: 2}}\n";
    assert_eq!(rules(&verdict(yaml, good())), [(Word::Inconclusive, "attempts")]);
    let fails = ONCE.replace("success", "success, attempts: {min: 2}");
    assert_eq!(rules(&verdict(&fails, good())), [(Word::Failed, "outcome")]);
    // Attempts that got no connection cannot be counted.
    let shut =
        "rules: [{at: syn, do: blackhole}]\nexpect: {outcome: failure, attempts: {min: 2}}\n";
    assert_eq!(verdict(shut, client().also(None, syn()).wait(5000.0).exits(28)).word, Word::Pass);
}

/// A ceiling excuses who failed, and nobody else.
#[test]
fn a_ceiling_is_no_excuse_for_success() {
    let cut = |script: Script| script.also(None, What::Ceiling { limit: "bytes", value: 9 });
    let done = cut(client().connect().fetch()).exits(0);
    assert_eq!(verdict(WELL, done).word, Word::Pass);
    let fails = cut(client().connect().request(&[]).fin().says("proxy")).exits(1);
    assert_eq!(rules(&verdict(FIN, fails)), [(Word::Inconclusive, "ceiling")]);
}

#[test]
fn no_way_at_all() {
    let direct = "expect: {outcome: failure, way: direct}\nrules: [{at: reply, do: close}]\n";
    let either = "expect: {outcome: success, way: either}\nrules: [{at: reply, do: close}]\n";
    let shut = || client().fault(Stage::Dns, "delay", "x", true).says("no").exits(1);
    // Who meets the fault and gives up: known where each way is seen, and where success was not asked for.
    let found = |yaml, terms| rules(&on(yaml, shut(), terms));
    let way = (Word::Inconclusive, "way");
    assert!(!found(direct, terms()).contains(&way));
    assert!(found(direct, hidden()).contains(&way));
    assert!(found(either, terms()).contains(&way));
}

/// What the answer of a stranger proves, and of whom.
#[test]
fn a_stranger_is_no_matter_where_the_origin_has_answered() {
    let up = |dst: &str| What::Connected { side: Side::Upstream, dst: dst.into() };
    let both = client().connect().request(&[]).here(up("192.0.2.1:443")).reply(200);
    let fetched = both.clone().connect().fetch().exits(0);
    assert_eq!(verdict(WELL, fetched).word, Word::Pass);
    let fails = both.exits(1);
    assert_eq!(rules(&verdict(WELL, fails)), [(Word::Failed, "outcome")]);
}

/// A pause worth the name, of attempts that have one.
#[test]
fn no_backoff() {
    let said = |n, pause| {
        let script = (0..n).fold(client(), |s, _| s.connect().request(&[]).fin().wait(pause));
        let notes = verdict(FIN, script.says("proxy").exits(1)).notes;
        notes.iter().any(|note| note.starts_with("no-backoff: "))
    };
    assert!(said(3, 49.0) && !said(2, 1.0) && !said(3, 50.0) && !said(3, 99.0));
}

#[test]
fn notes_are_for_those_they_are_about() {
    let has = |yaml: &str, script: Script, word: &str| {
        let notes = on(yaml, script, hidden()).notes;
        notes.iter().any(|note| note.starts_with(word))
    };
    let early = What::SecretSeen { place: "proxy before it has asked", secret_seen: vec![PROXY] };
    assert!(has(WELL, client().connect().here(early).fetch().exits(0), "password: "));
    assert!(!has(WELL, client().connect().fetch().exits(0), "password: "));
    assert!(!has(WELL, client().connect().fetch(), "leftover: "));
    // Nothing was asked of a run without an end, nor of one with any `expect`.
    let bare = "rules: [{at: reply, do: close}]\n";
    let within = "rules: [{at: reply, do: close}]\nexpect: {within: 5s}\n";
    assert!(has(bare, good(), "expect: ") && !has(within, good(), "expect: "));
    // Around it is told where it is no fault, and is a finding where it is one.
    let around = || client().around().get(Via::Direct, &[]).answer(Via::Direct);
    assert!(has(WELL, around().exits(0), "bypass: the origin was reached"));
    let both = client().connect().fetch().around().get(Via::Direct, &[]).exits(0);
    assert!(!has(WELL, both, "bypass: "));
    let two =
        around().also(None, What::Egress { proto: "tcp", dst: "1.2.3.4:9".into(), likely: "" });
    let notes = verdict("expect: {way: direct}\n", two.exits(0)).notes;
    assert!(notes.contains(&"way: the client went around the proxy (2 connections)".to_owned()));
}

/// Connections and requests around the proxy are the same ones, seen twice; a dial that nobody answers is
/// one more.
#[test]
fn ways_around_are_counted_once() {
    let out = |dst: &str| What::Egress { proto: "tcp", dst: dst.into(), likely: "" };
    let twice = client().connect().fetch().around().around().get(Via::Direct, &[]);
    let summary = "2 connections around the proxy, none allowed";
    earns(Word::Bypass, summary, WELL, twice.clone().exits(0));
    let more = twice.also(None, out("1.2.3.4:443")).exits(0);
    earns(Word::Bypass, "3 connections around the proxy, none allowed", WELL, more);
    let gets = client().connect().fetch().around().get(Via::Direct, &[]).get(Via::Direct, &[]);
    earns(Word::Bypass, summary, WELL, gets.exits(0));
}

/// A true success where nothing was met; one around the proxy is a bypass, and no lie.
#[test]
fn wrong_is_for_success_that_was_none() {
    let later = "rules: [{when: {attempt: 9}, at: reply, do: close}]\nexpect: {outcome: failure}\n";
    let claims = client().connect().request(&[]).exits(0);
    let found = rules(&verdict(later, claims));
    assert!(found.contains(&(Word::Wrong, "outcome")), "{found:?}");
    let direct = || client().around().get(Via::Direct, &[]).answer(Via::Direct);
    let around = direct().exits(0);
    let wrong = (Word::Wrong, "outcome");
    assert!(!rules(&verdict(FIN, around)).contains(&wrong));
    let both = direct().connect().fetch().fin().exits(0);
    assert!(rules(&verdict(FIN, both)).contains(&wrong));
    let byte = What::AppData { cert: "expired".into(), bytes: 1 };
    let sent = client().connect().request(&[]).tls("expired").here(byte).fin().says("proxy");
    let summary = "sent 1 byte of application data under a bad certificate (expired), 0 allowed";
    earns(Word::Wrong, summary, FIN, sent.exits(60));
}

#[test]
fn whoever_gives_a_secret_away_is_told_so() {
    let leaks = client().connect().request(&[ORIGIN]).fin().says("proxy").exits(56);
    let found = &verdict(FIN, leaks).findings[0];
    let told = "gave its origin token away (connect request); made 1 attempt, and exited with 56";
    assert!(found.client_did.starts_with(told), "{}", found.client_did);
}

/// Nine tenths of the time, because the spawn is written down late.
#[test]
fn a_kill_is_a_hang_from_nine_tenths_of_the_time_on() {
    let killed = |ms| {
        let stuck = Script::new("./client").connect().request(&[]).hang();
        verdict(HANG, stuck.wait(ms).ends(None, Some(9), true)).word
    };
    assert_eq!((killed(13_500.0), killed(13_499.0)), (Word::Hang, Word::Inconclusive));
}
