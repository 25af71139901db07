//! Seeing SYNs that nobody answers: the client's socket stands in SYN-SENT for all to read
//! (Linux). Elsewhere, and for refused SYNs, nothing can be seen without privileges.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::time::Duration;

use crate::event::What;
use crate::log::Log;
use crate::stage::Stage;

/// Looks for sockets that wait for an answer from `port`, until it is dropped. `rule` is the
/// rule (from 1) that leaves them waiting.
pub async fn watch(port: SocketAddr, rule: usize, log: Log) {
    let mut seen = HashSet::new();
    loop {
        for source in waiting(port) {
            if seen.len() < 10_000 && seen.insert(source) {
                log.note(None, What::SynSeen { listener: "proxy", state: "SYN-SENT" });
                let did = "leaves the SYN unanswered".to_owned();
                let (at, effect) = (Stage::Syn, "blackhole");
                log.note(None, What::Fault { rule, at, effect, did, audible: false });
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The local ports of sockets in SYN-SENT towards `port`.
#[cfg(target_os = "linux")]
fn waiting(port: SocketAddr) -> Vec<u16> {
    let table = if port.is_ipv4() { "/proc/net/tcp" } else { "/proc/net/tcp6" };
    let text = std::fs::read_to_string(table).unwrap_or_default();
    text.lines().filter_map(|line| waiting_line(line, port.port())).collect()
}

#[cfg(not(target_os = "linux"))]
fn waiting(_: SocketAddr) -> Vec<u16> {
    Vec::new()
}

/// One line of `/proc/net/tcp`: `sl local_address rem_address st ...`, in hex.
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
fn waiting_line(line: &str, port: u16) -> Option<u16> {
    let mut fields = line.split_whitespace().skip(1);
    let (local, remote, state) = (fields.next()?, fields.next()?, fields.next()?);
    let number = |address: &str| u16::from_str_radix(address.rsplit_once(':')?.1, 16).ok();
    (state == "02" && number(remote)? == port).then_some(())?;
    number(local)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_table() {
        let line = "   1: 0100007F:C350 0100007F:1F90 02 00000001:00000000 01:00000064 00000000";
        assert_eq!(waiting_line(line, 8080), Some(50000));
        assert_eq!(waiting_line(line, 8081), None);
        assert_eq!(waiting_line(&line.replace(" 02 ", " 01 "), 8080), None);
        assert_eq!(waiting_line("  sl  local_address rem_address   st", 1), None);
    }
}
