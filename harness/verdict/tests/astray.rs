//! What went to others than the target, or in clear where the target's URL says TLS.

use super::*;

const TARGET: &str = "https://target.badproxy.test/";
const CLEAR: &str = "http://target.badproxy.test/";
const EITHER: &str = "expect: {outcome: either}\n";

fn told(target: &str) -> Script {
    client().told(target).connect()
}

fn forward(script: Script, place: &str, secrets: &[&'static str]) -> Script {
    script.asks("GET", place, secrets).get(Via::Forward, secrets).answer(Via::Forward)
}

fn tunnel(script: Script, to: &str, secrets: &[&'static str]) -> Script {
    script.asks("CONNECT", to, &[]).reply(200).tls("good").get(Via::Tunnel, secrets)
}

/// The origin's token, in clear to whoever is on the way.
#[test]
fn the_origins_token_outside_tls() {
    let outside =
        "origin token seen at: request outside TLS with the origin (1 time), not allowed there";
    let sent = || forward(told(TARGET), CLEAR, &[ORIGIN]);
    for yaml in [WELL, EITHER] {
        let then = sent().connect().fetch().exits(0);
        earns(Word::Leak, outside, yaml, then);
    }
    // Where nothing else is wrong with it: it gives up, as it should.
    let fallback = told(TARGET).request(&[]).fin().connect();
    let fallback = forward(fallback, CLEAR, &[ORIGIN]).says("proxy").exits(1);
    earns(Word::Leak, outside, FIN, fallback);
    let inside = told(TARGET).asks("CONNECT", "target.badproxy.test:443", &[]).reply(200);
    let inside = inside.get(Via::Tunnel, &[ORIGIN]).answer(Via::Tunnel).connect().fetch().exits(0);
    earns(Word::Leak, outside, WELL, inside);
    // A target in clear gets it in clear.
    for target in [CLEAR, "ws://target.badproxy.test/", "http://TARGET.badproxy.test.:80/x"] {
        assert_eq!(
            verdict(WELL, forward(told(target), CLEAR, &[ORIGIN]).exits(0)).word,
            Word::Pass
        );
    }
    let good = tunnel(told(TARGET), "target.badproxy.test:443", &[ORIGIN]).answer(Via::Tunnel);
    assert_eq!(verdict(WELL, good.exits(0)).word, Word::Pass);
}

#[test]
fn the_origins_token_for_another_host() {
    let other = "origin token seen at: request for another host (1 time), not allowed there";
    let away = tunnel(told(TARGET), "other.badproxy.test:443", &[ORIGIN]).connect().fetch();
    earns(Word::Leak, other, WELL, away.exits(0));
    let place = "http://other.badproxy.test/";
    for target in [TARGET, CLEAR] {
        let script = forward(told(target), place, &[ORIGIN]).connect().fetch().exits(0);
        earns(Word::Leak, other, WELL, script);
    }
    // Each request of HTTP/2 has its own host, whatever came before it on its connection.
    let streams = ["http://target.badproxy.test/", place];
    for order in [streams, [streams[1], streams[0]]] {
        let begun = told(CLEAR);
        let asked = order.into_iter().fold(begun, |script, to| {
            script
                .asks_in("HTTP/2", "GET", to, &[ORIGIN])
                .get(Via::Forward, &[ORIGIN])
                .answer(Via::Forward)
        });
        earns(Word::Leak, other, WELL, asked.exits(0));
    }
    // Whoever resolves names itself asks for an address; ports and the proxy's password are no matter.
    for to in ["192.0.2.7:443", "[2001:db8::7]:443", "TARGET.badproxy.test.:8443"] {
        let script = tunnel(told(TARGET), to, &[ORIGIN]).answer(Via::Tunnel).exits(0);
        let word = verdict(WELL, script).word;
        assert!([Word::Pass, Word::LocalDns].contains(&word), "{to} {word}");
    }
    let proxys = told(TARGET).asks("GET", place, &[PROXY]).connect().fetch().exits(0);
    assert_eq!(verdict(WELL, proxys).word, Word::Pass);
    // Without a target that is known there is nothing to hold it against.
    let unknown = tunnel(client().connect(), "other.badproxy.test:443", &[ORIGIN]);
    assert_eq!(verdict(WELL, unknown.answer(Via::Tunnel).exits(0)).word, Word::Pass);
}

/// Anybody can answer what goes in clear.
#[test]
fn an_answer_in_clear_is_none_where_the_url_says_tls() {
    let clear = "exit code 0, but the origin's answer was fetched in clear alone, the target's URL says TLS";
    for yaml in [WELL, EITHER] {
        earns(Word::Wrong, clear, yaml, forward(told(TARGET), CLEAR, &[]).exits(0));
        let inside = told(TARGET).request(&[]).reply(200).get(Via::Tunnel, &[]);
        earns(Word::Wrong, clear, yaml, inside.answer(Via::Tunnel).exits(0));
    }
    let wss = forward(told("wss://target.badproxy.test/ws"), CLEAR, &[]).exits(0);
    assert_eq!(verdict(WELL, wss).word, Word::Wrong);
    // One in TLS beside it does; so does one in TLS where none was asked for.
    let both = forward(told(TARGET), CLEAR, &[]).connect().fetch().exits(0);
    assert_eq!(verdict(WELL, both).word, Word::Pass);
    assert_eq!(verdict(WELL, told(CLEAR).fetch().exits(0)).word, Word::Pass);
    // It is written down when the connection has ended already.
    let late = told(TARGET).request(&[]).reply(200).tls("good").get(Via::Tunnel, &[]);
    let late = late.closed(Who::Client, How::Fin).answer(Via::Tunnel).exits(0);
    assert_eq!(verdict(WELL, late).word, Word::Pass);
}

#[test]
fn any_status_is_an_answer() {
    for status in [200, 204, 302, 404, 503] {
        let script = told(TARGET).request(&[]).reply(200).tls("good").get(Via::Tunnel, &[]);
        let script = script.answers(Via::Tunnel, status).exits(0);
        assert_eq!(verdict(WELL, script).word, Word::Pass, "{status}");
    }
}

/// The origin sends the client on, and it goes.
#[test]
fn what_a_redirect_asks_for_is_no_attempt_too_many() {
    let yaml = "expect: {outcome: success, attempts: {max: 2}}\n";
    let redirects = |n: u64| {
        let begun = told(TARGET).request(&[]).reply(200).tls("good");
        (0..n).fold(begun, |s, _| s.get(Via::Tunnel, &[]).answers(Via::Tunnel, 302).again())
    };
    let end = |script: Script| script.get(Via::Tunnel, &[]).answer(Via::Tunnel);
    assert_eq!(verdict(yaml, end(redirects(4)).exits(0)).word, Word::Pass);
    let twice = end(end(redirects(4)).again());
    assert_eq!(verdict(yaml, twice.clone().exits(0)).word, Word::Pass);
    let thrice = end(redirects(4)).again().again();
    earns(Word::Storm, "7 attempts in 0.0 ms, 6 allowed", yaml, thrice.exits(0));
    // Nobody follows for ever.
    assert_eq!(verdict(yaml, end(redirects(60)).exits(0)).word, Word::Storm);
}
