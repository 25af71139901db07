//! netlink(7) (Linux): the kernel's own sockets, and the head of a message to them.

use std::io;

use socket2::{Domain, Protocol, Socket, Type};

const AF_NETLINK: i32 = 16;

/// The length of the head, `struct nlmsghdr`.
pub(crate) const HEADER: usize = 16;

/// A socket to this part of the kernel, e.g. 0 for NETLINK_ROUTE.
pub(crate) fn open(protocol: i32) -> io::Result<Socket> {
    Socket::new(Domain::from(AF_NETLINK), Type::RAW, Some(Protocol::from(protocol)))
}

/// A message of this kind.
pub(crate) fn message(kind: u16, flags: u16, body: &[u8]) -> Vec<u8> {
    let mut message = Vec::new();
    message.extend(((HEADER + body.len()) as u32).to_ne_bytes());
    message.extend(kind.to_ne_bytes());
    message.extend(flags.to_ne_bytes());
    // Neither a number nor a port of its own.
    message.extend([0; 8]);
    message.extend(body);
    message
}
