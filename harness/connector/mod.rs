//! The way from a client in this process to a running scenario: [`Dialler`] opens wires, over sockets
//! or in the simulation; with the feature `hyper`, `Connector` is the same for hyper and tower. A
//! [`World`](crate::World) gives both: [`World::dialler`](crate::World::dialler) and `World::connector`,
//! which has an example.
//!
//! Only the proxy can be dialled. A client that dials anything else goes around it: that fails as a
//! host that cannot be reached, and is written down, so that the verdict is BYPASS.
//!
//! In the simulation the proxy's name is looked up at the scenario's name server, if it has one, as a
//! stub resolver does it (two tries of five seconds, over TCP where an answer is cut off), so that
//! what goes wrong at `dns` and at `syn` is an error of the dial:
//!
//! | what goes wrong | the error's kind |
//! | --- | --- |
//! | no such name, no address, SERVFAIL, silence | `NotFound` |
//! | `refuse` | `ConnectionRefused` |
//! | `blackhole` | `TimedOut`, after 127 s as on Linux |
//! | `unreachable`, or an address that is not the proxy's | `HostUnreachable` |

mod connection;
mod dial;
mod look_up;
#[cfg(any(test, feature = "hyper"))]
mod service;
#[cfg(test)]
mod tests;

pub use connection::Connection;
pub use dial::Dialler;
#[cfg(any(test, feature = "hyper"))]
pub use service::{Connector, Stream};
