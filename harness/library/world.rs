//! A world: a scenario that is being played, as its client's test sees it.

use std::fmt::Display;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::task::JoinHandle;
use tokio_rustls::rustls::ClientConfig;

use super::settle::settle;
use super::{Events, Outcome, ended, outcome};
use crate::clock::Clock;
use crate::conduct::Conduct;
use crate::connector::Dialler;
use crate::event::Event;
use crate::run::lag::{Lag, Window};
use crate::scenario::{ProxyScheme, Scenario};
use crate::stage::Stage;
use crate::start::Running;

/// A scenario that is being played, on sockets or in memory.
///
/// Dropping it ends everything it has started: the port is closed, connections are cut, and its
/// tasks are gone as soon as the runtime gets its turn. It is not judged then: [`World::finish`] does
/// that, and only [`Outcome::assert_expectations`] makes a test fail.
#[must_use = "a world that is dropped judges nobody: `world.finish().await.assert_expectations()`"]
pub struct World {
    parts: Parts,
}

/// What it consists of.
pub(super) struct Parts {
    pub running: Running,
    /// Who looks for SYNs that nobody answers.
    pub syns: Option<JoinHandle<()>>,
    /// How late this process gets its turn, where that matters.
    pub lag: Option<(Lag, Window)>,
}

impl Drop for Parts {
    fn drop(&mut self) {
        if let Some(syns) = &self.syns {
            syns.abort();
        }
        self.running.shared.log.end();
    }
}

impl World {
    pub(super) fn new(parts: Parts) -> Self {
        World { parts }
    }

    pub(super) fn running(&self) -> &Running {
        &self.parts.running
    }

    /// The URL of the proxy, with the credentials that the scenario gives to the client, e.g.
    /// `http://user:password@127.0.0.1:41873`.
    pub fn proxy_url(&self) -> String {
        self.running().proxy_url()
    }

    /// The URL of the proxy with another scheme: its port speaks HTTP and SOCKS alike.
    pub fn proxy_url_as(&self, scheme: ProxyScheme) -> String {
        let url = self.proxy_url();
        let rest = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
        format!("{}://{rest}", scheme.word())
    }

    /// Where the proxy listens. In the simulation nobody does.
    pub fn proxy_address(&self) -> SocketAddr {
        self.running().address
    }

    /// Opens connections to the proxy, in the simulation, too.
    pub fn dialler(&self) -> Dialler {
        Dialler::of(self.running())
    }

    /// Connects hyper clients, and what is built on them, to this world, over sockets and in the
    /// simulation alike (feature `hyper`). Here below hyper-util's `Tunnel`, which does the CONNECT:
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use badproxy::{Scenario, Stage};
    /// use http_body_util::Empty;
    /// use hyper_util::client::legacy::{Client, connect::proxy::Tunnel};
    /// use hyper_util::rt::TokioExecutor;
    /// use tokio::time::Instant;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?.block_on(async {
    /// // On a paused clock: `#[tokio::test(start_paused = true)]`.
    /// let long = Duration::from_secs(50 * 60);
    /// let world = Scenario::new().at(Stage::Dial).delay(long).build()?.simulate()?;
    ///
    /// let tunnel = Tunnel::new(world.proxy_url().parse()?, world.connector());
    /// let client = Client::builder(TokioExecutor::new()).build::<_, Empty<&[u8]>>(tunnel);
    ///
    /// let begin = Instant::now();
    /// let answer = client.get("http://target.badproxy.test:80/".parse()?).await?;
    /// assert_eq!(answer.status(), 200);
    /// assert_eq!(begin.elapsed(), long);
    /// assert_eq!(world.attempts(), 1);
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    ///
    /// Without a tunnel, for requests in absolute form: `world.connector().forwarding()`. TLS to the
    /// target goes on top, with [`World::client_config`].
    #[cfg(any(test, feature = "hyper"))]
    pub fn connector(&self) -> crate::connector::Connector {
        crate::connector::Connector::of(self.running())
    }

    /// The URL that the client is to fetch, `https://target.badproxy.test/` unless the scenario
    /// says otherwise. It exists nowhere but behind the proxy.
    pub fn target_url(&self) -> String {
        crate::run::target(self.running())
    }

    /// Where the name server listens, over UDP, TCP, TLS and HTTPS; None where the scenario has none.
    pub fn dns_address(&self) -> Option<SocketAddr> {
        self.running().dns.as_ref().map(|dns| dns.address)
    }

    /// The roots that a client is to trust, as PEM. They are made for this world alone.
    pub fn ca_pem(&self) -> String {
        self.running().shared.authority.pem()
    }

