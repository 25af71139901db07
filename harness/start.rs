//! Starting a scenario: ports, certificate authority, the loop that takes connections.

mod accept;
mod dns;
mod pac;
mod setup;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use accept::{take, take_direct};
pub use setup::Setup;
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};

use crate::auth::{Asked, Nonces};
use crate::calendar::Calendar;
use crate::cert::Authority;
use crate::clock::Clock;
use crate::dns::NameServer;
use crate::door::{Door, door};
use crate::event::What;
use crate::log::Log;
use crate::pac::PacServer;
use crate::plan::Plan;
use crate::rng::Rng;
use crate::scenario::{GivenCredentials, PROXY, ProxyHost, Scenario, glob};
use crate::secrets::Secrets;
use crate::world::{Listener, SimNet, Syn, listen};

/// What all connections of a run share.
pub struct Shared {
    /// Who keeps the time.
    pub clock: Clock,
    /// The event log.
    pub log: Log,
    /// The seed of all dice.
    pub seed: u64,
    /// The certificates.
    pub authority: Authority,
    /// What only this run's origin serves.
    pub nonce: String,
    /// Whether real targets are connected to.
    pub forward: bool,
    /// The address in the proxy URL, for the proxy's certificate.
    pub proxy_ip: IpAddr,
    names: Vec<String>,
    ceilings: bool,
    direct: Mutex<Option<SocketAddr>>,
    plan: Mutex<Plan>,
    nonces: Mutex<Nonces>,
    asked: Mutex<Asked>,
    bytes: AtomicU64,
    most_bytes: u64,
    full: Notify,
    /// What was spawned beside the loops; None once the run has ended.
    tasks: Mutex<Option<JoinSet<()>>>,
}

impl Shared {
    /// Runs this until it is done or the run ends.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(tasks) = tasks.as_mut() else { return };
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
    }

    /// Ends what was spawned.
    fn end(&self) {
        let tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(tasks);
    }

    /// The counters and dice.
    pub fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The nonces of Digest that were issued.
    pub fn nonces(&self) -> MutexGuard<'_, Nonces> {
        self.nonces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the proxy's 407s have asked for.
    pub fn asked(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The address at which the origin is reached around the proxy, for its certificate.
    pub fn direct_ip(&self) -> String {
        let direct = *self.direct.lock().unwrap_or_else(PoisonError::into_inner);
        direct.map_or_else(|| "127.0.0.1".to_owned(), |at| at.ip().to_string())
    }

    /// Whether the origin answers for a target beyond the scenario's names.
    pub fn serves(&self, host: &str, port: u16) -> bool {
        let direct = *self.direct.lock().unwrap_or_else(PoisonError::into_inner);
        self.names.iter().any(|name| glob(name, host))
            || direct.is_some_and(|at| at.port() == port && host.parse() == Ok(at.ip()))
    }

    /// Whether the ceiling on bytes is reached.
    pub fn is_full(&self) -> bool {
        self.bytes.load(Ordering::Relaxed) > self.most_bytes
    }

    /// How many bytes may pass until the ceiling is reached, with the one that reaches it.
    pub fn room(&self) -> u64 {
        self.most_bytes.saturating_add(1).saturating_sub(self.bytes.load(Ordering::Relaxed))
    }

    /// Counts bytes against the ceiling.
    pub fn count_bytes(&self, n: u64) {
        let before = self.bytes.fetch_add(n, Ordering::Relaxed);
        if before <= self.most_bytes && before + n > self.most_bytes {
            self.log.note(None, What::Ceiling { limit: "bytes", value: self.most_bytes });
            self.full.notify_one();
        }
    }
}

/// A scenario that is being played. Dropping it ends everything it started.
pub struct Running {
    /// What its connections share.
    pub shared: Arc<Shared>,
    /// Where the proxy listens.
    pub address: SocketAddr,
    /// Where the origin can be reached around the proxy.
    pub direct: Option<SocketAddr>,
    /// The name by which the proxy is called. None: its address.
    pub name: Option<String>,
    /// Where the name server is, if there is one.
    pub dns: Option<NameServer>,
    /// Where the PAC file is, if there is one.
    pub pac: Option<PacServer>,
    /// The simulated network, in the simulation.
    pub net: Option<SimNet>,
    dns_tasks: Vec<JoinHandle<()>>,
    scenario: Arc<Mutex<Arc<Scenario>>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        for task in self.tasks.iter().chain(&self.dns_tasks) {
            task.abort();
        }
        self.shared.end();
    }
}

