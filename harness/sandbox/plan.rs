//! What the sandbox is to have: plain data, written by the run, read by the helper.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What the sandbox is to have.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Plan {
    /// The directory with `resolv.conf`, `nsswitch.conf`, `hosts` and `host.conf` for `/etc`.
    pub files: PathBuf,
    /// The sockets, in the order in which they come back.
    pub ports: Vec<Port>,
    /// Addresses that no route leads to: connecting fails at once with EHOSTUNREACH.
    pub unreachable: Vec<IpAddr>,
    /// What is done to segments from and to the port of the first socket.
    pub tap: Tap,
    /// Whether the processes get a namespace of their own, too.
    pub pids: bool,
}

/// How segments between client and proxy go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tap {
    /// Nobody looks.
    #[default]
    None,
    /// A socket sees them, and can send more.
    See,
    /// A socket gets them, and only what it sends arrives.
    Take,
}

/// One socket inside.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Port {
    /// Where. Port 0: one that the system chooses, the same for all TCP sockets with 0.
    pub at: SocketAddr,
    /// What becomes of a SYN.
    pub how: How,
    /// The largest segment it takes (TCP_MAXSEG), in bytes. Default: the system's.
    #[serde(default)]
    pub mss: Option<u32>,
    /// The receive buffer (SO_RCVBUF), in bytes. Default: the system's.
    #[serde(default)]
    pub window: Option<u32>,
}

/// What kind of socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum How {
    /// TCP, listening.
    Listen,
    /// TCP, bound only: a RST answers a SYN.
    Refuse,
    /// TCP, listening with a filter that drops every packet: nothing answers.
    Drop,
    /// UDP.
    Udp,
}

impl Port {
    /// A socket without special settings.
    pub fn new(at: SocketAddr, how: How) -> Self {
        Port { at, how, mss: None, window: None }
    }
}
