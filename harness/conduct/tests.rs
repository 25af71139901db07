mod events;
mod pace;

use super::*;
use crate::event::Event;
use crate::secrets::{ORIGIN, PROXY};

fn fold(events: Vec<(f64, u64, What)>) -> Conduct {
    let mut conduct = Conduct::default();
    for (time, conn, what) in events {
        conduct.note(&Event { time, conn: (conn > 0).then_some(conn), what });
    }
    conduct
}

fn accepted(attempt: u64) -> What {
    What::Accepted { side: Side::Client, src: "x".into(), attempt: Some(attempt) }
}

fn request(attempt: u64, method: &str, secret_seen: Vec<&'static str>) -> What {
    What::Request {
        attempt,
        method: method.into(),
        target: "a.test:443".into(),
        version: "HTTP/1.1".into(),
        headers: vec![("user-agent".into(), "curl/7.88.1".into())],
        raw: String::new(),
        secret_seen,
    }
}

fn fault(rule: usize, audible: bool) -> What {
    What::Fault { rule, at: Stage::Reply, effect: "close", did: "FIN".into(), audible }
}

fn get(via: Via, headers: &[(&str, &str)]) -> What {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    What::HttpRequest {
        via,
        attempt: None,
        method: "GET".into(),
        path: "/".into(),
        version: "HTTP/1.1".into(),
        headers: headers.iter().map(own).collect(),
        secret_seen: vec![],
    }
}

fn query(name: &str) -> What {
    What::DnsQuery {
        name: name.into(),
        kind: "A".into(),
        from: "127.0.0.1:5".into(),
        transport: crate::event::Transport::Udp,
        attempt: 1,
    }
}

fn fetch(headers: &[(&str, &str)]) -> What {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    What::PacRequest {
        attempt: 1,
        method: "GET".into(),
        path: "/proxy.pac".into(),
        headers: headers.iter().map(own).collect(),
        secret_seen: vec![PROXY],
    }
}

fn hello(fingerprint: &str, proxy: bool) -> What {
    let (sni, alpn, versions, fingerprint) = (None, vec![], vec![], fingerprint.to_owned());
    match proxy {
        true => {
            What::ProxyHello { to_plain_port: false, sni, alpn, versions, bytes: 300, fingerprint }
        }
        false => What::ClientHello { sni, alpn, versions, bytes: 300, fingerprint },
    }
}

#[test]
fn a_connection_and_its_first_request_are_one_attempt() {
    let c = fold(vec![
        (1.0, 1, accepted(1)),
        (2.0, 1, request(1, "CONNECT", vec![])),
        (5.0, 1, request(2, "CONNECT", vec![])),
        (9.0, 2, accepted(3)),
    ]);
    assert_eq!((c.attempts, c.accepted, c.requests), (3, 2, 2));
    assert_eq!(c.times(), [1.0, 5.0, 9.0]);
    assert_eq!(c.gaps(), [4.0, 4.0]);
    assert_eq!(c.median_gap(), Some(4.0));
    assert_eq!(c.user_agent.as_deref(), Some("curl/7.88.1"));
    assert_eq!(c.reached, Some(Stage::Request));
}

#[test]
fn attempts_written_down_out_of_order_make_no_gap_of_nothing() {
    let c = fold(vec![(1.0, 1, accepted(1)), (4.0, 3, accepted(3)), (4.5, 2, accepted(2))]);
    assert_eq!(c.times(), [1.0, 4.0, 4.5]);
}

#[test]
fn a_storm_is_counted_and_its_times_are_bounded() {
    let c = fold((1..30_000).map(|n| (n as f64, n, accepted(n))).collect());
    assert_eq!(c.attempts, 29_999);
    assert_eq!(c.times().len(), TIMES);
    assert_eq!(c.median_gap(), Some(1.0));
}

#[test]
fn silence_by_us_hides_earlier_faults_from_the_client() {
    let hang = What::Silence { who: Who::Us, at: Stage::Reply, reads: true };
    let mut events = vec![(1.0, 1, fault(1, false)), (2.0, 1, fault(1, true)), (3.0, 2, hang)];
    let c = fold(events.clone());
    assert_eq!(c.first_fault.as_ref().map(|m| m.time), Some(1.0));
    assert_eq!(c.first_audible.as_ref().map(|m| m.time), Some(2.0));
    assert_eq!((c.audible_since, c.silent.len()), (None, 1));
    events.push((4.0, 2, What::SilenceEnded { bytes: 0 }));
    events.push((5.0, 3, fault(2, true)));
    let c = fold(events);
    assert_eq!((c.audible_since, c.silent.len()), (Some(5.0), 0));
    assert_eq!(c.faults, BTreeMap::from([(1, 2), (2, 1)]));
}

