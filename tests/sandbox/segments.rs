//! Segments that come twice or in another order, seen where they arrive.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::allowed;
use crate::faults::{inside, tunnel};
use crate::play::file;

/// What a body of `/bytes/N` consists of.
const PATTERN: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-\n";

/// A request in several segments, an answer in several.
fn ask(socket: &mut TcpStream) {
    let long = "x".repeat(3000);
    let head =
        format!("GET /bytes/5000 HTTP/1.1\r\nHost: target.badproxy.test\r\nX: {long}\r\n\r\n");
    socket.write_all(head.as_bytes()).unwrap();
    let mut got = Vec::new();
    let whole = |got: &[u8]| {
        let end = got.windows(4).position(|w| w == b"\r\n\r\n")?;
        (got.len() >= end + 4 + 5000).then(|| got[end + 4..].to_vec())
    };
    let body = loop {
        let mut some = [0; 4096];
        let n = socket.read(&mut some).unwrap();
        assert!(n > 0, "an end after {} bytes", got.len());
        got.extend_from_slice(&some[..n]);
        if let Some(body) = whole(&got) {
            break body;
        }
    };
    assert!(got.starts_with(b"HTTP/1.1 200 "));
    let sent: Vec<u8> = PATTERN.iter().copied().cycle().take(5000).collect();
    assert!(body == sent, "the body is not what the origin sends");
}

/// What has arrived at either end of the connection, as a packet socket of its own sees it: each
/// segment with data, once or twice, in order or not. Only root has such a socket.
pub(crate) fn arrivals() -> String {
    let Some((up, down)) = watched(ask) else { return "may not look".to_owned() };
    let of = |all: &[Arrival]| {
        let each: Vec<_> = all.iter().map(|arrival| (arrival.id, arrival.seq)).collect();
        order(&each)
    };
    format!("up {}, down {}", of(&up), of(&down))
}

/// Whether something that was sent to the client never arrived: a segment comes, and not the one
/// before it.
pub(crate) fn holes() -> String {
    let many = |socket: &mut TcpStream| (0..15).for_each(|_| ask(socket));
    let Some((_, down)) = watched(many) else { return "may not look".to_owned() };
    let mut next = down[0].seq;
    let mut holes = 0;
    for arrival in &down {
        let ahead = arrival.seq.wrapping_sub(next);
        holes += u32::from(ahead > 0 && ahead < 1 << 31);
        if ahead < 1 << 31 {
            next = arrival.seq.wrapping_add(arrival.data);
        }
    }
    (if holes > 0 { "holes" } else { "no hole" }).to_owned()
}

/// A segment with data, where it arrives.
struct Arrival {
    id: u16,
    seq: u32,
    data: u32,
}

/// What arrives at the proxy and at the client while this is done in a tunnel.
fn watched(act: impl FnOnce(&mut TcpStream)) -> Option<(Vec<Arrival>, Vec<Arrival>)> {
    use socket2::{Domain, Protocol, Socket, Type};
    let ip = Protocol::from(i32::from(0x0800_u16.to_be()));
    let eye = Socket::new(Domain::PACKET, Type::DGRAM, Some(ip)).ok()?;
    // After so much silence all has arrived.
    eye.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    let mut socket = tunnel();
    let over = AtomicBool::new(false);
    let packets = std::thread::scope(|scope| {
        // While it goes on: its buffer is small.
        let look = scope.spawn(|| {
            let (mut packets, mut bytes) = (Vec::new(), vec![0; 1 << 17]);
            loop {
                match Read::read(&mut &eye, &mut bytes) {
                    Ok(n) => packets.push(bytes[..n].to_vec()),
                    Err(_) if over.load(Ordering::Relaxed) => return packets,
                    Err(_) => {}
                }
            }
        });
        act(&mut socket);
        over.store(true, Ordering::Relaxed);
        look.join().unwrap()
    });
    let port = socket.local_addr().unwrap().port();
    let (mut up, mut down) = (Vec::new(), Vec::new());
    for packet in &packets {
        let header = usize::from(packet[0] & 15) * 4;
        let word = |at: usize| u16::from_be_bytes([packet[header + at], packet[header + at + 1]]);
        let data = packet.len() - header - usize::from(packet[header + 12] >> 4) * 4;
        let id = u16::from_be_bytes([packet[4], packet[5]]);
        let seq = u32::from(word(4)) << 16 | u32::from(word(6));
        let arrival = Arrival { id, seq, data: data as u32 };
        match (packet[9], data > 0) {
            (6, true) if word(0) == port => up.push(arrival),
            (6, true) if word(2) == port => down.push(arrival),
            _ => {}
        }
    }
    Some((up, down))
}

