//! The server of the PAC file of a running scenario.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use anyhow::Context as _;

use super::Running;
use crate::door::Door;
use crate::event::What;
use crate::pac::script::WPAD_NAME;
use crate::pac::{PacServer, Server, SimPac};
use crate::world::{Listener, SimNet, Syn, listen};

/// Where the server and the dead port are in the simulation, in name.
const SIM: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 80);
const SIM_DEAD: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 9);

impl Running {
    /// Opens both ports at this address.
    pub(super) fn open_pac(&mut self, ip: IpAddr) -> anyhow::Result<()> {
        let at = SocketAddr::new(ip, 0);
        let dead = Door { syn: Syn::Refuse(None), ..Door::default() };
        let place = || format!("the server of the PAC file, on {ip}");
        let server = listen(at, &Door::default()).with_context(place)?;
        let dead = listen(at, &dead).with_context(place)?;
        self.serve_pac_on(server, dead);
        Ok(())
    }

    /// Serves the file in the simulation.
    pub(super) fn simulate_pac(&mut self) {
        let (server, listener) = SimNet::new(Syn::Answer);
        let (dead, refusing) = SimNet::new(Syn::Refuse(None));
        let sim = Some(SimPac { server, dead });
        self.take_pac((listener, SIM), (refusing, SIM_DEAD), sim);
    }

    /// Serves the file on ports that are there already, e.g. in another network namespace: the
    /// server's, and one that answers every SYN with a RST.
    pub fn serve_pac_on(&mut self, server: (Listener, SocketAddr), dead: (Listener, SocketAddr)) {
        let (listener, address) = ("pac", server.1.to_string());
        self.shared.log.note(None, What::Listening { listener, address });
        self.take_pac(server, dead, None);
    }

    fn take_pac(
        &mut self,
        (listener, address): (Listener, SocketAddr),
        (refusing, dead): (Listener, SocketAddr),
        sim: Option<SimPac>,
    ) {
        let path = Server::path(&self.scenario());
        let name = self.scenario().has_wpad().then_some(WPAD_NAME);
        let (shared, scenario) = (Arc::clone(&self.shared), Arc::clone(&self.scenario));
        let server = Server::new(shared, scenario, (self.name.clone(), self.address), dead);
        self.tasks.push(tokio::spawn(server.take(listener, refusing)));
        self.pac = Some(PacServer { name, address, path, dead, sim });
    }
}