/// Starts a scenario on sockets.
///
/// # Errors
///
/// What the system says of the port; a certificate authority that cannot be made.
pub async fn start(scenario: Scenario, setup: &Setup) -> anyhow::Result<Running> {
    anyhow::ensure!(
        scenario.needs() == 0,
        "{} needs the sandbox: `badproxy run --isolate` has it",
        scenario.name
    );
    let (listener, address) = listen(setup.listen, &door(&scenario, setup.scale, None))?;
    let direct = match setup.direct {
        Some(at) => Some(listen(at, &Door::default())?),
        None => None,
    };
    let at = setup.dns.or(scenario.has_dns().then_some(SocketAddr::from(([127, 0, 0, 1], 0))));
    let mut running = run(scenario, setup, Clock::Real, listener, address, direct, None)?;
    if let Some(at) = at {
        running.open_dns(at)?;
    }
    if running.scenario().has_pac() {
        running.open_pac(setup.listen.ip())?;
    }
    Ok(running)
}

/// Starts a scenario in the simulation, on tokio's paused clock.
///
/// # Errors
///
/// A certificate authority that cannot be made.
pub fn simulate(scenario: Scenario, setup: &Setup) -> anyhow::Result<Running> {
    let (net, listener) = SimNet::new(door(&scenario, setup.scale, None).syn);
    let has_dns = scenario.has_dns();
    let mut running =
        run(scenario, setup, Clock::Virtual, listener, setup.listen, None, Some(net))?;
    if has_dns {
        running.simulate_dns();
    }
    if running.scenario().has_pac() {
        running.simulate_pac();
    }
    Ok(running)
}

/// Sockets that somebody else has made, in a sandbox.
pub struct Made {
    /// The proxy's, and the first of its addresses.
    pub proxy: (Listener, SocketAddr),
    /// The origin's: they take whatever goes around the proxy; and its own address.
    pub direct: (Listener, SocketAddr),
    /// The name by which the proxy is called, when it is not its address.
    pub name: Option<String>,
}

/// Starts a scenario on sockets that are there.
///
/// # Errors
///
/// A certificate authority that cannot be made.
pub fn start_on(scenario: Scenario, setup: &Setup, made: Made) -> anyhow::Result<Running> {
    let (listener, address) = made.proxy;
    let mut running =
        run(scenario, setup, Clock::Real, listener, address, Some(made.direct), None)?;
    running.name = made.name;
    Ok(running)
}

#[allow(clippy::too_many_arguments, reason = "called three times, from above")]
fn run(
    mut scenario: Scenario,
    setup: &Setup,
    clock: Clock,
    listener: Listener,
    address: SocketAddr,
    direct: Option<(Listener, SocketAddr)>,
    net: Option<SimNet>,
) -> anyhow::Result<Running> {
    let seed = setup.seed.or(scenario.seed).unwrap_or_else(draw_seed);
    scenario.stretch(setup.scale);
    let log = Log::new(Secrets::new(&scenario, seed), setup.keep);
    let names: Vec<String> = scenario.origin.names.iter().chain(&setup.names).cloned().collect();
    let mut addresses: Vec<IpAddr> = direct.iter().map(|(_, at)| at.ip()).collect();
    if !address.ip().is_loopback() && !address.ip().is_unspecified() {
        addresses.push(address.ip());
    }
    let unlimited = if setup.forward || !setup.ceilings { u64::MAX } else { 1 << 30 };
    let shared = Arc::new(Shared {
        clock,
        log,
        seed,
        authority: Authority::new(Calendar::of(clock), &names, &addresses)?,
        nonce: Rng::derive(seed, "nonce", 0).word(16),
        forward: setup.forward,
        proxy_ip: reachable(address).ip(),
        names: setup.names.clone(),
        ceilings: setup.ceilings,
        direct: Mutex::new(direct.as_ref().map(|(_, at)| *at)),
        plan: Mutex::new(Plan::new(seed)),
        nonces: Mutex::default(),
        asked: Mutex::default(),
        bytes: AtomicU64::new(0),
        most_bytes: scenario.limits.bytes.map_or(unlimited, |s| s.0),
        full: Notify::new(),
        tasks: Mutex::new(Some(JoinSet::new())),
    });
    let scenario = Arc::new(Mutex::new(Arc::new(scenario)));
    let (way, at) = ("proxy", address.to_string());
    shared.log.note(None, What::Listening { listener: way, address: at });
    let text = match door(&current(&scenario), None, None).syn {
        Syn::Answer => None,
        Syn::Refuse(_) => Some("the proxy's port answers every SYN with a RST"),
        Syn::Blackhole(_) => Some("the proxy's port leaves every SYN unanswered"),
        Syn::Unreachable => Some("no route leads to the proxy"),
    };
    if let Some(text) = text {
        shared.log.note(None, What::Note { text: text.to_owned() });
    }
    let mut tasks = vec![tokio::spawn(take(listener, Arc::clone(&scenario), Arc::clone(&shared)))];
    let direct = direct.map(|(listener, at)| {
        let address = at.to_string();
        shared.log.note(None, What::Listening { listener: "direct", address });
        tasks.push(tokio::spawn(take_direct(listener, Arc::clone(&scenario), Arc::clone(&shared))));
        at
    });
    let (dns, dns_tasks) = (None, Vec::new());
    let (name, pac) = (None, None);
    Ok(Running { shared, address, direct, name, dns, pac, net, dns_tasks, scenario, tasks })
}

