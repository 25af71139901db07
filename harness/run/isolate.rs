//! A run in the sandbox: its sockets, and what is seen of packets that go elsewhere.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::os::fd::OwnedFd;

use tokio::net::UdpSocket;

use super::Order;
use crate::clock::Clock;
use crate::event::What;
use crate::log::Log;
use crate::sandbox::packets::{self, Packet};
use crate::sandbox::why::Refused;
use crate::sandbox::{How, Inside, ORIGIN, Plan, Port, open};
use crate::start::{Made, Running, Setup, start_on};
use crate::world::{Listener, Many, adopt};

/// Ports on which a connection to any address at all is taken, as the origin. Elsewhere a SYN is
/// seen, and refused.
pub(super) const TAKEN: [u16; 2] = [80, 443];
/// Different things that are written down of packets.
const MOST: usize = 1000;

/// A sandbox with a scenario in it, before the command is started.
pub(super) struct Isolated {
    pub running: Running,
    pub command: (Inside, tokio::process::Child),
    /// They see packets: IPv4, IPv6.
    pub sights: Vec<UdpSocket>,
}

/// Opens a sandbox and starts the scenario in it.
pub(super) async fn start(order: &Order, setup: &Setup) -> anyhow::Result<Isolated> {
    let origin = match setup.direct {
        Some(at) if !at.ip().is_loopback() => SocketAddr::new(at.ip(), 443),
        _ => SocketAddr::from((ORIGIN, 443)),
    };
    let mut ports = vec![Port::new(setup.listen, How::Listen)];
    let all = IpAddr::from(Ipv6Addr::UNSPECIFIED);
    ports.extend(TAKEN.map(|port| Port::new(SocketAddr::new(all, port), How::Listen)));
    let plan = Plan { ports, ..Plan::default() };
    let hosts = [(IpAddr::from(ORIGIN), "target.badproxy.test".to_owned())];
    let opened = open(plan, &hosts).await.map_err(RefusedError)?;
    let mut fds = opened.fds.into_iter();
    let mut listeners = Vec::new();
    for fd in fds.by_ref().take(opened.at.len()) {
        listeners.push(adopt(fd)?);
    }
    let sights = fds.map(sight).collect::<Result<_, _>>()?;
    let around = listeners.split_off(1);
    let proxy = Listener::Many(Many::new(listeners, Clock::Real));
    let made = Made {
        proxy: (proxy, opened.at[0]),
        direct: (Listener::Many(Many::new(around, Clock::Real)), origin),
        name: None,
    };
    let running = start_on(order.scenario.clone(), setup, made)?;
    Ok(Isolated { running, command: (opened.inside, opened.child), sights })
}

/// To tokio a socket that gives datagrams is a UDP socket.
fn sight(fd: OwnedFd) -> std::io::Result<UdpSocket> {
    UdpSocket::from_std(std::net::UdpSocket::from(fd))
}

/// Why there is no sandbox, as an error.
#[derive(Debug)]
struct RefusedError(Refused);

impl std::fmt::Display for RefusedError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for RefusedError {}

/// Writes down what goes neither to the proxy nor to the command's own loopback, until it is
/// dropped. Each destination once.
pub(super) async fn watch(sight: UdpSocket, log: Log) {
    let mut seen = HashSet::new();
    let mut bytes = [0; 2048];
    while let Ok(n) = sight.recv(&mut bytes).await {
        let Some(packet) = packets::read(&bytes[..n]) else { continue };
        let (proto, to) = match packet {
            Packet::Syn { to, .. } => ("tcp", to),
            Packet::Datagram { to } => ("udp", to),
        };
        let taken = proto == "tcp" && TAKEN.contains(&to.port());
        if to.ip().is_loopback() || taken || seen.len() >= MOST || !seen.insert((proto, to)) {
            continue;
        }
        let likely = if proto == "tcp" { "a connection" } else { packets::likely(to.port()) };
        log.note(None, What::Egress { proto, dst: to.to_string(), likely });
    }
}
