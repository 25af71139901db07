//! Each check has a client that keeps to it and one that does not.

use std::time::Duration;

use tokio::io::AsyncWriteExt;

use super::*;
use crate::event::{Event, How, Via, What, Who};
use crate::secrets;
use crate::stage::Stage;
use crate::verdict::script::Script;

/// A client whose attempts meet a fault at once, with these pauses between them.
fn failing(pauses: &[f64]) -> Script {
    let first = Script::new("x").connect().request(&[]).fin();
    pauses.iter().fold(first, |script, pause| script.wait(*pause).connect().request(&[]).fin())
}

fn broken(check: Checked) -> String {
    check.expect_err("this client does not keep to it").to_string()
}

#[test]
fn attempts_are_numbered_and_have_an_end() {
    let script = failing(&[100.0]).wait(7.0).connect().wait(3.0).fetch().wait(5.0);
    let all = attempts(&script.closed(Who::Client, How::Fin).events);
    let times: Vec<_> = all.iter().map(|a| (a.number, a.began, a.ended)).collect();
    assert_eq!(times, [(1, 0.0, 0.0), (2, 100.0, 100.0), (3, 107.0, 115.0)]);
    assert_eq!(
        all.iter().map(|a| (a.faulted, a.served)).collect::<Vec<_>>(),
        [(true, false), (true, false), (false, true)]
    );
    assert_eq!(all[2].statuses, [200, 200]);
}

/// A client that begins anew before it closes the old connection has waited all the same.
#[test]
fn an_end_after_the_next_beginning_is_none() {
    let script = failing(&[50.0]);
    let conn = script.events.iter().find_map(|event| event.conn);
    let late = What::Closed {
        side: crate::event::Side::Client,
        by: Who::Client,
        how: How::Fin,
        bytes_in: 0,
        bytes_out: 0,
    };
    let script = script.wait(10.0).also(conn, late);
    let all = attempts(&script.events);
    assert_eq!(all[0].ended, 50.0);
}

#[test]
fn bounded_counts() {
    let events = failing(&[1.0, 1.0]).events;
    assert_eq!(bounded(&events, 3), Ok(()));
    assert_eq!(broken(bounded(&events, 2)), "bounded: 3 attempts; allowed: at most 2 (at 2 ms)");
    assert_eq!(bounded(&[], 0), Ok(()));
}

#[test]
fn storm_looks_at_any_stretch() {
    let events = failing(&[1000.0, 1.0, 1.0, 1000.0]).events;
    assert_eq!(storm(&events, 3, Duration::from_millis(10)), Ok(()));
    assert_eq!(
        broken(storm(&events, 2, Duration::from_millis(10))),
        "storm: 3 attempts within 2.0 ms; allowed: at most 2 in 10 ms (at 1000 ms)"
    );
}

#[test]
fn backoff_grows() {
    let pace = Pace::new(Duration::from_millis(100)).max(Duration::from_millis(300));
    let good = failing(&[100.0, 150.0, 300.0, 150.0]).events;
    assert_eq!(backoff(&good, &pace), Ok(()));
    for (pauses, text) in [
        (
            &[49.0][..],
            "backoff: a pause of 49 ms before attempt 2; allowed: 50 ms to 100 ms (at 49 ms)",
        ),
        (
            &[100.0, 90.0],
            "backoff: a pause of 90 ms before attempt 3; allowed: 100 ms to 200 ms (at 190 ms)",
        ),
        (
            &[100.0, 200.0, 301.0],
            "backoff: a pause of 301 ms before attempt 4; allowed: 150 ms to 300 ms (at 601 ms)",
        ),
    ] {
        assert_eq!(broken(backoff(&failing(pauses).events, &pace)), text);
    }
    assert_eq!(backoff(&failing(&[109.0]).events, &pace.slack(Duration::from_millis(10))), Ok(()));
    let full = pace.jitter(0.0, 1.0);
    assert_eq!(backoff(&failing(&[0.0, 1.0]).events, &full), Ok(()));
    // After a success it begins anew.
    let served = failing(&[100.0]).wait(200.0).connect().fetch().connect().request(&[]).fin();
    let again = served.wait(100.0).connect().fetch();
    assert_eq!(backoff(&again.events, &pace), Ok(()));
}

#[test]
fn retry_after_is_honoured() {
    let told = |pause| {
        let script = Script::new("x").connect().request(&[]).reply(503).closed(Who::Us, How::Fin);
        script.wait(pause).connect().fetch().events
    };
    assert_eq!(retry_after(&told(2000.0), Duration::from_secs(2)), Ok(()));
    assert_eq!(
        broken(retry_after(&told(1999.0), Duration::from_secs(2))),
        "retry_after: attempt 2 began 1999 ms after the 503; allowed: at least 2000 ms (at 1999 ms)"
    );
    // A 502 says nothing of it.
    let script = Script::new("x").connect().request(&[]).reply(502).connect().fetch();
    assert_eq!(retry_after(&script.events, Duration::from_secs(2)), Ok(()));
}

