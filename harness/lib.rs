//! badproxy plays broken proxies, so that client code meets them in a test before its users do.
//!
//! # The map, in reading order
//!
//! - [`scenario`]: a YAML file as types, read and checked; [`catalogue`]: the ones that ship;
//!   [`field_bugs`]: what they come from.
//! - [`stage`]: the places where something can go wrong.
//! - [`plan`]: pure; which rule an attempt meets. [`rng`]: the dice, frozen.
//! - [`fault`]: one effect a file; what passes at a stage ([`fault::Flow`]) and how it is shaped.
//! - [`wire`]: a byte stream that can be cut off rudely: sockets, TLS, the simulation.
//! - [`door`]: what rules at `syn` ask of a listening socket; [`world`]: where wires come from; [`clock`]: exact time and virtual time.
//! - [`start`]: ports, certificates, the loop that takes connections; [`conn`]: one of them.
//! - [`pac`]: the server of the PAC file. [`dns`]: the name server, over UDP, TCP, TLS and HTTPS.
//! - [`proxy`]: a connection through its stages; [`origin`]: the server behind it.
//! - [`auth`]: proxy authentication, pure: what a client sends, and what it is asked for.
//! - [`http2`]: the server's side of HTTP/2, for both: streams as wires, frames by hand.
//! - [`tls`]: the server's side of a handshake, for the proxy itself and for the origin.
//! - [`cert`]: certificates, good and bad; [`secrets`]: what must not leak.
//! - [`proc_net`]: the kernel's table of sockets.
//! - [`event`] and [`log`]: what happened; [`conduct`]: what the client did; [`verdict`]: what
//!   that is worth; [`fix`]: what would help.
//! - [`connector`]: the way from a client in this process to the proxy, for hyper, too.
//! - [`checks`]: what a good retry loop keeps to.
//! - `strategy` (feature `proptest`): schedules of trouble for property tests.
//! - [`sandbox`]: namespaces of the command's own (Linux).
//! - [`matrix`]: many scenarios against many clients.
//! - [`run`]: the wrapped command; [`report`]: one form a file; [`cli`]: one verb a file.

pub mod auth;
pub mod catalogue;
pub mod cert;
pub mod checks;
pub mod cli;
pub mod clock;
pub mod conduct;
pub mod conn;
pub mod connector;
pub mod dns;
pub mod door;
pub mod event;
pub mod fault;
pub mod field_bugs;
pub mod fix;
pub mod http2;
mod library;
pub mod log;
pub mod matrix;
pub mod origin;
pub mod pac;
pub mod plan;
pub mod proc_net;
pub mod proxy;
pub mod report;
pub mod rng;
pub mod run;
pub mod sandbox;
pub mod scenario;
pub mod secrets;
pub mod stage;
pub mod start;
#[cfg(any(test, feature = "proptest"))]
pub mod strategy;
pub mod tls;
pub mod verdict;
pub mod wire;
pub mod world;

pub use library::{Events, Outcome, World, blocking};
pub use scenario::Scenario;
pub use stage::Stage;
pub use tokio_rustls::rustls;
