//! The settings of a run that are not the scenario's.

use std::net::SocketAddr;

/// How a scenario is started.
///
/// ```
/// use badproxy::Setup;
///
/// let setup = Setup::new().seed(7).scale(0.1);
/// assert_eq!(setup.seed, Some(7));
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Setup {
    /// Where the proxy listens. Default: 127.0.0.1, a port that the system chooses.
    pub listen: SocketAddr,
    /// Where the origin can be reached around the proxy, so that a bypass is seen. Default: none.
    pub direct: Option<SocketAddr>,
    /// The seed. Default: the scenario's, or one drawn from the system's randomness.
    pub seed: Option<u64>,
    /// By which all times of the scenario are multiplied. Default: 1.
    pub scale: Option<f64>,
    /// Whether targets that the origin does not answer for are really connected to.
    pub forward: bool,
    /// Names that the origin answers for, beside the scenario's.
    pub names: Vec<String>,
    /// Events kept in memory. Default: 20000.
    pub keep: usize,
    /// Where the name server listens. Default: none, unless the scenario has one; then 127.0.0.1, a
    /// port that the system chooses.
    pub dns: Option<SocketAddr>,
    /// Whether the default ceilings hold; a scenario's own always do. Default: true.
    pub ceilings: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Setup {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            direct: None,
            seed: None,
            scale: None,
            forward: false,
            names: Vec::new(),
            keep: 20_000,
            dns: None,
            ceilings: true,
        }
    }
}

impl Setup {
    /// The defaults: what each field says.
    #[must_use]
    pub fn new() -> Self {
        Setup::default()
    }

    /// With this address for the proxy.
    #[must_use]
    pub fn listen(self, listen: SocketAddr) -> Self {
        Setup { listen, ..self }
    }

    /// With a way around the proxy at this address.
    #[must_use]
    pub fn direct(self, direct: SocketAddr) -> Self {
        Setup { direct: Some(direct), ..self }
    }

    /// With this seed.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Setup { seed: Some(seed), ..self }
    }

    /// With all times of the scenario multiplied by this.
    #[must_use]
    pub fn scale(self, scale: f64) -> Self {
        Setup { scale: Some(scale), ..self }
    }

    /// With real connections to targets that the origin does not answer for.
    #[must_use]
    pub fn forward(self) -> Self {
        Setup { forward: true, ..self }
    }

    /// With this name for the origin, beside the others.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.names.push(name.into());
        self
    }

    /// With a name server at this address.
    #[must_use]
    pub fn dns(self, dns: SocketAddr) -> Self {
        Setup { dns: Some(dns), ..self }
    }
}
