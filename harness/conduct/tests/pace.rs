//! How soon it came back, and what became of the answers that it took.

use super::*;

#[test]
fn the_median_is_of_sorted_pauses() {
    let at = |times: &[f64]| {
        fold(times.iter().zip(1..).map(|(time, n)| (*time, n, accepted(n))).collect()).median_gap()
    };
    // Pauses of 50, 1, 2: as they come, the one in the middle is the shortest.
    assert_eq!(at(&[0.0, 50.0, 51.0, 53.0]), Some(2.0));
    assert_eq!(at(&[0.0, 9.0, 10.0]), Some(9.0));
    assert_eq!(at(&[0.0]), None);
}

fn at(stage: Stage) -> What {
    What::Fault { rule: 1, at: stage, effect: "close", did: "FIN".into(), audible: true }
}

/// A new try of what met a fault is what comes to that stage again, and nothing else.
#[test]
fn what_a_try_is_hangs_on_the_stage() {
    let tries = |what: fn() -> What| -> Vec<Stage> {
        let again = |stage: &Stage| {
            fold(vec![(1.0, 1, at(*stage)), (301.0, 2, what())]).soonest() == Some(300.0)
        };
        Stage::ALL.into_iter().filter(again).collect()
    };
    use Stage::*;
    let syn = || What::SynSeen { listener: "proxy", state: "SYN_SENT" };
    let dials = tries(|| accepted(2));
    assert!(dials.contains(&Accept) && dials.contains(&ProxyTls) && !dials.contains(&Request));
    assert_eq!(tries(syn), dials);
    assert!(tries(|| What::SynSeen { listener: "dns", state: "SYN_SENT" }).is_empty());
    assert_eq!(
        tries(|| request(2, "CONNECT", vec![])),
        [Request, Auth, Resolve, Dial, Reply, Tunnel, Close]
    );
    assert_eq!(tries(|| get(Via::Tunnel, &[])), [Response, Body]);
    assert_eq!(tries(|| get(Via::Forward, &[])), [Response, Body]);
    assert!(tries(|| get(Via::Direct, &[])).is_empty());
    assert_eq!(tries(|| hello("t13", false)), [Tls]);
    assert_eq!(tries(|| query("a.test")), [Dns]);
    assert_eq!(tries(|| fetch(&[])), [Pac]);
}

/// The shortest of all; and one try ends the pause, so that the next is none.
#[test]
fn the_soonest_is_the_shortest_pause_behind_a_fault() {
    let c = fold(vec![
        (0.0, 1, at(Stage::Reply)),
        (700.0, 2, request(2, "CONNECT", vec![])),
        (2000.0, 2, at(Stage::Reply)),
        (2500.0, 3, request(3, "CONNECT", vec![])),
        (2600.0, 4, request(4, "CONNECT", vec![])),
        (4000.0, 4, at(Stage::Reply)),
        (4900.0, 5, request(5, "CONNECT", vec![])),
    ]);
    assert_eq!(c.soonest(), Some(500.0));
    // Of two faults the pause is counted from the later one.
    let c = fold(vec![
        (0.0, 1, at(Stage::Reply)),
        (600.0, 1, at(Stage::Reply)),
        (800.0, 2, request(2, "CONNECT", vec![])),
    ]);
    assert_eq!(c.soonest(), Some(200.0));
}

/// Of a stream that is refused, and of no other.
#[test]
fn only_a_stream_that_was_refused_unseen_is_no_request_yet() {
    let error = |answered: &str, code: &str| What::Http2Error {
        stream: 3,
        answered: answered.into(),
        code: code.into(),
    };
    let refused = |conn, answered, code| {
        fold(vec![(1.0, conn, error(answered, code)), (2.0, conn, error(answered, code))]).refused
    };
    assert_eq!(refused(1, "RST_STREAM", "REFUSED_STREAM"), 1);
    assert_eq!(refused(1, "GOAWAY", "REFUSED_STREAM"), 0);
    assert_eq!(refused(1, "RST_STREAM", "CANCEL"), 0);
    // Of no connection nobody knows whether it was the first.
    assert_eq!(refused(0, "RST_STREAM", "REFUSED_STREAM"), 0);
}

/// `Range` in a request to the proxy or inside the tunnel, whatever its case.
#[test]
fn who_asks_for_a_part_is_known() {
    let asks = |name: &str| fold(vec![(1.0, 1, get(Via::Tunnel, &[(name, "bytes=5-")]))]);
    assert!(asks("range").took_parts() && asks("Range").took_parts());
    assert!(!asks("If-Range").took_parts() && !fold(vec![]).took_parts());
    let What::Request { attempt, method, target, version, raw, secret_seen, .. } =
        request(1, "GET", vec![])
    else {
        panic!()
    };
    let headers = vec![("RANGE".to_owned(), "bytes=5-".to_owned())];
    let whole = What::Request { attempt, method, target, version, headers, raw, secret_seen };
    let later = fold(vec![(1.0, 1, whole), (2.0, 1, get(Via::Tunnel, &[]))]);
    assert!(later.took_parts());
}

/// A request that begins anew on the connection whose answer was hit ends what was under way.
#[test]
fn damage_is_the_answers_and_not_the_connections() {
    let hit = |stage| What::Fault {
        rule: 1,
        at: stage,
        effect: "corrupt",
        did: "flips bits".into(),
        audible: true,
    };
    let answer = |via, status| What::HttpResponse {
        via,
        method: "GET".into(),
        status,
        bytes: 5,
        nonce_served: true,
    };
    let (get, tunnel) = (|| get(Via::Tunnel, &[]), Via::Tunnel);
    let took = |events: Vec<What>| {
        fold(events.into_iter().map(|what| (1.0, 1, what)).collect()).took_damage()
    };
    assert!(!took(vec![]));
    assert!(took(vec![get(), hit(Stage::Body), answer(tunnel, 200)]));
    assert!(!took(vec![get(), hit(Stage::Tunnel), answer(tunnel, 200)]));
    assert!(!took(vec![get(), hit(Stage::Body), answer(Via::Direct, 200)]));
    assert!(!took(vec![get(), hit(Stage::Body), get(), answer(tunnel, 200)]));
    let (bad, good) = (|| hit(Stage::Body), || answer(tunnel, 200));
    assert!(!took(vec![get(), bad(), good(), get(), good()]));
    assert!(took(vec![get(), bad(), good(), get(), answer(tunnel, 206)]));
}
