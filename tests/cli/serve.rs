//! `badproxy serve`: ready when it says so, rereads its file, frees its port.

use std::io::{BufRead, BufReader, Lines};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, ChildStderr, ChildStdout, Command, Output, Stdio};

use serde_json::Value;

use crate::play::{badproxy, file};
use crate::signals::send;

/// A server that is ended with its test.
struct Served {
    child: Child,
    ready: Value,
    out: Lines<BufReader<ChildStdout>>,
    err: Lines<BufReader<ChildStderr>>,
}

fn serve(words: &str) -> Served {
    let mut command = Command::new(env!("CARGO_BIN_EXE_badproxy"));
    command.arg("serve").args(words.split_whitespace()).args(["--format", "jsonl"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
    let err = BufReader::new(child.stderr.take().unwrap()).lines();
    let ready = serde_json::from_str(&out.next().unwrap().unwrap()).unwrap();
    Served { child, ready, out, err }
}

impl Served {
    fn text(&self, key: &str) -> &str {
        self.ready[key].as_str().unwrap_or_else(|| panic!("no {key} in {}", self.ready))
    }

    fn address(&self) -> SocketAddr {
        self.text("address").parse().unwrap()
    }

    /// curl, told everything on its command line.
    fn curl(&self) -> Output {
        let mut curl = Command::new("curl");
        curl.args([
            "-sS",
            "-x",
            self.text("proxy"),
            "--cacert",
            self.text("ca"),
            self.text("target"),
        ]);
        curl.env("HOME", "/nonexistent").env_remove("NO_PROXY").env_remove("no_proxy");
        curl.output().unwrap()
    }

    /// Waits for a line on standard error with these words in it, and gives what came before.
    fn hear(&mut self, words: &str) -> String {
        let mut before = String::new();
        for line in &mut self.err {
            let line = line.unwrap();
            if line.contains(words) {
                return before;
            }
            before += &line;
            before += "\n";
        }
        panic!("no {words:?} in {before}");
    }

    /// Ends it, and gives its exit code.
    fn stop(&mut self, signal: &str) -> Option<i32> {
        send(signal, self.child.id());
        // It may still have something to say.
        for _ in &mut self.out {}
        self.child.wait().unwrap().code()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn it_is_ready_when_it_says_so() {
    let mut served = serve("ok/plain --seed 7");
    assert_eq!(served.ready["ready"], true);
    assert_eq!(served.ready["seed"], 7);
    assert_eq!(served.ready["env"]["https_proxy"], served.ready["proxy"]);
    let out = served.curl();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    assert_eq!(out.stdout.len(), 17);
    // The events follow, one a line.
    let mut names = Vec::new();
    while names.last().is_none_or(|name| name != "tcp:closed") {
        let line = served.out.next().unwrap().unwrap();
        let event: Value = serde_json::from_str(&line).unwrap();
        names.push(event["name"].as_str().unwrap().to_owned());
    }
    for name in ["tcp:accepted", "connect:request", "http:response"] {
        assert!(names.iter().any(|n| n == name), "{names:?}");
    }
    assert_eq!(served.stop("TERM"), Some(0));
}

#[test]
fn it_stops_and_frees_its_port_and_its_files() {
    for signal in ["TERM", "INT", "QUIT"] {
        let mut served = serve("ok/plain --quiet");
        assert!(TcpStream::connect(served.address()).is_ok());
        assert!(std::path::Path::new(served.text("ca")).exists());
        assert_eq!(served.stop(signal), Some(0), "{signal}");
        assert!(!std::path::Path::new(served.text("ca")).exists());
        TcpListener::bind(served.address()).unwrap();
    }
}

/// A connection that hangs does not keep it.
#[test]
fn it_stops_in_the_middle_of_a_connection() {
    let mut served = serve("accept/hang");
    let _open = TcpStream::connect(served.address()).unwrap();
    while !served.out.next().unwrap().unwrap().contains("fault:applied") {}
    assert_eq!(served.stop("TERM"), Some(0));
}

/// Whoever holds the other end of its standard input need not live to end it.
#[test]
fn it_ends_with_its_standard_input() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_badproxy"));
    command.args(["serve", "ok/plain", "--until-eof", "--format", "jsonl"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
    let ready: Value = serde_json::from_str(&out.next().unwrap().unwrap()).unwrap();
    let address: SocketAddr = ready["address"].as_str().unwrap().parse().unwrap();
    // What is written there ends nothing.
    std::io::Write::write_all(&mut input, b"still here\n").unwrap();
    assert!(TcpStream::connect(address).is_ok());
    drop(input);
    for _ in &mut out {}
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(!std::path::Path::new(ready["ca"].as_str().unwrap()).exists());
    // Without it, its standard input is nothing to it.
    assert_eq!(serve("ok/plain").stop("TERM"), Some(0));
}

/// Nobody can connect to 0.0.0.0 everywhere.
#[test]
fn what_listens_everywhere_is_reached_on_loopback() {
    for (all, one) in [("0.0.0.0", "127.0.0.1"), ("[::]", "[::1]")] {
        let words = format!("pac/redirect --listen {all}:0 --dns {all}:0");
        let mut served = serve(&words);
        for (key, scheme) in
            [("proxy", "http://"), ("pac", "http://"), ("dns", ""), ("doh", "https://")]
        {
            let text = served.text(key);
            assert!(text.starts_with(&format!("{scheme}{one}:")), "{key}: {text}");
        }
        assert_eq!(served.stop("TERM"), Some(0));
    }
}

/// Whoever started it reads the first line and nothing more: its events fill the pipe, and it goes
/// on.
#[test]
fn nobody_needs_to_read_its_events() {
    let mut served = serve("ok/plain");
    let proxy = served.text("proxy").to_owned();
    let mut curl = Command::new("curl");
    curl.args(["-sS", "-m", "60", "-o", "/dev/null", "-w", "%{http_code}\n", "-x", &proxy]);
    curl.arg("http://target.badproxy.test/[1-400]").env("HOME", "/nonexistent");
    let out = curl.output().unwrap();
    let codes = String::from_utf8_lossy(&out.stdout);
    assert_eq!(codes.lines().filter(|code| *code == "200").count(), 400);
    assert_eq!(served.stop("TERM"), Some(0));
}

#[test]
fn a_changed_file_is_read_again_on_sighup() {
    let (_dir, path) = file("rules: []\n");
    let mut served = serve(&path);
    assert!(served.curl().status.success());
    std::fs::write(&path, "rules: [{at: reply, do: reset}]\n").unwrap();
    // Not before it is asked to.
    assert!(served.curl().status.success());
    send("HUP", served.child.id());
    served.hear("read again");
    assert_eq!(served.curl().status.code(), Some(56));
    // A broken file changes nothing, and the mistake is drawn.
    std::fs::write(&path, "rules: [{at: reply, do: rest}]\n").unwrap();
    send("HUP", served.child.id());
    let drawn = served.hear("stays as it was");
    assert!(drawn.contains("scenario.yaml:1") && drawn.contains("`reset`"), "{drawn}");
    assert_eq!(served.curl().status.code(), Some(56));
    std::fs::remove_file(&path).unwrap();
    send("HUP", served.child.id());
    served.hear("stays as it was");
    // What cannot be changed while it runs is said.
    std::fs::write(&path, "rules: [{at: syn, do: refuse}]\n").unwrap();
    send("HUP", served.child.id());
    served.hear("start anew");
    assert_eq!(served.stop("TERM"), Some(0));
}

#[test]
fn a_taken_port_is_3() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let played = badproxy(["serve", "ok/plain", "--listen", &address]).play().ends(3);
    assert!(played.stdout.is_empty());
    assert!(played.stderr.contains(&format!("cannot listen on {address}")), "{}", played.stderr);
    let played = badproxy(["serve", "ok/plain", "--origin", &address]).play().ends(3);
    assert!(played.stderr.contains(&address), "{}", played.stderr);
}

/// The server, and what it prints for people.
fn for_people(scenario: &str) -> (Child, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_badproxy"));
    command.args(["serve", scenario, "--seed", "7"]).stdin(Stdio::null());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut text = String::new();
    while !text.contains("SIGHUP") {
        text += &(out.next().unwrap().unwrap() + "\n");
    }
    (child, text)
}

/// A client that is given the proxy itself never asks for the file.
#[test]
fn with_a_pac_file_its_url_is_the_way() {
    let (mut child, text) = for_people("pac/redirect");
    send("INT", child.id());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let lines: Vec<&str> = text.lines().collect();
    let url =
        lines[1].strip_prefix("pac       http://127.0.0.1:").unwrap_or_else(|| panic!("{text}"));
    assert!(url.ends_with("/proxy.pac") && lines[2].starts_with("proxy     http://"), "{text}");
    assert!(text.contains("no proxy beside it") && text.contains("unset http_proxy"), "{text}");
    assert!(text.contains(&format!("--proxy-pac-url=http://127.0.0.1:{url}")), "{text}");
    assert!(text.contains("For example: python3 -c 'import pypac;"), "{text}");
    assert!(!text.contains("export http_proxy") && !text.contains("curl -x"), "{text}");
    assert!(!text.contains("proxyHost") && !text.contains('{'), "{text}");
    assert!(text.ends_with("SIGHUP rereads the scenario.\n"), "{text}");
}

#[test]
fn a_name_server_is_told_before_the_end() {
    let (mut child, text) = for_people("dns/nxdomain");
    send("INT", child.id());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(text.contains("\ndns       127.0.0.1:") && text.contains("curl --doh-url"), "{text}");
    assert!(text.contains("export http_proxy=") && text.contains("curl -x"), "{text}");
}

#[test]
fn for_people_it_prints_what_to_export() {
    let (child, text) = for_people("reply/reset");
    let curl = text.lines().find_map(|line| line.strip_prefix("For curl:")).unwrap();
    let line = format!("HOME=/nonexistent; export HOME; {curl}");
    let ran = Command::new("sh").args(["-c", &line]).output().unwrap();
    assert_eq!(ran.status.code(), Some(56), "{curl}");
    assert!(text.contains("export http_proxy=http://127.0.0.1:"), "{text}");
    send("INT", child.id());
    let out = child.wait_with_output().unwrap();
    let report = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(0));
    assert!(report.contains("PROXY  ✖ reset at reply") && report.contains("stopped"), "{report}");
}

/// What is open to others is said of each port, and that a proxy which forwards is one.
#[test]
fn ports_beyond_loopback_are_told() {
    let words = "ok/plain --listen 0.0.0.0:0 --origin 0.0.0.0:0 --dns 0.0.0.0:0 --forward";
    let mut served = serve(words);
    let before = served.hear("this is an open proxy");
    for option in ["--listen", "--origin", "--dns"] {
        assert!(before.contains(&format!("{option}: listening beyond loopback")), "{before}");
        assert!(
            before.contains(&format!("{option}: 0.0.0.0 stands for all addresses")),
            "{before}"
        );
    }
    assert_eq!(served.stop("TERM"), Some(0));
    let mut served = serve("ok/plain --forward");
    assert_eq!(served.hear("real targets are connected to"), "");
    assert_eq!(served.stop("TERM"), Some(0));
}
