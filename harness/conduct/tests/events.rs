//! What each event adds to what is known of the client.

use super::*;

fn tls(cert: &str, proxy: bool) -> What {
    let (version, cipher, alpn, cert) = ("TLSv1.3".into(), String::new(), None, cert.into());
    match proxy {
        true => What::ProxyEstablished { version, cipher, alpn, cert },
        false => What::Established { version, cipher, alpn, cert },
    }
}

fn socks(attempt: u64) -> What {
    What::SocksRequest {
        attempt,
        version: 5,
        command: 1,
        atyp: "domain",
        target: "a.test:443".into(),
        secret_seen: vec![ORIGIN],
    }
}

/// Each event says how far the client has got.
#[test]
fn every_stage_is_reached_by_what_happens_there() {
    use Stage::*;
    let answer = What::HttpResponse {
        via: Via::Tunnel,
        method: "GET".into(),
        status: 200,
        bytes: 5,
        nonce_served: true,
    };
    let direct = What::HttpResponse {
        via: Via::Direct,
        method: "GET".into(),
        status: 200,
        bytes: 5,
        nonce_served: true,
    };
    let reply = |status| What::Reply { status, bytes: 39, raw: String::new() };
    let syn = |listener| What::SynSeen { listener, state: "SYN_SENT" };
    for (stage, what) in [
        (Pac, fetch(&[])),
        (Dns, query("a.test")),
        (Dns, syn("dns")),
        (Syn, syn("proxy")),
        (Accept, accepted(1)),
        (ProxyTls, hello("t13", true)),
        (Request, request(1, "GET", vec![])),
        (Request, What::SocksGreeting { version: 5, methods: vec![0] }),
        (Request, socks(1)),
        (Auth, What::SocksAuth { right: true, secret_seen: vec![] }),
        (Auth, reply(407)),
        (Resolve, What::Resolved { host: "a.test".into(), result: "10.0.0.1".into() }),
        (Dial, What::Connected { side: Side::Upstream, dst: "origin".into() }),
        (Reply, reply(200)),
        (Reply, What::SocksReply { version: 5, code: 0, bytes: 10 }),
        (Tls, hello("t13", false)),
        (Tls, tls("good", false)),
        (Response, get(Via::Forward, &[])),
        (Body, answer),
    ] {
        assert_eq!(fold(vec![(1.0, 1, what.clone())]).reached, Some(stage), "{what:?}");
    }
    // What goes around the proxy gets nowhere here.
    let around = fold(vec![(1.0, 1, get(Via::Direct, &[])), (2.0, 1, direct)]);
    assert_eq!((around.reached, around.origin.direct, around.nonces.direct), (None, 1, 1));
}

#[test]
fn what_comes_is_counted() {
    let c = fold(vec![
        (1.0, 1, accepted(1)),
        (2.0, 1, socks(1)),
        (3.0, 1, socks(2)),
        (4.0, 0, query("a.test")),
        (5.0, 0, query("a.test")),
        (6.0, 0, query("b.test")),
        (7.0, 0, What::BadRequest { reason: String::new(), raw: String::new() }),
        (8.0, 1, get(Via::Tunnel, &[("User-Agent", "x/1")])),
    ]);
    assert_eq!((c.attempts, c.requests, c.queries, c.bad_requests), (2, 2, 3, 1));
    assert_eq!(c.times(), [1.0, 3.0]);
    assert_eq!(c.asked, BTreeMap::from([("a.test".to_owned(), 2), ("b.test".to_owned(), 1)]));
    assert_eq!((c.repeated, c.origin.tunnel, c.user_agent.as_deref()), (2, 1, Some("x/1")));
    let c = fold(vec![(1.0, 1, fetch(&[("User-Agent", "pac/1")])), (2.0, 1, fetch(&[]))]);
    assert_eq!((c.fetches, c.user_agent.as_deref()), (2, Some("pac/1")));
    assert_eq!((c.sights[0].spot, c.sights[0].times), (Spot::Pac, 2));
    // A connection that has no number of an attempt is one all the same.
    let none = What::Accepted { side: Side::Client, src: "x".into(), attempt: None };
    assert_eq!(fold(vec![(1.0, 1, none)]).attempts, 1);
}

/// Memory is bounded by names, counts go on.
#[test]
fn names_beyond_the_first_thousand_are_not_kept() {
    let mut events: Vec<_> = (0..=NAMES).map(|n| (1.0, 0, query(&format!("{n}.test")))).collect();
    events.push((2.0, 0, query("0.test")));
    let c = fold(events);
    assert_eq!((c.queries, c.asked.len(), c.asked["0.test"]), (NAMES as u64 + 2, NAMES, 2));
    assert!(!c.asked.contains_key(&format!("{NAMES}.test")));
    let to = |n: usize| What::Egress { proto: "udp", dst: format!("10.0.0.1:{n}"), likely: "UDP" };
    let c = fold((0..=FEW).map(|n| (1.0, 0, to(n))).collect());
    assert_eq!((c.elsewhere.len(), c.egress, c.quic.len()), (FEW, 0, 0));
    let c = fold((0..=FEW).map(|_| (1.0, 0, What::Trouble { text: "x".into() })).collect());
    assert_eq!(c.trouble.len(), FEW);
}

