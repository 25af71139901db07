//! Whether the client spoke the scheme of proxy authentication whose failure the scenario is about: an
//! answer to Digest that is refused, a leg of NTLM that is cut off, tokens of Negotiate without an end. A
//! 407 is met by any client; one that never begins that scheme has not met what comes after it.
//!
//! And whether it was asked at all, where what a 407 offers is the scenario: a client that sends Basic at
//! once is served and never sees one.

use super::{Case, Word};
use crate::scenario::{Answer, Credentials, GivenCredentials, Offer, Rule, Scenario, Scheme};

/// The schemes that the proxy offers and knows.
fn offered(scenario: &Scenario) -> Vec<Scheme> {
    let offers = scenario.proxy.auth.iter().flat_map(|auth| &auth.scheme.0);
    let known = |offer: &Offer| match offer {
        Offer::Scheme(scheme) => Some(*scheme),
        Offer::Verbatim(_) => None,
    };
    offers.filter_map(known).collect()
}

/// Whether a login that every client knows is on offer, or none at all.
fn takes_basic(schemes: &[Scheme]) -> bool {
    schemes.is_empty() || schemes.contains(&Scheme::Basic)
}

/// What has to come for a fault that is in the login itself, where no rule says when: the schemes, and
/// what is to become of them. None where a 407 alone is the fault.
///
/// So it is where Basic is on offer: what such a proxy refuses is plain from its first 407 on, and the
/// texts of those scenarios count a client that has sent nothing.
fn due(scenario: &Scenario) -> Option<(Vec<Scheme>, Credentials)> {
    let schemes = offered(scenario);
    if takes_basic(&schemes) || !scenario.rules.is_empty() {
        return None;
    }
    if scenario.client.credentials == GivenCredentials::Wrong {
        return Some((schemes, Credentials::Wrong));
    }
    let loops = scenario.proxy.auth.as_ref()?.negotiate.answer == Answer::Loop;
    let negotiate = schemes.contains(&Scheme::Negotiate);
    (loops && negotiate).then(|| (vec![Scheme::Negotiate], Credentials::Begun))
}

/// Whether the form of the 407 is what the scenario is about: it offers more than one scheme, the client
/// has a right login, and no rule says when.
fn about_the_offer(scenario: &Scenario) -> bool {
    let many = scenario.proxy.auth.as_ref().is_some_and(|auth| auth.scheme.0.len() > 1);
    many && scenario.rules.is_empty() && scenario.client.credentials == GivenCredentials::Right
}

/// How a client is made to wait for the 407, in the one that most people can compare with.
const WAITS: &str = "for curl: --proxy-anyauth";

impl Case<'_> {
    /// What it sent before any 407; None where there was one, or nothing was sent.
    fn unasked(&self) -> Option<String> {
        let asked = self.conduct.replies.contains_key(&407);
        let sent = self.sent().filter(|_| !asked)?;
        Some(format!("the client sent {sent} before it was asked"))
    }

    /// Why the offer of the 407, which is the scenario, was not met.
    fn never_offered(&self) -> Option<String> {
        if !about_the_offer(self.scenario) || self.conduct.replies.contains_key(&407) {
            return None;
        }
        Some(match self.unasked() {
            Some(unasked) => format!("{unasked}, so it never saw the 407 ({WAITS})"),
            None => "the client never saw the 407, and sent no credentials".to_owned(),
        })
    }

    /// A proxy that asks was not made to, which is right where nothing hangs on its 407.
    pub(super) fn note_unasked(&self, word: Word) -> Option<String> {
        let asks = self.scenario.proxy.auth.is_some() && self.scenario.rules.is_empty();
        let unasked = self.unasked().filter(|_| asks && word == Word::Pass)?;
        Some(format!("login: {unasked}, so there was no 407 ({WAITS})"))
    }

    /// Whether any of these came, and was found to be this.
    fn has_sent(&self, schemes: &[Scheme], found: Option<Credentials>) -> bool {
        let legs = &self.conduct.legs;
        legs.iter().any(|(name, credentials)| {
            let named = schemes.iter().any(|scheme| scheme.name() == *name);
            named && found.is_none_or(|found| found.word() == *credentials)
        })
    }

    /// Why the fault of the login itself was not met.
    pub(super) fn not_logged_in(&self) -> Option<String> {
        self.never_offered().or_else(|| self.never_refused())
    }

    fn never_refused(&self) -> Option<String> {
        let (schemes, found) = due(self.scenario)?;
        if self.has_sent(&schemes, Some(found)) {
            return None;
        }
        Some(match self.has_sent(&schemes, None) {
            true => format!(
                "the client began {} and went no further, so nothing of it was refused",
                names(&schemes)
            ),
            false => format!("{}, so nothing of it was refused", self.never_spoke(&schemes)),
        })
    }

    /// Why a rule that is for certain credentials was not met, where the scheme is the reason.
    pub(super) fn no_credentials_for(&self, rule: &Rule) -> Option<String> {
        let wanted = rule.when().credentials?;
        let mut schemes = offered(self.scenario);
        match wanted {
            Credentials::Absent => {
                let unasked = self.unasked()?;
                return Some(format!(
                    "it is for a request without credentials, and {unasked} ({WAITS})"
                ));
            }
            Credentials::Begun => {
                schemes.retain(|scheme| matches!(scheme, Scheme::Ntlm | Scheme::Negotiate));
            }
            Credentials::Stale => schemes.retain(|scheme| *scheme == Scheme::Digest),
            Credentials::Present | Credentials::Right | Credentials::Wrong => {}
        }
        let sent = schemes.is_empty() || self.has_sent(&schemes, None);
        (!sent).then(|| {
            let (word, spoke) = (wanted.word(), self.never_spoke(&schemes));
            format!("it is for credentials that are `{word}`, and {spoke}")
        })
    }

    /// Whether rules that wait for a scheme other than Basic were met by nobody, because the client does
    /// not speak it: that it failed to log in is no answer to them.
    pub(super) fn lacks_scheme(&self) -> bool {
        let schemes = offered(self.scenario);
        let wait = |rule: &Rule| {
            rule.when().credentials != Some(Credentials::Absent)
                && self.no_credentials_for(rule).is_some()
        };
        !takes_basic(&schemes) && !self.met && self.scenario.rules.iter().any(wait)
    }

    /// The schemes that it spoke.
    fn sent(&self) -> Option<String> {
        let mut sent: Vec<_> = self.conduct.legs.iter().map(|(name, _)| *name).collect();
        sent.dedup();
        (!sent.is_empty()).then(|| sent.join(" and "))
    }

    /// What it spoke in their place, and how they are switched on.
    fn never_spoke(&self, schemes: &[Scheme]) -> String {
        let sent = self.sent().unwrap_or_else(|| "no credentials".to_owned());
        let on: Vec<_> = schemes.iter().map(|scheme| switch(*scheme)).collect();
        let on = on.join(" or ");
        format!("the client never spoke {} (it sent {sent}; switch it on: {on})", names(schemes))
    }
}

fn names(schemes: &[Scheme]) -> String {
    schemes.iter().map(|scheme| scheme.name()).collect::<Vec<_>>().join(" or ")
}

/// What switches a scheme on, in the client that most people can compare with.
fn switch(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Basic => "curl sends it when user and password are in the proxy URL",
        Scheme::Digest => "for curl it is --proxy-digest",
        Scheme::Ntlm => "for curl it is --proxy-ntlm",
        Scheme::Negotiate => "for curl it is --proxy-negotiate",
        Scheme::Bearer => "for curl it is --proxy-header with the token",
    }
}
