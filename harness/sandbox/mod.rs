//! `run --isolate`: the command in user, network, mount and process namespaces of its own (Linux).
//!
//! The way in, in reading order: [`Plan`] says which sockets there are to be; `open` starts this
//! program again as a helper (`enter`), which makes the namespaces (`space`), their network
//! (`net`), their `/etc` (`files`) and the sockets (`sockets`), and hands the descriptors back
//! (`control`). The sockets are served from outside. The helper's child (`init`) is the first
//! process inside: it starts the command, and with it everything that the command has started
//! ends. `packets` sees what goes anywhere else, and `link` plays what befalls segments on their
//! way. Where a system forbids all this, [`why`] says what is missing and what helps.

#[cfg(target_os = "linux")]
mod control;
#[cfg(target_os = "linux")]
mod enter;
#[cfg(target_os = "linux")]
mod files;
#[cfg(target_os = "linux")]
mod filter;
#[cfg(target_os = "linux")]
mod init;
#[cfg(target_os = "linux")]
mod inside;
#[cfg(target_os = "linux")]
mod link;
#[cfg(target_os = "linux")]
mod net;
#[cfg(target_os = "linux")]
mod open;
pub mod packets;
mod plan;
#[cfg(target_os = "linux")]
mod segment;
#[cfg(target_os = "linux")]
mod sockets;
#[cfg(target_os = "linux")]
mod space;
#[cfg(target_os = "linux")]
mod tap;
pub mod why;

#[cfg(target_os = "linux")]
pub use enter::helper;
#[cfg(target_os = "linux")]
pub use filter::drop_all;
#[cfg(target_os = "linux")]
pub use inside::{Inside, Opened};
#[cfg(target_os = "linux")]
pub use link::{Link, serve};
#[cfg(target_os = "linux")]
pub use open::open;
pub use plan::{How, Plan, Port, Tap};

/// The verb of the helper: `badproxy __sandbox ...`, nothing that people call.
pub const VERB: &str = "__sandbox";

/// The origin's own address inside. RFC 5737 keeps it for documentation: nothing is there.
pub const ORIGIN: std::net::Ipv4Addr = std::net::Ipv4Addr::new(203, 0, 113, 1);

/// The name of the proxy inside, where it has several addresses.
pub const PROXY: &str = "proxy.badproxy.test";
