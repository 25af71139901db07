//! The verdict: conduct held against the scenario. Pure: no clock, no I/O, nothing assumed.
//!
//! One rule a small function: `safety` (leak, wrong, bypass), `robustness` (not exercised, storm,
//! hang, crash, failed), `clarity` (slow, vague), `open` (what could not be judged, with `tongue` and
//! `login`, `bites`). `lag` takes back what our own lateness could explain. The rest is sorted by [`Word`]; the first names the run.

mod bites;
mod clarity;
mod lag;
mod login;
mod open;
mod robustness;
mod safety;
mod tongue;
mod word;
pub(crate) mod words;

use std::time::Duration;

pub use word::{Class, Word};

use crate::conduct::Conduct;
use crate::event::What;
use crate::fix;
use crate::scenario::{Outcome, Rule, Scenario, Step, Way};
use crate::stage::Stage;

/// What the judge compares with, beside the scenario.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
#[allow(clippy::exhaustive_structs, reason = "no promise")]
pub struct Terms {
    /// The timeout that the client was told to use.
    pub timeout: Duration,
    /// After this time the client was killed.
    pub hang: Duration,
    /// The most that this program itself was late, in milliseconds.
    pub lag_max_ms: f64,
    /// Whether a client that goes around the proxy would have been seen, and had no right to.
    pub bypass_observable: bool,
    /// The client was told no timeout.
    pub no_timeout: bool,
    /// How much is seen of SYNs that get no SYN-ACK.
    pub syns: Syns,
}

/// How much is seen of SYNs that get no SYN-ACK.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "no promise")]
pub enum Syns {
    /// Nothing.
    None,
    /// Those that still wait for an answer when they are looked for.
    Waiting,
    /// Each of them, and each that was refused.
    All,
}

/// One thing found, with what it was measured against and the four lines that explain it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// Which word it earns.
    pub word: Word,
    /// By which rule: one short word, e.g. `attempts`, `gap`, `nonce`.
    pub rule: &'static str,
    /// What was measured.
    pub measured: String,
    /// What was allowed.
    pub limit: String,
    /// What the proxy did.
    pub proxy_did: String,
    /// What the client did.
    pub client_did: String,
    /// What a good client does.
    pub good_client: String,
    /// The setting that likely helps.
    pub fix: Option<String>,
}

impl Finding {
    /// What was measured and what was allowed, in one line.
    pub fn summary(&self) -> String {
        match self.limit.as_str() {
            "" => self.measured.clone(),
            limit => format!("{}, {limit}", self.measured),
        }
    }

    /// The event that writes it down.
    pub fn event(&self) -> What {
        What::Finding {
            verdict: self.word.shown(),
            rule: self.rule.to_owned(),
            measured: self.measured.clone(),
            limit: self.limit.clone(),
            proxy_did: self.proxy_did.clone(),
            client_did: self.client_did.clone(),
            good_client: self.good_client.clone(),
            fix: self.fix.clone(),
        }
    }
}

/// What was found, and the word for it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verdict {
    /// The gravest word found, or PASS.
    pub word: Word,
    /// What was measured, in one line.
    pub summary: String,
    /// What the proxy did.
    pub proxy_did: String,
    /// What the client did.
    pub client_did: String,
    /// What a good client does.
    pub good_client: String,
    /// All that was found, gravest first; empty for PASS.
    pub findings: Vec<Finding>,
    /// What is worth knowing and no finding, as `name: text`.
    pub notes: Vec<String>,
}

/// How the command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// No end was seen.
    Unseen,
    /// Killed when its time was up.
    Hung,
    /// Killed by us, but before its time was up.
    Stopped,
    /// By a signal that was not ours.
    Signal(i32),
    /// With the code that stands for an abort.
    Abort(i32),
    /// With 77.
    Unsupported,
    /// With 0.
    Success,
    /// With any other code.
    Failure(i32),
}

/// Codes that shells and systems give to a program that died: SIGABRT and SIGSEGV as 128 + n, and
/// an access violation on Windows (0xC0000005).
const ABORTS: [i32; 3] = [134, 139, -1_073_741_819];
/// "This client does not support it." Not 127: that is the shell's "command not found".
const UNSUPPORTED: i32 = 77;

