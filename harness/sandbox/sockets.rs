//! The sockets of the sandbox, made inside by the helper.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;

use socket2::{Domain, Protocol, Socket, Type};

use super::plan::{How, Plan, Port, Tap};
use super::{filter, tap};

/// Connections that wait to be accepted.
const BACKLOG: i32 = 1024;
/// Packets of this kind that arrive (linux/if_ether.h).
const ETH_P_IP: u16 = 0x0800;
const ETH_P_IPV6: u16 = 0x86dd;

/// Makes all of them; the two that see packets come behind them, and then the tap, if there is one.
pub(super) fn make(plan: &Plan) -> io::Result<(Vec<SocketAddr>, Vec<OwnedFd>)> {
    let (mut at, mut fds) = (Vec::new(), Vec::new());
    let mut chosen = 0;
    for port in &plan.ports {
        let mut wanted = port.at;
        let tcp = port.how != How::Udp;
        if wanted.port() == 0 && tcp {
            wanted.set_port(chosen);
        }
        let (socket, got) = match one(port, wanted) {
            // Without IPv6, all addresses of IPv4 are all there are.
            Err(_) if wanted.ip().is_unspecified() && wanted.is_ipv6() => {
                one(port, SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), wanted.port()))?
            }
            made => made?,
        };
        if port.at.port() == 0 && tcp {
            chosen = got.port();
        }
        at.push(got);
        fds.push(OwnedFd::from(socket));
    }
    for kind in [ETH_P_IP, ETH_P_IPV6] {
        let protocol = Protocol::from(i32::from(kind.to_be()));
        let socket = Socket::new(Domain::PACKET, Type::DGRAM, Some(protocol))?;
        socket.set_nonblocking(true)?;
        fds.push(OwnedFd::from(socket));
    }
    if plan.tap != Tap::None {
        fds.push(OwnedFd::from(tap::socket(at.first().map_or(0, SocketAddr::port))?));
    }
    Ok((at, fds))
}

fn one(port: &Port, at: SocketAddr) -> io::Result<(Socket, SocketAddr)> {
    let domain = Domain::for_address(at);
    let socket = match port.how {
        How::Udp => Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?,
        _ => Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?,
    };
    if at.is_ipv6() {
        socket.set_only_v6(!at.ip().is_unspecified())?;
        // Every address is local here, but for IPv6 only those on an interface can be bound to.
        socket.set_freebind_v6(true)?;
    }
    if port.how != How::Udp {
        socket.set_reuse_address(true)?;
        // Beside a socket that takes all addresses there may be one of an address of its own.
        socket.set_reuse_port(port.at.port() != 0)?;
        socket.set_tcp_nodelay(true)?;
        if let Some(mss) = port.mss {
            socket.set_tcp_mss(mss)?;
        }
    }
    if let Some(bytes) = port.window {
        socket.set_recv_buffer_size(bytes as usize)?;
    }
    socket.bind(&at.into())?;
    if port.how == How::Drop {
        filter::drop_all(&socket)?;
    }
    if matches!(port.how, How::Listen | How::Drop) {
        socket.listen(BACKLOG)?;
    }
    socket.set_nonblocking(true)?;
    let got = socket.local_addr()?.as_socket();
    Ok((socket, got.ok_or_else(|| io::Error::other("the socket has no IP address"))?))
}
