//! Classic BPF programs on a socket: packets that it does not get. Needs CAP_NET_ADMIN in the
//! socket's network namespace, which whoever made the sandbox has.

use std::io;
use std::os::fd::AsFd;

use socket2::{SockFilter, SockRef};

/// `ret #k`: take so many bytes of the packet.
const RETURN: u16 = 0x06;
/// `ld [k]`, `ldh [k]`, `ldb [k]`: a word of the packet, two bytes, one; or an extension.
const LOAD: u16 = 0x20;
const LOAD_TWO: u16 = 0x28;
const LOAD_ONE: u16 = 0x30;
/// `ldh [x + k]`.
const LOAD_TWO_AT_X: u16 = 0x48;
/// `ldx #k`, `ldx 4*([k]&0xf)`.
const SET_X: u16 = 0x01;
const SET_X_LENGTH: u16 = 0xb1;
/// `ja k`, `jeq #k`.
const JUMP: u16 = 0x05;
const IS: u16 = 0x15;
/// The extensions for the protocol, the kind (0: for this host) and the mark of a packet.
const PROTOCOL: u32 = 0xffff_f000;
const KIND: u32 = 0xffff_f000 + 4;
const MARK: u32 = 0xffff_f000 + 20;
/// Where the IP header begins, whatever is before it (SKF_NET_OFF).
const IP: u32 = 0xfff0_0000;
/// Every byte of a packet.
pub(super) const WHOLE: u32 = 0x4_0000;

/// From now on the socket gets no packet: it acknowledges nothing and answers nothing.
///
/// # Errors
///
/// `PermissionDenied` outside the sandbox.
pub fn drop_all(socket: &impl AsFd) -> io::Result<()> {
    SockRef::from(socket).attach_filter(&[SockFilter::new(RETURN, 0, 0, 0)])
}

/// One instruction: code, how far to jump if so and if not, k.
pub(super) type Op = (u16, u8, u8, u32);

/// A program that says `take` of TCP segments from and to this port, and 0 of all else
/// and of what has a mark: that was sent by ourselves. For a packet socket and for tc alike.
pub(super) fn segments(port: u16, take: u32) -> [Op; 20] {
    let port = u32::from(port);
    [
        (LOAD, 0, 0, MARK),
        (IS, 0, 17, 0),
        (LOAD_ONE, 0, 0, KIND),
        (IS, 0, 15, 0),
        (LOAD_TWO, 0, 0, PROTOCOL),
        (IS, 0, 4, 0x0800),
        (LOAD_ONE, 0, 0, IP + 9),
        (IS, 0, 11, 6),
        (SET_X_LENGTH, 0, 0, IP),
        (JUMP, 0, 0, 4),
        (IS, 0, 8, 0x86dd),
        (LOAD_ONE, 0, 0, IP + 6),
        (IS, 0, 6, 6),
        (SET_X, 0, 0, 40),
        (LOAD_TWO_AT_X, 0, 0, IP),
        (IS, 2, 0, port),
        (LOAD_TWO_AT_X, 0, 0, IP + 2),
        (IS, 0, 1, port),
        (RETURN, 0, 0, take),
        (RETURN, 0, 0, 0),
    ]
}

/// From now on the socket gets only what such a program takes.
pub(super) fn only(socket: &impl AsFd, program: &[Op]) -> io::Result<()> {
    let program: Vec<SockFilter> =
        program.iter().map(|&(code, yes, no, k)| SockFilter::new(code, yes, no, k)).collect();
    SockRef::from(socket).attach_filter(&program)
}
