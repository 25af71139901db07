//! Whether a request went to the target it was told of, and inside TLS where the target's URL asks for that.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use http::Uri;

use super::{Conduct, FEW, OPEN, PerVia, Sight, Spot};
use crate::event::{Event, Via, What};
use crate::secrets::ORIGIN;

/// Redirects of the origin that a client may follow: as many as curl follows by itself.
const FOLLOWED: u64 = 50;

/// What is remembered for it.
#[derive(Debug, Clone, Default)]
pub(super) struct Astray {
    /// The host of the target, where it has a name.
    host: Option<String>,
    /// The target's URL asks for TLS.
    tls: bool,
    /// Connections whose last request to the proxy was for a host of another name.
    elsewhere: BTreeMap<u64, bool>,
    /// Connections with a TLS session that the origin has a part in. Kept when they have ended: what
    /// the origin writes down may come after that.
    sealed: BTreeSet<u64>,
    /// The first address that a request was for, where the target has a name.
    address: Option<IpAddr>,
    /// A request was for the target's name.
    named: bool,
    /// Answers of the origin in clear, where there had to be TLS.
    clear: u64,
    /// Redirects that the origin has answered with.
    redirects: u64,
    /// Answers without what the target is: to HEAD and its like.
    probed: PerVia,
    /// The client has asked for what it is, too.
    fetches: bool,
}

impl Conduct {
    /// Answers of the origin that came in clear through the proxy, where the target's URL asks for TLS:
    /// whoever is on the way can give them.
    pub fn answers_in_clear(&self) -> u64 {
        self.astray.clear
    }

    /// The address that the client has found for the target itself, and asked the proxy for in the place
    /// of its name.
    pub fn asked_by_address(&self) -> Option<IpAddr> {
        self.astray.address.filter(|_| !self.astray.named)
    }

    /// Attempts that the origin itself has asked for, by a redirect.
    pub fn redirects(&self) -> u64 {
        self.astray.redirects.min(FOLLOWED)
    }

    /// Answers of the origin through the proxy that send the client nowhere else.
    pub fn pages(&self) -> u64 {
        let probed = if self.astray.fetches { self.astray.probed.proxied() } else { 0 };
        self.nonces.proxied().saturating_add(probed).saturating_sub(self.astray.redirects)
    }

    /// Whether this place is at another host than the client's target.
    pub(super) fn is_elsewhere(&self, target: &str) -> bool {
        let to = target.parse::<Uri>().ok();
        self.astray.is_other(to.and_then(|to| to.host().and_then(name)).as_ref())
    }

    pub(super) fn astray(&mut self, event: &Event) {
        let astray = &mut self.astray;
        match (&event.what, event.conn) {
            (What::RunStarted { target, .. }, _) => astray.told(target),
            (What::Request { target, version, .. }, Some(conn)) => {
                astray.led(conn, target, version == "HTTP/2");
            }
            (What::SocksRequest { target, .. }, Some(conn)) => astray.led(conn, target, false),
            (What::Established { .. }, Some(conn)) if astray.sealed.len() < OPEN => {
                astray.sealed.insert(conn);
            }
            (What::HttpRequest { via, method, .. }, _)
                if *via != Via::Direct && !probes(method) && !astray.fetches =>
            {
                // From here on only what this gets is what the client is after.
                astray.fetches = true;
                self.nonces.tunnel = self.nonces.tunnel.saturating_sub(astray.probed.tunnel);
                self.nonces.forward = self.nonces.forward.saturating_sub(astray.probed.forward);
            }
            (What::HttpResponse { via, method, status, nonce_served: true, .. }, conn) => {
                let probes = *via != Via::Direct && probes(method);
                let redirect = (300..400).contains(status) && *status != 304;
                astray.redirects += u64::from(redirect && *via != Via::Direct);
                if astray.in_clear(*via, conn) {
                    astray.clear += 1;
                    return;
                }
                if !(probes && astray.fetches) {
                    self.nonces.add(*via);
                }
                if probes {
                    astray.probed.add(*via);
                }
            }
            _ => {}
        }
    }

    /// Secrets were seen somewhere.
    pub(super) fn saw(&mut self, found: &[&'static str], spot: Spot, conn: Option<u64>) {
        for &secret in found {
            let spot = self.where_exactly(secret, spot, conn);
            let room = self.sights.len() < FEW;
            match self.sights.iter_mut().find(|s| s.secret == secret && s.spot == spot) {
                Some(sight) => sight.times += 1,
                None if room => {
                    self.sights.push(Sight { secret, spot, conn, times: 1 });
                }
                None => {}
            }
        }
    }

    /// Where a secret was seen, more exactly: the origin's own must not leave TLS, nor go to others.
    fn where_exactly(&self, secret: &str, spot: Spot, conn: Option<u64>) -> Spot {
        let via = match spot {
            Spot::ProxyRequest => Via::Forward,
            Spot::OriginTunnel => Via::Tunnel,
            _ => return spot,
        };
        let elsewhere = conn.and_then(|conn| self.astray.elsewhere.get(&conn));
        match () {
            _ if secret != ORIGIN => spot,
            _ if elsewhere == Some(&true) => Spot::OtherHost,
            _ if self.astray.in_clear(via, conn) => Spot::OutsideTls,
            _ => spot,
        }
    }
}

impl Astray {
    /// The client's target is known: only then is anything held against it.
    fn told(&mut self, target: &str) {
        let Ok(url) = target.parse::<Uri>() else { return };
        self.tls = matches!(url.scheme_str(), Some("https" | "wss"));
        self.host = url.host().and_then(name);
    }

    /// A request for this target came to the proxy. On a connection of HTTP/2 others are under way, too:
    /// there the first for the client's own target speaks for all.
    fn led(&mut self, conn: u64, target: &str, shared: bool) {
        let to = target.parse::<Uri>().ok();
        if self.host.is_some() && self.address.is_none() {
            self.address = to.as_ref().and_then(|to| to.host().and_then(address));
        }
        let to = to.and_then(|to| to.host().and_then(name));
        self.named |= to.is_some() && to == self.host;
        let other = self.is_other(to.as_ref());
        if self.elsewhere.len() < OPEN || self.elsewhere.contains_key(&conn) {
            let before = self.elsewhere.entry(conn).or_insert(true);
            *before = other && (*before || !shared);
        }
    }

    /// Whether this is the name of another host than the target's.
    fn is_other(&self, to: Option<&String>) -> bool {
        matches!((&self.host, to), (Some(told), Some(to)) if told != to)
    }

    /// Whether what came this way was in clear, although the target's URL asks for TLS. Around the proxy
    /// is another matter.
    fn in_clear(&self, via: Via, conn: Option<u64>) -> bool {
        let known = self.sealed.len() < OPEN;
        let sealed = conn.is_none_or(|conn| self.sealed.contains(&conn));
        self.tls && known && (via == Via::Forward || (via == Via::Tunnel && !sealed))
    }
}

/// Whether the answer to this method has nothing of what the target is.
pub(super) fn probes(method: &str) -> bool {
    ["HEAD", "OPTIONS", "TRACE"].contains(&method)
}

/// A host's name as it can be compared; None for an address, which may be that of any name.
fn name(host: &str) -> Option<String> {
    let bare = bare(host);
    (address(host).is_none() && !bare.is_empty()).then(|| bare.to_lowercase())
}

fn address(host: &str) -> Option<IpAddr> {
    bare(host).parse().ok()
}

fn bare(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches([']', '.'])
}
