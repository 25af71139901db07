//! The network of the sandbox, by netlink (rtnetlink(7)), so that no tool has to be installed:
//! `lo` is up, and every address there is leads to it. So a packet to any address at all is
//! delivered here, where it is seen.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use socket2::Socket;

use super::plan::{Plan, Tap};
use crate::netlink;

/// The address that connections come from, so that resolvers see IPv4 as configured.
pub(super) const SOURCE_V4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
/// The same in IPv6 (RFC 3849).
pub(super) const SOURCE_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);

/// `lo` is the first interface of every network namespace.
pub(super) const LO: u32 = 1;
const NETLINK_ROUTE: i32 = 0;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
const RTM_NEWLINK: u16 = 16;
const RTM_NEWADDR: u16 = 20;
const RTM_NEWROUTE: u16 = 24;
/// The kernel's answer: an error number, 0 for none.
const NLMSG_ERROR: u16 = 2;
/// REQUEST and ACK.
const CHANGE: u16 = 0x001 | 0x004;
/// And CREATE and REPLACE.
const SET: u16 = CHANGE | 0x400 | 0x100;
const RTN_LOCAL: u8 = 2;
const RTN_UNREACHABLE: u8 = 7;
/// Looked into before all others.
const TABLE_LOCAL: u8 = 255;

/// Makes it.
pub(super) fn up(plan: &Plan) -> io::Result<()> {
    let kernel = Kernel::new()?;
    kernel.ask(RTM_NEWLINK, &link())?;
    if plan.ports.iter().any(|port| port.mss.is_some()) || plan.tap != Tap::None {
        kernel.ask(RTM_NEWLINK, &one_by_one())?;
    }
    if plan.tap != Tap::None {
        kernel.ask(RTM_NEWLINK, &by_hand())?;
    }
    kernel.ask(RTM_NEWADDR, &address(SOURCE_V4.into()))?;
    kernel.ask(RTM_NEWROUTE, &everywhere(SOURCE_V4.into()))?;
    // A kernel without IPv6 has nowhere else to send it.
    let v6 = kernel.ask(RTM_NEWADDR, &address(SOURCE_V6.into())).is_ok();
    if v6 {
        kernel.ask(RTM_NEWROUTE, &everywhere(SOURCE_V6.into()))?;
    }
    for ip in plan.unreachable.iter().filter(|ip| ip.is_ipv4() || v6) {
        kernel.ask(RTM_NEWROUTE, &nowhere(*ip))?;
    }
    Ok(())
}

/// The kernel's end of netlink.
pub(super) struct Kernel(Socket);

impl Kernel {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Kernel(netlink::open(NETLINK_ROUTE)?))
    }

    /// Asks for a change, and gives what it says.
    pub(super) fn ask(&self, kind: u16, body: &[u8]) -> io::Result<()> {
        let flags = if kind == RTM_NEWLINK { CHANGE } else { SET };
        self.0.send(&netlink::message(kind, flags, body))?;
        let mut answer = [0; 4096];
        let n = io::Read::read(&mut &self.0, &mut answer)?;
        match errno(&answer[..n]) {
            Some(0) => Ok(()),
            Some(errno) => Err(io::Error::from_raw_os_error(errno)),
            None => Err(io::Error::other("an answer of the kernel that is none")),
        }
    }
}

fn errno(answer: &[u8]) -> Option<i32> {
    let kind = u16::from_ne_bytes(answer.get(4..6)?.try_into().ok()?);
    let errno = i32::from_ne_bytes(answer.get(16..20)?.try_into().ok()?);
    (kind == NLMSG_ERROR).then_some(-errno)
}

/// `struct ifinfomsg`: the flag UP.
fn link() -> Vec<u8> {
    let mut body = vec![0; 4];
    body.extend(LO.to_ne_bytes());
    body.extend([1_u32.to_ne_bytes(), 1_u32.to_ne_bytes()].concat());
    body
}

/// IFLA_GSO_MAX_SEGS: each segment is a packet. Without it `lo` passes several on as one.
fn one_by_one() -> Vec<u8> {
    let mut body = link();
    attribute(&mut body, 40, &1_u32.to_ne_bytes());
    body
}

/// IFLA_AF_SPEC, AF_INET, IFLA_INET_CONF: accept_local and route_localnet. A packet from a packet
/// socket has no route yet, and gets one as if it had come from outside.
fn by_hand() -> Vec<u8> {
    let (mut conf, mut inet, mut spec) = (Vec::new(), Vec::new(), Vec::new());
    attribute(&mut conf, 23, &1_u32.to_ne_bytes());
    attribute(&mut conf, 26, &1_u32.to_ne_bytes());
    attribute(&mut inet, 1, &conf);
    attribute(&mut spec, u16::from(AF_INET), &inet);
    let mut body = link();
    attribute(&mut body, 26, &spec);
    body
}

/// `struct ifaddrmsg`, IFA_ADDRESS and IFA_LOCAL.
fn address(ip: IpAddr) -> Vec<u8> {
    // NODAD: nobody else is asked whether it is theirs.
    let mut body = vec![family(ip), bits(ip), 0x02, 0];
    body.extend(LO.to_ne_bytes());
    attribute(&mut body, 1, &octets(ip));
    attribute(&mut body, 2, &octets(ip));
    body
}

/// `struct rtmsg`: everything is local, and answers from there come from `source`.
fn everywhere(source: IpAddr) -> Vec<u8> {
    // 4: static; 254: scope host.
    let mut body = vec![family(source), 0, 0, 0, TABLE_LOCAL, 4, 254, RTN_LOCAL, 0, 0, 0, 0];
    attribute(&mut body, 4, &LO.to_ne_bytes());
    attribute(&mut body, 7, &octets(source));
    body
}

/// `struct rtmsg`: no route to this address.
fn nowhere(ip: IpAddr) -> Vec<u8> {
    let mut body = vec![family(ip), bits(ip), 0, 0, TABLE_LOCAL, 4, 0, RTN_UNREACHABLE, 0, 0, 0, 0];
    attribute(&mut body, 1, &octets(ip));
    body
}

/// `struct rtattr` and its value, filled up to four bytes.
pub(super) fn attribute(body: &mut Vec<u8>, kind: u16, value: &[u8]) {
    body.extend((4 + value.len() as u16).to_ne_bytes());
    body.extend(kind.to_ne_bytes());
    body.extend(value);
    body.resize(body.len().next_multiple_of(4), 0);
}

fn family(ip: IpAddr) -> u8 {
    if ip.is_ipv4() { AF_INET } else { AF_INET6 }
}

fn bits(ip: IpAddr) -> u8 {
    if ip.is_ipv4() { 32 } else { 128 }
}

fn octets(ip: IpAddr) -> Vec<u8> {
    match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    }
}
