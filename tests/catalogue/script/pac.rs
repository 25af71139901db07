//! Scenarios whose client learns its proxy from a PAC file: it fetches the file, reads what the
//! script returns (no script engine is here) and dials one proxy after the other.

use std::time::Duration;

use badproxy::dns::Type;
use badproxy::scenario::Scenario;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpStream, UdpSocket};

use super::{Client, Ending};
use crate::arm::{Arm, Connection, timeout};

/// Scripts that a script engine refuses, or that throw.
const BROKEN: [&str; 2] = ["pac/syntax-error", "pac/throws"];

/// Plays it; false when the scenario is not of this family.
pub(super) async fn play(client: &mut Client<'_>, scenario: &Scenario) -> bool {
    if scenario.name == "pac/wpad-slow" {
        for name in ["wpad.corp.badproxy.test", "wpad.badproxy.test"] {
            ask(client, name).await;
        }
        client.connection(scenario).await;
        return true;
    }
    if !scenario.has_pac() {
        return false;
    }
    let times = if scenario.name == "pac/changed" { 2 } else { 1 };
    for _ in 0..times {
        let path = client.running.pac.as_ref().unwrap().path.clone();
        let Some(file) = fetch(client, path).await else { continue };
        if scenario.name == "pac/resolves-slowly" {
            ask(client, "intranet.badproxy.test").await;
        }
        let broken = BROKEN.contains(&scenario.name.as_str());
        let Some(list) = returned(&file).filter(|_| !broken) else {
            client.line("(no script: no proxy)");
            return true;
        };
        for entry in list.split("; ") {
            client.line(format!("({entry})"));
            match entry {
                "PROXY {dead}" => client.line(dead(client).await),
                _ => client.connection(scenario).await,
            }
        }
    }
    true
}

/// The file, with words in the place of ports; None when it did not come whole.
async fn fetch(client: &mut Client<'_>, mut path: String) -> Option<String> {
    for _ in 0..3 {
        let mut wire = dial(client).await;
        let head = format!("GET {path} HTTP/1.1\r\nHost: pac.badproxy.test\r\n\r\n");
        client.line(format!("-> GET {path}"));
        wire.write_all(head.as_bytes()).await.unwrap();
        let (got, ending) = client.read_quietly(&mut wire, whole).await;
        let text = neutral(client, &String::from_utf8_lossy(&got));
        shown(client, &text);
        if let Some(ending) = &ending {
            client.ended(ending);
        } else {
            client.line("-> FIN");
            let _ = wire.shutdown().await;
            client.read(&mut wire, |_| false).await;
        }
        let (head, body) = text.split_once("\r\n\r\n")?;
        let location = head.lines().find_map(|line| line.strip_prefix("Location: "));
        match location {
            Some(to) => to.clone_into(&mut path),
            // Without a length, the FIN is the end.
            None if ending.is_none() || ending == Some(Ending::Fin) => {
                return Some(body.to_owned());
            }
            None => return None,
        }
    }
    None
}

async fn dial(client: &Client<'_>) -> Box<dyn Connection> {
    let pac = client.running.pac.as_ref().unwrap();
    match &pac.sim {
        Some(sim) => Box::new(sim.connect().await.unwrap()),
        None => Box::new(TcpStream::connect(pac.address).await.unwrap()),
    }
}

async fn dead(client: &Client<'_>) -> &'static str {
    let pac = client.running.pac.as_ref().unwrap();
    let error = match &pac.sim {
        Some(sim) => sim.connect_dead().await.err(),
        None => TcpStream::connect(pac.dead).await.err(),
    };
    match error.map(|error| error.kind()) {
        Some(std::io::ErrorKind::ConnectionRefused) => "SYN <- RST (refused)",
        _ => "SYN <- something else",
    }
}

/// Whether all that the head promises is here.
fn whole(got: &[u8]) -> bool {
    let text = String::from_utf8_lossy(got);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
    length.is_some_and(|length| body.len() >= length.parse().unwrap())
}

/// Ports, and lengths that depend on them, as words.
fn neutral(client: &Client<'_>, text: &str) -> String {
    let pac = client.running.pac.as_ref().unwrap();
    let text = text.replace(&pac.dead.to_string(), "{dead}");
    let text = text.replace(&client.running.address.to_string(), "{proxy}");
    let lines = text.split("\r\n").map(|line| match line.strip_prefix("Content-Length: ") {
        Some(n) if n != "0" => "Content-Length: N",
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\r\n")
}

/// What FindProxyForURL returns at its end, as far as one can tell without running it.
fn returned(file: &str) -> Option<String> {
    let (_, rest) = file.rsplit_once("return \"")?;
    rest.split_once('"').map(|(list, _)| list.to_owned())
}

fn shown(client: &mut Client<'_>, text: &str) {
    let cut: String = text.chars().take(500).collect();
    let more = if cut.len() < text.len() { "..." } else { "" };
    let lines: Vec<String> = cut.lines().map(|line| format!("   {line}")).collect();
    client.line(format!("<-\n{}{more}", lines.join("\n")));
}

/// One query for an address, over UDP.
async fn ask(client: &mut Client<'_>, name: &str) {
    let dns = client.running.dns.as_ref().unwrap();
    let mut query = vec![0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        query.push(label.len() as u8);
        query.extend(label.as_bytes());
    }
    query.push(0);
    query.extend([0, u8::try_from(Type::A.0).unwrap(), 0, 1]);
    client.out += &format!("-> A {name}, over UDP\n");
    let answer = match &dns.sim {
        Some(sim) => timeout(client.silence, sim.ask(&query).recv()).await.ok().flatten(),
        None => {
            let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            socket.send_to(&query, dns.address).await.unwrap();
            let mut buffer = vec![0; 2048];
            let read = timeout(Duration::from_secs(20), socket.recv(&mut buffer)).await;
            read.ok().map(|n| buffer[..n.unwrap()].to_vec())
        }
    };
    debug_assert!(client.arm == Arm::Sim || dns.sim.is_none());
    client.line(match answer {
        Some(bytes) => format!("<- RCODE {}", bytes[3] & 15),
        None => "<- silence".to_owned(),
    });
}