impl Ending {
    fn of(conduct: &Conduct, terms: &Terms) -> Ending {
        let Some(exit) = conduct.process.exit else { return Ending::Unseen };
        if exit.killed_by_us {
            // Whoever stops a run early (an interrupt, a ceiling) has not shown a hang. The
            // spawn is written down a little after the deadline's clock was started.
            let ran = conduct.ran().unwrap_or(0.0);
            return if ran >= words::in_ms(terms.hang) * 0.9 {
                Ending::Hung
            } else {
                Ending::Stopped
            };
        }
        match (exit.signal, exit.code) {
            (Some(signal), _) => Ending::Signal(signal),
            (None, Some(0)) => Ending::Success,
            (None, Some(UNSUPPORTED)) => Ending::Unsupported,
            (None, Some(code)) if ABORTS.contains(&code) => Ending::Abort(code),
            (None, Some(code)) => Ending::Failure(code),
            (None, None) => Ending::Unseen,
        }
    }
}

/// What the rules look at.
struct Case<'a> {
    scenario: &'a Scenario,
    conduct: &'a Conduct,
    terms: &'a Terms,
    ending: Ending,
    /// Whether any rule of the scenario has done its fault.
    met: bool,
}

impl<'a> Case<'a> {
    fn new(scenario: &'a Scenario, conduct: &'a Conduct, terms: &'a Terms) -> Self {
        let ending = Ending::of(conduct, terms);
        let met = (1..=scenario.rules.len()).any(|rule| conduct.faults.contains_key(&rule));
        let mut case = Case { scenario, conduct, terms, ending, met };
        case.met |= case.met_at_syn();
        case
    }

    /// Whether something shows that the client met a rule at `syn`. The kernel plays those: where no
    /// SYN can be seen, what the client says has to do.
    fn met_at_syn(&self) -> bool {
        let says = || self.conduct.says(&self.scenario.expect.explain).is_some();
        self.scenario.shut() && (self.conduct.syns > 0 || (self.told_of_syns().is_none() && says()))
    }

