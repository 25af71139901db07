//! One rule: at which stage, when, and what happens there.

use std::ops::{Bound, RangeBounds};
use std::time::Duration;

use super::super::{
    Credentials, Length, Located, Ordinals, Per, Place, Problems, Rule, Scenario, Size, Step,
    Steps, When, Window,
};
use super::Builder;
use crate::fault::{Direction, Effect};
use crate::stage::Stage;

/// A rule that is being written. [`Builder::at`] begins one; its conditions and its effects can
/// stand in any order, the effects happen in theirs.
#[derive(Debug, Clone)]
#[must_use = "nothing is checked before `build`"]
pub struct RuleBuilder {
    pub(super) builder: Builder,
    at: Stage,
    when: Option<When>,
    steps: Vec<Step>,
}

/// The numbers in a range. One that is empty gives an end before its start, which is refused
/// where all else is.
pub(super) fn ordinals(range: &impl RangeBounds<u64>) -> Ordinals {
    let first = match range.start_bound() {
        Bound::Included(n) => *n,
        Bound::Excluded(n) => n.saturating_add(1),
        Bound::Unbounded => 1,
    };
    let last = match range.end_bound() {
        Bound::Included(n) => *n,
        Bound::Excluded(n) => n.saturating_sub(1),
        Bound::Unbounded => u64::MAX,
    };
    Ordinals { first, last }
}

impl RuleBuilder {
    pub(super) fn new(builder: Builder, at: Stage) -> Self {
        RuleBuilder { builder, at, when: None, steps: Vec::new() }
    }

    /// For these attempts alone, counted from 1: `1..=2`, `3..`.
    pub fn attempts(self, attempts: impl RangeBounds<u64>) -> Self {
        let attempts = ordinals(&attempts);
        self.when_also(|when| when.attempt = Some(attempts))
    }

    /// What [`attempts`](RuleBuilder::attempts) counts. Default: [`Per::Attempt`].
    pub fn per(self, per: Per) -> Self {
        self.when_also(|when| when.per = Some(per))
    }

    /// With this many connections open at the proxy, this one included.
    pub fn open(self, open: impl RangeBounds<u64>) -> Self {
        let open = ordinals(&open);
        self.when_also(|when| when.open = Some(open))
    }

    /// For this host of the target; `*` stands for any run of characters.
    pub fn host(self, host: impl Into<String>) -> Self {
        let host = host.into();
        self.when_also(|when| when.host = Some(host))
    }

    /// For this port of the target.
    pub fn port(self, port: u16) -> Self {
        self.when_also(|when| when.port = Some(port))
    }

    /// For this method, e.g. `CONNECT`.
    pub fn method(self, method: impl Into<String>) -> Self {
        let method = method.into();
        self.when_also(|when| when.method = Some(method))
    }

    /// For requests for this path; `*` as in [`host`](RuleBuilder::host).
    pub fn path(self, path: impl Into<String>) -> Self {
        let path = path.into();
        self.when_also(|when| when.path = Some(path))
    }

    /// For requests with this header; `*` in the value as in [`host`](RuleBuilder::host).
    pub fn header(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let (name, value) = (name.into(), value.into());
        self.when_also(|when| {
            when.header.insert(name, value);
        })
    }

    /// For requests without this header.
    pub fn without(self, name: impl Into<String>) -> Self {
        let name = name.into();
        self.when_also(|when| when.without.push(name))
    }

    /// For requests to the proxy whose `Host` is their target, or is not.
    pub fn host_is_target(self, is: bool) -> Self {
        self.when_also(|when| when.host_is_target = Some(is))
    }

    /// For requests with such credentials.
    pub fn credentials(self, credentials: Credentials) -> Self {
        self.when_also(|when| when.credentials = Some(credentials))
    }

    /// For this name in the client's TLS hello.
    pub fn sni(self, name: impl Into<String>) -> Self {
        let name = name.into();
        self.when_also(|when| when.sni = Some(name))
    }

    /// For TLS hellos that offer this protocol.
    pub fn alpn(self, protocol: impl Into<String>) -> Self {
        let protocol = protocol.into();
        self.when_also(|when| when.alpn = Some(protocol))
    }

    /// For TLS hellos of more bytes than this.
    pub fn hello_over(self, bytes: u64) -> Self {
        self.when_also(|when| when.hello_over = Some(Size(bytes)))
    }

    /// For the effects on bytes that pass in this direction.
    pub fn direction(self, direction: Direction) -> Self {
        self.when_also(|when| when.direction = Some(direction))
    }

    /// With this chance, above 0 and up to 1, drawn from the seed.
    pub fn probability(self, chance: f64) -> Self {
        self.when_also(|when| when.probability = Some(chance))
    }

    /// While this much time has passed since the world began.
    pub fn elapsed(self, from: Duration, to: Option<Duration>) -> Self {
        self.when_also(|when| {
            when.elapsed = Some(Window { from: Length(from), to: to.map(Length) });
        })
    }

    /// Any condition, by the key's name.
    pub fn when_also(mut self, change: impl FnOnce(&mut When)) -> Self {
        change(self.when.get_or_insert_default());
        self
    }

    /// One more effect, in its map form.
    ///
    /// ```
    /// use badproxy::fault::{Fault, reset::Reset};
    /// use badproxy::scenario::Size;
    /// use badproxy::{Scenario, Stage};
    ///
    /// let reset = Reset::with(|reset| reset.after_bytes = Some(Size(600)));
    /// let scenario = Scenario::new().at(Stage::Tunnel).step(reset).build().unwrap();
    /// assert!(scenario.to_yaml().contains("reset:\n      after_bytes: 600B\n"));
    /// ```
    pub fn step(mut self, effect: impl Into<Effect>) -> Self {
        self.steps.push(Step { effect: effect.into(), place: Place::default() });
        self
    }

    /// Begins the next rule.
    pub fn at(self, stage: Stage) -> RuleBuilder {
        self.done().at(stage)
    }

    /// Ends the rule, for what concerns the whole scenario.
    pub fn done(self) -> Builder {
        let RuleBuilder { builder, at, when, steps } = self;
        let rule = Rule { when: when.map(Located::from), at: at.into(), steps: Steps(steps) };
        builder.with(|scenario| scenario.rules.push(rule))
    }

    /// The scenario, checked as a file is.
    ///
    /// # Errors
    ///
    /// As [`Builder::build`].
    pub fn build(self) -> Result<Scenario, Problems> {
        self.done().build()
    }
}
