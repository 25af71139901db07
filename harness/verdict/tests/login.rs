use super::*;

const WRONG: &str = "client: {credentials: wrong}\nexpect: {outcome: failure, explain: ['407']}\n";

fn leg(scheme: &str, credentials: &'static str) -> What {
    What::AuthLeg {
        scheme: scheme.into(),
        leg: "credentials",
        credentials,
        user: None,
        why: String::new(),
    }
}

/// Asks with each of these, is told 407, and says so.
fn tries(legs: &[(&str, &'static str)]) -> Script {
    let mut script = client().connect().request(&[]).reply(407);
    for (scheme, credentials) in legs {
        script = script.again().here(leg(scheme, credentials)).reply(407);
    }
    script.says("407").exits(56)
}

/// Nothing but this is found.
#[track_caller]
fn unmet(yaml: &str, script: Script) -> String {
    let found = verdict(yaml, script);
    let rules: Vec<_> = found.findings.iter().map(|f| (f.word, f.rule)).collect();
    assert_eq!(rules, [(Word::Inconclusive, "never-met")], "{yaml}{found:#?}");
    found.summary
}

#[test]
fn a_wrong_password_is_refused_in_the_scheme_that_is_asked_for() {
    for (scheme, name, switch) in [
        ("ntlm", "NTLM", "--proxy-ntlm"),
        ("digest", "Digest", "--proxy-digest"),
        ("negotiate", "Negotiate", "--proxy-negotiate"),
        ("bearer", "Bearer", "--proxy-header with the token"),
    ] {
        let yaml = format!("proxy: {{auth: {{scheme: {scheme}}}}}\n{WRONG}");
        assert_eq!(
            unmet(&yaml, tries(&[("basic", "wrong")])),
            format!(
                "the client never spoke {name} (it sent Basic; switch it on: for curl it is \
                 {switch}), so nothing of it was refused"
            )
        );
        let nothing = unmet(&yaml, tries(&[]));
        assert!(nothing.contains("(it sent no credentials; "), "{nothing}");
        // It has no end by which another reason could be found, nor words.
        unmet(&yaml, client().connect().request(&[]).reply(407).wait(4000.0).exits(56));
        assert_eq!(verdict(&yaml, tries(&[(scheme, "wrong")])).word, Word::Pass);
        let both = tries(&[("Basic", "wrong"), (name, "wrong")]);
        assert_eq!(verdict(&yaml, both).word, Word::Pass);
    }
    let yaml = format!("proxy: {{auth: {{scheme: [ntlm, digest]}}}}\n{WRONG}");
    let first = unmet(&yaml, tries(&[("NTLM", "begun")]));
    let told = "the client began NTLM or Digest and went no further, so nothing of it was refused";
    assert_eq!(first, told);
    assert_eq!(verdict(&yaml, tries(&[("Digest", "wrong")])).word, Word::Pass);
}

#[test]
fn a_loop_of_tokens_needs_a_token() {
    let yaml = "proxy: {auth: {scheme: negotiate, negotiate: {answer: loop}}}\n\
                client: {credentials: right}\nexpect: {outcome: failure}\n";
    assert!(unmet(yaml, tries(&[])).starts_with("the client never spoke Negotiate (it sent no "));
    assert_eq!(verdict(yaml, tries(&[("Negotiate", "begun")])).word, Word::Pass);
}

/// There the 407 is the fault, or the login is no scheme that a client could speak.
#[test]
fn where_any_client_meets_it() {
    let right = "client: {credentials: right}\nexpect: {outcome: failure}\n";
    for (auth, expect) in [
        ("negotiate", right),
        ("{verbatim: 'X-Corp-SSO'}", right),
        ("ntlm", right),
        ("basic", WRONG),
        ("[ntlm, basic]", WRONG),
        ("{verbatim: 'X-Corp-SSO'}", WRONG),
    ] {
        let yaml = format!("proxy: {{auth: {{scheme: {auth}}}}}\n{expect}");
        for script in [tries(&[]), tries(&[("Basic", "wrong")])] {
            assert_eq!(verdict(&yaml, script).word, Word::Pass, "{yaml}");
        }
    }
}

/// Where what the 407 offers is the scenario, a client that was never asked has not met it.
#[test]
fn an_offer_that_was_never_made() {
    let yaml = |auth: &str| {
        format!("proxy: {{auth: {{scheme: {auth}}}}}\nclient: {{credentials: right}}\n")
    };
    let at_once = |name: &str| client().connect().here(leg(name, "right")).fetch().exits(0);
    let asked =
        client().connect().request(&[]).reply(407).here(leg("Basic", "right")).again().fetch();
    let asked = asked.exits(0);
    for auth in ["[ntlm, basic]", "[verbatim: 'Hawk x=1', basic]"] {
        let told = unmet(&yaml(auth), at_once("Basic"));
        let why = "the client sent Basic before it was asked, so it never saw the 407 (for curl: \
                   --proxy-anyauth)";
        assert_eq!(told, why, "{auth}");
        let found = verdict(&yaml(auth), asked.clone());
        assert_eq!(found.word, Word::Pass, "{auth}");
        assert!(found.notes.iter().all(|note| !note.starts_with("login: ")), "{:?}", found.notes);
        // A failure that nobody asked for is one all the same.
        let fails = client().connect().here(leg("Basic", "right")).request(&[]).reply(200).exits(1);
        assert_eq!(verdict(&yaml(auth), fails).word, Word::Failed);
    }
    // One scheme is no riddle: to send it at once is right, and said.
    let found = verdict(&yaml("basic"), at_once("Basic"));
    assert_eq!(found.word, Word::Pass);
    let note = "login: the client sent Basic before it was asked, so there was no 407 (for curl: \
                --proxy-anyauth)";
    assert!(found.notes.contains(&note.to_owned()), "{:?}", found.notes);
    assert!(!verdict(&yaml("basic"), asked).notes.contains(&note.to_owned()));
}

/// A rule that waits for a leg says which scheme never came.
#[test]
fn a_rule_for_credentials_that_never_came() {
    let when = |auth: &str, credentials: &str| {
        format!(
            "proxy: {{auth: {{scheme: {auth}}}}}\n\
             rules: [{{when: {{credentials: {credentials}}}, at: auth, do: close}}]\n"
        )
    };
    assert_eq!(
        unmet(&when("[ntlm, basic]", "begun"), tries(&[("Basic", "wrong")])),
        "rule 1, at `auth`, was never met: it is for credentials that are `begun`, and the client \
         never spoke NTLM (it sent Basic; switch it on: for curl it is --proxy-ntlm)"
    );
    let right = unmet(&when("digest", "right"), tries(&[]));
    assert!(right.contains("never spoke Digest (it sent no credentials; "), "{right}");
    let stale = unmet(&when("[basic, digest]", "stale"), tries(&[("Basic", "right")]));
    assert!(stale.contains("never spoke Digest (it sent Basic; "), "{stale}");
    // The scheme came; it is the rest that did not.
    let wrong = unmet(&when("digest", "right"), tries(&[("Digest", "wrong")]));
    assert!(
        wrong.ends_with("no attempt was what its `when` asks for (credentials: right)"),
        "{wrong}"
    );
    let absent =
        unmet(&when("basic", "absent"), client().connect().here(leg("Basic", "wrong")).exits(1));
    let why = "it is for a request without credentials, and the client sent Basic before it was \
               asked (for curl: --proxy-anyauth)";
    assert!(absent.ends_with(why), "{absent}");
}

/// Also where the rule leads to success, which who cannot log in never reaches. With Basic on offer, every
/// client can.
#[test]
fn success_behind_a_rule_for_a_scheme() {
    let yaml = |auth: &str| {
        format!(
            "proxy: {{auth: {{scheme: {auth}}}}}\nclient: {{credentials: right}}\n\
             rules: [{{when: {{credentials: right, attempt: 1, per: credentials}}, at: auth, \
             do: {{challenge: {{stale: true}}}}}}]\nexpect: {{outcome: success, explain: ['407']}}\n"
        )
    };
    for legs in [&[][..], &[("Basic", "wrong")], &[("NTLM", "begun")]] {
        let told = unmet(&yaml("digest"), tries(legs));
        assert!(told.contains("the client never spoke Digest "), "{told}");
        assert_eq!(verdict(&yaml("[digest, basic]"), tries(legs)).word, Word::Failed);
    }
    // It speaks it, and cannot do it.
    let wrong = tries(&[("Digest", "wrong")]);
    assert_eq!(verdict(&yaml("digest"), wrong).word, Word::Failed);
}

/// What harms in any scheme.
#[test]
fn graver_words_stand() {
    let yaml = format!("proxy: {{auth: {{scheme: ntlm}}}}\n{WRONG}");
    let storm = (0..9).fold(client(), |s, _| s.connect().request(&[]).reply(407)).exits(1);
    assert_eq!(verdict(&yaml, storm).word, Word::Storm);
    let claims = client().connect().request(&[]).reply(407).exits(0);
    assert_eq!(verdict(&yaml, claims).word, Word::Wrong);
    let hangs = client().connect().request(&[]).reply(407).wait(15_000.0).ends(None, Some(9), true);
    assert_eq!(verdict(&yaml, hangs).word, Word::Hang);
}

/// What a login has to do with it where rules are the fault, and where nobody asks.
#[test]
fn a_login_is_no_matter_where_another_thing_is_the_fault() {
    let at_once = |name: &str| client().connect().here(leg(name, "right")).request(&[]);
    let fails = |script: Script| script.fin().says("proxy").exits(56);
    let rule = "client: {credentials: CRED}\nrules: [{at: reply, do: close}]\n\
                expect: {outcome: failure}\n";
    for (scheme, credentials) in [("[ntlm, basic]", "right"), ("digest", "wrong")] {
        let rule = rule.replace("CRED", credentials);
        let yaml = format!("proxy: {{auth: {{scheme: {scheme}}}}}\n{rule}");
        let found = verdict(&yaml, fails(at_once("Basic")));
        assert_eq!((found.word, found.findings.len()), (Word::Pass, 0), "{yaml}{found:#?}");
        assert!(found.notes.iter().all(|note| !note.starts_with("login: ")), "{:?}", found.notes);
    }
    let noted = |yaml: &str, script: Script| {
        verdict(yaml, script).notes.iter().any(|note| note.starts_with("login: "))
    };
    let served = || client().connect().here(leg("Basic", "right")).fetch();
    let basic = "proxy: {auth: {scheme: basic}}\nclient: {credentials: right}\n";
    assert!(noted(basic, served().exits(0)));
    assert!(!noted(WELL, served().exits(0)));
    assert!(!noted(basic, served().exits(1)));
    assert!(!noted(basic, client().connect().fetch().exits(0)));
}

/// Success was to be had for whoever met the fault, or was kept from it by nothing but himself.
#[test]
fn who_lacks_a_scheme_is_excused_for_its_rules_alone() {
    let yaml = |rules: &str| {
        format!(
            "proxy: {{auth: {{scheme: digest}}}}\nclient: {{credentials: right}}\n\
             rules: [{rules}]\nexpect: {{outcome: success}}\n"
        )
    };
    let right = "{when: {credentials: right}, at: auth, do: {delay: 1s}}";
    let absent = "{when: {credentials: absent}, at: auth, do: {delay: 1s}}";
    let body = "{at: body, do: reset}";
    let fails = || tries(&[("Basic", "wrong")]);
    assert_eq!(verdict(&yaml(right), fails()).word, Word::Inconclusive);
    for two in [format!("{right}, {body}"), format!("{body}, {right}")] {
        assert_eq!(verdict(&yaml(&two), fails()).word, Word::Inconclusive, "{two}");
    }
    let at_once = client().connect().here(leg("Basic", "wrong")).request(&[]).exits(1);
    assert_eq!(verdict(&yaml(absent), at_once).word, Word::Failed);
    // Rule 1 is met: that the second one waits for ever is no excuse.
    let met = client().connect().here(leg("Basic", "wrong")).request(&[]);
    let met = met.fault(crate::stage::Stage::Reply, "close", "FIN", true).exits(1);
    let two = format!("{{at: reply, do: close}}, {right}");
    assert_eq!(verdict(&yaml(&two), met).word, Word::Failed);
}

#[test]
fn a_scheme_that_was_sent_twice_is_named_once() {
    let yaml = format!("proxy: {{auth: {{scheme: ntlm}}}}\n{WRONG}");
    let told = unmet(&yaml, tries(&[("Basic", "wrong"), ("Basic", "right"), ("Digest", "wrong")]));
    assert!(told.contains("(it sent Basic and Digest; "), "{told}");
}
