//! What conduct is made of: a fault met, a secret seen, the process.

use crate::event::{Via, What, Who};
use crate::secrets;
use crate::stage::Stage;

/// A fault as it was met.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Met {
    /// When.
    pub time: f64,
    /// On which connection.
    pub conn: Option<u64>,
    /// At which stage.
    pub at: Stage,
    /// The effect's word.
    pub effect: &'static str,
    /// What it did.
    pub did: String,
}

/// What a client speaks to a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Tongue {
    /// HTTP, of any version.
    Http,
    /// SOCKS4 or 4a.
    Socks4,
    /// SOCKS5.
    Socks5,
}

impl Tongue {
    /// The one that an event shows.
    pub(super) fn of(what: &What) -> Option<Self> {
        match what {
            What::Request { .. } => Some(Tongue::Http),
            // SOCKS4 has no greeting.
            What::SocksRequest { version: 4, .. } => Some(Tongue::Socks4),
            What::SocksRequest { .. } | What::SocksGreeting { .. } => Some(Tongue::Socks5),
            _ => None,
        }
    }

    /// As reports say it.
    pub fn words(self) -> &'static str {
        match self {
            Tongue::Http => "HTTP",
            Tongue::Socks4 => "SOCKS4",
            Tongue::Socks5 => "SOCKS5",
        }
    }
}

/// A count for each way to the origin.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PerVia {
    /// Through a tunnel.
    pub tunnel: u64,
    /// Forwarded.
    pub forward: u64,
    /// Around the proxy.
    pub direct: u64,
}

impl PerVia {
    pub(super) fn add(&mut self, via: Via) {
        let count = match via {
            Via::Tunnel => &mut self.tunnel,
            Via::Forward => &mut self.forward,
            Via::Direct => &mut self.direct,
        };
        *count = count.saturating_add(1);
    }

    /// Those that came through the proxy.
    pub fn proxied(&self) -> u64 {
        self.tunnel.saturating_add(self.forward)
    }
}

/// A secret, and a place where it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sight {
    /// The secret's name: [`secrets::PROXY`] or [`secrets::ORIGIN`].
    pub secret: &'static str,
    /// Where.
    pub spot: Spot,
    /// The first connection it was seen on.
    pub conn: Option<u64>,
    /// How often.
    pub times: u64,
}

/// A place where a secret can be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Spot {
    /// The server of the PAC file.
    Pac,
    /// A CONNECT request, in clear or under a good certificate.
    ConnectRequest,
    /// Another request to the proxy, in clear or under a good certificate.
    ProxyRequest,
    /// A request to a proxy whose certificate the client must not trust.
    ProxyDistrusted,
    /// Plain HTTP to a proxy whose URL says TLS.
    ProxyInClear,
    /// The origin, through a tunnel.
    OriginTunnel,
    /// The origin, under a certificate that the client must not trust.
    OriginDistrusted,
    /// The origin, forwarded by the proxy.
    OriginForward,
    /// The origin, around the proxy.
    OriginDirect,
    /// A request for another host than the target.
    OtherHost,
    /// A request that is not in TLS with the origin, where the target's URL asks for that.
    OutsideTls,
    /// The server name of a TLS hello, which goes in clear.
    ServerName,
    /// The proxy, which has asked for other schemes: the password in clear.
    ProxyUnasked,
    /// The proxy, before it has asked for anything: the password in clear.
    ProxyEarly,
    /// A name that was asked for, of whichever name server.
    Name,
    /// A datagram that went around the proxy.
    Datagram,
    /// The command's standard output.
    Stdout,
    /// The command's standard error.
    Stderr,
}

