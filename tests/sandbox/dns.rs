//! The name server inside: whoever reads /etc/resolv.conf asks it, over UDP and TCP.

use std::process::Command;

use serde_json::Value;

use crate::play::file;
use crate::{allowed, events, named, verdict};

/// The proxy is called by its name, which has two addresses.
const TWO: &str = "proxy: {addresses: [198.51.100.2, 198.51.100.1]}\ndns: {}\n";

/// Whether it can be called; the name server is not what decides that.
fn there(program: &str) -> bool {
    let there = Command::new(program).arg("--version").output().is_ok();
    if !there {
        eprintln!("skipped: {program} is not installed");
    }
    there
}

/// How queries came: `proxy.badproxy.test A udp`, each once.
fn asked(events: &[Value]) -> Vec<String> {
    let text = |data: &Value, key: &str| data[key].as_str().unwrap_or_default().to_owned();
    let line =
        |data: &&Value| [text(data, "name"), text(data, "type"), text(data, "transport")].join(" ");
    let mut all: Vec<String> = named(events, "dns:query").iter().map(line).collect();
    all.sort();
    all.dedup();
    all
}

/// What a command prints inside, and how it asked.
fn said(yaml: &str, shell: &str) -> (String, Vec<String>, Vec<Value>) {
    let (_dir, path) = file(yaml);
    let (events, played) = events(&path, shell);
    assert_eq!(events[0]["observable"]["dns"], true);
    assert!(named(&events, "run:trouble").is_empty(), "{}", played.stderr);
    // The order of the addresses is the server's.
    (played.stderr.clone(), asked(&events), events)
}

const A: &str = "proxy.badproxy.test A udp";
const AAAA: &str = "proxy.badproxy.test AAAA udp";
const TCP: &str = "proxy.badproxy.test A tcp";
const DOT: &str = "proxy.badproxy.test A dot";
const DOH: &str = "proxy.badproxy.test A doh";

/// Each resolver that programs have: glibc's getaddrinfo, dig, Python and Node, which has c-ares as
/// well.
#[test]
fn whoever_asks_is_answered() {
    if !allowed() {
        return;
    }
    let python = "import socket; print([a[4][0] for a in socket.getaddrinfo('proxy.badproxy.test', \
                  80, type=socket.SOCK_STREAM)])";
    let lookup = "require('dns').lookup('proxy.badproxy.test', {all: true}, (e, all) => \
                  console.log(e || all.map(a => a.address).join(' ')))";
    let resolve = "require('dns').resolve4('proxy.badproxy.test', (e, all) => console.log(e || all.join(' ')))";
    for (program, shell, asked) in [
        ("getent", "getent ahosts proxy.badproxy.test".to_owned(), &[A, AAAA][..]),
        ("dig", "dig +short proxy.badproxy.test A".to_owned(), &[A]),
        ("dig", "dig +tcp +short proxy.badproxy.test A".to_owned(), &[TCP]),
        ("kdig", "kdig +tls +short @127.0.0.1 -p 53 proxy.badproxy.test A".to_owned(), &[DOT]),
        ("kdig", "kdig +https +short @127.0.0.1 -p 53 proxy.badproxy.test A".to_owned(), &[DOH]),
        ("python3", format!("python3 -c \"{python}\""), &[A, AAAA]),
        ("node", format!("node -e \"{lookup}\""), &[A, AAAA]),
        ("node", format!("node -e \"{resolve}\""), &[A]),
    ] {
        if !there(program) {
            continue;
        }
        let (text, seen, _) = said(TWO, &format!("{shell} >&2"));
        let (second, first) = (text.find("198.51.100.2"), text.find("198.51.100.1"));
        assert!(second.is_some() && second < first, "{shell}\n{text}");
        assert_eq!(seen, asked, "{shell}\n{text}");
    }
}

/// curl gets to the proxy by its name, and does not ask for the target's.
#[test]
fn a_proxy_is_found_by_its_name() {
    if !allowed() {
        return;
    }
    for yaml in [TWO, "client: {proxy_host: name}\ndns: {}\n"] {
        let (text, seen, events) = said(yaml, "curl -sS --max-time 20 {target}");
        assert_eq!(verdict(&events), "PASS", "{text}");
        assert!(!seen.is_empty() && seen.iter().all(|q| q == A || q == AAAA), "{seen:?}");
    }
}

