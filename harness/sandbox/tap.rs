//! The socket through which segments between client and proxy pass, and what takes them off their
//! own way: a filter at the entrance of `lo` (tc(8), clsact and cls_bpf, by netlink).

use std::io;

use socket2::{Domain, Protocol, Socket, Type};

use super::filter::{Op, WHOLE, only, segments};
use super::net::{Kernel, LO, attribute};

/// Every packet, before that filter has seen it (linux/if_ether.h).
const ETH_P_ALL: u16 = 0x0003;
/// What the socket sends has this mark.
const OURS: u32 = 1;
/// Room for what comes while this process does something else; the system gives what it allows.
const ROOM: usize = 8 << 20;

const RTM_NEWQDISC: u16 = 36;
const RTM_NEWTFILTER: u16 = 44;
const CLSACT: u32 = 0xffff_fff1;
const INGRESS: u32 = 0xffff_fff2;
/// TC_ACT_SHOT: the packet is dropped.
const SHOT: u32 = 2;

/// The socket. It sees segments from and to this port, and what it sends is not among them.
pub(super) fn socket(port: u16) -> io::Result<Socket> {
    let protocol = Protocol::from(i32::from(ETH_P_ALL.to_be()));
    let socket = Socket::new(Domain::PACKET, Type::DGRAM, Some(protocol))?;
    only(&socket, &segments(port, WHOLE))?;
    socket.set_recv_buffer_size(ROOM)?;
    socket.set_mark(OURS)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Takes them off `lo`: only what the socket sends arrives.
pub(super) fn take(port: u16) -> io::Result<()> {
    let kernel = Kernel::new()?;
    kernel.ask(RTM_NEWQDISC, &discipline())?;
    kernel.ask(RTM_NEWTFILTER, &filter(&segments(port, SHOT)))
}

/// `struct tcmsg`.
fn message(handle: u32, parent: u32, info: u32) -> Vec<u8> {
    let words = [0, LO, handle, parent, info];
    words.iter().flat_map(|word| word.to_ne_bytes()).collect()
}

/// TCA_KIND.
fn discipline() -> Vec<u8> {
    let mut body = message(0xffff_0000, CLSACT, 0);
    attribute(&mut body, 1, b"clsact\0");
    body
}

/// TCA_KIND, and in TCA_OPTIONS: TCA_BPF_OPS_LEN, TCA_BPF_OPS, and TCA_BPF_FLAGS, that what the
/// program gives is what is done.
fn filter(program: &[Op]) -> Vec<u8> {
    let mut body = message(0, INGRESS, 1 << 16 | u32::from(ETH_P_ALL.to_be()));
    attribute(&mut body, 1, b"bpf\0");
    let op =
        |&(code, yes, no, k): &Op| [&code.to_ne_bytes()[..], &[yes, no], &k.to_ne_bytes()].concat();
    let ops: Vec<u8> = program.iter().flat_map(op).collect();
    let mut options = Vec::new();
    attribute(&mut options, 4, &(program.len() as u16).to_ne_bytes());
    attribute(&mut options, 5, &ops);
    attribute(&mut options, 8, &1_u32.to_ne_bytes());
    attribute(&mut body, 2, &options);
    body
}
