use super::*;

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
    // In a body, or behind a request.
    let body = |cert: &str, place, secret| {
        let seen = What::SecretSeen { place, secret_seen: vec![secret] };
        let script = client().connect().request(&[PROXY]).tls(cert).get(Via::Tunnel, &[]);
        verdict(FIN, script.here(seen).fin().says("proxy").exits(1))
    };
    for (cert, secret, place, word, spot) in [
        ("good", PROXY, "origin via tunnel", Word::Leak, "origin via tunnel"),
        ("good", PROXY, "origin via forward", Word::Leak, "origin via forward"),
        ("good", ORIGIN, "origin via tunnel", Word::Pass, ""),
        ("expired", ORIGIN, "origin via tunnel", Word::Leak, "origin under a bad certificate"),
        ("good", PROXY, "server name", Word::Leak, "server name of a TLS hello"),
        ("good", PROXY, "proxy that has not asked for Basic", Word::Leak, "not asked for Basic"),
        ("good", PROXY, "proxy before it has asked", Word::Pass, ""),
        ("good", ORIGIN, "name asked of a name server", Word::Leak, "name asked"),
        ("good", PROXY, "datagram around the proxy", Word::Leak, "datagram around the proxy"),
    ] {
        let verdict = body(cert, place, secret);
        let rule = verdict.findings.first().map(|found| found.measured.clone()).unwrap_or_default();
        assert!(verdict.word == word && rule.contains(spot), "{verdict:#?}");
    }
    let proper = client().connect().request(&[PROXY]).tls("good").get(Via::Tunnel, &[ORIGIN]);
    assert_eq!(verdict(FIN, proper.fin().says("proxy").exits(1)).word, Word::Pass);
}