    /// Why a client whose SYNs would be seen has sent none; None where they would not be.
    fn told_of_syns(&self) -> Option<&'static str> {
        let rules = self.scenario.rules.iter().filter(|rule| rule.at.value == Stage::Syn);
        let mut words = rules.flat_map(|rule| &rule.steps.0).map(|step| step.effect.word());
        match self.terms.syns {
            Syns::None => None,
            // Where there is no route no packet leaves, and what is lossy takes SYNs.
            Syns::All => words
                .all(|word| ["refuse", "blackhole"].contains(&word))
                .then_some("no SYN was seen"),
            Syns::Waiting => words.all(|word| word == "blackhole").then_some(
                "no SYN was seen; one of a client that waits for less than 20 ms is not (run --isolate \
                 sees each)",
            ),
        }
    }

    /// Whether the client took an answer that is damaged. Where parts alone are, they are of another
    /// version, and all of it from the first byte on is as whole as the first one was.
    fn took_damage(&self) -> bool {
        let damages = |rule: &&Rule| {
            let corrupts = |step: &Step| step.effect.word() == "corrupt";
            rule.at.value == Stage::Body && rule.steps.0.iter().any(corrupts)
        };
        let for_parts =
            |rule: &Rule| rule.when().header.keys().any(|name| name.eq_ignore_ascii_case("range"));
        let parts = self.scenario.rules.iter().filter(damages).all(for_parts);
        self.conduct.took_damage() && !(parts && self.conduct.took_all_of_it())
    }

    /// Whether a rule at `dns` was met. One that is met in the handshake of DoT or DoH keeps a good
    /// client from asking at all.
    fn met_at_dns(&self) -> bool {
        let mut rules = self.scenario.rules.iter().zip(1..);
        rules.any(|(rule, n)| rule.at.value == Stage::Dns && self.conduct.faults.contains_key(&n))
    }

    /// Whether a client that does everything right may never get a connection.
    fn may_not_arrive(&self) -> bool {
        let asked = self.scenario.has_dns() && self.conduct.queries > 0;
        // Who has read of a dead proxy dials it, and is seen where each SYN is.
        let dials = self.terms.syns == Syns::All && self.scenario.has_dead_proxy();
        let fetched = self.scenario.has_pac() && self.conduct.fetches > 0 && !dials;
        // Where each SYN is seen, whoever has sent none was not kept away.
        let seen = self.terms.syns == Syns::All && self.told_of_syns().is_some();
        (self.scenario.shut() && !seen) || asked || fetched || self.met_at_dns()
    }

    /// Whether what the client did can be held against the scenario's faults.
    fn exercised(&self) -> bool {
        self.mistaken().is_none()
            && self.not_logged_in().is_none()
            && self.never_limited().is_none()
            && (self.met || (self.scenario.rules.is_empty() && !self.unread()))
    }

    /// Whether the client has learned nothing from the PAC file, where all else begins.
    fn unread(&self) -> bool {
        self.scenario.has_pac() && self.conduct.fetches == 0
    }

    /// Whether going around the proxy is a fault here. Where it is not to be observed, a client
    /// may be right to do so (loopback targets); not when it has used the proxy as well.
    fn bypassed(&self) -> bool {
        self.way() == Way::Proxy
            && self.conduct.went_around()
            && (self.terms.bypass_observable || self.conduct.attempts > 0)
    }

    /// How the client has to reach the target.
    fn way(&self) -> Way {
        self.scenario.expect.way
    }

    /// How it ended, in words: its exit code, or what it said where it has none.
    fn exit(&self, code: i32) -> String {
        match (self.conduct.process.absent, code) {
            (true, 0) => "success reported".to_owned(),
            (true, _) => "a failure reported".to_owned(),
            (false, _) => format!("exit code {code}"),
        }
    }

    fn expects(&self, outcome: Outcome) -> bool {
        self.scenario.outcome() == outcome
    }

    fn finding(
        &self,
        word: Word,
        rule: &'static str,
        measured: impl Into<String>,
        limit: impl Into<String>,
    ) -> Finding {
        let fix = matches!(word.class(), Class::Fail | Class::Warning).then(|| {
            let (scenario, fetches) = (self.scenario, self.conduct.fetches);
            if let Some(text) = fix::untold(scenario, word, self.terms.bypass_observable, fetches) {
                return Some(text.to_owned());
            }
            if let (Word::Failed, Some(host)) = (word, &self.conduct.strayed) {
                return Some(fix::strayed(host));
            }
            if fix::no_variable(scenario, word) {
                return None;
            }
            let traces = fix::Traces {
                user_agent: self.conduct.user_agent.as_deref(),
                hello: self.conduct.hello.as_deref(),
                argv: &self.conduct.process.argv,
                served: self.conduct.origin.proxied() > 0,
            };
            let asks = scenario.has_dns() || scenario.has_pac();
            fix::likely(&traces, word, &scenario.name, asks)
        });
        Finding {
            word,
            rule,
            measured: measured.into(),
            limit: limit.into(),
            proxy_did: words::proxy_did(self.scenario, self.conduct),
            client_did: words::client_did(self.conduct),
            good_client: words::good_client(self.scenario),
            fix: fix.flatten(),
        }
    }
}

/// Holds what the client did against the scenario.
#[doc(hidden)]
pub fn judge(scenario: &Scenario, conduct: &Conduct, terms: &Terms) -> Verdict {
    let case = Case::new(scenario, conduct, terms);
    let mut found = Vec::new();
    open::harness(&case, &mut found);
    open::unsupported(&case, &mut found);
    if case.ending == Ending::Unsupported {
        // What it has shown before it gave up stays shown.
        safety::find(&case, &mut found);
    } else {
        for rule in [safety::find, robustness::find, clarity::find, open::find] {
            rule(&case, &mut found);
        }
        lag::guard(&case, &mut found);
    }
    // Stable: within a word, the order of the rules.
    found.sort_by_key(|finding| finding.word);
    let word = found.first().map_or(Word::Pass, |finding| finding.word);
    let summary = match found.first() {
        Some(first) => first.summary(),
        None => words::passed(&case),
    };
    Verdict {
        word,
        summary,
        proxy_did: words::proxy_did(scenario, conduct),
        client_did: words::client_did(conduct),
        good_client: words::good_client(scenario),
        findings: found,
        notes: open::notes(&case, word),
    }
}

#[cfg(test)]
pub(crate) mod script;
#[cfg(test)]
mod tests;
