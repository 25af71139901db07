//! What the types cannot say: effects at stages that cannot have them, rules that can never
//! match, steps that can never run.

use super::problem::{Place, Problem};
use super::{Rule, Scenario, When};
use crate::stage::Stage;

/// Every mistake of a scenario whose types are right.
pub fn check(scenario: &Scenario) -> Vec<Problem> {
    let mut found = Vec::new();
    for (index, rule) in scenario.rules.iter().enumerate() {
        stage_has_effects(rule, &mut found);
        steps(rule, &mut found);
        when(rule, &mut found);
        shadowed(&scenario.rules[..index], rule, &mut found);
    }
    alpn(scenario, &mut found);
    late_answers(scenario, &mut found);
    numbers(scenario, &mut found);
    found
}

fn at(rule: &Rule) -> Place {
    rule.at.referenced.into()
}

fn stage_has_effects(rule: &Rule, found: &mut Vec<Problem>) {
    let stage = rule.at.value;
    for step in &rule.steps.0 {
        let allowed = step.effect.at();
        if allowed.contains(&stage) {
            continue;
        }
        let here: Vec<&str> = crate::fault::Effect::WORDS
            .iter()
            .filter(|word| crate::fault::Effect::stages(word).contains(&stage))
            .copied()
            .collect();
        let words: Vec<&str> = allowed.iter().map(|s| s.word()).collect();
        let mut problem =
            Problem::new(format!("`{}` cannot happen at `{stage}`", step.effect.word()))
                .at(step.place)
                .help(format!("`{}` can happen at: {}", step.effect.word(), words.join(", ")));
        problem = match here.as_slice() {
            [] => problem.help(format!("nothing can be played at `{stage}` yet")),
            _ => problem.help(format!("at `{stage}` there can be: {}", here.join(", "))),
        };
        found.push(problem);
    }
}

fn steps(rule: &Rule, found: &mut Vec<Problem>) {
    let mut ended: Option<&str> = None;
    for step in &rule.steps.0 {
        if let Some(by) = ended {
            found.push(
                Problem::new(format!("`{}` can never run", step.effect.word()))
                    .at(step.place)
                    .help(format!("`{by}` before it ends the connection")),
            );
            return;
        }
        if let Err(message) = step.effect.check(rule.at.value) {
            found.push(Problem::new(message).at(step.place));
        }
        if step.effect.ends() {
            ended = Some(step.effect.word());
        }
    }
}

fn when(rule: &Rule, found: &mut Vec<Problem>) {
    let Some(spanned) = &rule.when else { return };
    let (when, stage) = (&spanned.value, rule.at.value);
    let place = Place::from(spanned.referenced);
    let place = Place { len: place.len.min(4), ..place };
    let mut never = |what: &str, why: &str| {
        found.push(
            Problem::new(format!("this rule can never match: `{what}` is not known at `{stage}`"))
                .at(place)
                .help(why.to_owned()),
        );
    };
    let request = "the request is read later: it is known from `request` on";
    let hello = "the TLS hello to the target is read later: it is known at tls, response and body";
    if stage == Stage::Syn && !counted_at_syn(when) {
        never("when", "a SYN is answered by the kernel: nothing is known of it. Give the effect a time, e.g. `refuse: {for: 3s}`");
        return;
    }
    if !stage.knows_request() {
        for (named, word) in [
            (when.host.is_some(), "host"),
            (when.port.is_some(), "port"),
            (when.method.is_some(), "method"),
            (!when.header.is_empty(), "header"),
            (when.credentials.is_some(), "credentials"),
            (when.per == Some(super::Per::Target), "per: target"),
        ] {
            if named {
                never(word, request);
            }
        }
    }
    if !stage.knows_hello() {
        for (named, word) in [(when.sni.is_some(), "sni"), (when.alpn.is_some(), "alpn")] {
            if named {
                never(word, hello);
            }
        }
    }
    if let Some(p) = when.probability
        && !(p > 0.0 && p <= 1.0)
    {
        let text = format!("`probability: {p}` is not a chance above 0 and up to 1");
        found.push(Problem::new(text).at(place));
    }
    if when.elapsed.is_some_and(|window| window.to.is_some_and(|to| to <= window.from)) {
        let text = "this rule can never match: `elapsed` ends before it starts";
        found.push(Problem::new(text).at(place));
    }
    if when.per.is_some() && when.attempt.is_none() {
        found.push(Problem::new("`per` says what `attempt` counts, but there is no `attempt`").at(place));
    }
}