impl Spot {
    /// As reports say it.
    pub fn words(self) -> &'static str {
        match self {
            Spot::Pac => "PAC server",
            Spot::ConnectRequest => "connect request",
            Spot::ProxyRequest => "proxy request",
            Spot::ProxyDistrusted => "proxy under a bad certificate",
            Spot::ProxyInClear => "proxy in clear",
            Spot::OriginTunnel => "origin via tunnel",
            Spot::OriginDistrusted => "origin under a bad certificate",
            Spot::OriginForward => "origin via forward",
            Spot::OriginDirect => "origin direct",
            Spot::OtherHost => "request for another host",
            Spot::OutsideTls => "request outside TLS with the origin",
            Spot::ServerName => "server name of a TLS hello",
            Spot::ProxyUnasked => "proxy that has not asked for Basic",
            Spot::ProxyEarly => "proxy before it has asked",
            Spot::Name => "name asked of a name server",
            Spot::Datagram => "datagram around the proxy",
            Spot::Stdout => "stdout",
            Spot::Stderr => "stderr",
        }
    }

    /// The one that an event names. `distrusted`: on a connection whose certificate is bad.
    pub(super) fn of_place(place: &str, distrusted: bool) -> Self {
        let origin = [Spot::OriginTunnel, Spot::OriginForward, Spot::OriginDirect];
        let others = [Spot::ProxyUnasked, Spot::ProxyEarly, Spot::Name, Spot::Datagram];
        let named = |spot: &Spot| spot.words() == place;
        match origin.into_iter().find(named) {
            Some(_) if distrusted => Spot::OriginDistrusted,
            Some(spot) => spot,
            None => others.into_iter().find(named).unwrap_or(Spot::ServerName),
        }
    }

    /// Whether this is the command's own output and not the wire.
    pub fn is_output(self) -> bool {
        matches!(self, Spot::Stdout | Spot::Stderr)
    }
}

impl Sight {
    /// Whether the secret is meant to be there: the proxy's at the proxy, the origin's at the
    /// origin, or in an absolute-form request that the proxy has to pass on in clear. What goes to
    /// another host, or in clear where there has to be TLS, has a spot of its own.
    pub fn belongs(&self) -> bool {
        match self.spot {
            Spot::Stdout
            | Spot::Stderr
            | Spot::Pac
            | Spot::OtherHost
            | Spot::OutsideTls
            | Spot::ServerName
            | Spot::ProxyUnasked
            | Spot::Name
            | Spot::Datagram
            | Spot::OriginDistrusted
            | Spot::ProxyDistrusted
            | Spot::ProxyInClear => false,
            Spot::ConnectRequest => self.secret == secrets::PROXY,
            Spot::ProxyRequest | Spot::ProxyEarly => true,
            Spot::OriginTunnel | Spot::OriginForward | Spot::OriginDirect => {
                self.secret != secrets::PROXY
            }
        }
    }
}

/// A connection on which somebody owes bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Silence {
    /// Who owes them.
    pub who: Who,
    /// At which stage.
    pub at: Stage,
    /// Since when.
    pub since: f64,
}

/// The wrapped command.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Process {
    /// Its process id.
    pub pid: Option<u32>,
    /// Its words.
    pub argv: Vec<String>,
    /// There is none: the client is in this process, and says itself how it ends.
    pub absent: bool,
    /// When it was started.
    pub spawned: Option<f64>,
    /// How it ended.
    pub exit: Option<Exit>,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Exit {
    /// When.
    pub time: f64,
    /// With this code,
    pub code: Option<i32>,
    /// or by this signal.
    pub signal: Option<i32>,
    /// It did not end by itself.
    pub killed_by_us: bool,
    /// It left processes behind.
    pub leftover: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_belong_in_few_places() {
        let at = |secret, spot| Sight { secret, spot, conn: None, times: 1 }.belongs();
        use Spot::*;
        for spot in [ConnectRequest, ProxyRequest] {
            assert!(at(secrets::PROXY, spot));
        }
        for spot in [
            ProxyDistrusted,
            ProxyInClear,
            OriginTunnel,
            OriginDistrusted,
            OriginForward,
            OriginDirect,
            ProxyUnasked,
            OtherHost,
            OutsideTls,
            Name,
            Datagram,
            Stdout,
            Stderr,
        ] {
            assert!(!at(secrets::PROXY, spot));
        }
        for spot in [ProxyRequest, OriginTunnel, OriginForward, OriginDirect] {
            assert!(at(secrets::ORIGIN, spot));
        }
        for spot in
            [ConnectRequest, ProxyDistrusted, OriginDistrusted, OtherHost, OutsideTls, Stdout]
        {
            assert!(!at(secrets::ORIGIN, spot));
        }
    }
}
