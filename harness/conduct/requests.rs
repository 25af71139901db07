//! What the proxy and the origin were asked.

use super::{Conduct, Spot};
use crate::event::{Event, Via, What};
use crate::secrets::{ORIGIN, PROXY};
use crate::stage::Stage;

impl Conduct {
    /// A request head that the proxy has read.
    pub(super) fn asks_proxy(&mut self, event: &Event) {
        let What::Request { attempt, method, target, headers, secret_seen, .. } = &event.what
        else {
            return;
        };
        self.requests += 1;
        self.attempt(Some(*attempt), event.time);
        self.reach(Stage::Request);
        self.agent(headers);
        let distrusted = event.conn.is_some_and(|conn| self.distrusted_proxy.contains(&conn));
        let spot = match method.as_str() {
            _ if distrusted => Spot::ProxyDistrusted,
            "CONNECT" => Spot::ConnectRequest,
            _ => Spot::ProxyRequest,
        };
        // Of the requests of a connection of HTTP/2 each has a host of its own.
        let elsewhere = spot == Spot::ProxyRequest && self.is_elsewhere(target);
        for &secret in secret_seen {
            let spot = if elsewhere && secret == ORIGIN { Spot::OtherHost } else { spot };
            self.saw(&[secret], spot, event.conn);
        }
    }

    /// A request that the origin has read.
    pub(super) fn asks_origin(&mut self, event: &Event) {
        let What::HttpRequest { via, attempt, headers, secret_seen, .. } = &event.what else {
            return;
        };
        self.origin.add(*via);
        self.agent(headers);
        if *via != Via::Direct {
            self.attempt(*attempt, event.time);
            self.reach(Stage::Response);
        }
        let distrusted = event.conn.is_some_and(|conn| self.distrusted.contains(&conn));
        let spot = match via {
            _ if distrusted => Spot::OriginDistrusted,
            Via::Tunnel => Spot::OriginTunnel,
            Via::Forward => Spot::OriginForward,
            Via::Direct => Spot::OriginDirect,
        };
        self.saw(secret_seen, spot, event.conn);
        // Whatever is in it was made for the proxy. A forwarded request has been at the proxy.
        let for_the_proxy =
            |(name, _): &(String, String)| name.eq_ignore_ascii_case("proxy-authorization");
        let told = secret_seen.contains(&PROXY) || *via == Via::Forward;
        if !told && headers.iter().any(for_the_proxy) {
            self.saw(&[PROXY], spot, event.conn);
        }
    }

    pub(super) fn agent(&mut self, headers: &[(String, String)]) {
        if self.user_agent.is_none() {
            let found = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("user-agent"));
            self.user_agent = found.map(|(_, value)| value.chars().take(200).collect());
        }
    }
}
