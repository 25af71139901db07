//! A scenario in Rust that reads like its YAML.

mod effects;
mod rule;

use std::ops::RangeBounds;

pub use rule::RuleBuilder;

use super::{
    Auth, Count, Damage, Ordinals, Outcome, Problem, Problems, ProxyScheme, ProxyTls, Scenario,
    read,
};
use crate::stage::Stage;

/// A scenario that is being written. [`Scenario::new`] begins one.
#[derive(Debug, Clone)]
#[must_use = "nothing is checked before `build`"]
pub struct Builder {
    scenario: Scenario,
    /// What is wrong with words that were given.
    wrong: Vec<Problem>,
}

impl Scenario {
    /// Begins a scenario: the healthy proxy, to which rules are added. Each rule begins with
    /// [`at`](Builder::at), then come its conditions, then its effects in order.
    ///
    /// ```
    /// use badproxy::{Scenario, Stage};
    ///
    /// let scenario = Scenario::new().at(Stage::Reply).attempts(1..=2).reset().build().unwrap();
    /// assert_eq!(
    ///     scenario.to_yaml(),
    ///     "name: scenario\nrules:\n- when:\n    attempt: 1-2\n  at: reply\n  do: reset\n"
    /// );
    /// ```
    #[allow(clippy::new_ret_no_self, reason = "`build` gives one that is checked")]
    pub fn new() -> Builder {
        let scenario = Scenario { name: "scenario".to_owned(), ..Scenario::healthy() };
        Builder { scenario, wrong: Vec::new() }
    }
}

impl Builder {
    /// Its name. Default: `scenario`.
    pub fn name(self, name: impl Into<String>) -> Self {
        let name = name.into();
        self.with(|scenario| scenario.name = name)
    }

    /// The seed of all dice. Default: drawn anew for each world.
    pub fn seed(self, seed: u64) -> Self {
        self.with(|scenario| scenario.seed = Some(seed))
    }

    /// What every time in it is multiplied by. Default: 1.
    pub fn scale(self, scale: f64) -> Self {
        self.with(|scenario| scenario.scale = Some(scale))
    }

    /// The credentials that the proxy asks for. Default: none.
    pub fn auth(self, auth: Auth) -> Self {
        self.with(|scenario| scenario.proxy.auth = Some(auth))
    }

    /// The proxy's port speaks TLS.
    pub fn tls(self) -> Self {
        self.with(|scenario| scenario.proxy.tls = Some(ProxyTls::default()))
    }

    /// The scheme of the client's proxy URL. Default: what its port speaks.
    pub fn proxy_scheme(self, scheme: ProxyScheme) -> Self {
        self.with(|scenario| scenario.client.proxy_scheme = Some(scheme))
    }

    /// The URL that the client is to fetch. Default: `https://target.badproxy.test/`.
    pub fn target(self, url: impl Into<String>) -> Self {
        let url = url.into();
        self.with(|scenario| scenario.client.target = Some(url))
    }

    /// The client has to succeed.
    pub fn expect_success(self) -> Self {
        self.with(|scenario| scenario.expect.outcome = Some(Outcome::Success))
    }

    /// The client has to fail.
    pub fn expect_failure(self) -> Self {
        self.with(|scenario| scenario.expect.outcome = Some(Outcome::Failure))
    }

    /// A client can know that an answer was damaged (`corrupt` at `body`): whoever takes it is wrong.
    pub fn expect_damage_noticed(self) -> Self {
        self.with(|scenario| scenario.expect.damage = Damage::Noticed)
    }

    /// How many attempts the client may make: `3..=3` for that many, `..=5`, `2..`. Default:
    /// `..=5`.
    pub fn expect_attempts(self, attempts: impl RangeBounds<u64>) -> Self {
        let Ordinals { first, last } = rule::ordinals(&attempts);
        let some = |n, unbounded| (n != unbounded).then_some(n);
        let count = match first == last {
            true => Count { exactly: Some(first), ..Count::default() },
            false => Count { min: some(first, 1), max: some(last, u64::MAX), exactly: None },
        };
        self.with(|scenario| scenario.expect.attempts = count)
    }

    /// Any other setting, by the key's name.
    ///
    /// ```
    /// # use badproxy::Scenario;
    /// let scenario = Scenario::new().with(|s| s.limits.connections = Some(100)).build().unwrap();
    /// assert_eq!(scenario.to_yaml(), "name: scenario\nlimits:\n  connections: 100\n");
    /// ```
    pub fn with(mut self, change: impl FnOnce(&mut Scenario)) -> Self {
        change(&mut self.scenario);
        self
    }

    /// Begins a rule at this stage. Of several that match, the first one wins.
    pub fn at(self, stage: Stage) -> RuleBuilder {
        RuleBuilder::new(self, stage)
    }

    /// The scenario, checked as a file is.
    ///
    /// # Errors
    ///
    /// Every mistake, as `badproxy check` shows it of the [YAML](Scenario::to_yaml) that says the
    /// same.
    pub fn build(self) -> Result<Scenario, Problems> {
        let text = self.scenario.to_yaml();
        let file = self.scenario.name.clone();
        if !self.wrong.is_empty() {
            return Err(Problems { file, text: String::new(), list: self.wrong });
        }
        let read = read(&text, &file)?;
        if read == self.scenario {
            return Ok(read);
        }
        let problem = Problem::new("this cannot be written in YAML without a loss").help(
            "a time has whole milliseconds, and `send` takes a file only from a scenario in one",
        );
        Err(Problems { file, text, list: vec![problem] })
    }
}