    /// The same as DER, one certificate each.
    pub fn ca_der(&self) -> Vec<Vec<u8>> {
        self.running().shared.authority.roots().map(|root| root.to_vec()).into()
    }

    /// A configuration for rustls that trusts this world's roots and nothing else. For another
    /// version of rustls there is [`World::ca_der`].
    pub fn client_config(&self) -> ClientConfig {
        match self.running().shared.authority.client() {
            Ok(config) => config,
            // The roots were made by this program a moment ago.
            Err(error) => unreachable!("{error}"),
        }
    }

    /// The user that the proxy takes.
    pub fn user(&self) -> String {
        self.running().shared.log.secrets().user.clone()
    }

    /// The password that the proxy takes.
    pub fn password(&self) -> String {
        self.running().shared.log.secrets().password.clone()
    }

    /// A token that is meant for the origin alone: seen elsewhere it is a leak.
    pub fn origin_token(&self) -> String {
        self.running().shared.log.secrets().token.clone()
    }

    /// What stands in every answer of this world's origin, and nowhere else.
    pub fn nonce(&self) -> String {
        self.running().shared.nonce.clone()
    }

    /// The seed of all dice. With the same one the same happens again.
    pub fn seed(&self) -> u64 {
        self.running().shared.seed
    }

    /// The scenario as it is played now.
    pub fn scenario(&self) -> Arc<Scenario> {
        self.running().scenario()
    }

    /// Everything that has happened so far and will happen, in order.
    pub fn events(&self) -> Events {
        Events::new(self.running().shared.log.clone())
    }

    /// Waits for an event, which may have happened already, and gives it. It waits for ever for
    /// one that never comes: put `tokio::time::timeout` around it where that can be.
    pub async fn wait_for(&self, mut is: impl FnMut(&Event) -> bool) -> Event {
        let mut events = self.events();
        loop {
            match events.next().await {
                Some(event) if is(&event) => return event,
                Some(_) => {}
                // A world that is borrowed has not ended.
                None => std::future::pending().await,
            }
        }
    }

    /// What the client did so far.
    pub fn conduct(&self) -> Conduct {
        self.running().shared.log.conduct()
    }

    /// Attempts so far: connections accepted, and further requests on a connection that stayed.
    pub fn attempts(&self) -> u64 {
        self.running().shared.log.with_conduct(|conduct| conduct.attempts)
    }

    /// Plays the rules of `scenario` from the next connection on, in the place of the present
    /// ones; attempts are counted from 1 again. All else stays as it is: the port, the
    /// certificates, the login, what is expected.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::Unsupported`] for rules that have to be there when the port is opened: at
    /// `syn`, at `dns` where there is no name server, and those that need the sandbox.
    pub fn set_rules(&self, scenario: &Scenario) -> io::Result<()> {
        let unable = |why: &str| Err(io::Error::new(io::ErrorKind::Unsupported, why.to_owned()));
        if scenario.needs() > 0 {
            return unable("these rules need the sandbox: `badproxy run --isolate` has it");
        }
        if scenario.touches(Stage::Syn) {
            return unable("what becomes of a SYN is settled when the port is opened");
        }
        if scenario.touches(Stage::Dns) && self.running().dns.is_none() {
            return unable("this world has no name server: start one that has a `dns` section");
        }
        let now = self.scenario();
        let rules = scenario.rules.clone();
        self.running().replace(Scenario { rules, ..Scenario::clone(&now) }, None);
        Ok(())
    }

    /// Says how the client has ended, which nobody can see from outside: with what it was to
    /// fetch, or with this error. The first word counts. Without one the verdict says of what
    /// needs it that it is not observable.
    ///
    /// ```
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    /// # runtime.block_on(async {
    /// # let world = badproxy::Scenario::healthy().start().await.unwrap();
    /// let result: std::io::Result<String> = Err(std::io::Error::other("the proxy has gone"));
    /// world.client_ended(result.as_ref());
    /// # });
    /// ```
    pub fn client_ended<T, E: Display>(&self, result: Result<T, E>) {
        ended::note(&self.running().shared.log, result.err().map(|error| error.to_string()));
    }

    /// Ends it, and judges what the client did. What the client has sent or closed before is
    /// waited for; connections that stay open are cut.
    pub async fn finish(self) -> Outcome {
        settle(&self.running().shared.log).await;
        let lag = self.parts.lag.as_ref().map_or(0.0, |(_, window)| window.worst());
        outcome::of(self.running(), lag)
    }

    /// Whether it is played in memory.
    pub fn is_simulated(&self) -> bool {
        self.running().shared.clock == Clock::Virtual
    }
}
