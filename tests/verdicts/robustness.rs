//! NOT-EXERCISED, STORM, HANG, CRASH, FAILED.

use crate::play::file;
use crate::{judge, judge_command};

#[test]
fn never_coming_is_not_exercised() {
    judge(&["ok/plain"], "exit 0").earns("NOT-EXERCISED", 1).also("WRONG");
    judge(&["reply/reset"], "echo reset; exit 1").earns("NOT-EXERCISED", 1);
    judge(&["reply/reset"], "curl -sS --noproxy '*' http://{origin}/").earns("NOT-EXERCISED", 1);
}

/// curl tries every URL of the range, each on a connection of its own: thousands a second.
#[test]
fn reconnecting_for_ever_is_a_storm() {
    let client = ["curl", "-s", "https://target.badproxy.test/[1-1000000]"];
    let args = ["reply/fin-before-reply", "--timeout", "500ms"];
    let judged = judge_command(&args, &client).earns("STORM", 1).by("attempts").also("HANG");
    assert_eq!(judged.exited()["killed_by_us"], true);
    judge(&["reply/fin-before-reply"], "curl -sS {target}").earns("PASS", 0);
}

/// The order of causes: it is killed, and so its connection ends, and so does it.
#[test]
fn a_kill_comes_before_what_follows_from_it() {
    let judged = judge_command(
        &["tunnel/silence", "--timeout", "500ms"],
        &["curl", "-sS", "https://target.badproxy.test/"],
    );
    let judged = judged.earns("HANG", 1);
    let names: Vec<&str> = judged.events.iter().filter_map(|e| e["name"].as_str()).collect();
    let at = |name| names.iter().position(|n| *n == name).unwrap_or_else(|| panic!("{names:?}"));
    assert!(at("proc:killed") < at("tcp:closed"), "{names:?}");
    assert!(at("tcp:closed") < at("proc:exited"), "{names:?}");
    let after = judged.all("proc:killed")[0]["after_ms"].as_f64().unwrap();
    assert!(after >= 1500.0, "{after}");
}

#[test]
fn a_storm_meets_the_ceiling() {
    let (_dir, yaml) = file(
        "rules: [{at: reply, do: close}]\n\
         expect: {outcome: failure, attempts: {max: 5}}\n\
         limits: {connections: 40}\n",
    );
    let judged = judge(&[&yaml], "curl -s 'https://target.badproxy.test/[1-60]'").earns("STORM", 1);
    assert_eq!(judged.all("tcp:accepted").len(), 40);
    assert_eq!(judged.all("limit:reached")[0]["limit"], "connections");
}

