//! The kernel's table of TCP sockets (Linux): what no call that needs no `unsafe` tells.

use std::net::SocketAddr;

/// A connection, as one line of the table has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The port on this side.
    pub local: u16,
    /// The port on the other side.
    pub remote: u16,
    /// The state, e.g. [`SYN_SENT`].
    pub state: u8,
    /// Bytes written that the other side's kernel has not acknowledged.
    pub unsent: u64,
}

/// A SYN has been sent, and nothing has come.
pub const SYN_SENT: u8 = 2;

/// The connections of the address family of `of`; none elsewhere than on Linux.
pub fn rows(of: SocketAddr) -> Vec<Row> {
    if !cfg!(target_os = "linux") {
        return Vec::new();
    }
    let table = if of.is_ipv4() { "/proc/net/tcp" } else { "/proc/net/tcp6" };
    let text = std::fs::read_to_string(table).unwrap_or_default();
    text.lines().filter_map(row).collect()
}

/// One line: `sl local_address rem_address st tx_queue:rx_queue ...`, in hex.
fn row(line: &str) -> Option<Row> {
    let mut fields = line.split_whitespace().skip(1);
    let port = |address: &str| u16::from_str_radix(address.rsplit_once(':')?.1, 16).ok();
    let (local, remote) = (port(fields.next()?)?, port(fields.next()?)?);
    let state = u8::from_str_radix(fields.next()?, 16).ok()?;
    let unsent = u64::from_str_radix(fields.next()?.split(':').next()?, 16).ok()?;
    Some(Row { local, remote, state, unsent })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_table() {
        let line = "   1: 0100007F:1F90 0100007F:C350 01 0000012C:00000000 01:00000064 00000000";
        let read = Row { local: 8080, remote: 50000, state: 1, unsent: 300 };
        assert_eq!(row(line), Some(read));
        let waits = line.replace(" 01 ", " 02 ");
        assert_eq!(row(&waits).map(|row| row.state), Some(SYN_SENT));
        assert_eq!(row("  sl  local_address rem_address   st tx_queue rx_queue"), None);
        assert_eq!(row(""), None);
    }
}
