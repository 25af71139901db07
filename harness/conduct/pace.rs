//! How soon and how often the client came back.

use std::collections::{BTreeMap, BTreeSet};

use super::{Conduct, NAMES, OPEN};
use crate::event::{Event, Side, Via, What};
use crate::stage::Stage;

/// What is remembered for it.
#[derive(Debug, Clone, Default)]
pub(super) struct Pace {
    /// The last fault that a new request has not followed yet.
    fault: Option<Since>,
    /// Connections that were accepted after it.
    later: BTreeSet<u64>,
    /// The shortest time from a fault to the request that repeats what it met.
    shortest: Option<f64>,
    /// Queries by name and type.
    asked: BTreeMap<(String, String), u64>,
    /// Connections that have made the request which their attempt began with.
    used: BTreeSet<u64>,
}

/// A fault that the client is to come back after.
#[derive(Debug, Clone, Copy)]
struct Since {
    time: f64,
    at: Stage,
    conn: Option<u64>,
}

/// What comes on another connection so soon after a fault, in milliseconds, may have been sent before the
/// client had read of it.
const CROSSING: f64 = 100.0;

impl Conduct {
    /// When the attempts began, earliest first; the first 10,000 of them.
    pub fn times(&self) -> Vec<f64> {
        let mut times: Vec<f64> = self.began.values().copied().collect();
        times.sort_by(f64::total_cmp);
        times
    }

    /// The pauses between the beginnings of attempts, in milliseconds.
    pub fn gaps(&self) -> Vec<f64> {
        self.times().windows(2).map(|pair| pair[1] - pair[0]).collect()
    }

    /// The median pause between attempts, in milliseconds.
    pub fn median_gap(&self) -> Option<f64> {
        let mut gaps = self.gaps();
        gaps.sort_by(f64::total_cmp);
        gaps.get(gaps.len() / 2).copied()
    }

    /// The shortest time from a fault to the next try of what met it, in milliseconds. A connection
    /// that is opened early and says nothing is no try.
    pub fn soonest(&self) -> Option<f64> {
        self.pace.shortest
    }

    pub(super) fn pace(&mut self, event: &Event) {
        let pace = &mut self.pace;
        let tried = pace.fault.filter(|since| tries(since.at, &event.what));
        if let Some(since) = tried.filter(|since| !pace.crossed(*since, event)) {
            let pause = event.time - since.time;
            pace.shortest = Some(pace.shortest.map_or(pause, |shortest| shortest.min(pause)));
            pace.fault = None;
        }
        match &event.what {
            What::Fault { at, .. } => {
                pace.fault = Some(Since { time: event.time, at: *at, conn: event.conn });
                pace.later.clear();
            }
            What::Accepted { .. } if pace.later.len() < OPEN => pace.later.extend(event.conn),
            What::DnsQuery { name, kind, .. } => {
                let key = (name.clone(), kind.clone());
                if pace.asked.len() < NAMES || pace.asked.contains_key(&key) {
                    let times = pace.asked.entry(key).or_default();
                    *times += 1;
                    self.repeated = self.repeated.max(*times);
                }
            }
            What::Http2Error { answered, code, .. } if refuses(answered, code) => {
                let more = event.conn.is_some_and(|conn| !pace.begins(conn));
                self.refused += u64::from(more);
            }
            // A tunnel's first request is not its CONNECT.
            What::HttpRequest { .. } => _ = event.conn.map(|conn| pace.begins(conn)),
            What::Request { version, .. } if version == "HTTP/2" => {
                _ = event.conn.map(|conn| pace.begins(conn));
            }
            _ => {}
        }
    }
}

impl Pace {
    /// Whether this request may have been on its way when the fault was sent: on a connection, or in a
    /// stream of HTTP/2, that the client had before.
    fn crossed(&self, since: Since, event: &Event) -> bool {
        let streams = match &event.what {
            What::Request { version, .. } | What::HttpRequest { version, .. } => {
                version == "HTTP/2"
            }
            What::SocksRequest { .. } => false,
            // It is only now that it is a connection at all.
            _ => return false,
        };
        let before = event.conn.is_some_and(|conn| !self.later.contains(&conn));
        before && (streams || event.conn != since.conn) && event.time - since.time < CROSSING
    }

    /// Whether this is the first request on a connection.
    fn begins(&mut self, conn: u64) -> bool {
        self.used.len() < OPEN && self.used.insert(conn)
    }
}

/// Whether this says that a stream was refused unseen.
fn refuses(answered: &str, code: &str) -> bool {
    answered == "RST_STREAM" && code == "REFUSED_STREAM"
}

/// Whether this event is a new try of what met a fault at this stage.
fn tries(at: Stage, what: &What) -> bool {
    match what {
        What::Accepted { side: Side::Client, .. } | What::SynSeen { listener: "proxy", .. } => {
            at < Stage::Request
        }
        What::Request { .. } | What::SocksRequest { .. } => {
            (Stage::Request..=Stage::Tunnel).contains(&at) || at == Stage::Close
        }
        What::ClientHello { .. } => at == Stage::Tls,
        What::HttpRequest { via, .. } => {
            *via != Via::Direct && (at == Stage::Response || at == Stage::Body)
        }
        What::DnsQuery { .. } => at == Stage::Dns,
        What::PacRequest { .. } => at == Stage::Pac,
        _ => false,
    }
}
