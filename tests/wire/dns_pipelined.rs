//! Queries that share a connection (RFC 7766, section 6.2.1.1): each is answered when its answer is
//! ready, and not after those before it.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use crate::dns::{A, PROXY, query};
use crate::h2::tls;
use crate::proxy::Proxy;
use crate::{End, read_all};

const AAAA: u16 = 28;

/// Queries behind their lengths; their ids are 1, 2, 3.
fn queries(kinds: &[u16]) -> Vec<u8> {
    let framed = |(index, kind): (usize, &u16)| {
        let mut bytes = query(PROXY, *kind, None);
        bytes[..2].copy_from_slice(&(index as u16 + 1).to_be_bytes());
        [&(bytes.len() as u16).to_be_bytes()[..], &bytes].concat()
    };
    kinds.iter().enumerate().flat_map(framed).collect()
}

/// The id of the next answer.
fn answer(stream: &mut impl Read) -> u16 {
    let mut length = [0; 2];
    stream.read_exact(&mut length).unwrap();
    let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut message).unwrap();
    u16::from_be_bytes([message[0], message[1]])
}

fn started(transport: &str, effect: &str) -> (Proxy, TcpStream) {
    let when = format!("{{type: AAAA, transport: {transport}}}");
    let proxy = Proxy::start(&format!("rules: [{{at: dns, when: {when}, do: {effect}}}]\n"));
    let socket = TcpStream::connect(proxy.dns.unwrap()).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    (proxy, socket)
}

#[test]
fn an_answer_that_never_comes_holds_back_no_other() {
    let (proxy, mut socket) = started("tcp", "hang");
    socket.write_all(&queries(&[AAAA, A, A])).unwrap();
    assert_eq!((answer(&mut socket), answer(&mut socket)), (2, 3));
    assert_eq!(read_all(&mut socket), (vec![], End::Silence));
    // Nor one that is asked for later.
    socket.write_all(&queries(&[A])).unwrap();
    assert_eq!(answer(&mut socket), 1);
    drop(socket);
    proxy.wait_for("tcp:closed", "\"by\":\"client\"");
}

#[test]
fn a_slow_answer_comes_behind_a_quick_one() {
    let (_proxy, mut socket) = started("tcp", "{delay: 1s}");
    socket.write_all(&queries(&[AAAA, A])).unwrap();
    // Who has half-closed gets both, and then a FIN.
    socket.shutdown(Shutdown::Write).unwrap();
    assert_eq!((answer(&mut socket), answer(&mut socket)), (2, 1));
    assert_eq!(read_all(&mut socket), (vec![], End::Fin));
}

#[test]
fn inside_tls_too() {
    let (proxy, socket) = started("dot", "{delay: 1s}");
    let mut secured = tls(&proxy, socket, PROXY, &["dot"]);
    secured.write_all(&queries(&[AAAA, A])).unwrap();
    assert_eq!((answer(&mut secured), answer(&mut secured)), (2, 1));
}

/// What ends the connection ends it for all.
#[test]
fn a_reset_is_for_all() {
    for (effect, end) in [("reset", End::Rst), ("close", End::Fin)] {
        let (_proxy, mut socket) = started("tcp", effect);
        socket.write_all(&queries(&[A])).unwrap();
        assert_eq!(answer(&mut socket), 1);
        socket.write_all(&queries(&[AAAA])).unwrap();
        assert_eq!(read_all(&mut socket), (vec![], end), "{effect}");
    }
}
