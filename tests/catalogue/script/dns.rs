//! Scenarios at `dns`: the client asks the name server for the proxy, as a stub resolver does, and
//! then goes there. Queries are written and answers are read here by hand.

use std::sync::Arc;
use std::time::Duration;

use badproxy::scenario::Scenario;
use base64::Engine as _;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpStream, UdpSocket};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use super::{Client, Ending, whole_response};
use crate::arm::{Connection, timeout};

const PROXY: &str = "proxy.badproxy.test";
const A: u16 = 1;
const AAAA: u16 = 28;
const ID: u16 = 0x1234;

/// Plays it; false when the scenario is not of this family.
pub(super) async fn play(client: &mut Client<'_>, scenario: &Scenario) -> bool {
    let Some(name) = scenario.name.strip_prefix("dns/") else { return false };
    let found = match name {
        _ if name.starts_with("doh-") => secured(client, true).await,
        _ if name.starts_with("dot-") => secured(client, false).await,
        _ => {
            let edns = name.starts_with("edns-");
            udp(client, AAAA, edns).await;
            let mut found = udp(client, A, edns).await;
            if found.is_none() && (edns || name == "servfail-once") {
                found = udp(client, A, false).await;
            }
            found
        }
    };
    if name == "target-known-to-proxy-only" {
        ask(client, "target.badproxy.test", A, false).await;
    }
    match found {
        Some(_) => client.connection(scenario).await,
        None => client.line("no address: nothing is dialled"),
    }
    true
}

/// A query with this id, recursion desired.
fn query(name: &str, kind: u16, edns: bool) -> Vec<u8> {
    let mut out: Vec<u8> = [ID, 0x0100, 1, 0, 0, u16::from(edns)].map(u16::to_be_bytes).concat();
    for label in name.split('.') {
        out.push(label.len() as u8);
        out.extend(label.as_bytes());
    }
    out.push(0);
    out.extend([kind, 1].map(u16::to_be_bytes).concat());
    if edns {
        out.extend([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]);
    }
    out
}

/// Asks over UDP, and over TCP when TC is set. The first address, if there is one.
async fn udp(client: &mut Client<'_>, kind: u16, edns: bool) -> Option<Vec<u8>> {
    ask(client, PROXY, kind, edns).await
}

async fn ask(client: &mut Client<'_>, name: &str, kind: u16, edns: bool) -> Option<Vec<u8>> {
    let bytes = query(name, kind, edns);
    let with = if edns { ", EDNS" } else { "" };
    client.line(format!("-> {name} {}, over UDP{with}", word(kind)));
    let dns = client.running.dns.clone().unwrap();
    let got = match dns.sim {
        Some(sim) => {
            let mut answers = sim.ask(&bytes);
            timeout(client.silence, answers.recv()).await.ok().flatten()
        }
        None => {
            let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            socket.connect(dns.address).await.unwrap();
            socket.send(&bytes).await.unwrap();
            let mut buffer = vec![0; 65536];
            let got = timeout(client.silence, socket.recv(&mut buffer)).await;
            got.ok().map(|n| buffer[..n.unwrap()].to_vec())
        }
    };
    let Some(got) = got else {
        client.ended(&Ending::Silence);
        return None;
    };
    let (text, address, cut) = read(&got, &bytes);
    client.line(format!("<- {text}"));
    if cut { tcp(client, &bytes).await } else { address }
}

/// A connection to the name server; the line says what became of the SYN where there is none.
async fn open(client: &mut Client<'_>) -> Option<Box<dyn Connection>> {
    let dns = client.running.dns.clone().unwrap();
    let dial = async {
        let wire: Box<dyn Connection> = match dns.sim {
            Some(sim) => Box::new(sim.connect().await?),
            None => {
                let socket = TcpStream::connect(dns.address).await?;
                socket.set_nodelay(true)?;
                Box::new(socket)
            }
        };
        Ok::<_, std::io::Error>(wire)
    };
    match timeout(client.silence, dial).await {
        Ok(Ok(wire)) => return Some(wire),
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            client.line("SYN to the name server <- RST (refused)");
        }
        // In virtual time the kernel's own patience may end first.
        Ok(Err(error)) if error.kind() != std::io::ErrorKind::TimedOut => {
            client.line(format!("SYN to the name server <- {error}"));
        }
        Ok(Err(_)) | Err(_) => client.line("SYN to the name server <- no answer"),
    }
    None
}

/// The same query over TCP.
async fn tcp(client: &mut Client<'_>, query: &[u8]) -> Option<Vec<u8>> {
    let mut wire = open(client).await?;
    client.line("-> the same over TCP");
    framed(client, &mut wire, query).await
}

/// A query behind its length, and the answer.
async fn framed(
    client: &mut Client<'_>,
    wire: &mut Box<dyn Connection>,
    query: &[u8],
) -> Option<Vec<u8>> {
    let mut bytes = (query.len() as u16).to_be_bytes().to_vec();
    bytes.extend(query);
    let _ = wire.write_all(&bytes).await;
    let _ = wire.flush().await;
    let mut got = Vec::new();
    let mut buffer = vec![0; 65536];
    loop {
        if got.len() >= 2 && got.len() >= 2 + usize::from(u16::from_be_bytes([got[0], got[1]])) {
            let (text, address, _) = read(&got[2..], query);
            client.line(format!("<- {text}"));
            return address;
        }
        let next = tokio::io::AsyncReadExt::read(wire, &mut buffer);
        let ending = match timeout(client.silence, next).await {
            Err(_) => Ending::Silence,
            Ok(Ok(0)) => Ending::Fin,
            Ok(Ok(n)) => {
                got.extend_from_slice(&buffer[..n]);
                continue;
            }
            Ok(Err(error)) => super::ending(&error),
        };
        client.ended(&ending);
        return None;
    }
}