/// A line of Python: a tunnel to the origin is opened by `tunnel()`, with TLS inside.
fn python(rest: &str) -> String {
    format!(
        "python3 -c 'import os, socket, ssl, time, urllib.parse
e = os.environ
proxy = urllib.parse.urlsplit(e[\"BADPROXY_PROXY\"])
context = ssl.create_default_context(cafile=e[\"BADPROXY_CACERT\"])
def head(f):
    while f.readline().strip(): pass
def tunnel():
    s = socket.create_connection((proxy.hostname, proxy.port))
    s.sendall(b\"CONNECT target.badproxy.test:443 HTTP/1.1\\r\\nHost: target.badproxy.test:443\\r\\n\\r\\n\")
    head(s.makefile(\"rb\", 0))
    return context.wrap_socket(s, server_hostname=\"target.badproxy.test\")
{rest}'"
    )
}

/// Streams that are refused are requests: nobody has looked at them, and the client has asked.
#[test]
fn streams_that_are_refused_are_attempts() {
    let streams = |n| {
        python(&format!(
            "context.set_alpn_protocols([\"h2\"])
s = tunnel()
s.sendall(b\"PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n\" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]))
name = b\"target.badproxy.test\"
block = bytes([0x82, 0x87, 0x84, 0x01, len(name)]) + name
for n in range({n}):
    s.sendall(bytes([0, 0, len(block), 1, 5, 0, 0, 0, 2 * n + 1]) + block)
refused, data = 0, b\"\"
while refused < {n}:
    data += s.recv(4096)
    while len(data) >= 9 and len(data) >= 9 + int.from_bytes(data[:3], \"big\"):
        refused += data[3] == 3
        data = data[9 + int.from_bytes(data[:3], \"big\"):]
print(\"stream refused\")
exit(1)"
        ))
    };
    let judged = judge(&["tls/h2-no-streams"], &streams(6)).earns("STORM", 1).by("attempts");
    assert_eq!(judged.findings()[0]["measured"], "6 attempts (5 streams refused)");
    judge(&["tls/h2-no-streams"], &streams(5)).earns("PASS", 0);
}

/// A resolver that asks again and again, and a client that cannot have enough of a file.
#[test]
fn asking_for_ever_is_a_storm() {
    let queries = |n| {
        format!(
            "python3 -c 'import os, socket
host, port = os.environ[\"BADPROXY_DNS\"].rsplit(\":\", 1)
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect((host, int(port)))
for n in range({n}):
    s.send(bytes([n, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 5]) + b\"proxy\\x08badproxy\\x04test\" + bytes([0, 0, 1, 0, 1]))
    s.recv(4096)
print(\"cannot resolve the proxy\")
exit(1)'"
        )
    };
    let judged = judge(&["dns/servfail"], &queries(101)).earns("STORM", 1).by("queries");
    assert_eq!(judged.all("dns:query").len(), 101);
    assert_ne!(judge(&["dns/servfail"], &queries(100)).word(), "STORM");
    let fetches = |n| format!("for i in $(seq {n}); do curl -s -o /dev/null {{pac}}; done; exit 1");
    judge(&["pac/404"], &fetches(21)).earns("STORM", 1).by("fetches");
    assert_ne!(judge(&["pac/404"], &fetches(20)).word(), "STORM");
}

/// Told to come back in two seconds, it opens a tunnel at once and asks when they are over.
#[test]
fn a_tunnel_that_is_opened_early_is_no_request() {
    let get =
        "b\"GET / HTTP/1.1\\r\\nHost: target.badproxy.test\\r\\nConnection: close\\r\\n\\r\\n\"";
    let client = |pause| {
        python(&format!(
            "s = tunnel()
s.sendall({get})
assert b\"503\" in s.recv(4096)
s = tunnel()
time.sleep({pause})
s.sendall({get})
head(s.makefile(\"rb\"))"
        ))
    };
    judge(&["response/503-retry-after"], &client("2.1")).earns("PASS", 0);
    judge(&["response/503-retry-after"], &client("0.1")).earns("STORM", 1).by("gap");
}

#[test]
fn coming_back_before_retry_after_is_a_storm() {
    judge(&["response/503-retry-after"], "curl -sS {target}; curl -sS {target}")
        .earns("STORM", 1)
        .by("gap");
    // curl waits as it is told.
    judge(&["response/503-retry-after"], "curl -sS --retry 1 {target}").earns("PASS", 0);
}

/// Two requests at once, before either is answered; then it waits as it is told.
#[test]
fn a_request_that_was_on_its_way_is_not_too_soon() {
    let client = |pause| {
        python(&format!(
            "get = b\"GET / HTTP/1.1\\r\\nHost: target.badproxy.test\\r\\n\\r\\n\"
def answer(s):
    f = s.makefile(\"rb\", 0)
    status, size = f.readline(), 0
    while True:
        line = f.readline().strip().lower()
        if line.startswith(b\"content-length:\"): size = int(line[15:])
        if not line: break
    while size: size -= len(f.read(size))
    return status
a, b = tunnel(), tunnel()
a.sendall(get); b.sendall(get)
assert {{answer(a).split()[1], answer(b).split()[1]}} >= {{b\"503\"}}
time.sleep({pause})
a.sendall(get)
answer(a)"
        ))
    };
    judge(&["response/503-retry-after"], &client("2.1")).earns("PASS", 0);
    judge(&["response/503-retry-after"], &client("0.2")).earns("STORM", 1).by("gap");
}

#[test]
fn running_when_the_time_is_up_is_a_hang() {
    let shell = "curl -sS {target}; exec sleep 100";
    let judged =
        judge(&["reply/reset", "--timeout", "500ms"], shell).earns("HANG", 1).by("running");
    assert_eq!(judged.exited()["killed_by_us"], true);
    assert_eq!(judged.exited()["signal"], 15);
}

/// Neither its shell nor what that has started listens to SIGTERM.
#[test]
fn who_ignores_sigterm_is_made_to_end() {
    let shell =
        "trap '' TERM; exec 3<&0; sleep 100 & curl -sS {target}; while :; do sleep 100; done";
    let judged =
        judge(&["reply/reset", "--timeout", "500ms"], shell).earns("HANG", 1).by("running");
    assert_eq!(judged.exited()["signal"], 9);
}

#[test]
fn a_deadline_without_a_timeout_is_none_of_the_clients() {
    let judged =
        judge(&["ok/plain", "--no-timeout"], "curl -sS {target}; echo [$BADPROXY_TIMEOUT]");
    let judged = judged.earns("PASS", 0);
    assert!(judged.played.stderr.contains("[]"), "{}", judged.played.stderr);
    assert_eq!(judged.events[0]["limits"]["hang_ms"], 30_000);
}

#[test]
fn dying_is_a_crash() {
    for death in ["kill -ABRT $$", "kill -SEGV $$", "kill -KILL $$", "exit 134"] {
        let shell = format!("ulimit -c 0; curl -sS {{target}}; {death}");
        judge(&["reply/reset"], &shell).earns("CRASH", 1).by("signal");
    }
}

#[test]
fn failing_where_success_is_to_be_had() {
    judge(&["ok/plain"], "curl -sS {target}; exit 3").earns("FAILED", 1).by("outcome");
    // A client that does not trust the CA.
    let args = ["ok/plain", "--no-trust"];
    judge_command(&args, &["curl", "-sS", "{target}"]).earns("FAILED", 1).by("outcome");
}
