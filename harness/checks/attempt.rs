//! The attempts in an event log.

use std::collections::BTreeMap;

use super::{Broken, Checked};
use crate::event::{Event, Side, Via, What};

/// One attempt of the client.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Attempt {
    /// Its number, from 1, as rules count it.
    pub number: u64,
    /// The connection it was made on.
    pub conn: Option<u64>,
    /// When it began, in milliseconds since the run started.
    pub began: f64,
    /// When the last thing happened on it before the next one began.
    pub ended: f64,
    /// It asked for something: more than a connection was made.
    pub asked: bool,
    /// Status codes of answers to it, the proxy's, a rule's and those from behind it, in order.
    pub statuses: Vec<u16>,
    /// A fault was applied to it.
    pub faulted: bool,
    /// The origin answered it with the run's nonce, through the proxy.
    pub served: bool,
}

/// What is broken when an attempt that met no fault was not served: the first of these.
pub(super) fn unserved(check: &'static str, attempts: &[Attempt]) -> Checked {
    let failed = |attempt: &&Attempt| attempt.asked && !attempt.faulted && !attempt.served;
    attempts.iter().find(failed).map_or(Ok(()), |attempt| {
        let measured = format!("attempt {} met no fault and was not served", attempt.number);
        Err(Broken::new(check, measured, "an answer from the origin").at(attempt.began))
    })
}

/// All attempts in a log, in the order of their numbers.
pub fn attempts(events: &[Event]) -> Vec<Attempt> {
    let mut all: BTreeMap<u64, Attempt> = BTreeMap::new();
    // Which attempt a connection is at.
    let mut current: BTreeMap<u64, u64> = BTreeMap::new();
    for event in events {
        let number = match &event.what {
            What::Accepted { side: Side::Client, attempt, .. } => *attempt,
            What::Request { attempt, .. } | What::SocksRequest { attempt, .. } => Some(*attempt),
            What::HttpRequest { attempt, via: Via::Tunnel | Via::Forward, .. } => *attempt,
            _ => None,
        };
        if let Some(number) = number {
            if let Some(conn) = event.conn {
                current.insert(conn, number);
            }
            all.entry(number).or_insert_with(|| Attempt {
                number,
                conn: event.conn,
                began: event.time,
                ended: event.time,
                asked: false,
                statuses: Vec::new(),
                faulted: false,
                served: false,
            });
        }
        let at = event.conn.and_then(|conn| current.get(&conn));
        if let Some(attempt) = at.and_then(|number| all.get_mut(number)) {
            attempt.take(event);
        }
    }
    let mut all: Vec<Attempt> = all.into_values().collect();
    // What is tidied up on an old connection after the next attempt began is no end of it.
    for at in 1..all.len() {
        all[at - 1].ended = all[at - 1].ended.min(all[at].began).max(all[at - 1].began);
    }
    all
}

impl Attempt {
    fn take(&mut self, event: &Event) {
        self.ended = self.ended.max(event.time);
        match &event.what {
            What::Request { .. } | What::SocksRequest { .. } | What::HttpRequest { .. } => {
                self.asked = true;
            }
            What::Reply { status, .. } => self.statuses.push(*status),
            What::HttpResponse { status, nonce_served, via, .. } => {
                self.statuses.push(*status);
                let good = (100..300).contains(status);
                self.served |= *nonce_served && good && *via != Via::Direct;
            }
            What::Fault { did, .. } => {
                self.faulted = true;
                self.statuses.extend(answered(did));
            }
            _ => {}
        }
    }
}

/// The status that a rule has answered with. Its answer is no event of its own: `respond`,
/// `challenge` and `upstream_error` say it in words.
fn answered(did: &str) -> Option<u16> {
    let rest = did.strip_prefix("answered ")?;
    rest.get(..3)?.parse().ok().filter(|_| !rest[3..].starts_with(|c: char| c.is_ascii_digit()))
}
