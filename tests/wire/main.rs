//! Names do not lie: each effect is met by a plain std socket, which knows nothing of this
//! project, and has to be what it is called: RST, FIN, refused, unanswered, silent.

mod auth;
mod by_whom;
mod ceilings;
mod certs;
mod claims;
mod counted;
mod dns;
mod dns_pipelined;
mod doh;
mod effects;
mod ends;
mod fragments;
#[path = "../support/h2.rs"]
#[allow(dead_code, reason = "each target needs a part of it")]
mod frames;
mod h2;
mod h2_proxy;
mod h2_unspoken;
mod http;
mod inside;
#[path = "../support/login.rs"]
mod login;
mod met;
mod origin;
mod pac;
mod passed_on;
mod proxy;
mod quiet;
mod range;
mod resolve;
mod searched;
mod socks;
mod tcp;
mod tls;
mod tls_faults;
mod when;
mod ws;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use quiet::{End, read_all, read_for};

/// Reads exactly until this text has come.
fn read_until(socket: &mut TcpStream, text: &str) -> String {
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut got = Vec::new();
    while !String::from_utf8_lossy(&got).contains(text) {
        let mut byte = [0; 1];
        let n = socket.read(&mut byte).unwrap();
        assert!(n > 0, "closed after {:?}", String::from_utf8_lossy(&got));
        got.push(byte[0]);
    }
    String::from_utf8(got).unwrap()
}

/// How many segments with data a socket has got, as the kernel counts them (TCP_INFO): at most as
/// many as were sent. What two writes send can come in one read, so that no number of reads tells.
/// None where there is no `ss`.
fn segments(socket: &TcpStream) -> Option<u32> {
    let (ours, theirs) = (socket.local_addr().unwrap().port(), socket.peer_addr().unwrap().port());
    let filter = format!("sport = :{ours} and dport = :{theirs}");
    let Ok(said) = Command::new("ss").args(["-tinH", &filter]).output() else {
        let wanted = cfg!(target_os = "linux") && std::env::var("CI").as_deref() == Ok("true");
        assert!(!wanted, "ss is missing (iproute2)");
        eprintln!("skipped: ss is missing");
        return None;
    };
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(text.contains(" segs_in:"), "nothing is said of this socket: {text:?}");
    // None are left out.
    let count = text.split_once("data_segs_in:").and_then(|(_, rest)| rest.split(' ').next());
    Some(count.map_or(0, |count| count.trim().parse().unwrap()))
}

const CONNECT: &[u8] =
    b"CONNECT target.badproxy.test:80 HTTP/1.1\r\nHost: target.badproxy.test:80\r\n\r\n";

/// Opens a tunnel to the origin's plain side.
fn tunnel(proxy: &proxy::Proxy) -> TcpStream {
    let mut socket = proxy.connect();
    socket.write_all(CONNECT).unwrap();
    let reply = read_until(&mut socket, "\r\n\r\n");
    assert!(reply.starts_with("HTTP/1.1 200 "), "{reply}");
    socket
}
