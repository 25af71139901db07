//! Packets inside the sandbox, as they arrive: every SYN, and every datagram that is for
//! somewhere else. Nothing here trusts a byte of them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// What a packet is, as far as it is of interest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Packet {
    /// A TCP segment with SYN and without ACK.
    Syn {
        /// Who dials.
        from: SocketAddr,
        /// Whom.
        to: SocketAddr,
    },
    /// A UDP datagram.
    Datagram {
        /// To whom.
        to: SocketAddr,
    },
}

/// Reads a packet from its IP header on. None: not of interest, or not whole.
pub fn read(bytes: &[u8]) -> Option<Packet> {
    let (protocol, from, to, header) = layers(bytes)?;
    inner(protocol, from, to, bytes.get(header..)?)
}

/// The protocol in a packet, its addresses, and where that protocol begins.
pub(super) fn layers(bytes: &[u8]) -> Option<(u8, IpAddr, IpAddr, usize)> {
    match bytes.first()? >> 4 {
        4 => v4(bytes),
        6 => v6(bytes),
        _ => None,
    }
}

fn v4(bytes: &[u8]) -> Option<(u8, IpAddr, IpAddr, usize)> {
    let header = usize::from(bytes.first()? & 0x0f) * 4;
    let later = u16::from_be_bytes(bytes.get(6..8)?.try_into().ok()?) & 0x1fff;
    // A later fragment has no ports.
    if header < 20 || later != 0 {
        return None;
    }
    let ip = |at: usize| -> Option<IpAddr> {
        let octets: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
        Some(Ipv4Addr::from(octets).into())
    };
    Some((*bytes.get(9)?, ip(12)?, ip(16)?, header))
}

fn v6(bytes: &[u8]) -> Option<(u8, IpAddr, IpAddr, usize)> {
    let ip = |at: usize| -> Option<IpAddr> {
        let octets: [u8; 16] = bytes.get(at..at + 16)?.try_into().ok()?;
        Some(Ipv6Addr::from(octets).into())
    };
    // Clients send no extension headers before TCP and UDP.
    Some((*bytes.get(6)?, ip(8)?, ip(24)?, 40))
}

fn inner(protocol: u8, from: IpAddr, to: IpAddr, bytes: &[u8]) -> Option<Packet> {
    let port = |at: usize| Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
    let (from, to) = (SocketAddr::new(from, port(0)?), SocketAddr::new(to, port(2)?));
    match protocol {
        6 if bytes.get(13)? & 0x12 == 0x02 => Some(Packet::Syn { from, to }),
        17 => Some(Packet::Datagram { to }),
        _ => None,
    }
}

/// What a datagram to this port is most likely.
pub fn likely(port: u16) -> &'static str {
    match port {
        53 => "DNS to another server",
        123 => "NTP",
        443 => "QUIC",
        853 => "DNS over QUIC to another server",
        1900 | 5353 | 5355 => "name or service discovery on the local network",
        _ => "UDP",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn syn() -> Vec<u8> {
        let mut bytes = vec![0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6, 0, 0];
        bytes.extend([192, 0, 2, 1, 203, 0, 113, 9]);
        bytes
            .extend([0xc3, 0x50, 0x01, 0xbb, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 0x02, 0, 0, 0, 0, 0, 0]);
        bytes
    }

    #[test]
    fn a_syn() {
        let (from, to) = ("192.0.2.1:50000", "203.0.113.9:443");
        let want = Packet::Syn { from: from.parse().unwrap(), to: to.parse().unwrap() };
        assert_eq!(read(&syn()), Some(want));
        // SYN and ACK: an answer.
        let mut answer = syn();
        answer[33] = 0x12;
        assert_eq!(read(&answer), None);
        for cut in 0..34 {
            assert_eq!(read(&syn()[..cut]), None, "{cut}");
        }
    }

    #[test]
    fn a_datagram_in_ipv6() {
        let mut bytes = vec![0x60, 0, 0, 0, 0, 8, 17, 64];
        bytes.extend(Ipv6Addr::LOCALHOST.octets());
        bytes.extend("2001:db8::9".parse::<Ipv6Addr>().unwrap().octets());
        bytes.extend([0, 1, 0, 53, 0, 8, 0, 0]);
        let to = "[2001:db8::9]:53".parse().unwrap();
        assert_eq!(read(&bytes), Some(Packet::Datagram { to }));
    }

    proptest! {
        #[test]
        fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = read(&bytes);
        }
    }
}
