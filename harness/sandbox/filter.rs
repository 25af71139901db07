//! Classic BPF programs on a socket: packets that it does not get. Needs CAP_NET_ADMIN in the
//! socket's network namespace, which whoever made the sandbox has.

use std::io;
use std::os::fd::AsFd;

use socket2::{SockFilter, SockRef};

/// `ret #k`: take so many bytes of the packet.
const RETURN: u16 = 0x06;
/// `ld [k]`: a word of the packet, or an extension.
const LOAD: u16 = 0x20;
/// `jge #k`.
const AT_LEAST: u16 = 0x35;
/// The extension that gives a random word (SKF_AD_OFF + SKF_AD_RANDOM).
const RANDOM: u32 = 0xffff_f000 + 56;
/// Every byte of a packet.
const WHOLE: u32 = 0x4_0000;

/// From now on the socket gets no packet: it acknowledges nothing and answers nothing.
///
/// # Errors
///
/// `PermissionDenied` outside the sandbox.
pub fn drop_all(socket: &impl AsFd) -> io::Result<()> {
    SockRef::from(socket).attach_filter(&[SockFilter::new(RETURN, 0, 0, 0)])
}

/// From now on each packet to the socket is lost with this chance, 0 to 1, by the kernel's dice.
/// Connections that a listening socket accepts have the same filter.
///
/// # Errors
///
/// `PermissionDenied` outside the sandbox.
pub fn lose(socket: &impl AsFd, chance: f64) -> io::Result<()> {
    let below = (chance.clamp(0.0, 1.0) * f64::from(u32::MAX)) as u32;
    SockRef::from(socket).attach_filter(&[
        SockFilter::new(LOAD, 0, 0, RANDOM),
        SockFilter::new(AT_LEAST, 0, 1, below),
        SockFilter::new(RETURN, 0, 0, WHOLE),
        SockFilter::new(RETURN, 0, 0, 0),
    ])
}
