use std::io;
use std::net::{IpAddr, SocketAddr};

use tokio::net::TcpStream;

use super::Connection;
use super::look_up::look_up;
use crate::dns::SimDns;
use crate::event::What;
use crate::log::Log;
use crate::run::syn;
use crate::scenario::{PROXY, Rule};
use crate::stage::Stage;
use crate::start::Running;
use crate::wire::tcp;
use crate::world::SimNet;

/// Opens connections to a running scenario's proxy. It holds nothing open by itself.
#[derive(Clone)]
pub struct Dialler {
    log: Log,
    address: SocketAddr,
    name: String,
    net: Option<SimNet>,
    dns: Option<SimDns>,
    /// The rule, from 1, that settles what becomes of a SYN.
    syn: Option<usize>,
}

impl Dialler {
    /// For this scenario.
    pub fn of(running: &Running) -> Self {
        let at_syn = |rule: &Rule| rule.at.value == Stage::Syn;
        Dialler {
            log: running.shared.log.clone(),
            address: running.address,
            name: running.name.clone().unwrap_or_else(|| PROXY.to_owned()),
            net: running.net.clone(),
            dns: running.dns.as_ref().and_then(|dns| dns.sim.clone()),
            syn: running.scenario().rules.iter().position(at_syn).map(|index| index + 1),
        }
    }

    /// Connects to the proxy by its address.
    ///
    /// # Errors
    ///
    /// `ConnectionRefused`, `TimedOut` or `HostUnreachable`, as the scenario says at `syn`; over
    /// sockets whatever the system says.
    pub async fn proxy(&self) -> io::Result<Connection> {
        match &self.net {
            Some(net) => {
                // On sockets the kernel's table tells.
                if let Some(rule) = self.syn.filter(|_| net.is_silent()) {
                    syn::unanswered(&self.log, rule);
                }
                Ok(Connection::new(Box::new(net.connect().await?)))
            }
            None => {
                let socket = TcpStream::connect(self.address).await?;
                Ok(Connection::new(tcp::wire(socket)))
            }
        }
    }

    /// Connects to a host, which may be the proxy by its name or its address.
    ///
    /// # Errors
    ///
    /// As [`Dialler::proxy`]; `NotFound` when the proxy's name cannot be looked up (in the
    /// simulation); `HostUnreachable` for any other host.
    pub async fn dial(&self, host: &str, port: u16) -> io::Result<Connection> {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let is_name = host.eq_ignore_ascii_case(&self.name);
        if port != self.address.port() || !(is_name || host.parse() == Ok(self.address.ip())) {
            return Err(self.around(host, port));
        }
        if let (true, Some(dns)) = (is_name, &self.dns) {
            let found = look_up(dns, host).await?;
            if !found.iter().any(|ip| IpAddr::V4(*ip) == self.address.ip()) {
                return Err(io::Error::new(
                    io::ErrorKind::HostUnreachable,
                    format!("{host} resolves to {found:?}, and nobody is there"),
                ));
            }
        }
        self.proxy().await
    }

    /// A way around the proxy: there is none, but it was tried.
    fn around(&self, host: &str, port: u16) -> io::Error {
        let dst = format!("{host}:{port}");
        let text = format!("{dst} is not the proxy, and nothing else can be dialled here");
        self.log.note(None, What::Egress { proto: "tcp", dst, likely: "a connection" });
        io::Error::new(io::ErrorKind::HostUnreachable, text)
    }
}
