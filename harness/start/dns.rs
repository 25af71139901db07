//! The name server of a running scenario.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use anyhow::Context as _;

use super::Running;
use crate::dns::{Addresses, Server, Sockets, open};
use crate::event::What;
use crate::world::{Listener, Syn};

impl Running {
    /// Opens UDP and TCP on one port, and serves DNS there.
    pub(super) fn open_dns(&mut self, at: SocketAddr) -> anyhow::Result<()> {
        let place = || format!("the name server, on {at}");
        let (udp, tcp) = open(at, self.dns_syn()).with_context(place)?;
        self.serve_dns_near(udp, tcp).with_context(place)
    }

    /// Serves DNS in the simulation.
    pub(super) fn simulate_dns(&mut self) {
        let addresses =
            Addresses { proxy: vec![self.address.ip()], origin: self.address.ip(), wpad: None };
        let (shared, scenario) = (Arc::clone(&self.shared), Arc::clone(&self.scenario));
        let syn = self.dns_syn();
        let (dns, tasks) = Server::new(shared, scenario, addresses).simulate(syn);
        (self.dns, self.dns_tasks) = (Some(dns), tasks);
    }

    /// What becomes of a SYN to the name server.
    fn dns_syn(&self) -> Syn {
        self.scenario().dns.as_ref().map_or(Syn::Answer, |dns| dns.tcp.syn())
    }

    /// Serves DNS on sockets that are bound already, in the place of where it was served before.
    /// The proxy's name resolves to the proxy's address, and to the sockets' own where that is
    /// none that one can connect to.
    ///
    /// # Errors
    ///
    /// What the system says of the sockets.
    pub fn serve_dns(
        &mut self,
        udp: std::net::UdpSocket,
        tcp: std::net::TcpListener,
    ) -> std::io::Result<()> {
        tcp.set_nonblocking(true)?;
        self.serve_dns_near(udp, Listener::Tcp(tokio::net::TcpListener::from_std(tcp)?))
    }

    fn serve_dns_near(&mut self, udp: std::net::UdpSocket, tcp: Listener) -> std::io::Result<()> {
        let own = udp.local_addr()?.ip();
        let reach = |ip: IpAddr| if ip.is_unspecified() { own } else { ip };
        let (proxy, origin) = (self.address.ip(), self.direct.map_or(self.address, |at| at).ip());
        self.serve_dns_on(Sockets {
            udp,
            tcp,
            proxy: vec![reach(proxy)],
            origin: reach(origin),
            wpad: None,
        })
    }

    /// The same, with the addresses that names resolve to there.
    ///
    /// # Errors
    ///
    /// What the system says of the sockets.
    pub fn serve_dns_on(&mut self, sockets: Sockets) -> std::io::Result<()> {
        let (shared, scenario) = (Arc::clone(&self.shared), Arc::clone(&self.scenario));
        let (dns, tasks) = Server::on(shared, scenario, sockets)?;
        for before in std::mem::replace(&mut self.dns_tasks, tasks) {
            before.abort();
        }
        let (listener, address) = ("dns", dns.address.to_string());
        self.shared.log.note(None, What::Listening { listener, address });
        self.dns = Some(dns);
        Ok(())
    }
}