/// How often each packet comes, and whether segments came behind ones that follow them. A copy has
/// its packet's identification; what a sender repeats because it takes it for lost has a new one.
fn order(arrived: &[(u16, u32)]) -> &'static str {
    let (mut times, mut seen) = (BTreeMap::new(), BTreeSet::new());
    let (mut highest, mut late) = (0, 0);
    for (id, seq) in arrived {
        // The first of all is the CONNECT, or the reply to it.
        let seq = seq.wrapping_sub(arrived[0].1);
        *times.entry(*id).or_insert(0) += 1;
        late += u32::from(seen.insert(seq) && seq < highest);
        highest = highest.max(seq);
    }
    let times: BTreeSet<u32> = times.into_values().collect();
    match (times.into_iter().collect::<Vec<_>>().as_slice(), late > 1) {
        ([1], false) => "once",
        ([1], true) => "swapped",
        ([2], false) => "twice",
        ([2], true) => "twice and swapped",
        ([1, 2], false) => "some twice",
        other => panic!("{other:?} {arrived:?}"),
    }
}

/// The same, as the kernel tells it of all connections: out of order, seen before.
pub(crate) fn kernel() -> String {
    let mut socket = tunnel();
    ask(&mut socket);
    let begun = Instant::now();
    let told = || ["TCPOFOQueue", "TCPDSACKOldSent"].map(|what| more(what) > 0);
    while told() == [false, false] && begun.elapsed() < Duration::from_secs(2) {}
    let [late, before] = told();
    let order = if late { "out of order" } else { "in order" };
    format!("{order}, {} before", if before { "some" } else { "none" })
}

/// A counter of /proc/net/netstat.
fn more(what: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/net/netstat").unwrap();
    let mut lines = text.lines().filter(|line| line.starts_with("TcpExt:"));
    let (names, values) = (lines.next().unwrap(), lines.next().unwrap());
    let at = names.split(' ').position(|name| name == what).unwrap();
    values.split(' ').nth(at).unwrap().parse().unwrap()
}

/// What a client has seen, with small segments and this besides.
#[track_caller]
fn play(effect: &str, client: &str) -> String {
    let yaml = format!("name: mine\nrules: [{{at: syn, do: [mss: 536B{effect}]}}]\n");
    let (_dir, path) = file(&yaml);
    inside(&path, client).0
}

/// With each of these effects the client sees what stands beside it, where it may look.
#[track_caller]
fn all_see(client: &str, each: &[(&str, &str)]) {
    std::thread::scope(|scope| {
        for (effect, wanted) in each {
            scope.spawn(move || {
                let seen = play(effect, client);
                assert!(seen == *wanted || seen == "may not look", "{effect}: {seen}");
            });
        }
    });
}

/// The sequence numbers that arrive, at either end, with small segments. The bytes are right, or the
/// client has said so.
#[test]
fn segments_come_twice_or_swapped() {
    if !allowed() {
        return;
    }
    let each = [
        ("", "up once, down once"),
        (", duplicate", "up twice, down twice"),
        (", duplicate: {direction: upstream}", "up twice, down once"),
        (", duplicate: {every: 2}", "up some twice, down some twice"),
        (", reorder", "up swapped, down swapped"),
        (", reorder: {direction: downstream}", "up once, down swapped"),
        (", reorder, duplicate: {direction: downstream}", "up swapped, down twice and swapped"),
    ];
    all_see("arrivals", &each);
}

/// Of what is sent to the client there are holes where it is lost, and not where only the other way is
/// lossy. All of it was repeated: the bodies are whole.
#[test]
fn packets_are_lost_in_their_direction() {
    if !allowed() {
        return;
    }
    let each = [
        (", lose: {every: 10}", "holes"),
        (", lose: {every: 10, direction: downstream}", "holes"),
        (", lose: {every: 10, direction: upstream}", "no hole"),
    ];
    all_see("holes", &each);
}

/// What every caller can see. A sender may repeat a segment for reasons of its own, so not every
/// one that was seen before is ours; without `reorder` none is out of order.
#[test]
fn the_kernel_tells_of_them() {
    if !allowed() {
        return;
    }
    let [plain, twice, swapped] = ["", ", duplicate", ", reorder"].map(|e| play(e, "kernel"));
    assert!(plain.starts_with("in order"), "{plain}");
    assert_eq!(twice, "in order, some before");
    assert!(swapped.starts_with("out of order"), "{swapped}");
}
