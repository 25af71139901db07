//! The server of the proxy auto-config (PAC) file: plain HTTP/1.1 on a port of its own.
//!
//! [`script`] makes the file, pure; `serve` takes requests, and rules at stage `pac` come before
//! each answer. Beside it is a port that is always dead, for scripts that name a proxy nobody is at.

pub mod script;
mod serve;

use std::io;
use std::net::SocketAddr;

pub(crate) use serve::Server;

use crate::wire::sim::SimWire;
use crate::world::SimNet;

/// Where the file is.
#[derive(Clone)]
pub struct PacServer {
    /// The name that the client finds it by, where it has one.
    pub name: Option<&'static str>,
    /// The server's address; in the simulation it is not a real one.
    pub address: SocketAddr,
    /// The path of the file, e.g. `/proxy.pac`.
    pub path: String,
    /// The address that answers every SYN with a RST.
    pub dead: SocketAddr,
    /// Its ports in the simulation.
    pub sim: Option<SimPac>,
}

impl PacServer {
    /// The URL that the client is told.
    pub fn url(&self) -> String {
        match self.name {
            Some(name) => format!("http://{name}{}", self.path),
            None => format!("http://{}{}", crate::start::reachable(self.address), self.path),
        }
    }
}

/// The ports in the simulation.
#[derive(Clone)]
pub struct SimPac {
    pub(crate) server: SimNet,
    pub(crate) dead: SimNet,
}

impl SimPac {
    /// Connects to the server of the file.
    ///
    /// # Errors
    ///
    /// `ConnectionRefused` when it has ended.
    pub async fn connect(&self) -> io::Result<SimWire> {
        self.server.connect().await
    }

    /// Connects to the dead port.
    ///
    /// # Errors
    ///
    /// `ConnectionRefused`, always.
    pub async fn connect_dead(&self) -> io::Result<SimWire> {
        self.dead.connect().await
    }
}
