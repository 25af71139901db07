//! Where the name server is reached.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;

use tokio::sync::mpsc;

use super::datagram::{Datagrams, SimDatagram};
use crate::door::Door;
use crate::wire::sim::SimWire;
use crate::world::{Listener, SimNet, Syn, listen};

/// Sockets that are bound already, e.g. in another network namespace, and what names resolve to
/// there. Both have to have the same port.
pub struct Sockets {
    /// For queries over UDP.
    pub udp: UdpSocket,
    /// For queries over TCP, TLS and HTTPS.
    pub tcp: Listener,
    /// The proxy's addresses, as clients of this name server see them.
    pub proxy: Vec<IpAddr>,
    /// The origin's address, for clients that may resolve the target themselves.
    pub origin: IpAddr,
    /// The address of the name `wpad`, where the client is to find its PAC file by it.
    pub wpad: Option<IpAddr>,
}

/// Where a name server is reached.
#[derive(Clone)]
pub struct NameServer {
    /// Its address, for all transports; in the simulation it is not a real one.
    pub address: SocketAddr,
    /// Its ports in the simulation.
    pub sim: Option<SimDns>,
}

impl NameServer {
    /// The URL of its DoH server.
    pub fn doh_url(&self) -> String {
        format!("https://{}/dns-query", crate::start::reachable(self.address))
    }
}

/// The name server's ports in the simulation.
#[derive(Clone)]
pub struct SimDns {
    datagrams: mpsc::UnboundedSender<SimDatagram>,
    net: SimNet,
}

impl SimDns {
    /// Sends a query over UDP; answers come out of what it gives.
    pub fn ask(&self, query: &[u8]) -> mpsc::UnboundedReceiver<Vec<u8>> {
        let (back, answers) = mpsc::unbounded_channel();
        let _ = self.datagrams.send((query.to_vec(), back));
        answers
    }

    /// Opens a TCP connection.
    ///
    /// # Errors
    ///
    /// `ConnectionRefused` when the name server has ended.
    pub async fn connect(&self) -> io::Result<SimWire> {
        self.net.connect().await
    }
}

/// Tries to find a port that is free for both.
const TRIES: usize = 50;

/// Opens UDP and TCP on one port; with port 0 the system chooses it. `syn`: what becomes of one.
pub(crate) fn open(at: SocketAddr, syn: Syn) -> io::Result<(UdpSocket, Listener)> {
    let door = Door { syn, ..Door::default() };
    for _ in 1..TRIES {
        match pair(at, &door) {
            // Chosen for TCP, taken for UDP.
            Err(error) if at.port() == 0 && error.kind() == io::ErrorKind::AddrInUse => {}
            other => return other,
        }
    }
    pair(at, &door)
}

fn pair(at: SocketAddr, door: &Door) -> io::Result<(UdpSocket, Listener)> {
    let (tcp, at) = listen(at, door)?;
    Ok((UdpSocket::bind(at)?, tcp))
}

/// A bound socket as tokio has it.
pub(super) fn adopt(udp: UdpSocket) -> io::Result<Datagrams> {
    udp.set_nonblocking(true)?;
    Ok(Datagrams::Socket(Arc::new(tokio::net::UdpSocket::from_std(udp)?)))
}

/// The ports of a simulated name server.
pub(super) fn simulated(syn: Syn) -> (SimDns, Datagrams, Listener) {
    let (datagrams, queue) = mpsc::unbounded_channel();
    let (net, listener) = SimNet::new(syn);
    (SimDns { datagrams, net }, Datagrams::Sim(queue), listener)
}