/// At `syn` only an empty `when` is possible.
fn counted_at_syn(when: &When) -> bool {
    when.always()
}

fn shadowed(before: &[Rule], rule: &Rule, found: &mut Vec<Problem>) {
    let stage = rule.at.value;
    let earlier = before.iter().position(|r| r.at.value == stage && r.when().always());
    if let Some(index) = earlier {
        found.push(
            Problem::new("this rule can never match")
                .at(at(rule))
                .help(format!("rule {} is also at `{stage}` and always matches", index + 1))
                .help("the first rule that matches wins: put the special case first"),
        );
    }
}

/// Rules at `response` and `body` are written as HTTP/1.1.
fn alpn(scenario: &Scenario, found: &mut Vec<Problem>) {
    let h2 = scenario.origin.alpn.as_ref().is_some_and(|a| a.contains(&super::Alpn::H2));
    let rule = scenario
        .rules
        .iter()
        .find(|r| matches!(r.at.value, Stage::Response | Stage::Body));
    if let (true, Some(rule)) = (h2, rule) {
        found.push(
            Problem::new(format!("a rule at `{}` cannot be played over h2", rule.at.value))
                .at(at(rule))
                .help("take `h2` out of `origin: alpn`, or leave `alpn` out"),
        );
    }
}

/// With `dial: after_reply` the 200 is out when `resolve` and `dial` are met: no answer fits.
fn late_answers(scenario: &Scenario, found: &mut Vec<Problem>) {
    if scenario.proxy.dial != super::DialTime::AfterReply {
        return;
    }
    for rule in &scenario.rules {
        if !matches!(rule.at.value, Stage::Resolve | Stage::Dial) {
            continue;
        }
        for step in &rule.steps.0 {
            if !matches!(step.effect.word(), "delay" | "hang" | "close" | "reset") {
                found.push(
                    Problem::new(format!(
                        "`{}` comes after the 200 was sent, inside the tunnel",
                        step.effect.word()
                    ))
                    .at(step.place)
                    .help("with `dial: after_reply` there can be delay, hang, close and reset here")
                    .help("to send bytes after the 200, use the stage `tunnel`"),
                );
            }
        }
    }
}

fn numbers(scenario: &Scenario, found: &mut Vec<Problem>) {
    if scenario.scale.is_some_and(|s| !(s > 0.0 && s <= 1000.0)) {
        found.push(Problem::new("`scale` has to be above 0 and at most 1000"));
    }
    if scenario.requires > 2 {
        found.push(Problem::new("`requires` is 0 (anywhere), 1 (Linux sandbox) or 2 (root)"));
    }
    let attempts = &scenario.expect.attempts;
    if attempts.exactly.is_some() && (attempts.min.is_some() || attempts.max.is_some()) {
        found.push(Problem::new("`attempts: exactly` leaves no room for `min` or `max`"));
    }
    if attempts.fewest() > attempts.most() {
        found.push(Problem::new("`attempts: min` is above `max`"));
    }
    let target = scenario.target();
    let host = target.strip_prefix("https://").or_else(|| target.strip_prefix("http://"));
    if host.is_none_or(|rest| rest.starts_with('/') || rest.is_empty()) {
        found.push(Problem::new(format!(
            "`client: target` is `{target}`: write a whole URL, e.g. `{}`",
            super::TARGET
        )));
    }
    for list in [&scenario.origin.names, &scenario.seen] {
        if list.iter().any(String::is_empty) {
            found.push(Problem::new("an entry of `names` or `seen` is empty"));
        }
    }
}