/// TCP that goes around is counted; QUIC and other datagrams are kept by their places.
#[test]
fn what_goes_around_is_told_apart() {
    let out = |proto, dst: &str| What::Egress { proto, dst: dst.into(), likely: "x" };
    let around = |what| {
        let c = fold(vec![(1.0, 1, what)]);
        (c.egress, c.quic.len(), c.elsewhere.len(), c.went_around())
    };
    assert_eq!(around(out("tcp", "10.0.0.1:443")), (1, 0, 0, true));
    assert_eq!(around(out("udp", "10.0.0.1:443")), (0, 1, 0, true));
    assert_eq!(around(out("udp", "10.0.0.1:53")), (0, 0, 1, false));
    let direct = What::Accepted { side: Side::Direct, src: "x".into(), attempt: None };
    assert!(around(direct).3 && around(get(Via::Direct, &[])).3);
    let answer = What::HttpResponse {
        via: Via::Direct,
        method: "GET".into(),
        status: 200,
        bytes: 5,
        nonce_served: true,
    };
    assert!(around(answer).3 && !around(accepted(1)).3);
}

/// As long as the connection is there, and no longer.
#[test]
fn a_bad_certificate_is_its_connections() {
    let closed = || What::Closed {
        side: Side::Client,
        by: Who::Us,
        how: How::Fin,
        bytes_in: 0,
        bytes_out: 0,
    };
    let spots = |cert: &str, proxy, ends| {
        let mut events = vec![(1.0, 1, tls(cert, proxy))];
        events.extend(if ends { Some((2.0, 1, closed())) } else { None });
        events.push((3.0, 1, request(1, "CONNECT", vec![PROXY])));
        let What::HttpRequest { via, attempt, method, path, version, headers, .. } =
            get(Via::Tunnel, &[])
        else {
            panic!()
        };
        let secret_seen = vec![ORIGIN];
        let get = What::HttpRequest { via, attempt, method, path, version, headers, secret_seen };
        events.push((4.0, 1, get));
        events.push((
            5.0,
            1,
            What::SecretSeen { place: "origin via tunnel", secret_seen: vec![PROXY] },
        ));
        // Another connection has nothing to do with it.
        events.push((6.0, 2, request(2, "GET", vec![PROXY])));
        fold(events).sights.iter().map(|sight| sight.spot).collect::<Vec<_>>()
    };
    use Spot::*;
    assert_eq!(
        spots("good", false, false),
        [ConnectRequest, OriginTunnel, OriginTunnel, ProxyRequest]
    );
    let proxy = [ProxyDistrusted, OriginTunnel, OriginTunnel, ProxyRequest];
    assert_eq!(spots("expired", true, false), proxy);
    let origin = [ConnectRequest, OriginDistrusted, OriginDistrusted, ProxyRequest];
    assert_eq!(spots("expired", false, false), origin);
    // What nobody knows is no good certificate.
    assert_eq!(spots("made-up", false, false), origin);
    for proxy in [true, false] {
        assert_eq!(spots("expired", proxy, true), spots("good", proxy, true));
    }
    // Of no connection nobody knows its certificate.
    let nowhere = fold(vec![
        (1.0, 1, tls("expired", true)),
        (2.0, 0, request(1, "GET", vec![PROXY])),
        (3.0, 0, What::SecretSeen { place: "origin via tunnel", secret_seen: vec![PROXY] }),
    ]);
    let spots: Vec<Spot> = nowhere.sights.iter().map(|sight| sight.spot).collect();
    assert_eq!(spots, [ProxyRequest, OriginTunnel]);
}

#[test]
fn the_first_hello_that_could_be_read_names_the_client() {
    let named = |hellos: &[(&str, bool)]| {
        let events = hellos.iter().map(|(print, proxy)| (1.0, 1, hello(print, *proxy)));
        fold(events.collect()).hello
    };
    assert_eq!(named(&[("", false), ("a", true), ("b", false)]).as_deref(), Some("a"));
    assert_eq!(named(&[("b", false), ("a", true)]).as_deref(), Some("b"));
    assert_eq!(named(&[("", true)]), None);
}

#[test]
fn each_silence_is_its_connections() {
    let silent = |who| What::Silence { who, at: Stage::Reply, reads: true };
    let closed = What::Closed {
        side: Side::Upstream,
        by: Who::Us,
        how: How::Fin,
        bytes_in: 0,
        bytes_out: 0,
    };
    let c = fold(vec![
        (1.0, 1, silent(Who::Us)),
        (2.0, 2, silent(Who::Client)),
        (3.0, 0, silent(Who::Client)),
        (4.0, 1, closed),
    ]);
    assert_eq!(c.silent.keys().copied().collect::<Vec<_>>(), [0, 2]);
    let c = fold(vec![
        (1.0, 0, silent(Who::Us)),
        (2.0, 1, silent(Who::Us)),
        (3.0, 0, What::SilenceEnded { bytes: 0 }),
    ]);
    assert_eq!(c.silent.keys().copied().collect::<Vec<_>>(), [1]);
}

