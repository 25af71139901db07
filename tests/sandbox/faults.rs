//! Faults of TCP that only the sandbox has, read by plain sockets inside it: this test program is
//! the command, started again with the name of a client.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::play::{badproxy, file};
use crate::{allowed, events, gone, mark, named, segments, verdict, wpad};

const CONNECT: &[u8] = b"CONNECT target.badproxy.test:80 HTTP/1.1\r\n\r\n";
const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: target.badproxy.test\r\n\r\n";
const LONG: Duration = Duration::from_secs(60);

/// Plays a client inside, and gives what it saw and the events.
#[track_caller]
pub(crate) fn inside(scenario: &str, client: &str) -> (String, Vec<Value>) {
    let program = std::env::current_exe().unwrap();
    let (program, mark) = (program.to_str().unwrap(), mark());
    let words = ["run", scenario, "--isolate", "--format", "jsonl", "--timeout", "60s", "--"];
    let test = [program, "--exact", "faults::client", "--nocapture", "--quiet"];
    let played = badproxy(words.into_iter().chain(test)).env("CLIENT", client).env("MARK", &mark);
    let played = played.play();
    gone(&mark);
    let events = played.out().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let said = played.stderr.lines().find_map(|line| line.split_once("saw: "));
    (said.unwrap_or_else(|| panic!("{}", played.stderr)).1.to_owned(), events)
}

fn faults(events: &[Value], effect: &str) -> usize {
    let of = |e: &&Value| e["name"] == "fault:applied" && e["data"]["effect"] == effect;
    events.iter().filter(of).count()
}

/// What the clients do; nothing when no name is given.
#[test]
fn client() {
    let Ok(name) = std::env::var("CLIENT") else { return };
    let seen = match name.as_str() {
        "dial" => dial(proxy()[0]),
        "dial-all" => {
            let seen: Vec<String> = proxy().into_iter().map(dial).collect();
            seen.join(", ")
        }
        // How long an acknowledgement that still comes is no proof, and how long it is.
        "vanish" => silence(Duration::from_secs(30)),
        "hang" => silence(Duration::from_secs(2)),
        "lossy" => lossy(),
        "segments" => segments(),
        "arrivals" => segments::arrivals(),
        "holes" => segments::holes(),
        "wpad" => wpad::client(),
        "kernel" => segments::kernel(),
        other => panic!("{other}"),
    };
    println!("saw: {seen}");
}

/// The addresses of the proxy, as its name and /etc give them.
fn proxy() -> Vec<SocketAddr> {
    use std::net::ToSocketAddrs;
    let url = std::env::var("BADPROXY_PROXY").unwrap();
    url.strip_prefix("http://").unwrap().to_socket_addrs().unwrap().collect()
}

/// Dials with a second of patience, and looks at the kernel's table meanwhile.
fn dial(at: SocketAddr) -> String {
    match TcpStream::connect_timeout(&at, Duration::from_secs(1)) {
        Ok(_) => format!("{} open", at.ip()),
        Err(e) if e.kind() == ErrorKind::ConnectionRefused => format!("{} refused", at.ip()),
        Err(e) if e.kind() == ErrorKind::HostUnreachable => format!("{} no route", at.ip()),
        Err(e) if e.kind() == ErrorKind::TimedOut => format!("{} silence", at.ip()),
        Err(e) => format!("{} {e}", at.ip()),
    }
}

pub(crate) fn tunnel() -> TcpStream {
    let mut socket = TcpStream::connect(proxy()[0]).unwrap();
    socket.set_read_timeout(Some(LONG)).unwrap();
    socket.set_nodelay(true).unwrap();
    socket.write_all(CONNECT).unwrap();
    let mut reply = [0; 39];
    socket.read_exact(&mut reply).unwrap();
    socket
}

/// What the kernel knows of a connection: unacknowledged bytes, timer runs without an answer
/// (`tx_queue` and `retrnsmt` of /proc/net/tcp).
fn unanswered(socket: &TcpStream) -> (u64, u64) {
    let port = format!(":{:04X}", socket.local_addr().unwrap().port());
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let line = table
        .lines()
        .find(|line| line.split_whitespace().nth(1).is_some_and(|local| local.ends_with(&port)));
    let fields: Vec<&str> = line.unwrap().split_whitespace().collect();
    let hex = |text: &str| u64::from_str_radix(text, 16).unwrap();
    (hex(fields[4].split(':').next().unwrap()), hex(fields[6]))
}

/// Sends into a connection, a byte whenever all before is acknowledged, until the kernel has
/// repeated one three times or the time is up.
fn silence(most: Duration) -> String {
    let mut socket = tunnel();
    let begun = Instant::now();
    let mut was = (0, 0);
    while was.1 < 3 && begun.elapsed() < most {
        if was.0 == 0 {
            socket.write_all(b"x").unwrap();
        }
        was = unanswered(&socket);
    }
    socket.set_nonblocking(true).unwrap();
    let read = socket.read(&mut [0; 1]).map_err(|e| e.kind());
    let end = if read == Err(ErrorKind::WouldBlock) { "neither FIN nor RST" } else { "an end" };
    match was {
        (1.., 3..) => format!("no acknowledgement, {end}"),
        _ => format!("acknowledged, {end}"),
    }
}

/// Gets 5,000 bytes and counts the packets that came in meanwhile, acknowledgements among them.
fn segments() -> String {
    let mut socket = tunnel();
    let before = counted("InSegs");
    socket.write_all(b"GET /bytes/5000 HTTP/1.1\r\nHost: target.badproxy.test\r\n\r\n").unwrap();
    let mut got = Vec::new();
    while got.len() < 5000 {
        let mut some = [0; 4096];
        let n = socket.read(&mut some).unwrap();
        got.extend_from_slice(&some[..n]);
    }
    let each = 5000 / (counted("InSegs") - before);
    if each <= 76 { "small segments".to_owned() } else { format!("{each} bytes each") }
}