#[test]
fn secrets_are_noted_with_their_places() {
    let get = |via| What::HttpRequest {
        via,
        attempt: None,
        method: "GET".into(),
        path: "/".into(),
        version: "HTTP/1.1".into(),
        headers: vec![],
        secret_seen: vec![PROXY, ORIGIN],
    };
    let session = |cert: &str| What::Established {
        version: "TLSv1.3".into(),
        cipher: String::new(),
        alpn: None,
        cert: cert.into(),
    };
    let said = |stream| What::Output {
        stream,
        text: "x".into(),
        truncated: false,
        secret_seen: vec![PROXY],
    };
    let c = fold(vec![
        (1.0, 1, request(1, "CONNECT", vec![PROXY, ORIGIN])),
        (2.0, 1, session("good")),
        (3.0, 1, get(Via::Tunnel)),
        (3.1, 1, get(Via::Tunnel)),
        (4.0, 2, session("expired")),
        (5.0, 2, get(Via::Tunnel)),
        (6.0, 3, get(Via::Direct)),
        (7.0, 0, said("stderr")),
    ]);
    let bad: Vec<(&str, &str, u64)> = c
        .sights
        .iter()
        .filter(|sight| !sight.belongs())
        .map(|sight| (sight.secret, sight.spot.words(), sight.times))
        .collect();
    assert_eq!(
        bad,
        [
            (ORIGIN, "connect request", 1),
            (PROXY, "origin via tunnel", 2),
            (PROXY, "origin under a bad certificate", 1),
            (ORIGIN, "origin under a bad certificate", 1),
            (PROXY, "origin direct", 1),
            (PROXY, "stderr", 1),
        ]
    );
}

#[test]
fn only_bytes_under_a_bad_certificate_count() {
    let data = |cert: &str, bytes| What::AppData { cert: cert.into(), bytes };
    let c = fold(vec![
        (1.0, 1, data("good", 100)),
        (1.0, 1, data("expired", 0)),
        (1.0, 1, data("expired", 7)),
        (1.0, 2, data("expired", u64::MAX)),
    ]);
    assert_eq!(c.bad_data, BTreeMap::from([("expired".to_owned(), u64::MAX)]));
}

#[test]
fn the_process_and_how_connections_ended() {
    let closed = |by, how| What::Closed { side: Side::Client, by, how, bytes_in: 0, bytes_out: 0 };
    let exit = |code| What::Exited { code: Some(code), signal: None, killed_by_us: false };
    let spawn = What::Spawned { pid: 9, argv: vec!["curl".into()], env_set: Default::default() };
    let c = fold(vec![
        (100.0, 0, spawn),
        (150.0, 1, closed(Who::Us, How::Fin)),
        (151.0, 2, closed(Who::Us, How::Fin)),
        (152.0, 3, closed(Who::Client, How::Rst)),
        (400.0, 0, exit(56)),
        (500.0, 0, exit(0)),
        (501.0, 0, What::Leftover {}),
    ]);
    assert_eq!(c.ends, [(Who::Us, How::Fin, 2), (Who::Client, How::Rst, 1)]);
    assert_eq!(c.ran(), Some(300.0));
    assert!(c.process.exit.is_some_and(|exit| exit.code == Some(56) && exit.leftover));
}

#[test]
fn words_are_found_in_either_stream_across_events() {
    let say = |stream, text: &str| What::Output {
        stream,
        text: text.into(),
        truncated: false,
        secret_seen: vec![],
    };
    let c =
        fold(vec![(1.0, 0, say("stderr", "Proxy CON")), (2.0, 0, say("stderr", "NECT aborted"))]);
    let words = |list: &[&str]| list.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
    assert_eq!(c.says(&words(&["407", "proxy connect"])), Some("proxy connect"));
    assert_eq!(c.says(&words(&["reset", ""])), None);
    assert_eq!(c.says(&[]), None);
}
