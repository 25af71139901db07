//! One TCP connection, as the kernel knows it (sock_diag(7), Linux): what no call that needs no
//! `unsafe` tells, without reading the table of all of them.

use std::io;
use std::net::{IpAddr, SocketAddr};

use socket2::Socket;

use crate::netlink::{self, HEADER};

const NETLINK_SOCK_DIAG: i32 = 4;
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const NLM_F_REQUEST: u16 = 1;
/// A state of TCP.
const LISTEN: u8 = 10;
/// Where `idiag_wqueue` is in `struct inet_diag_msg`.
const QUEUED: usize = 4 + 48 + 8;

/// Bytes that were written to this connection and not acknowledged by its peer. None where the
/// kernel does not say, as in some containers.
pub(crate) fn unsent(local: SocketAddr, peer: SocketAddr) -> Option<u64> {
    // Not kept: a world that is dropped leaves no descriptor behind.
    let answer = ask(&open().ok()?, local, peer);
    read(&answer.ok()?)
}

fn open() -> io::Result<Socket> {
    let socket = netlink::open(NETLINK_SOCK_DIAG)?;
    // The kernel has answered when the question is sent.
    socket.set_nonblocking(true)?;
    Ok(socket)
}

fn ask(socket: &Socket, local: SocketAddr, peer: SocketAddr) -> io::Result<Vec<u8>> {
    socket.send(&question(local, peer))?;
    let mut answer = vec![0; 4096];
    let n = io::Read::read(&mut &*socket, &mut answer)?;
    answer.truncate(n);
    Ok(answer)
}

/// `struct inet_diag_req_v2` for exactly this connection.
fn question(local: SocketAddr, peer: SocketAddr) -> Vec<u8> {
    const TCP: u8 = 6;
    let family = if local.is_ipv4() { 2 } else { 10 };
    let mut body = vec![family, TCP, 0, 0];
    // In whatever state.
    body.extend(u32::MAX.to_ne_bytes());
    body.extend([local.port().to_be_bytes(), peer.port().to_be_bytes()].concat());
    for address in [local.ip(), peer.ip()] {
        match address {
            IpAddr::V4(ip) => body.extend([&ip.octets()[..], &[0; 12]].concat()),
            IpAddr::V6(ip) => body.extend(ip.octets()),
        }
    }
    // On any interface, with any cookie.
    body.extend([0; 4]);
    body.extend([0xff; 8]);
    netlink::message(SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, &body)
}

/// The send queue; None where the answer is an error, or about a socket that listens, which is what
/// the kernel finds when the connection has gone.
fn read(answer: &[u8]) -> Option<u64> {
    let kind = u16::from_ne_bytes(answer.get(4..6)?.try_into().ok()?);
    let queued = answer.get(HEADER + QUEUED..HEADER + QUEUED + 4)?;
    let queued = u32::from_ne_bytes(queued.try_into().ok()?);
    let connected = kind == SOCK_DIAG_BY_FAMILY && answer[HEADER + 1] != LISTEN;
    connected.then_some(queued.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    /// Where the kernel tells, it tells what is in its table.
    #[test]
    fn what_waits_is_counted() {
        for host in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(host) else { continue };
            let mut ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let mut theirs = listener.accept().unwrap().0;
            let (local, peer) = (ours.local_addr().unwrap(), ours.peer_addr().unwrap());
            let Some(before) = unsent(local, peer) else { return };
            assert_eq!(before, 0, "{host}");
            ours.set_nonblocking(true).unwrap();
            let mut written = 0;
            while let Ok(n) = ours.write(&[7; 65536]) {
                written += n as u64;
            }
            let waits = unsent(local, peer).unwrap();
            assert!((1..=written).contains(&waits), "{host}: {waits} of {written}");
            let mut left = written;
            while left > 0 {
                left -= theirs.read(&mut [0; 65536]).unwrap() as u64;
            }
            while unsent(local, peer).unwrap() > 0 {}
            drop(ours);
            drop(theirs);
            drop(listener);
            let nobody = SocketAddr::new(local.ip(), 1);
            assert_eq!(unsent(nobody, peer), None);
        }
    }

    #[test]
    fn what_is_no_answer() {
        let mut answer = question("127.0.0.1:1".parse().unwrap(), "127.0.0.1:2".parse().unwrap());
        assert_eq!(answer.len(), HEADER + 56);
        answer.extend([0; 20]);
        assert_eq!(read(&answer), Some(0));
        for cut in 0..HEADER + QUEUED + 4 {
            assert_eq!(read(&answer[..cut]), None);
        }
        answer[HEADER + 1] = LISTEN;
        assert_eq!(read(&answer), None);
        (answer[4], answer[HEADER + 1]) = (2, 1);
        assert_eq!(read(&answer), None);
    }
}