/// DoH or DoT, by a client that checks the certificate.
async fn secured(client: &mut Client<'_>, http: bool) -> Option<Vec<u8>> {
    let wire = open(client).await?;
    let mut config = client.running.shared.authority.client().unwrap();
    config.alpn_protocols = vec![if http { b"http/1.1".to_vec() } else { b"dot".to_vec() }];
    client.line("-> ClientHello, to the name server");
    let server = ServerName::try_from("127.0.0.1").unwrap();
    let dial = TlsConnector::from(Arc::new(config)).connect(server, wire);
    // Not scaled: a handshake takes the time it takes.
    let mut wire: Box<dyn Connection> = match timeout(Duration::from_secs(20), dial).await {
        Err(_) => {
            client.ended(&Ending::Silence);
            return None;
        }
        Ok(Err(error)) => {
            let text = error.to_string();
            let text = text.split(": verification time").next().unwrap_or_default();
            client.line(format!("<- TLS fails: {text}"));
            return None;
        }
        Ok(Ok(stream)) => Box::new(stream),
    };
    client.line("<- TLS established");
    let bytes = query(PROXY, A, false);
    if !http {
        return framed(client, &mut wire, &bytes).await;
    }
    let coded = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&bytes);
    let head = format!("GET /dns-query?dns={coded} HTTP/1.1\r\nHost: dns\r\n\r\n");
    client.line("-> GET /dns-query?dns=..., for A");
    let _ = wire.write_all(head.as_bytes()).await;
    let _ = wire.flush().await;
    let (got, ending) = client.read(&mut wire, whole_response).await;
    let at = got.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let dns = String::from_utf8_lossy(&got[..at]).contains("application/dns-message");
    if ending.is_some() || !dns {
        return None;
    }
    let (text, address, _) = read(&got[at..], &bytes);
    client.line(format!("   {text}"));
    address
}

fn word(kind: u16) -> String {
    match kind {
        A => "A".to_owned(),
        AAAA => "AAAA".to_owned(),
        5 => "CNAME".to_owned(),
        6 => "SOA".to_owned(),
        other => format!("TYPE{other}"),
    }
}

/// What an answer says, its first address, and whether it is cut (TC). An answer that is not to
/// this query, or cannot be read, has no address.
fn read(got: &[u8], query: &[u8]) -> (String, Option<Vec<u8>>, bool) {
    let at = |i: usize| got.get(i..i + 2).map_or(0, |two| u16::from_be_bytes([two[0], two[1]]));
    let flags = at(2);
    let mut text = format!("{} bytes, RCODE {}", got.len(), flags & 15);
    let cut = flags & 0x200 != 0;
    if cut {
        text += ", TC";
    }
    let mut right = true;
    if at(0) != ID {
        text += ", another id";
        right = false;
    }
    let (asked, mut place) = name(got, 12);
    if got.get(12..place + 4) != query.get(12..place + 4) {
        text += &format!(", for {}", asked.unwrap_or_default());
        right = false;
    }
    place += 4;
    let mut shown = Vec::new();
    let mut address = None;
    for _ in 0..at(6) {
        let (Some(owner), after) = name(got, place) else {
            shown.push("a name that does not end".to_owned());
            right = false;
            break;
        };
        let (kind, length) = (at(after), usize::from(at(after + 8)));
        let ttl = u32::from(at(after + 4)) << 16 | u32::from(at(after + 6));
        let data = got.get(after + 10..after + 10 + length);
        let Some(data) = data else {
            shown.push(format!("{} that is cut off", word(kind)));
            right = false;
            break;
        };
        let value = match kind {
            5 => name(got, after + 10).0.unwrap_or_default(),
            _ => data.iter().map(u8::to_string).collect::<Vec<_>>().join("."),
        };
        shown.push(format!("{owner} {ttl} {} {value}", word(kind)));
        if kind == A || kind == AAAA {
            address = address.or(Some(data.to_vec()));
        }
        place = after + 10 + length;
    }
    let all = shown.len();
    shown.truncate(4);
    for line in &shown {
        text += &format!("\n   {line}");
    }
    if all > shown.len() {
        text += &format!("\n   ... {all} in all");
    }
    (text, address.filter(|_| right), cut)
}

/// A name, and where it ends. Pointers are followed backwards only.
fn name(bytes: &[u8], start: usize) -> (Option<String>, usize) {
    let mut labels = Vec::new();
    let mut at = start;
    loop {
        match bytes.get(at) {
            Some(0) => return (Some(labels.join(".")), at + 1),
            Some(&length) if length < 64 => {
                let label = bytes.get(at + 1..at + 1 + usize::from(length)).unwrap_or_default();
                labels.push(String::from_utf8_lossy(label).into_owned());
                at += 1 + usize::from(length);
            }
            _ => return (None, at + 2),
        }
    }
}