/// What a rule says is what the client gets, in its own words.
#[test]
fn a_rule_is_met() {
    if !allowed() {
        return;
    }
    let yaml = "client: {proxy_host: name}\nrules: [{at: dns, do: {answer: nxdomain}}]\n\
                expect: {outcome: failure, explain: [resolve proxy]}\n";
    let (text, _, events) = said(yaml, "curl -sS --max-time 20 {target}");
    assert_eq!(verdict(&events), "PASS", "{text}");
    assert!(text.contains("proxy.badproxy.test"), "{text}");
    assert!(!named(&events, "fault:applied").is_empty());
}

/// The target's name is for the proxy to look up: a client that does it itself is found out, and
/// one that asks somebody else, too.
#[test]
fn a_client_that_looks_the_target_up_is_seen() {
    if !allowed() {
        return;
    }
    let shell = "curl -sS {target}; getent ahosts target.badproxy.test; true";
    let (text, seen, events) = said("client: {proxy_host: name}\ndns: {}\n", shell);
    assert_eq!(verdict(&events), "LOCAL-DNS", "{text}");
    assert!(seen.contains(&"target.badproxy.test A udp".to_owned()), "{seen:?}");
    if there("dig") {
        let shell = "curl -sS {target}; dig +tries=1 +time=1 @8.8.8.8 target.badproxy.test; true";
        let (_, seen, events) = said("dns: {}\n", shell);
        assert!(seen.is_empty(), "{seen:?}");
        assert_eq!(named(&events, "net:egress")[0]["likely"], "DNS to another server");
    }
}

/// Every shipped scenario at `dns`: curl asks, the fault happens. Those with TLS and EDNS are for
/// other clients.
#[test]
fn each_scenario_is_met() {
    if !allowed() {
        return;
    }
    let other = ["dns/doh-", "dns/dot-", "dns/edns-", "dns/target-known-to-proxy-only"];
    let all = badproxy::catalogue::CATALOGUE.iter().map(|entry| entry.name);
    let names: Vec<&str> = all
        .filter(|name| name.starts_with("dns/") && !other.iter().any(|o| name.starts_with(o)))
        .collect();
    assert!(names.len() >= 20, "{names:?}");
    for some in names.chunks(8) {
        std::thread::scope(|scope| {
            for name in some {
                scope.spawn(move || {
                    let curl = "curl -sS --max-time 3 {target}";
                    let (events, played) = events(&format!("{name} --timeout 20s"), curl);
                    assert!(!asked(&events).is_empty(), "{name}");
                    let met = !named(&events, "fault:applied").is_empty();
                    assert!(met, "{name}\n{}", played.stderr);
                    assert!(named(&events, "run:trouble").is_empty(), "{name}");
                });
            }
        });
    }
}

/// A SYN to port 53 is seen, answered with a RST or with nothing; UDP is answered all the same.
#[test]
fn a_name_server_without_tcp() {
    if !allowed() || !there("python3") {
        return;
    }
    let program = "import socket
try: socket.create_connection(('127.0.0.1', 53), 0.5)
except OSError as e: print(type(e).__name__)
print(socket.gethostbyname('proxy.badproxy.test'))";
    for (tcp, error, state) in [
        ("refused", "ConnectionRefusedError", "refused"),
        ("unanswered", "TimeoutError", "SYN-SENT"),
    ] {
        let yaml = TWO.replace("dns: {}", &format!("dns: {{tcp: {tcp}}}"));
        let (text, _, events) = said(&yaml, &format!("python3 -c \"{program}\" >&2"));
        assert!(text.contains(error) && text.contains("198.51.100."), "{tcp}: {text}");
        let seen = named(&events, "tcp:syn_seen");
        assert_eq!(seen.len(), 1, "{tcp}: repetitions are not written down");
        assert_eq!((&seen[0]["listener"], &seen[0]["state"]), (&"dns".into(), &state.into()));
    }
}
