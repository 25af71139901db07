//! Whether the client spoke to the proxy as it was told to: HTTP, SOCKS4 or SOCKS5. One that never did
//! has not met what the scenario is about, whatever it came to: neither its success nor its failure says
//! anything. What harms in any protocol (a leak, a storm, a hang, a crash ...) stands all the same.

use super::Case;
use crate::conduct::Tongue;
use crate::scenario::{ProxyScheme, Scenario};

/// What a client that does as it is told speaks to the proxy; None where that is not said.
fn told(scenario: &Scenario) -> Option<Tongue> {
    if scenario.client.proxy_scheme.is_none() {
        let scripted = scenario.pac.as_ref().is_some_and(|pac| {
            let scripts = [&pac.script, &pac.later];
            scripts.into_iter().flatten().any(|script| script.contains("SOCKS"))
        });
        let mut steps = scenario.rules.iter().flat_map(|rule| &rule.steps.0);
        if scripted || steps.any(|step| step.effect.word().starts_with("socks_")) {
            return None;
        }
    }
    Some(match scenario.proxy_scheme() {
        ProxyScheme::Http | ProxyScheme::Https => Tongue::Http,
        ProxyScheme::Socks4 | ProxyScheme::Socks4a => Tongue::Socks4,
        ProxyScheme::Socks5 | ProxyScheme::Socks5h => Tongue::Socks5,
    })
}

impl Case<'_> {
    /// What was spoken and what should have been, where the two have nothing in common. A client that has
    /// tried both has met the scenario.
    pub(super) fn mistaken(&self) -> Option<(Tongue, Tongue)> {
        let told = told(self.scenario)?;
        let spoken = &self.conduct.spoken;
        let other = spoken.first().filter(|_| !spoken.contains(&told))?;
        Some((*other, told))
    }
}

/// Why nothing was judged.
pub(super) fn find(case: &Case<'_>) -> Option<(&'static str, String)> {
    let (spoken, told) = case.mistaken()?;
    let scheme = case.scenario.proxy_scheme().word();
    let what = format!("the client spoke {} to {}", spoken.words(), proxy(told));
    let why = "what was to be judged did not happen";
    // One whose command names the proxy by hand cannot know.
    let help = match told {
        Tongue::Http => "where that is meant, say `client: {proxy_scheme: ...}` in the scenario",
        _ => "a client that has no SOCKS ends with 77",
    };
    Some(("protocol", format!("{what}: {why}; its proxy URL is {scheme}://..., and {help}")))
}

fn proxy(told: Tongue) -> &'static str {
    match told {
        Tongue::Http => "an HTTP proxy",
        Tongue::Socks4 => "a SOCKS4 proxy",
        Tongue::Socks5 => "a SOCKS5 proxy",
    }
}
