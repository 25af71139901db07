//! A run in the sandbox: its sockets, and what is seen of packets that go elsewhere.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::sync::Arc;

use tokio::net::UdpSocket;

use super::Order;
use crate::clock::Clock;
use crate::dns::Sockets;
use crate::door::{Door, door};
use crate::event::What;
use crate::log::Log;
use crate::pac::script::WPAD_NAME;
use crate::sandbox::packets::{self, Packet};
use crate::sandbox::why::Refused;
use crate::sandbox::{How, Inside, Link, ORIGIN, PROXY, Plan, Port, open, serve};
use crate::scenario::Scenario;
use crate::stage::Stage;
use crate::start::{Made, Running, Setup, start_on};
use crate::world::{Listener, Many, Syn, adopt};

/// Ports on which a connection to any address at all is taken, as the origin. Elsewhere a SYN is
/// seen, and refused.
pub(super) const TAKEN: [u16; 2] = [80, 443];
/// Where the command's resolv.conf says that the name server is, on UDP and TCP.
const DNS: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 53);
/// The proxy's address when no route leads to it and the scenario names none.
const FAR: [u8; 4] = [198, 51, 100, 1];
/// Where the server of the PAC file is, and where nobody is: loopback, as the proxy's own address.
const PAC: [u8; 4] = [127, 0, 0, 2];
const DEAD: [u8; 4] = [127, 0, 0, 3];
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
    let mut addresses: Vec<IpAddr> =
        order.scenario.proxy.addresses.iter().map(|address| address.0).collect();
    // Loopback can always be reached.
    if addresses.is_empty() && door(&order.scenario, None, None).syn == Syn::Unreachable {
        addresses.push(IpAddr::from(FAR));
    }
    let doors: Vec<(SocketAddr, Door)> = match addresses.as_slice() {
        [] => vec![(setup.listen, door(&order.scenario, setup.scale, None))],
        some => some
            .iter()
            .map(|ip| (SocketAddr::new(*ip, 0), door(&order.scenario, setup.scale, Some(*ip))))
            .collect(),
    };
    let mut ports: Vec<Port> = doors.iter().map(|(at, door)| port(*at, door)).collect();
    let all = IpAddr::from(Ipv6Addr::UNSPECIFIED);
    ports.extend(TAKEN.map(|port| Port::new(SocketAddr::new(all, port), How::Listen)));
    let pac = if order.scenario.has_pac() { 2 } else { 0 };
    let at_pac = if order.scenario.has_wpad() { 80 } else { 0 };
    let of_pac = [(PAC, at_pac, How::Listen), (DEAD, 0, How::Refuse)].into_iter().take(pac);
    ports.extend(of_pac.map(|(ip, port, how)| Port::new(SocketAddr::from((ip, port)), how)));
    let dns_tcp = order.scenario.dns.as_ref().map_or(Syn::Answer, |dns| dns.tcp.syn());
    ports.extend([how(dns_tcp), How::Udp].map(|how| Port::new(DNS, how)));
    let far = doors.iter().filter(|(_, door)| door.syn == Syn::Unreachable);
    let unreachable = far.map(|(at, _)| at.ip()).collect();
    let tap = Link::tap(&doors);
    let plan = Plan { ports, unreachable, tap, ..Plan::default() };
    let wpad = order.scenario.has_wpad().then_some(IpAddr::from(PAC));
    // A name in there is never asked for.
    let mut hosts = Vec::new();
    if !order.scenario.has_dns() {
        hosts = targets(order, setup, origin.ip());
        hosts.extend(addresses.iter().map(|ip| (*ip, PROXY.to_owned())));
        hosts.extend(wpad.map(|ip| (ip, WPAD_NAME.to_owned())));
    }
    let opened = open(plan, &hosts).await.map_err(RefusedError)?;
    let mut fds = opened.fds.into_iter();
    let mut listeners = Vec::new();
    let syns = doors.iter().map(|(_, door)| door.syn).chain([Syn::Answer; TAKEN.len()]);
    let syns = syns.chain([Syn::Answer, Syn::Refuse(None)].into_iter().take(pac));
    let here = doors.len() + TAKEN.len() + pac;
    for (fd, syn) in fds.by_ref().zip(syns).take(here) {
        listeners.push(adopt(fd, syn)?);
    }
    let (Some(tcp), Some(udp)) = (fds.next(), fds.next()) else {
        anyhow::bail!("the sandbox has come back without its name server's sockets");
    };
    let sights = fds.by_ref().take(2).map(sight).collect::<Result<_, _>>()?;
    let pac = listeners.split_off(doors.len() + TAKEN.len());
    let around = listeners.split_off(doors.len());
    let proxy = Listener::Many(Many::new(listeners, Clock::Real));
    let made = Made {
        proxy: (proxy, opened.at[0]),
        direct: (Listener::Many(Many::new(around, Clock::Real)), origin),
        name: (!addresses.is_empty()).then(|| PROXY.to_owned()),
    };
    let mut running = start_on(order.scenario.clone(), setup, made)?;
    if let Some(tap) = fds.next() {
        let link = Link::new(running.address.port(), &doors, running.shared.seed);
        running.shared.spawn(serve(sight(tap)?, link, running.shared.log.clone()));
    }
    if addresses.is_empty() {
        addresses.push(running.address.ip());
    }
    let (udp, tcp) = (udp.into(), adopt(tcp, dns_tcp)?);
    running.serve_dns_on(Sockets { udp, tcp, proxy: addresses, origin: origin.ip(), wpad })?;
    let mut pac = pac.into_iter().zip(opened.at.iter().copied().skip(doors.len() + TAKEN.len()));
    if let (Some(server), Some(dead)) = (pac.next(), pac.next()) {
        running.serve_pac_on(server, dead);
    }
    Ok(Isolated { running, command: (opened.inside, opened.child), sights })
}

