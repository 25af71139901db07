use super::*;

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

/// One that has sent no SYN says what it likes: it has met nothing.
#[test]
fn no_syn_where_it_would_be_seen() {
    let syn = |effect: &str| {
        format!(
            "proxy: {{addresses: [198.51.100.1]}}\nrules: [{{at: syn, do: {effect}}}]\n\
             expect: {{outcome: failure, explain: [no luck]}}\n"
        )
    };
    let says = || client().says("no luck").exits(1);
    for (effect, syns, word) in [
        ("blackhole", Syns::None, Word::Pass),
        ("blackhole", Syns::Waiting, Word::Inconclusive),
        ("blackhole", Syns::All, Word::NotExercised),
        // The kernel refuses, and nothing stays behind to be seen but in the sandbox.
        ("refuse", Syns::None, Word::Pass),
        ("refuse", Syns::Waiting, Word::Pass),
        ("refuse", Syns::All, Word::NotExercised),
        ("unreachable", Syns::Waiting, Word::Pass),
        ("unreachable", Syns::All, Word::Pass),
    ] {
        let at = Terms { syns, ..terms() };
        let found = on(&syn(effect), says(), at);
        assert_eq!(found.word, word, "{effect} {syns:?}");
        let sent = What::SynSeen { listener: "proxy", state: "SYN-SENT" };
        let tried = client().also(None, sent).says("no luck").exits(1);
        assert_eq!(on(&syn(effect), tried, at).word, Word::Pass, "{effect} {syns:?}");
    }
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
    // A login in three legs is none: no fault has asked for a pause.
    let legs = client().connect().request(&[]).again().again().fetch().exits(0);
    assert_eq!(verdict("expect: {outcome: success}\n", legs).notes, [""; 0]);
    let first = &found.findings[0];
    assert_eq!(first.proxy_did, "close at reply of connection #1: FIN; 3,770 faults in all");
    assert_eq!(
        first.client_did,
        "made 3,770 attempts, a median of 1.0 ms apart, and exited with 8 after 3.9 s"
    );
    assert_eq!(first.good_client, "fails after at most 5 attempts, soon, and says why");
    assert_eq!(verdict(FIN, attempts(5, 1.0)).word, Word::Pass);
    // Who has an answer and asks for the next page does not come back, where nothing goes wrong.
    let next = |s: Script, _| s.again().get(Via::Tunnel, &[]).answer(Via::Tunnel);
    let pages = |n| (1..n).fold(client().connect().fetch(), next);
    let well = "expect: {outcome: success, attempts: {max: 2}}\n";
    assert_eq!(verdict(well, pages(10).exits(0)).word, Word::Pass);
    let refused = (0..10).fold(client().connect(), |s, _| s.request(&[]).reply(502).again());
    assert_eq!(verdict(well, refused.exits(1)).word, Word::Storm);
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

/// A connection that is opened early and says nothing is no request, and a request that repeats what
/// met no fault is none of the fault's business.
#[test]
fn the_pause_ends_with_the_request_that_repeats() {
    let yaml = "expect: {outcome: success, gap: {min: 2s}}\n\
                rules: [{when: {attempt: 1}, at: response, do: {respond: {status: 503}}}]\n";
    let after = |pause, more| {
        let first = client().connect().request(&[]).reply(200).tls("good").get(Via::Tunnel, &[]);
        let busy = first.fault(Stage::Response, "respond", "503", true);
        let early = busy.wait(20.0).connect().request(&[]).reply(200).tls("good");
        let again = early.wait(pause).get(Via::Tunnel, &[]).answer(Via::Tunnel);
        again.wait(more).connect().fetch().exits(0)
    };
    assert_eq!(verdict(yaml, after(2000.0, 1.0)).word, Word::Pass);
    earns(Word::Storm, "came back after 1.5 s, 2.0 s were asked for", yaml, after(1480.0, 1.0));
}

/// Two requests at once: the second was sent before the client could know what became of the first.
#[test]
fn what_was_on_its_way_has_not_come_back() {
    let yaml = "expect: {outcome: either, gap: {min: 2s}}\n\
                rules: [{when: {attempt: 1}, at: response, do: {respond: {status: 503}}}]\n";
    let open = |script: Script| script.connect().request(&[]).reply(200).tls("good");
    let busy = |script: Script| script.fault(Stage::Response, "respond", "503", true);
    let on = |conn, script: Script, spoken: &str| {
        let mut what = script.clone().get(Via::Tunnel, &[]).events.pop().unwrap().what;
        if let What::HttpRequest { version, .. } = &mut what {
            *version = spoken.to_owned();
        }
        script.also(Some(conn), what)
    };
    // Connections 1 and 2 are open; the fault is on the second.
    let both = || busy(open(open(client())).get(Via::Tunnel, &[]));
    let crossed = |pause| on(1, both().wait(pause), "HTTP/1.1").answer(Via::Tunnel);
    assert_eq!(verdict(yaml, crossed(0.3).exits(0)).word, Word::Pass);
    earns(
        Word::Storm,
        "came back after 101 ms, 2.0 s were asked for",
        yaml,
        crossed(101.0).exits(0),
    );
    // The next one is held against the fault all the same.
    let again = |pause| on(1, crossed(0.3).wait(pause), "HTTP/1.1").exits(0);
    assert_eq!(verdict(yaml, again(2000.0)).word, Word::Pass);
    assert_eq!(verdict(yaml, again(500.0)).word, Word::Storm);
    // On the same connection it has read the 503 first, unless it has streams; a connection that is opened
    // afterwards is late, too.
    let same = |version| on(2, both().wait(0.3), version).answer(Via::Tunnel).exits(0);
    assert_eq!(verdict(yaml, same("HTTP/2")).word, Word::Pass);
    let new = open(both().wait(0.3)).get(Via::Tunnel, &[]).answer(Via::Tunnel).exits(0);
    for script in [same("HTTP/1.1"), new] {
        earns(Word::Storm, "came back after 0.3 ms, 2.0 s were asked for", yaml, script);
    }
}

#[test]
fn storm_of_queries_and_fetches() {
    let query = |kind: &str| What::DnsQuery {
        name: "proxy.badproxy.test".into(),
        kind: kind.into(),
        from: "127.0.0.1:5".into(),
        transport: crate::event::Transport::Udp,
        attempt: 1,
    };
    let asks = |n, kinds: [&str; 2]| {
        let both = |s: Script, _| kinds.iter().fold(s, |s, kind| s.also(None, query(kind)));
        (0..n).fold(client(), both).says("cannot resolve").exits(6)
    };
    let dns = "dns: {}\nexpect: {outcome: failure, explain: [resolve]}\n";
    let summary = "asked 101 times for one name and type, 100 allowed";
    earns(Word::Storm, summary, dns, asks(101, ["A", "AAAA"]));
    assert_eq!(verdict(dns, asks(101, ["A", "AAAA"])).findings[0].rule, "queries");
    assert_eq!(verdict(dns, asks(100, ["A", "AAAA"])).word, Word::Pass);
    let more = dns.replace("failure,", "failure, attempts: {max: 6},");
    assert_eq!(verdict(&more, asks(120, ["A", "AAAA"])).word, Word::Pass);
    let fetches = |n| {
        let fetch = What::PacRequest {
            attempt: 1,
            method: "GET".into(),
            path: "/proxy.pac".into(),
            headers: vec![],
            secret_seen: vec![],
        };
        (0..n).fold(client(), |s, _| s.also(None, fetch.clone())).says("no script").exits(1)
    };
    let pac = "rules: [{at: pac, do: {respond: {status: 404}}}]\n\
               expect: {outcome: either, explain: [script]}\n";
    earns(Word::Storm, "asked 21 times for the PAC file, 20 allowed", pac, fetches(21));
    assert_ne!(verdict(pac, fetches(20)).word, Word::Storm);
    // Each attempt that is allowed may fetch it anew.
    let more = pac.replace("either,", "either, attempts: {max: 6},");
    assert_ne!(verdict(&more, fetches(24)).word, Word::Storm);
    assert_eq!(verdict(&more, fetches(25)).word, Word::Storm);
    let fewer = pac.replace("either,", "either, attempts: {max: 2},");
    assert_ne!(verdict(&fewer, fetches(20)).word, Word::Storm);
}

/// The first stream of a connection belongs to the attempt that the connection is.
#[test]
fn storm_of_streams_that_are_refused() {
    let yaml = "expect: {outcome: failure, explain: [refused]}\n";
    let streams = |n: u32| {
        let refused = |stream| What::Http2Error {
            stream,
            answered: "RST_STREAM".into(),
            code: "REFUSED_STREAM".into(),
        };
        let open = client().connect().request(&[]).reply(200).tls("good");
        (0..n).fold(open, |s, n| s.here(refused(2 * n + 1))).says("refused").exits(1)
    };
    earns(Word::Storm, "6 attempts (5 streams refused), 5 allowed", yaml, streams(6));
    assert_eq!(verdict(yaml, streams(5)).word, Word::Pass);
    // After a request that was served, each of them is one more.
    let served = |n: u32| {
        let open = client().connect().fetch();
        let other = What::Http2Error {
            stream: 3,
            answered: "RST_STREAM".into(),
            code: "PROTOCOL_ERROR".into(),
        };
        let refused = What::Http2Error {
            stream: 3,
            answered: "RST_STREAM".into(),
            code: "REFUSED_STREAM".into(),
        };
        (0..n).fold(open.here(other), |s, _| s.here(refused.clone())).says("refused").exits(1)
    };
    assert_eq!(verdict(yaml, served(4)).word, Word::Pass);
    assert_eq!(verdict(yaml, served(5)).word, Word::Storm);
}

#[test]
fn hang() {
    let stuck = client().connect().request(&[]).hang().wait(14_900.0).ends(None, Some(9), true);
    let summary = "still running after 15.0 s, BADPROXY_TIMEOUT said 5.0 s";
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
