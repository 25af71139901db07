//! What a scenario does in HTTP/2: effects on frames need it, and effects on the text of a head
//! cannot have it.

use super::problem::Problem;
use super::{Alpn, Scenario};
use crate::fault::Effect;
use crate::stage::Stage;

/// Whether an effect acts on frames of HTTP/2 and on nothing else.
pub(super) fn is_h2(effect: &Effect) -> bool {
    matches!(effect, Effect::Frame(_) | Effect::Goaway(_) | Effect::H2(_) | Effect::RstStream(_))
}

/// Why an effect cannot take the place of what begins an answer, if so: there it is a frame and
/// no text.
fn no_frame(effect: &Effect) -> Option<&'static str> {
    match effect {
        Effect::Close(_) => Some("END_STREAM comes after an answer; `rst_stream` needs none"),
        Effect::SendBytes(_) | Effect::Garbage(_) => Some("for bytes of your own there is `frame`"),
        Effect::Split(_) | Effect::Slice(_) | Effect::Corrupt(_) | Effect::Limit(_) => {
            Some("the head is a frame, which is not text: shape the body or the tunnel")
        }
        Effect::Glue(_) => Some("a head and what follows it are frames of their own"),
        Effect::Vanish(_) => {
            Some("a stream is no connection: use it at accept, proxy_tls or tunnel")
        }
        _ => None,
    }
}

/// Mistakes at the origin's stages.
pub(super) fn origin(scenario: &Scenario) -> Vec<Problem> {
    if scenario.alpn().contains(&Alpn::H2) {
        return texts(scenario, |stage| stage == Stage::Response);
    }
    let here = |stage| matches!(stage, Stage::Tls | Stage::Response | Stage::Body);
    let why = "the origin does not offer it: take `origin: {alpn: ...}` out, or add `h2` to it";
    frames(scenario, here, why)
}

/// Mistakes at the proxy's own stages.
pub(super) fn proxy(scenario: &Scenario) -> Vec<Problem> {
    let own = |stage| stage == Stage::ProxyTls || (Stage::Request..=Stage::Tunnel).contains(&stage);
    let offered = scenario.proxy.tls.iter().flat_map(|tls| tls.alpn());
    if offered.into_iter().any(|alpn| alpn == Alpn::H2) {
        return texts(scenario, |stage| (Stage::Request..=Stage::Reply).contains(&stage));
    }
    frames(
        scenario,
        own,
        "the proxy does not speak it: write `proxy: {tls: {alpn: [h2, http/1.1]}}`",
    )
}

/// Effects on frames where no HTTP/2 is spoken.
fn frames(scenario: &Scenario, here: impl Fn(Stage) -> bool, why: &str) -> Vec<Problem> {
    let mut found = Vec::new();
    for rule in scenario.rules.iter().filter(|rule| here(rule.at.value)) {
        for step in rule.steps.0.iter().filter(|step| is_h2(&step.effect)) {
            let word = step.effect.word();
            let problem = Problem::new(format!("`{word}` needs HTTP/2 at `{}`", rule.at.value));
            found.push(problem.help(why).at(step.place));
        }
    }
    found
}

/// Effects on the text of a head where it is a frame.
fn texts(scenario: &Scenario, here: impl Fn(Stage) -> bool) -> Vec<Problem> {
    let mut found = Vec::new();
    for rule in scenario.rules.iter().filter(|rule| here(rule.at.value)) {
        for step in &rule.steps.0 {
            let Some(why) = no_frame(&step.effect) else { continue };
            let (word, stage) = (step.effect.word(), rule.at.value);
            let problem = Problem::new(format!("`{word}` cannot happen at `{stage}` in HTTP/2"));
            found.push(problem.help(why).at(step.place));
        }
    }
    found
}