/// A client in this process tells its end itself, and what it says then is heard; only the first end counts.
#[test]
fn a_client_that_tells_its_own_end() {
    let ended = |success, text: &str| What::ClientEnded {
        success,
        text: text.into(),
        secret_seen: vec![PROXY],
    };
    let c = fold(vec![(5.0, 0, ended(false, "proxy said 407")), (6.0, 0, ended(true, "later"))]);
    let exit = c.process.exit.unwrap();
    assert_eq!((exit.time, exit.code, exit.signal), (5.0, Some(1), None));
    assert!(!exit.killed_by_us && !exit.leftover);
    assert_eq!(c.stderr.text(), "proxy said 407");
    assert_eq!((c.sights[0].spot, c.sights[0].times), (Spot::Stderr, 2));
    assert_eq!(fold(vec![(5.0, 0, ended(true, ""))]).process.exit.unwrap().code, Some(0));
}

#[test]
fn each_output_is_kept_apart_and_what_was_cut_is_known() {
    let said = |stream, text: &str, truncated| What::Output {
        stream,
        text: text.into(),
        truncated,
        secret_seen: vec![PROXY],
    };
    let c =
        fold(vec![(1.0, 0, said("stdout", "out", true)), (2.0, 0, said("stderr", "err", false))]);
    assert_eq!((c.stdout.text().as_str(), c.stdout.cut), ("out\n[...]\n", true));
    assert_eq!((c.stderr.text().as_str(), c.stderr.cut), ("err", false));
    let spots: Vec<Spot> = c.sights.iter().map(|sight| sight.spot).collect();
    assert_eq!(spots, [Spot::Stdout, Spot::Stderr]);
}

#[test]
fn all_have_ended_when_as_many_ends_as_connections_were_seen() {
    let closed =
        |side| What::Closed { side, by: Who::Client, how: How::Fin, bytes_in: 0, bytes_out: 0 };
    let mut events = vec![(1.0, 1, accepted(1)), (1.0, 2, accepted(2))];
    events.push((2.0, 1, closed(Side::Client)));
    events.push((2.0, 2, closed(Side::Upstream)));
    assert!(!fold(events.clone()).all_ended());
    events.push((3.0, 2, closed(Side::Client)));
    assert!(fold(events).all_ended());
}

#[test]
fn what_a_tunnel_or_socks_or_clear_text_shows() {
    let auth = What::SocksAuth { right: false, secret_seen: vec![PROXY] };
    let clear = What::ProxyTlsFailed {
        reason: String::new(),
        alert: None,
        by: Who::Client,
        secret_seen: vec![PROXY],
    };
    let c = fold(vec![(1.0, 1, auth), (2.0, 1, socks(1)), (3.0, 2, clear)]);
    let spots: Vec<(&str, Spot)> = c.sights.iter().map(|s| (s.secret, s.spot)).collect();
    let wanted =
        [(PROXY, Spot::ProxyRequest), (ORIGIN, Spot::ConnectRequest), (PROXY, Spot::ProxyInClear)];
    assert_eq!(spots, wanted);
    let reply = |status| What::Reply { status, bytes: 39, raw: String::new() };
    let c = fold(vec![(1.0, 1, reply(407)), (2.0, 1, reply(407)), (3.0, 1, reply(200))]);
    assert_eq!(c.replies, BTreeMap::from([(200, 1), (407, 2)]));
    // A good certificate of the proxy takes nothing from what is sent under it.
    let c = fold(vec![(1.0, 1, tls("good", true)), (2.0, 1, request(1, "GET", vec![PROXY]))]);
    assert_eq!(c.sights[0].spot, Spot::ProxyRequest);
}

/// A further request inside a tunnel is an attempt, around the proxy it is none.
#[test]
fn a_request_inside_a_tunnel_may_be_an_attempt() {
    let numbered = |via| match get(via, &[]) {
        What::HttpRequest { via, method, path, version, headers, secret_seen, .. } => {
            let attempt = Some(2);
            What::HttpRequest { via, attempt, method, path, version, headers, secret_seen }
        }
        _ => panic!(),
    };
    let c = fold(vec![(1.0, 1, accepted(1)), (5.0, 1, numbered(Via::Tunnel))]);
    assert_eq!((c.attempts, c.times()), (2, vec![1.0, 5.0]));
    assert_eq!(fold(vec![(1.0, 1, accepted(1)), (5.0, 1, numbered(Via::Direct))]).attempts, 1);
    let c = fold(vec![(1.0, 1, fault(1, false)), (2.0, 1, fault(2, false))]);
    assert_eq!(c.first_fault.map(|met| met.time), Some(1.0));
    assert_eq!(c.first_audible.map(|met| met.time), None);
}