/// A client that gives up as unsupported has leaked all the same.
#[test]
fn leak_of_an_unsupported_client() {
    let script = client().connect().get(Via::Tunnel, &[PROXY]).fin().exits(77);
    let found = verdict(FIN, script);
    let words: Vec<Word> = found.findings.iter().map(|finding| finding.word).collect();
    assert_eq!(words, [Word::Unsupported, Word::Leak]);
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

/// Nothing comes back from there in the sandbox. Where UDP is let out, it is HTTP/3.
#[test]
fn quic_around_the_proxy_is_a_bypass() {
    let sent = |dst: &str, likely| {
        let what = What::Egress { proto: "udp", dst: dst.into(), likely };
        client().connect().fetch().also(None, what).exits(0)
    };
    let quic = || sent("203.0.113.9:443", "QUIC");
    earns(Word::Bypass, "QUIC to 203.0.113.9:443 around the proxy, none allowed", WELL, quic());
    let dns = verdict(WELL, sent("8.8.8.8:53", "DNS to another server"));
    let note = "egress: sent a datagram to 8.8.8.8:53 around the proxy";
    assert_eq!((dns.word, dns.notes), (Word::Pass, vec![note.to_owned()]));
    assert_eq!(verdict("expect: {way: either}\n", quic()).word, Word::Pass);
}

/// Where the target is to be reached without the proxy, a request to the proxy is the way around.
#[test]
fn bypass_reversed() {
    let direct = "expect: {outcome: success, way: direct}\n";
    let either = "expect: {outcome: success, way: either}\n";
    let through = || client().connect().fetch().exits(0);
    let around = || client().around().get(Via::Direct, &[]).answer(Via::Direct).exits(0);
    let summary = "1 request to the proxy, none allowed: the target is to be reached directly";
    earns(Word::Bypass, summary, direct, through());
    for (yaml, script, note) in [
        (direct, around(), "way: the client went around the proxy (1 connection)"),
        (either, around(), "way: the client went around the proxy (1 connection)"),
        (either, through(), "way: the client went through the proxy (1 request)"),
    ] {
        let verdict = verdict(yaml, script);
        assert_eq!((verdict.word, verdict.notes), (Word::Pass, vec![note.to_owned()]));
    }
    // No way was seen: that is neither the one nor the other.
    let unseen = verdict("expect: {way: direct}\n", client().says("no such host").exits(1));
    assert_eq!((unseen.word, unseen.findings[0].rule), (Word::Inconclusive, "way"));
    assert_eq!(verdict("{}\n", around()).word, Word::Bypass);
}

/// A body with a flipped bit is right by nobody's account; where the wire shows it, to take it is wrong.
#[test]
fn a_damaged_answer() {
    let yaml = |damage: &str| {
        format!(
            "rules: [{{at: body, do: {{corrupt: 0.1}}}}]\nexpect: {{outcome: either{damage}}}\n"
        )
    };
    let get = || client().connect().request(&[]).reply(200).get(Via::Tunnel, &[]);
    let bad = || get().fault(Stage::Body, "corrupt", "flips bits", true).answer(Via::Tunnel);
    let part = |script: Script| {
        script.here(What::HttpResponse {
            via: Via::Tunnel,
            method: "GET".into(),
            status: 206,
            bytes: 5,
            nonce_served: true,
        })
    };
    let hidden = verdict(&yaml(""), bad().exits(0));
    assert_eq!(hidden.word, Word::Pass);
    assert!(hidden.summary.starts_with("cannot know: a damaged answer"), "{}", hidden.summary);
    assert!(hidden.notes.iter().any(|note| note.starts_with("damage: ")), "{:?}", hidden.notes);
    let noticed = yaml(", damage: noticed");
    let measured = "exit code 0, with a damaged answer in what it got, the wire shows it, and no whole \
                    answer came after";
    earns(Word::Wrong, measured, &noticed, bad().exits(0));
    assert_eq!(verdict(&noticed, bad().exits(1)).word, Word::Pass);
    // A part that is good makes no whole; a whole answer does, also where another one was begun before.
    earns(Word::Wrong, measured, &noticed, part(bad().get(Via::Tunnel, &[])).exits(0));
    let again = bad().get(Via::Tunnel, &[]).answer(Via::Tunnel);
    let found = verdict(&noticed, again.exits(0));
    assert_eq!(found.word, Word::Pass);
    assert!(found.summary.starts_with("recovers: the origin's answer after"), "{}", found.summary);
    let cut = get().fault(Stage::Body, "corrupt", "flips bits", true).connect();
    let found = cut.request(&[]).reply(200).get(Via::Tunnel, &[]).answer(Via::Tunnel).exits(0);
    assert_eq!(verdict(&noticed, found).word, Word::Pass);
}

/// What is made anew for the origin, as for a proxy, nobody has seen before.
#[test]
fn credentials_for_the_proxy_at_the_origin() {
    let get = |via, name: &str| {
        let begun = client().connect().request(&[]).reply(200).tls("good");
        let asked = begun.here(What::HttpRequest {
            via,
            attempt: None,
            method: "GET".into(),
            path: "/".into(),
            version: "HTTP/1.1".into(),
            headers: vec![(name.into(), "Digest response=\"1\"".into())],
            secret_seen: vec![],
        });
        verdict(WELL, asked.answer(via).exits(0)).word
    };
    assert_eq!(get(Via::Tunnel, "Proxy-authorization"), Word::Leak);
    assert_eq!(get(Via::Direct, "proxy-authorization"), Word::Leak);
    assert_eq!(get(Via::Tunnel, "Authorization"), Word::Pass);
    // That one has been at the proxy, which is whom it is for.
    assert_eq!(get(Via::Forward, "Proxy-Authorization"), Word::Pass);
}

/// What is asked of the target is answered to GET; who only asks HEAD is told by that.
#[test]
fn the_answer_to_a_head_is_no_answer_to_what_else_was_asked() {
    let damaged =
        "rules: [{at: body, do: {corrupt: 0.1}}]\nexpect: {outcome: either, damage: noticed}\n";
    for method in ["HEAD", "OPTIONS", "TRACE"] {
        for via in [Via::Tunnel, Via::Forward] {
            let begun = || client().connect().request(&[]).reply(200).tls("good");
            let word = |script: Script| verdict(WELL, script.exits(0)).word;
            assert_eq!(word(begun().probe(via, method)), Word::Pass);
            assert_eq!(word(begun().probe(via, method).get(via, &[])), Word::Wrong);
            assert_eq!(word(begun().get(via, &[]).probe(via, method)), Word::Wrong);
            assert_eq!(word(begun().probe(via, method).get(via, &[]).answer(via)), Word::Pass);
            assert_eq!(word(begun().probe(via, method).probe(via, "POST")), Word::Pass);
            let hit = begun().get(via, &[]).fault(Stage::Body, "corrupt", "flips bits", true);
            let hit = hit.answer(via).probe(via, method).exits(0);
            assert_eq!(verdict(damaged, hit).word, Word::Wrong);
        }
    }
}

/// Who had an answer before, and swallows what became of the next request.
#[test]
fn the_last_request_was_never_answered() {
    let yaml =
        "rules: [{when: {attempt: 2}, at: response, do: close}]\nexpect: {outcome: success}\n";
    let first = || client().connect().fetch();
    let met = |script: Script, at| script.fault(at, "close", "FIN", true);
    let again = || met(first().get(Via::Tunnel, &[]), Stage::Response);
    let measured = "exit code 0, but its last request was never answered";
    earns(Word::Wrong, measured, yaml, again().exits(0));
    let forwarded = met(first().asks("GET", "http://target.badproxy.test/", &[]), Stage::Reply);
    earns(Word::Wrong, measured, yaml, forwarded.exits(0));
    let word = |script: Script, yaml: &str| verdict(yaml, script).word;
    assert_eq!(word(again().connect().fetch().exits(0), yaml), Word::Pass);
    assert_eq!(word(again().says("closed").exits(1), yaml), Word::Failed);
    // A tunnel that nobody needed, a HEAD, a connection that ended when all was said.
    let spare = met(first().connect().request(&[]), Stage::Reply);
    assert_eq!(word(spare.exits(0), yaml), Word::Pass);
    assert_eq!(
        word(met(first().probe(Via::Tunnel, "HEAD"), Stage::Body).exits(0), yaml),
        Word::Pass
    );
    assert_eq!(word(met(first(), Stage::Close).exits(0), yaml), Word::Pass);
    assert_eq!(word(met(first().get(Via::Tunnel, &[]), Stage::Close).exits(0), yaml), Word::Pass);
    let either = yaml.replace("success", "either");
    assert_eq!(word(again().exits(0), &either), Word::Pass);
}

/// Parts alone are of another version: who has all of it in one part has a whole.
#[test]
fn all_of_another_version_in_one_part() {
    let yaml = |when: &str| {
        format!(
            "rules: [{{{when}at: body, do: {{corrupt: {{at: [0B]}}}}}}]\n\
             expect: {{outcome: either, damage: noticed}}\n"
        )
    };
    let in_parts = yaml("when: {header: {range: \"*\"}}, ");
    let part = |script: Script, range: &str| {
        let asked = script.here(What::HttpRequest {
            via: Via::Forward,
            attempt: None,
            method: "GET".into(),
            path: "/bytes/9".into(),
            version: "HTTP/1.1".into(),
            headers: vec![("Range".into(), range.into())],
            secret_seen: vec![],
        });
        let hit = asked.fault(Stage::Body, "corrupt", "flips bits", true);
        hit.answers(Via::Forward, 206)
    };
    let all = || part(client().connect(), "bytes=0-");
    let found = verdict(&in_parts, all().exits(0));
    assert_eq!(found.word, Word::Pass, "{found:#?}");
    assert!(found.summary.starts_with("recovers: the origin's answer after"), "{}", found.summary);
    // After a half, too; but not a part of its end, before or after.
    let rest = || part(client().connect(), "bytes=5-");
    assert_eq!(verdict(&in_parts, rest().exits(0)).word, Word::Wrong);
    assert_eq!(verdict(&in_parts, part(rest().connect(), "bytes=0-").exits(0)).word, Word::Pass);
    assert_eq!(verdict(&in_parts, part(all().connect(), "bytes=5-").exits(0)).word, Word::Wrong);
    // Where every answer is hit, this one is no version of its own.
    assert_eq!(verdict(&yaml(""), all().exits(0)).word, Word::Wrong);
}