/// What the command may resolve itself: every name that the origin answers for leads to it, so that
/// a connection around the proxy is seen.
fn targets(order: &Order, setup: &Setup, origin: IpAddr) -> Vec<(IpAddr, String)> {
    let url = order.scenario.target();
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or_default();
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    let names = [host, "target.badproxy.test"].map(str::to_owned).into_iter();
    let names = names.chain(order.scenario.origin.names.clone()).chain(setup.names.clone());
    // A pattern is no name, and an address needs none.
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let mut all: Vec<String> = names
        .filter(|name| name.chars().all(plain) && name.parse::<IpAddr>().is_err())
        .filter(|name| !name.is_empty() && name != "localhost")
        .collect();
    all.sort();
    all.dedup();
    all.into_iter().map(|name| (origin, name)).collect()
}

fn how(syn: Syn) -> How {
    match syn {
        Syn::Answer => How::Listen,
        Syn::Refuse(_) | Syn::Unreachable => How::Refuse,
        Syn::Blackhole(_) => How::Drop,
    }
}

fn port(at: SocketAddr, door: &Door) -> Port {
    let how = how(door.syn);
    // An address without a route cannot be bound to. The port is kept, elsewhere.
    let at = match door.syn {
        Syn::Unreachable => SocketAddr::from(([127, 0, 0, 1], at.port())),
        _ => at,
    };
    Port { mss: door.mss, window: door.window, ..Port::new(at, how) }
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
pub(super) async fn watch(sight: UdpSocket, mut eye: Eye) {
    let (mut seen, mut told) = (HashSet::new(), 0);
    let mut bytes = [0; 2048];
    while let Ok(n) = sight.recv(&mut bytes).await {
        let Some(packet) = packets::read(&bytes[..n]) else { continue };
        if let Packet::Syn { from, to } = packet
            && eye.dialled(from, to)
        {
            continue;
        }
        let (proto, to) = match packet {
            Packet::Syn { to, .. } => ("tcp", to),
            Packet::Datagram { to } => ("udp", to),
        };
        let taken = proto == "tcp" && TAKEN.contains(&to.port());
        if proto == "udp" && !to.ip().is_loopback() && told < MOST {
            let secret_seen = eye.log.secrets().seen_in(&bytes[..n]);
            if !secret_seen.is_empty() {
                told += 1;
                let place = "datagram around the proxy";
                eye.log.note(None, What::SecretSeen { place, secret_seen });
            }
        }
        if to.ip().is_loopback() || taken || seen.len() >= MOST || !seen.insert((proto, to)) {
            continue;
        }
        let likely = if proto == "tcp" { "a connection" } else { packets::likely(to.port()) };
        eye.log.note(None, What::Egress { proto, dst: to.to_string(), likely });
    }
}

/// Sees who dials the proxy.
pub(super) struct Eye {
    log: Log,
    scenario: Arc<Scenario>,
    named: bool,
    port: u16,
    address: SocketAddr,
    /// Where a PAC file's dead proxy is.
    dead: Option<SocketAddr>,
    seen: HashSet<(SocketAddr, SocketAddr)>,
}

impl Eye {
    /// Of this run.
    pub(super) fn new(running: &Running) -> Self {
        Eye {
            log: running.shared.log.clone(),
            scenario: running.scenario(),
            named: running.name.is_some(),
            port: running.address.port(),
            address: running.address,
            dead: running.pac.as_ref().map(|pac| pac.dead),
            seen: HashSet::new(),
        }
    }

    /// A SYN to the name server, which is written down where it gets no SYN-ACK; once, not its
    /// repetitions.
    fn asks(&mut self, from: SocketAddr) -> bool {
        let state = match self.scenario.dns.as_ref().map_or(Syn::Answer, |dns| dns.tcp.syn()) {
            Syn::Refuse(_) => "refused",
            Syn::Blackhole(_) => "SYN-SENT",
            Syn::Answer | Syn::Unreachable => return true,
        };
        if self.seen.len() < 10_000 && self.seen.insert((from, DNS)) {
            self.log.note(None, What::SynSeen { listener: "dns", state });
        }
        true
    }

    /// Whether this SYN is for the proxy, or for the name server. One that is not answered is written down, not its
    /// repetitions.
    fn dialled(&mut self, from: SocketAddr, to: SocketAddr) -> bool {
        if to == DNS {
            return self.asks(from);
        }
        if Some(to) == self.dead {
            if self.seen.len() < 10_000 && self.seen.insert((from, to)) {
                self.log.note(None, What::SynSeen { listener: "dead", state: "refused" });
            }
            return true;
        }
        let ours = match self.named {
            true => {
                let addresses = &self.scenario.proxy.addresses;
                to.port() == self.port && addresses.iter().any(|address| address.0 == to.ip())
            }
            false => to == self.address,
        };
        if !ours {
            return false;
        }
        let door = door(&self.scenario, None, Some(to.ip()));
        let (state, effect, time, did, audible) = match door.syn {
            Syn::Refuse(time) => ("refused", "refuse", time, "answers the SYN with a RST", true),
            Syn::Blackhole(time) => {
                ("SYN-SENT", "blackhole", time, "leaves the SYN unanswered", false)
            }
            Syn::Answer | Syn::Unreachable => return true,
        };
        let over = time.is_some_and(|time| self.log.start().elapsed() >= time);
        if over || self.seen.len() >= 10_000 || !self.seen.insert((from, to)) {
            return true;
        }
        let did = if self.named { format!("{did} at {}", to.ip()) } else { did.to_owned() };
        self.log.note(None, What::SynSeen { listener: "proxy", state });
        self.log.note(None, What::Fault { rule: door.rule, at: Stage::Syn, effect, did, audible });
        true
    }
}
