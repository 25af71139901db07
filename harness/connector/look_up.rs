//! A stub resolver for the simulation.

use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::dns::SimDns;
use crate::dns::message::{Type, name, name_bytes};

/// As resolv.conf(5) has them: two tries of five seconds.
const TRIES: u16 = 2;
const PATIENCE: Duration = Duration::from_secs(5);

/// The addresses of a host.
pub(super) async fn look_up(dns: &SimDns, host: &str) -> io::Result<Vec<Ipv4Addr>> {
    for id in 1..=TRIES {
        let Ok(answer) = timeout(PATIENCE, ask(dns, id, host)).await else { continue };
        return read(&answer?, host);
    }
    Err(none(host, "the name server does not answer"))
}

fn none(host: &str, why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("{host} cannot be looked up: {why}"))
}

/// Over UDP, and over TCP when that is cut off. What is no answer to this question is not looked at.
async fn ask(dns: &SimDns, id: u16, host: &str) -> io::Result<Vec<u8>> {
    let mut query = Vec::new();
    // Recursion desired; one question.
    for word in [id, 0x0100, 1, 0, 0, 0] {
        query.extend_from_slice(&word.to_be_bytes());
    }
    query.extend(name_bytes(host));
    query.extend_from_slice(&Type::A.0.to_be_bytes());
    query.extend_from_slice(&1_u16.to_be_bytes());
    let mut answers = dns.ask(&query);
    loop {
        let Some(answer) = answers.recv().await else { return std::future::pending().await };
        let ours =
            answer.get(..2) == query.get(..2) && answer.get(12..query.len()) == query.get(12..);
        match answer.get(2) {
            Some(flags) if ours && flags & 0x02 != 0 => return over_tcp(dns, &query).await,
            Some(flags) if ours && flags & 0x80 != 0 => return Ok(answer),
            _ => {}
        }
    }
}

async fn over_tcp(dns: &SimDns, query: &[u8]) -> io::Result<Vec<u8>> {
    let mut wire = dns.connect().await?;
    wire.write_all(&(query.len() as u16).to_be_bytes()).await?;
    wire.write_all(query).await?;
    let mut answer = vec![0; usize::from(wire.read_u16().await?)];
    wire.read_exact(&mut answer).await?;
    Ok(answer)
}

/// The addresses in an answer, whatever names they belong to: aliases are followed by the server.
fn read(answer: &[u8], host: &str) -> io::Result<Vec<Ipv4Addr>> {
    let word = |at: usize| answer.get(at..at + 2).map(|two| u16::from_be_bytes([two[0], two[1]]));
    let rcode = answer.get(3).copied().unwrap_or(0) & 0x0f;
    if rcode != 0 {
        return Err(none(host, &format!("the name server says rcode {rcode}")));
    }
    let broken = || none(host, "the answer cannot be read");
    let (_, question) = name(answer, 12).ok_or_else(broken)?;
    let (mut at, mut found) = (question + 4, Vec::new());
    for _ in 0..word(6).ok_or_else(broken)? {
        let (_, after) = name(answer, at).ok_or_else(broken)?;
        let kind = word(after).ok_or_else(broken)?;
        let length = usize::from(word(after + 8).ok_or_else(broken)?);
        let data = answer.get(after + 10..after + 10 + length).ok_or_else(broken)?;
        if let (true, Ok(four)) = (kind == Type::A.0, <[u8; 4]>::try_from(data)) {
            found.push(Ipv4Addr::from(four));
        }
        at = after + 10 + length;
    }
    if found.is_empty() { Err(none(host, "it has no address")) } else { Ok(found) }
}