/// A seed that fits on a command line.
pub(crate) fn draw_seed() -> u64 {
    let mut bytes = [0; 8];
    // Without randomness the time has to do; the seed is printed either way.
    if ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut bytes).is_err() {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        bytes = (now.map_or(1, |d| d.as_nanos()) as u64).to_le_bytes();
    }
    u64::from_le_bytes(bytes) % 1_000_000
}

fn current(scenario: &Mutex<Arc<Scenario>>) -> Arc<Scenario> {
    Arc::clone(&scenario.lock().unwrap_or_else(PoisonError::into_inner))
}

impl Running {
    /// Plays another scenario from the next connection on; attempts are counted from 1 again.
    pub fn replace(&self, mut scenario: Scenario, scale: Option<f64>) {
        scenario.stretch(scale);
        self.shared.plan().restart();
        *self.scenario.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(scenario);
    }

    /// The scenario that the next connection plays.
    pub fn scenario(&self) -> Arc<Scenario> {
        current(&self.scenario)
    }

    /// The proxy URL for the client, with the credentials that the scenario gives it.
    pub fn proxy_url(&self) -> String {
        let scenario = self.scenario();
        let secrets = self.shared.log.secrets();
        let scheme = scenario.proxy_scheme().word();
        let user = match scenario.client.credentials {
            GivenCredentials::None => String::new(),
            GivenCredentials::Right => {
                format!("{}:{}@", percent(&secrets.user), percent(&secrets.password))
            }
            GivenCredentials::Wrong => format!("{}:wrong@", percent(&secrets.user)),
        };
        let authority = authority(&scenario, self.name.as_deref(), self.address);
        format!("{scheme}://{user}{authority}")
    }

    /// The proxy's name, or its address, as the proxy URL has it.
    pub fn host(&self) -> String {
        match (&self.name, self.scenario().client.proxy_host) {
            (Some(name), _) => name.clone(),
            (None, ProxyHost::Name) => PROXY.to_owned(),
            (None, ProxyHost::Address) => reachable(self.address).ip().to_string(),
        }
    }

    /// The same without credentials, for texts that people see.
    pub fn shown_url(&self) -> String {
        let url = self.proxy_url();
        match url.split_once('@') {
            Some((before, host)) => {
                let scheme = before.split("://").next().unwrap_or("http");
                format!("{scheme}://****@{host}")
            }
            None => url,
        }
    }
}

/// Host and port that the client is told of the proxy.
pub(crate) fn authority(scenario: &Scenario, name: Option<&str>, address: SocketAddr) -> String {
    match (name, scenario.client.proxy_host) {
        (Some(name), _) => format!("{name}:{}", address.port()),
        (None, ProxyHost::Name) => format!("{PROXY}:{}", address.port()),
        (None, ProxyHost::Address) => reachable(address).to_string(),
    }
}

/// Where a client of this machine reaches what listens there: nobody can connect to all addresses.
pub(crate) fn reachable(at: SocketAddr) -> SocketAddr {
    let ip = match at.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, at.port())
}

/// Percent-encodes what cannot stand in the user part of a URL.
fn percent(text: &str) -> String {
    text.bytes()
        .map(|b| match b {
            b if b.is_ascii_alphanumeric() || b"-._~".contains(&b) => char::from(b).to_string(),
            b => format!("%{b:02X}"),
        })
        .collect()
}
