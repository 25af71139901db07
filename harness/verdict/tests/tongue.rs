use super::*;

const SOCKS: &str = "client: {proxy_scheme: socks5h}\n";

fn greeting() -> What {
    What::SocksGreeting { version: 5, methods: vec![0] }
}

fn socks(version: u8) -> What {
    What::SocksRequest {
        attempt: 1,
        version,
        command: 1,
        atyp: "domain",
        target: "target.badproxy.test:443".into(),
        secret_seen: vec![],
    }
}

fn http() -> Script {
    client().connect().fetch()
}

/// A whole good exchange behind SOCKS.
fn speaks(version: u8) -> Script {
    let client = client().connect();
    let client = if version == 5 { client.here(greeting()) } else { client };
    client.here(socks(version)).tls("good").get(Via::Tunnel, &[]).answer(Via::Tunnel)
}

/// Nothing but the protocol is found.
#[track_caller]
fn only_mistaken(yaml: &str, script: Script) -> String {
    let found = verdict(yaml, script);
    let rules: Vec<_> = found.findings.iter().map(|f| (f.word, f.rule)).collect();
    assert_eq!(rules, [(Word::Inconclusive, "protocol")], "{yaml}{found:#?}");
    found.summary
}

#[test]
fn http_to_a_socks_proxy_whatever_is_expected_and_whatever_it_came_to() {
    let wrong = "the client spoke HTTP to a SOCKS5 proxy: what was to be judged did not happen; its \
                 proxy URL is socks5h://..., and a client that has no SOCKS ends with 77";
    for rules in ["", "rules: [{at: request, do: {socks_method: no_acceptable}}]\n"] {
        for expect in ["success", "failure, explain: [socks]", "either"] {
            let yaml = format!("{SOCKS}{rules}expect: {{outcome: {expect}}}\n");
            let chose = "chose 255";
            let met = client().connect().request(&[]);
            let met = met.fault(Stage::Request, "socks_method", chose, true);
            for script in [http().exits(0), met.exits(56), http().wait(9000.0).exits(1)] {
                assert_eq!(only_mistaken(&yaml, script), wrong);
            }
        }
    }
    let yaml =
        format!("{SOCKS}rules: [{{at: reply, do: reset}}]\nexpect: {{attempts: {{min: 2}}}}\n");
    assert_eq!(only_mistaken(&yaml, http().exits(0)), wrong);
}

#[test]
fn socks_to_a_proxy_of_http_or_of_another_version() {
    let found = only_mistaken(WELL, speaks(5).exits(0));
    let wrong = "the client spoke SOCKS5 to an HTTP proxy: what was to be judged did not happen; its \
                 proxy URL is http://..., and where that is meant, say `client: {proxy_scheme: ...}` in \
                 the scenario";
    assert_eq!(found, wrong);
    // What it was to wait for, it has not been told.
    let later = "proxy: {auth: {scheme: basic}}\nrules: [{at: reply, do: close}]\n\
                 expect: {outcome: failure, gap: {min: 5s}}\n";
    let twice = speaks(4).wait(100.0).connect().here(socks(4)).exits(1);
    assert!(only_mistaken(later, twice).starts_with("the client spoke SOCKS4 to an HTTP proxy"));
    let found = only_mistaken("client: {proxy_scheme: socks4a}\n", speaks(5).exits(97));
    assert!(found.starts_with("the client spoke SOCKS5 to a SOCKS4 proxy"), "{found}");
    let found = only_mistaken(SOCKS, speaks(4).exits(0));
    assert!(found.starts_with("the client spoke SOCKS4 to a SOCKS5 proxy"), "{found}");
}

#[test]
fn who_speaks_as_told_is_judged() {
    let expect = "expect: {outcome: success}\n";
    for (scheme, version) in [("socks4", 4), ("socks4a", 4), ("socks5", 5), ("socks5h", 5)] {
        let yaml = format!("client: {{proxy_scheme: {scheme}}}\n{expect}");
        assert_eq!(verdict(&yaml, speaks(version).exits(0)).word, Word::Pass, "{scheme}");
        assert_eq!(verdict(&yaml, speaks(version).exits(1)).word, Word::Failed, "{scheme}");
    }
    // A login that was refused is a greeting and no request.
    let yaml = format!("{SOCKS}rules: [{{at: request, do: {{socks_method: no_acceptable}}}}]\n");
    let greets = client().connect().here(greeting());
    let refused = greets.fault(Stage::Request, "socks_method", "chose 255", true).exits(97);
    assert_eq!(verdict(&yaml, refused).word, Word::Pass);
    // So is one that tries HTTP when SOCKS has failed, and one that has not said a word.
    let both = speaks(5).connect().fetch().exits(1);
    assert_eq!(verdict(&format!("{SOCKS}{expect}"), both).word, Word::Failed);
    let mute = client().connect().closed(Who::Client, How::Fin).exits(1);
    assert_eq!(verdict(&format!("{SOCKS}{expect}"), mute).word, Word::Failed);
    let https = format!("client: {{proxy_scheme: https}}\nproxy: {{tls: true}}\n{expect}");
    assert_eq!(verdict(&https, http().exits(0)).word, Word::Pass);
}

/// Where the scenario leaves it open, either is right.
#[test]
fn a_pac_file_or_a_rule_may_say_socks() {
    let pac = What::PacRequest {
        method: "GET".into(),
        path: "/proxy.pac".into(),
        headers: vec![],
        attempt: 1,
        secret_seen: vec![],
    };
    let yaml = "pac: {script: 'function FindProxyForURL(u, h) { return \"SOCKS {proxy}\"; }'}\n";
    let fetches = client().also(None, pac).connect().here(greeting()).here(socks(5));
    assert_eq!(verdict(yaml, fetches.exits(1)).word, Word::Pass);
    let yaml = "rules: [{at: dial, do: {socks_reply: not_allowed}}]\n";
    let denied = client().connect().here(greeting()).here(socks(5));
    let denied = denied.fault(Stage::Dial, "socks_reply", "05 02", true);
    assert_eq!(verdict(yaml, denied.exits(97)).word, Word::Pass);
}

/// What harms in any protocol.
#[test]
fn graver_words_stand() {
    let leak = client().connect().fetch().get(Via::Tunnel, &[PROXY]).exits(0);
    assert_eq!(verdict(SOCKS, leak).word, Word::Leak);
    let claims = client().connect().request(&[]).exits(0);
    assert_eq!(verdict(SOCKS, claims).word, Word::Wrong);
    let storm = (0..9).fold(client(), |s, _| s.connect().request(&[])).exits(1);
    assert_eq!(verdict(SOCKS, storm).word, Word::Storm);
    let hangs = client().connect().request(&[]).wait(15_000.0).ends(None, Some(9), true);
    assert_eq!(verdict(SOCKS, hangs).word, Word::Hang);
    let crash = client().connect().request(&[]).ends(None, Some(11), false);
    assert_eq!(verdict(SOCKS, crash).word, Word::Crash);
}
