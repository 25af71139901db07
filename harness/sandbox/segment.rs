//! A TCP segment as a packet socket gives it, from its IP header on: pure, and nothing trusts a
//! byte of it.

use std::net::SocketAddr;

use super::packets::layers;

/// What the way of a segment depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment {
    pub from: SocketAddr,
    pub to: SocketAddr,
    /// The sequence number, where it has a SYN: with it a connection begins. A repeated SYN has
    /// the same.
    pub begins: Option<u32>,
    /// Whether it has data.
    pub data: bool,
    /// Whether it has FIN or RST.
    pub ends: bool,
}

/// Reads one. None: no TCP, or not whole.
pub(super) fn read(bytes: &[u8]) -> Option<Segment> {
    let (protocol, from, to, header) = layers(bytes)?;
    let tcp = bytes.get(header..length(bytes)?)?;
    let port = |at: usize| Some(u16::from_be_bytes(tcp.get(at..at + 2)?.try_into().ok()?));
    let data = tcp.len() > usize::from(tcp.get(12)? >> 4) * 4;
    let sequence = u32::from_be_bytes(tcp.get(4..8)?.try_into().ok()?);
    (protocol == 6 && tcp.len() >= 20).then_some(Segment {
        from: SocketAddr::new(from, port(0)?),
        to: SocketAddr::new(to, port(2)?),
        begins: (tcp.get(13)? & 0x02 != 0).then_some(sequence),
        data,
        ends: tcp.get(13)? & 0x05 != 0,
    })
}

/// The length of the packet, by its IP header.
fn length(bytes: &[u8]) -> Option<usize> {
    let field =
        |at: usize| Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?).into());
    if bytes.first()? >> 4 == 4 { field(2) } else { Some(field(4)? + 40) }
}

/// Gives the segment the checksum that it has on a wire. On `lo` nobody computes one, and nobody
/// looks: but of a packet from a packet socket the kernel does.
pub(super) fn seal(bytes: &mut Vec<u8>) {
    let Some((6, _, _, header)) = layers(bytes) else { return };
    let Some(length) = length(bytes).filter(|length| *length <= bytes.len()) else { return };
    bytes.truncate(length);
    let addresses = if header == 40 && bytes[0] >> 4 == 6 { 8..40 } else { 12..20 };
    let pseudo = sum(&bytes[addresses]) + 6 + (length - header) as u64;
    let Some(tcp) = bytes.get_mut(header..).filter(|tcp| tcp.len() >= 20) else { return };
    tcp[16..18].fill(0);
    let mut sum = pseudo + sum(tcp);
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    tcp[16..18].copy_from_slice(&(!(sum as u16)).to_be_bytes());
}

/// Of 16-bit words; a last byte alone is the upper half of one.
fn sum(bytes: &[u8]) -> u64 {
    let word = |pair: &[u8]| u64::from(pair[0]) << 8 | pair.get(1).copied().map_or(0, u64::from);
    bytes.chunks(2).map(word).sum()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// From port 50000 of 192.0.2.1 to port 443 of 203.0.113.9, or back.
    pub(in super::super) fn segment(back: bool, flags: u8, data: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x45, 0, 0, 40 + data.len() as u8, 0, 0, 0x40, 0, 64, 6, 0, 0];
        let (mut ips, mut ports) =
            ([[192, 0, 2, 1], [203, 0, 113, 9]], [50000_u16.to_be_bytes(), 443_u16.to_be_bytes()]);
        if back {
            ips.reverse();
            ports.reverse();
        }
        bytes.extend(ips.concat());
        bytes.extend(ports.concat());
        bytes.extend([0, 0, 0, 1, 0, 0, 0, 1, 0x50, flags, 0, 0, 0, 0, 0, 0]);
        bytes.extend(data);
        bytes
    }

    #[test]
    fn what_is_data_and_what_an_end() {
        for (flags, data, wanted) in [
            (0x02, "", (true, false, false)),
            (0x12, "", (true, false, false)),
            (0x10, "", (false, false, false)),
            (0x18, "x", (false, true, false)),
            (0x11, "", (false, false, true)),
            (0x14, "xy", (false, true, true)),
        ] {
            let got = read(&segment(false, flags, data.as_bytes())).unwrap();
            assert_eq!((got.begins.is_some(), got.data, got.ends), wanted, "{flags:x}");
            assert_eq!(got.to, "203.0.113.9:443".parse().unwrap());
        }
        let whole = segment(false, 0x18, b"x");
        for cut in 0..whole.len() {
            assert_eq!(read(&whole[..cut]), None, "{cut}");
        }
    }

    /// With the checksum in it, what is summed up is all ones (RFC 9293, 3.1).
    #[test]
    fn the_checksum() {
        for data in [&b""[..], b"x", b"xy"] {
            let mut bytes = segment(false, 0x18, data);
            let length = bytes.len();
            // A packet socket may give more than the packet.
            bytes.extend([1, 2, 3]);
            seal(&mut bytes);
            assert_eq!(bytes.len(), length);
            let all = sum(&bytes[12..]) + 6 + (length as u64 - 20);
            assert_eq!((all & 0xffff) + (all >> 16), 0xffff);
        }
    }

    proptest! {
        #[test]
        fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = read(&bytes);
            seal(&mut bytes.clone());
        }
    }
}