/// Repetitions of the whole namespace.
fn repeated() -> u64 {
    counted("RetransSegs")
}

fn counted(what: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/net/snmp").unwrap();
    let mut lines = text.lines().filter(|line| line.starts_with("Tcp:"));
    let (names, values) = (lines.next().unwrap(), lines.next().unwrap());
    let at = names.split(' ').position(|name| name == what).unwrap();
    values.split(' ').nth(at).unwrap().parse().unwrap()
}

/// Asks ten times, and says how often one kernel or the other repeated something until then and
/// before the first time.
fn lossy() -> String {
    let mut socket = tunnel();
    let connected = repeated();
    for _ in 0..10 {
        socket.write_all(GET).unwrap();
        let mut got = Vec::new();
        while !got.ends_with(b"\n") || !got.windows(4).any(|w| w == b"\r\n\r\n") {
            let mut byte = [0; 1];
            socket.read_exact(&mut byte).unwrap();
            got.push(byte[0]);
        }
    }
    let word = |times: u64| if times > 0 { "some" } else { "none" };
    format!("{} to connect, {} afterwards", word(connected), word(repeated() - connected))
}

#[test]
fn a_dropped_syn_is_silence() {
    if !allowed() {
        return;
    }
    let (seen, events) = inside("syn/blackhole", "dial");
    assert_eq!(seen, "127.0.0.1 silence");
    assert_eq!(faults(&events, "blackhole"), 1);
}

/// Outside, a refused SYN leaves no trace; here it is seen.
#[test]
fn a_refused_syn_is_seen() {
    if !allowed() {
        return;
    }
    let (seen, events) = inside("syn/refuse", "dial");
    assert_eq!(seen, "127.0.0.1 refused");
    assert_eq!(faults(&events, "refuse"), 1);
}

#[test]
fn a_dropped_syn_is_answered_later() {
    if !allowed() {
        return;
    }
    let yaml = "name: later\nrules: [{at: syn, do: {blackhole: {for: 100ms}}}]\n";
    let (_dir, path) = file(yaml);
    // The first SYN comes before or after; its repetition comes after a second.
    let (seen, _) = inside(&path, "hang");
    assert_eq!(seen, "acknowledged, neither FIN nor RST");
}

#[test]
fn no_route_is_said_at_once() {
    if !allowed() {
        return;
    }
    assert_eq!(inside("syn/unreachable", "dial").0, "198.51.100.1 no route");
}

#[test]
fn each_address_has_its_own_fault() {
    if !allowed() {
        return;
    }
    for (name, wanted) in [
        ("syn/first-address-dead", "198.51.100.1 refused, 198.51.100.2 open"),
        ("syn/first-address-silent", "198.51.100.1 silence, 198.51.100.2 open"),
        ("syn/ipv6-silent", "2001:db8::2 silence, 198.51.100.2 open"),
    ] {
        assert_eq!(inside(name, "dial-all").0, wanted, "{name}");
    }
}

/// The control comes with it: a `hang` acknowledges.
#[test]
fn what_vanishes_acknowledges_nothing() {
    if !allowed() {
        return;
    }
    for (effect, wanted) in [("vanish", "no acknowledgement"), ("hang", "acknowledged")] {
        let yaml = format!("name: mine\nrules: [{{at: tunnel, do: {effect}}}]\n");
        let (_dir, path) = file(&yaml);
        let (seen, events) = inside(&path, effect);
        assert_eq!(seen, format!("{wanted}, neither FIN nor RST"), "{effect}");
        assert_eq!(faults(&events, effect), 1);
    }
}

/// On the wire, not only in the SYN-ACK.
#[test]
fn segments_are_small() {
    if !allowed() {
        return;
    }
    assert_eq!(inside("syn/tiny-mss", "segments").0, "small segments");
    assert_ne!(inside("ok/plain", "segments").0, "small segments");
}

/// In the kernel's counters, which is where a repetition is that no client sees. (That none is there
/// says nothing: a kernel repeats, too, what is late.)
#[test]
fn what_is_lost_is_repeated() {
    if !allowed() {
        return;
    }
    let each = [
        ("every: 5", "some afterwards"),
        ("every: 5, direction: upstream", "some afterwards"),
        ("every: 5, direction: downstream", "some afterwards"),
        // The SYN, the SYN-ACK.
        ("first: 1", "some to connect"),
        ("first: 1, direction: upstream", "some to connect"),
        ("first: 1, direction: downstream", "some to connect"),
    ];
    std::thread::scope(|scope| {
        for (which, wanted) in each {
            scope.spawn(move || {
                let lose = format!("name: mine\nrules: [{{at: syn, do: {{lose: {{{which}}}}}}}]\n");
                let (_dir, path) = file(&lose);
                let seen = inside(&path, "lossy").0;
                assert!(seen.contains(wanted), "{which}: {seen}");
            });
        }
    });
}

/// A client whose every SYN is lost has come, however impatient it was, and can storm.
#[test]
fn whose_syn_is_lost_has_tried() {
    if !allowed() {
        return;
    }
    for (retries, word) in [(1, "FAILED"), (6, "STORM")] {
        let retry = format!("--retry {retries} --retry-all-errors --retry-delay 1");
        let curl = format!("curl -sS --connect-timeout 0.3 {retry} {{target}}");
        let (events, played) = events("syn/first-lost --timeout 60s", &curl);
        assert_eq!(verdict(&events), word, "{}", played.stderr);
        assert_eq!(named(&events, "tcp:syn_seen").len(), retries + 1);
        assert_eq!(faults(&events, "lose"), retries + 1);
    }
}
