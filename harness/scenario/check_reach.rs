//! Rules that no connection can come to, because an earlier stage ends every one.

use super::{DialTime, Problem, ProxyScheme, Rule, Scenario};
use crate::fault::Effect;
use crate::fault::reset::Reset;
use crate::stage::Stage;

/// The stages that every connection passes in this order, whatever it asks for. From `tls` on the
/// origin plays, to clients that go around the proxy, too.
const WAY: &[Stage] = &[
    Stage::Accept,
    Stage::Request,
    Stage::Auth,
    Stage::Resolve,
    Stage::Dial,
    Stage::Reply,
    Stage::Tunnel,
];

/// What is wrong with the rule of this number, if no connection can come to it.
pub(super) fn unreached(scenario: &Scenario, index: usize) -> Option<Problem> {
    let rule = &scenario.rules[index];
    let stage = rule.at.value;
    let end = WAY.iter().position(|at| *at == stage)?;
    let by = WAY[..end].iter().find_map(|at| last(scenario, *at, stage))?;
    let problem = Problem::new("this rule can never match")
        .help(format!(
            "the rule at `{}` in line {} ends every connection before `{stage}`",
            by.at.value, by.at.place.line
        ))
        .help("give that one a `when`, or take one of the two out");
    Some(problem.at(rule.at.place))
}

/// The rule that ends every connection at this stage, so that none comes to the later one.
fn last(scenario: &Scenario, at: Stage, later: Stage) -> Option<&Rule> {
    // SOCKS has no `auth` where nobody logs in, and with `dial: after_reply` the reply comes first.
    let socks = !matches!(scenario.proxy_scheme(), ProxyScheme::Http | ProxyScheme::Https);
    let late = scenario.proxy.dial == DialTime::AfterReply && later == Stage::Reply;
    if (at == Stage::Auth && socks) || (at >= Stage::Resolve && late) {
        return None;
    }
    // The first that matches wins: neither the one that always does nor any before it may let pass.
    for rule in scenario.rules.iter().filter(|rule| rule.at.value == at) {
        if !ends(rule) {
            return None;
        }
        if rule.when().always() {
            return Some(rule);
        }
    }
    None
}

/// Whether a connection that meets this rule ends with it, whatever the client does.
fn ends(rule: &Rule) -> bool {
    let steps = rule.steps.0.iter().map(|step| &step.effect);
    // While a condition is waited for, the stage's own bytes may pass to their end.
    let mut steps = steps.take_while(|effect| !effect.is_condition());
    steps.any(|effect| match effect {
        Effect::Reset(reset) => *reset == Reset::default(),
        Effect::Close(_) | Effect::Hang(_) => effect.ends(),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use crate::scenario::read;

    #[test]
    fn what_some_connection_may_come_to_is_no_mistake() {
        for yaml in [
            // The origin plays these, also to whoever goes around the proxy or asks in the clear.
            "rules: [{at: reply, do: close}, {at: tls, do: reset}]",
            "rules: [{at: reply, do: close}, {at: response, do: reset}]",
            "rules: [{at: reply, when: {attempt: 1}, do: close}, {at: tunnel, do: reset}]",
            "rules: [{at: reply, do: {close: downstream}}, {at: tunnel, do: reset}]",
            "rules: [{at: reply, do: {reset: {after_bytes: 1MB}}}, {at: tunnel, do: reset}]",
            "rules: [{at: reply, do: {reset: {after: 1s}}}, {at: tunnel, do: reset}]",
            "rules: [{at: reply, do: [until: {idle: 1s}, close]}, {at: tunnel, do: reset}]",
            "rules: [{at: reply, do: {limit: 1MB}}, {at: tunnel, do: reset}]",
            // The first that matches lets pass.
            "rules: [{at: reply, when: {attempt: 2}, do: {delay: 1s}}, {at: reply, do: close}, \
             {at: tunnel, do: reset}]",
            "client: {proxy_scheme: socks5h}\nrules: [{at: auth, do: close}, {at: reply, do: reset}]",
            "proxy: {dial: after_reply}\nrules: [{at: dial, do: close}, {at: reply, do: {delay: 1s}}]",
        ] {
            assert!(read(yaml, "x").is_ok(), "{yaml}\n{}", read(yaml, "x").unwrap_err());
        }
    }
}