/// What a rule answers is no event of its own, and counts all the same.
#[tokio::test(start_paused = true)]
async fn the_answer_of_a_rule_has_a_status() {
    for (rule, status) in [
        ("{at: reply, do: {respond: {status: 503, headers: [\"Retry-After: 9\"]}}}", Some(503)),
        ("{at: response, do: {respond: 429}}", Some(429)),
        ("{at: auth, do: {challenge: basic}}", Some(407)),
        ("{at: dial, do: {upstream_error: connection_refused}}", Some(502)),
        ("{at: reply, do: {garbage: 503B, then: close}}", None),
        ("{at: reply, do: close}", None),
    ] {
        let scenario = crate::Scenario::from_yaml(&format!("rules: [{rule}]")).unwrap();
        let world = scenario.simulate().unwrap();
        let mut wire = world.dialler().proxy().await.unwrap();
        let ask = b"CONNECT a.test:80 HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
        wire.write_all(ask).await.unwrap();
        let events = world.finish().await.events;
        assert_eq!(attempts(&events)[0].statuses.last().copied(), status, "{rule}");
    }
}

fn method(script: Script, method: &str) -> Script {
    script.here(What::HttpRequest {
        via: Via::Tunnel,
        attempt: None,
        method: method.into(),
        path: "/pay".into(),
        version: "HTTP/1.1".into(),
        headers: vec![],
        secret_seen: vec![],
    })
}

#[test]
fn a_post_is_not_sent_twice() {
    let twice = |word| {
        let script = method(Script::new("x").connect().request(&[]).reply(200), word);
        method(script.closed(Who::Us, How::Rst).connect().request(&[]).reply(200), word).events
    };
    for word in ["GET", "PUT", "DELETE", "HEAD"] {
        assert_eq!(idempotent(&twice(word), 1), Ok(()), "{word}");
    }
    assert_eq!(
        broken(idempotent(&twice("POST"), 1)),
        "idempotent: POST /pay was sent 2 times; allowed: at most 1: it is not idempotent (at 0 ms)"
    );
    assert_eq!(idempotent(&twice("POST"), 2), Ok(()));
}

#[test]
fn the_deadline_is_for_all_of_it() {
    let events = failing(&[400.0, 700.0]).events;
    assert_eq!(deadline(&events, Duration::from_millis(1100)), Ok(()));
    assert_eq!(
        broken(deadline(&events, Duration::from_secs(1))),
        "deadline: attempt 3 began 1100 ms after the first; allowed: within 1000 ms (at 1100 ms)"
    );
}

#[test]
fn secrets_stay_where_they_belong() {
    let script = |secret| Script::new("x").connect().request(&[secret]).reply(200).events;
    assert_eq!(credentials(&script(secrets::PROXY)), Ok(()));
    assert!(broken(credentials(&script(secrets::ORIGIN))).contains("connect request"));
}

#[test]
fn success_comes_when_the_proxy_recovers() {
    assert_eq!(recovers(&failing(&[9.0]).connect().fetch().events), Ok(()));
    assert_eq!(recovers(&Script::new("x").connect().fetch().events), Ok(()));
    assert!(broken(recovers(&failing(&[9.0]).events)).contains("it gave up after attempt 2"));
    assert!(broken(recovers(&Script::new("x").events)).contains("no attempt at all"));
    let healthy: Vec<Event> = failing(&[]).connect().request(&[]).reply(502).events;
    assert!(broken(recovers(&healthy)).contains("attempt 2 met no fault and was not served"));
}

#[test]
fn a_dead_connection_is_left_alone() {
    let good = Script::new("x").connect().fetch().fault(Stage::Tunnel, "reset", "RST", true);
    let good = good.closed(Who::Us, How::Rst);
    assert_eq!(pool(&good.clone().connect().fetch().events), Ok(()));
    // One held in store asks for nothing.
    assert_eq!(pool(&good.clone().connect().connect().fetch().events), Ok(()));
    assert!(broken(pool(&good.clone().again().events)).contains("which was closed"));
    let poisoned = good.connect().request(&[]).reply(502);
    assert!(broken(pool(&poisoned.events)).contains("met no fault and was not served"));
}

#[test]
fn nothing_at_all_breaks_few_checks() {
    let pace = Pace::new(Duration::from_millis(1));
    for checked in [
        bounded(&[], 1),
        storm(&[], 0, Duration::MAX),
        backoff(&[], &pace),
        retry_after(&[], Duration::MAX),
        idempotent(&[], 0),
        deadline(&[], Duration::ZERO),
        credentials(&[]),
        pool(&[]),
    ] {
        assert_eq!(checked, Ok(()));
    }
}
