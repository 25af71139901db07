//! Rules that set something up first: a client that never comes to it has met nothing.

use crate::judge;

#[track_caller]
fn never_met(scenario: &str, shell: &str, why: &str) {
    let judged = judge(&[scenario], shell).earns("INCONCLUSIVE", 5).by("never-met");
    let measured = judged.findings()[0]["measured"].as_str().unwrap();
    assert!(measured.contains(why), "{scenario}: {measured}");
}

/// A client of some lines of Python, which opens tunnels with `tunnel()`.
fn python(lines: &str) -> String {
    format!(
        "python3 -c 'import os, socket, ssl, urllib.parse
proxy = urllib.parse.urlsplit(os.environ[\"BADPROXY_PROXY\"])
def tunnel():
    s = socket.create_connection((proxy.hostname, proxy.port))
    s.sendall(b\"CONNECT target.badproxy.test:443 HTTP/1.1\\r\\nHost: target.badproxy.test:443\\r\\n\\r\\n\")
    head = b\"\"
    while not head.endswith(b\"\\r\\n\\r\\n\"): head += s.recv(1)
    return s
get = b\"GET %s HTTP/1.1\\r\\nHost: target.badproxy.test\\r\\nConnection: close\\r\\n\\r\\n\"
{lines}'"
    )
}

#[test]
fn a_half_close() {
    let scenario = "tunnel/half-close-kills-both";
    let why =
        "rule 1, at `tunnel`, was never met: the client did not half-close: it sent no FIN before";
    never_met(scenario, "curl -sS {target}", why);
    let closes = python(
        "context = ssl.create_default_context(cafile=os.environ[\"BADPROXY_CACERT\"])
s = context.wrap_socket(tunnel(), server_hostname=\"target.badproxy.test\")
s.sendall(get % b\"/delay/1s\")
socket.socket.shutdown(s, socket.SHUT_WR)
exit(0 if s.makefile(\"rb\").read() else 1)",
    );
    judge(&[scenario], &closes).earns("PASS", 0);
    // Without it the same client gets its answer.
    let waits = closes.replace("socket.socket.shutdown", "0 and socket.socket.shutdown");
    assert_ne!(closes, waits);
    never_met(scenario, &waits, why);
}

/// A limit of the proxy that no request comes to.
#[test]
fn a_long_head() {
    let scenario = "request/head-limit-8k";
    never_met(scenario, "curl -sS {target}", "no request head was longer than the limit of 8KiB");
    let long = "curl -sS --proxy-header X-Token:$(printf %09000d 0) {target}";
    judge(&[scenario], long).earns("PASS", 0);
}

#[test]
fn an_upload_beyond_the_window() {
    let scenario = "tls/h2-window-stuck";
    let why = "the client never uploaded so much in HTTP/2 that its window had to be replenished";
    never_met(scenario, "curl -sS -d x=1 {target}", why);
    let upload = |bytes: &str| {
        format!("head -c {bytes} /dev/zero | curl -sS -m {{timeout}} --data-binary @- {{target}}")
    };
    judge(&[scenario, "--timeout", "1s"], &upload("200000")).earns("PASS", 0);
}

#[test]
fn a_ticket() {
    let scenario = "tls/tickets-refused";
    never_met(
        scenario,
        "curl -sS {target}",
        "the client offered no session ticket, so none was refused",
    );
    // Twice, and nothing kept in between.
    never_met(
        scenario,
        "curl -sS {target} && curl -sS {target}",
        "it has to connect twice and keep",
    );
    for version in ["", "context.maximum_version = ssl.TLSVersion.TLSv1_2"] {
        let resumes = python(&format!(
            "context = ssl.create_default_context(cafile=os.environ[\"BADPROXY_CACERT\"])
{version}
session = None
for _ in range(2):
    s = context.wrap_socket(tunnel(), server_hostname=\"target.badproxy.test\", session=session)
    s.sendall(get % b\"/\")
    while s.recv(4096): pass
    session = s.session
    if s.session_reused: exit(1)"
        ));
        judge(&[scenario], &resumes).earns("PASS", 0);
    }
}

/// A file of one rule at `tls`.
fn file(does: &str) -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("own.yaml");
    std::fs::write(&path, format!("rules: [{{at: tls, do: {does}}}]\n")).unwrap();
    let path = path.display().to_string();
    (dir, path)
}

#[test]
fn a_second_session() {
    let (_dir, scenario) = file("{tls: {tickets: none}}");
    let why = "the client came back to no server that it had a TLS session with, so it missed no \
               ticket";
    never_met(&scenario, "curl -sS {target}", why);
    judge(&[&scenario], "curl -sS {target} && curl -sS {target}").earns("PASS", 0);
}

#[test]
fn a_ping() {
    let (_dir, scenario) = file("{h2: {ack_pings: false}}");
    never_met(&scenario, "curl -sS {target}", "the client sent no PING of HTTP/2");
}

/// What scenarios do to HTTP/2, a client that does not speak it has not met.
#[test]
fn http2() {
    for scenario in ["tls/h2-one-stream", "tls/h2-no-streams", "response/h2-goaway-graceful"] {
        let why = "was never met: the client did not speak HTTP/2 there: ALPN has to offer h2";
        never_met(scenario, "curl -sS --http1.1 {target}", why);
    }
}

/// One request shows that the answer behind GOAWAY is read, and not what the next one does.
#[test]
fn a_connection_after_goaway() {
    let unseen = "goaway: the client made no connection after it";
    for (shell, noted) in [("curl -sS {target}", true), ("curl -sS {target} {target}", false)] {
        let judged = judge(&["response/h2-goaway-graceful"], shell).earns("PASS", 0);
        let notes = judged.ended["notes"].to_string();
        assert_eq!(notes.contains(unseen), noted, "{notes}");
    }
}

#[test]
fn a_second_stream() {
    let scenario = "tls/h2-one-stream";
    let why = "the client never asked for more than 1 stream of HTTP/2";
    never_met(scenario, "curl -sS {target}", why);
    judge(&[scenario], "curl -sS {target} {target}").earns("PASS", 0);
    judge(&[scenario], "curl -sS --parallel {target} {target}").earns("PASS", 0);
}

/// The record that is to be damaged has to be there.
#[test]
fn a_record_of_tls() {
    let scenario = "tls/bad-record-mac";
    let why = "the server sent no record 3 there";
    never_met(scenario, "curl --tls-max 1.2 -sS {target}", why);
    judge(&[scenario], "curl -sS {target}").earns("PASS", 0);
}
