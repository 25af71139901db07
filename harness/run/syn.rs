//! Seeing SYNs that nobody answers: the client's socket stands in SYN-SENT for all to read
//! (Linux). Elsewhere, and for refused SYNs, nothing can be seen without privileges.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::time::Duration;

use crate::event::What;
use crate::log::Log;
use crate::proc_net::{Row, SYN_SENT, rows};
use crate::stage::Stage;

/// Looks for sockets that wait for an answer from `port`, until it is dropped. `rule` is the
/// rule (from 1) that leaves them waiting.
pub async fn watch(port: SocketAddr, rule: usize, log: Log) {
    let mut seen = HashSet::new();
    loop {
        for source in waiting(port) {
            if seen.len() < 10_000 && seen.insert(source) {
                unanswered(&log, rule);
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Writes down that a SYN is left unanswered.
pub(crate) fn unanswered(log: &Log, rule: usize) {
    log.note(None, What::SynSeen { listener: "proxy", state: "SYN-SENT" });
    let did = "leaves the SYN unanswered".to_owned();
    let (at, effect) = (Stage::Syn, "blackhole");
    log.note(None, What::Fault { rule, at, effect, did, audible: false });
}

/// The local ports of sockets in SYN-SENT towards `port`.
fn waiting(port: SocketAddr) -> Vec<u16> {
    let waits = |row: &Row| row.state == SYN_SENT && row.remote == port.port();
    let mut all = rows(port);
    if port.is_ipv4() {
        // A socket of IPv6 may dial IPv4 (Java's do), and stands in that table.
        all.extend(rows(SocketAddr::from((std::net::Ipv6Addr::UNSPECIFIED, 0))));
    }
    all.into_iter().filter(waits).map(|row| row.local).collect()
}
