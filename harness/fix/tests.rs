use super::*;
use proptest::prelude::*;

fn argv(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

fn agent(agent: &str, word: Word, scenario: &str) -> Option<String> {
    likely(&Traces { user_agent: Some(agent), ..Traces::default() }, word, scenario, false)
}

fn line(line: &str, word: Word, scenario: &str) -> Option<String> {
    likely(&Traces { argv: &argv(line), ..Traces::default() }, word, scenario, false)
}

#[test]
fn the_line_says_how_the_client_was_told() {
    let by_agent = agent("curl/7.88.1", Word::Hang, "reply/hang").unwrap();
    assert!(by_agent.starts_with("looks like curl (User-Agent curl/7.88.1): "), "{by_agent}");
    assert!(by_agent.contains("--connect-timeout"), "{by_agent}");
    let by_command = line("/usr/bin/node app.mjs", Word::Storm, "reply/fin").unwrap();
    assert!(
        by_command.starts_with("looks like Node.js fetch or undici (the command is `node`): "),
        "{by_command}"
    );
    assert!(by_command.contains("nodejs/undici#3897"), "{by_command}");
}

/// What a client says of itself, then its TLS, then its command.
#[test]
fn what_counts_for_more() {
    let argv = argv("node app.mjs");
    let told = |user_agent, hello| {
        let traces = Traces { user_agent: Some(user_agent), hello, argv: &argv, served: false };
        likely(&traces, Word::Hang, "reply/hang", false).unwrap()
    };
    let (go, nobody, curl) = (Some("214072f5089b"), Some("000000000000"), Some("725e24e0d52f"));
    for (agent, hello, start) in [
        ("axios/1.21.1", go, "looks like axios (User-Agent axios/1.21.1): "),
        ("my-app/1", go, "looks like Go net/http (its ClientHello is that of Go 1.26.8 with "),
        ("my-app/1", nobody, "looks like Node.js fetch or undici (the command is `node`): "),
        // That of more than one family.
        ("my-app/1", curl, "looks like Node.js fetch or undici (the command is `node`): "),
        ("my-app/1", None, "looks like Node.js fetch or undici (the command is `node`): "),
    ] {
        let text = told(agent, hello);
        assert!(text.starts_with(start), "{text}");
    }
}

#[test]
fn families() {
    for (agent, family) in [
        ("Python/3.11 aiohttp/3.14.5", Some(Family::Aiohttp)),
        ("python-urllib3/2.8.0", Some(Family::Requests)),
        ("Python-urllib/3.11", Some(Family::Python)),
        ("Java-http-client/17.0.15", Some(Family::Java)),
        ("Java/17.0.15", Some(Family::Java)),
        ("node", Some(Family::Node)),
        ("Apache-HttpClient/5.6.5 (Java/17.0.15)", Some(Family::Apache)),
        ("okhttp/5.5.1", Some(Family::Okhttp)),
        ("cargo/1.95.0 (f2d3ce0bd 2026-03-21)", Some(Family::Cargo)),
        ("Deno/2.9.6", Some(Family::Deno)),
        ("git/2.39.5", Some(Family::Git)),
        ("nodemon", None),
        ("", None),
    ] {
        assert_eq!(Family::by_agent(agent), family, "{agent}");
    }
    for (line, name) in [
        ("C:\\bin\\curl.exe -x", Some("curl.exe")),
        ("env -i A=b /usr/bin/python3.12 x.py", Some("python3.12")),
        ("env", None),
        ("", None),
    ] {
        assert_eq!(command(&argv(line)), name, "{line}");
    }
    assert_eq!(Family::by_command("curl.exe"), Some(Family::Curl));
    assert_eq!(Family::by_command("python3.12"), Some(Family::Python));
    assert_eq!(Family::by_command("./my-client"), None);
}

#[test]
fn unknown_clients_and_verdicts_without_a_setting_get_nothing() {
    assert_eq!(line("./my-client", Word::Hang, "reply/hang"), None);
    assert_eq!(agent("curl/8", Word::Pass, "ok/plain"), None);
    assert_eq!(agent("curl/8", Word::Leak, "auth/x"), None);
}

#[test]
fn the_scenario_decides_between_entries() {
    let go = |scenario| agent("Go-http-client/1.1", Word::Hang, scenario).unwrap();
    assert!(go("reply/hang").contains("1 minute"));
    assert!(go("tls/hang").contains("TLSHandshakeTimeout"));
    assert!(go("my-own-file").contains("http.Client.Timeout"));
}

#[test]
fn who_reads_no_pac_file_is_not_told_of_variables() {
    let of = |name| Scenario::catalogue(name).unwrap();
    let hint =
        |name, word, alone, fetches| untold(&of(name), word, alone, fetches).unwrap_or_default();
    let away = Word::NotExercised;
    assert!(hint("pac/slow", away, false, 0).contains("`{pac}`"));
    // In the sandbox such a client reaches the origin by itself.
    assert!(hint("pac/slow", Word::Bypass, true, 0).contains("`{pac}`"));
    assert_eq!(hint("pac/slow", Word::Bypass, true, 1), "");
    assert!(hint("dns/nxdomain", away, false, 0).contains("`{dns}`"));
    assert_eq!(hint("dns/nxdomain", away, true, 0), "");
    assert_eq!(hint("reply/reset", away, false, 0), "");
    assert_eq!(hint("pac/slow", Word::Hang, false, 0), "");
    assert!(no_variable(&of("pac/no-proxy-cidr"), Word::Bypass));
    assert!(no_variable(&of("pac/slow"), Word::Bypass));
    assert!(!no_variable(&of("pac/slow"), Word::Hang));
    assert!(!no_variable(&of("reply/reset"), Word::Bypass));
}

/// What a setting of requests does not reach: the look-up of the proxy's name, the PAC file.
#[test]
fn what_comes_before_a_request_has_causes_of_its_own() {
    let of = |agent, word, scenario| {
        likely(&Traces { user_agent: Some(agent), ..Traces::default() }, word, scenario, true)
    };
    let python = of("python-requests/2", Word::Hang, "dns/silence").unwrap();
    assert!(python.contains("RES_OPTIONS") && !python.contains("(connect, read)"), "{python}");
    let urllib = of("Python-urllib/3.11", Word::Hang, "dns/silence").unwrap();
    assert!(urllib.contains("RES_OPTIONS"), "{urllib}");
    // The look-up is within these.
    assert!(of("curl/8", Word::Hang, "dns/silence").unwrap().contains("--max-time"));
    assert!(of("Go-http-client/1.1", Word::Hang, "dns/silence").unwrap().contains("Timeout"));
    for (agent, word) in [
        ("undici", Word::Storm),
        ("undici", Word::Hang),
        ("curl/8", Word::Storm),
        ("Go-http-client/1.1", Word::Wrong),
        ("python-requests/2", Word::Wrong),
    ] {
        assert_eq!(of(agent, word, "dns/silence"), None, "{agent} {word}");
    }
    // The proxy was not used, whoever knows its name.
    assert!(of("undici", Word::Bypass, "dns/silence").unwrap().contains("NODE_USE_ENV_PROXY"));
}

#[test]
fn who_was_served_has_refused_no_certificate() {
    let of = |served, hello, scenario| {
        let traces = Traces { user_agent: Some("curl/8"), served, hello, ..Traces::default() };
        likely(&traces, Word::Failed, scenario, false).unwrap_or_default()
    };
    let hello = Some("000000000000");
    assert!(of(false, hello, "response/x").contains("--cacert"));
    assert_eq!(of(true, hello, "response/x"), "");
    // Nor has one that was shown none.
    assert_eq!(of(false, None, "response/x"), "");
    // Its exit code 28: the time was up.
    assert!(of(true, hello, "body/drip").contains("--speed-limit"));
}

#[test]
fn an_answer_that_stands_still_has_other_timers() {
    let text = line("curl -sS x", Word::Hang, "tunnel/idle-silent-drop").unwrap();
    assert!(text.contains("--speed-time"), "{text}");
    let text = line("curl -sS x", Word::Hang, "tunnel/silence").unwrap();
    assert!(!text.contains("--speed-time"), "{text}");
}

#[test]
fn socks_is_an_extra_in_python() {
    let text = line("python3 x.py", Word::NotExercised, "reply/socks5-glued").unwrap();
    assert!(text.contains("requests[socks]"), "{text}");
}

#[test]
fn curl_trusts_an_https_proxy_by_an_option_of_its_own() {
    for scenario in ["ok/https-proxy", "ok/h2-proxy", "proxy_tls/incomplete-chain"] {
        let text = line("curl -sS x", Word::Failed, scenario).unwrap();
        assert!(text.contains("--proxy-cacert"), "{text}");
    }
}

#[test]
fn curl_may_have_been_built_without_websockets() {
    for scenario in ["ok/ws-over-socks5", "tunnel/ws-idle-fin"] {
        let text = line("curl -sS x", Word::NotExercised, scenario).unwrap();
        assert!(text.contains("`ws`") && !text.contains("lower case"), "{text}");
    }
    let text = line("curl -sS x", Word::NotExercised, "ok/plain").unwrap();
    assert!(text.contains("lower case"), "{text}");
}

#[test]
fn urllib_speaks_no_tls_to_a_proxy() {
    for scenario in ["ok/https-proxy", "proxy_tls/incomplete-chain"] {
        let text = line("python3 x.py", Word::Failed, scenario).unwrap();
        assert!(text.contains("sends CONNECT in clear"), "{text}");
    }
    let (argv, hello) = (argv("python3 x.py"), Some("000000000000"));
    let traces = Traces { argv: &argv, hello, ..Traces::default() };
    let text = likely(&traces, Word::Failed, "ok/plain", false).unwrap();
    assert!(text.contains("SSL_CERT_FILE"), "{text}");
}

#[test]
fn every_entry_can_be_reached_and_names_its_source() {
    for (index, fix) in FIXES.iter().enumerate() {
        assert!(!fix.text.is_empty() && !fix.source.is_empty() && !fix.words.is_empty());
        assert!(!fix.text.ends_with('.'), "{}", fix.text);
        let name = match fix.scenarios.first() {
            Some(pattern) => pattern.replace('*', "x"),
            None => "x".to_owned(),
        };
        for word in fix.words {
            let first = FIXES.iter().position(|other| {
                other.family == fix.family
                    && other.words.contains(word)
                    && (other.scenarios.is_empty()
                        || other.scenarios.iter().any(|p| glob(p, &name)))
            });
            assert_eq!(first, Some(index), "hidden by an earlier entry: {}", fix.text);
        }
    }
}

proptest! {
    #[test]
    fn nothing_panics(agent in ".{0,200}", line in proptest::collection::vec(".{0,20}", 0..4)) {
        for word in Word::ALL {
            let (user_agent, hello) = (Some(agent.as_str()), Some(agent.as_str()));
            let traces = Traces { user_agent, hello, argv: &line, served: false };
            let _ = likely(&traces, word, &agent, true);
        }
    }
}

/// A hint about statuses is of no use where the status was good, nor one about passwords to who has
/// sent one and speaks no other scheme.
#[test]
fn no_hint_that_the_wire_contradicts() {
    let name = |family: &str, word, scenario| agent(family, word, scenario).unwrap_or_default();
    for family in ["python-requests/2.34.2", "Go-http-client/1.1", "okhttp/5.0"] {
        for scenario in
            ["response/block-page-200", "request/captive-portal", "response/206-unasked"]
        {
            let hint = name(family, Word::Wrong, scenario);
            assert!(
                !hint.is_empty() && !hint.contains("400 or above"),
                "{family} {scenario}: {hint}"
            );
        }
        assert!(name(family, Word::Wrong, "reply/502-detail").contains("400 or above"), "{family}");
    }
    for scenario in ["auth/407-digest", "auth/407-ntlm-forward", "auth/407-negotiate-only"] {
        let hint = name("Go-http-client/1.1", Word::Failed, scenario);
        assert!(hint.contains("Basic alone"), "{scenario}: {hint}");
    }
    let basic = name("Go-http-client/1.1", Word::Failed, "auth/407-basic-then-ok");
    assert!(basic.contains("into the proxy URL"), "{basic}");
}
