//! What the types cannot say of rules at `dns`: how a query comes decides what can happen to it.

use super::problem::Problem;
use super::{Rule, When};
use crate::dns::Transport;
use crate::fault::Effect;
use crate::stage::Stage;

/// Keys of `when` that are known at `dns` alone, and those that are not known there: the key, why.
pub(super) fn unknown(when: &When, stage: Stage) -> Vec<(&'static str, &'static str)> {
    let keys = [
        (when.name.is_some(), "name"),
        (when.kind.is_some(), "type"),
        (when.transport.is_some(), "transport"),
        (when.edns.is_some(), "edns"),
    ];
    if stage != Stage::Dns {
        let why = "it is about a query to the name server: those are met at `dns`";
        return keys.into_iter().filter_map(|(is, key)| is.then_some((key, why))).collect();
    }
    match when.per {
        Some(_) if when.attempt.is_some() => {
            vec![("per", "at `dns`, `attempt` counts the queries for the same name and type")]
        }
        _ => Vec::new(),
    }
}

/// An effect that needs a connection, or TLS, or HTTP, in a rule that is for other queries, too.
/// Where: the step's index.
pub(super) fn effects(rule: &Rule) -> Vec<(usize, Problem)> {
    if rule.at.value != Stage::Dns {
        return Vec::new();
    }
    let transport = rule.when().transport;
    let steps = rule.steps.0.iter().enumerate();
    let mut found: Vec<(usize, Problem)> =
        steps.filter_map(|(index, step)| Some((index, effect(&step.effect, transport)?))).collect();
    found.extend(handshake(rule));
    found
}

fn effect(effect: &Effect, transport: Option<Transport>) -> Option<Problem> {
    use Transport::{Doh, Dot, Tcp, Udp};
    let word = effect.word();
    let (can, what, which): (&[Transport], _, _) = match effect {
        Effect::Close(_) | Effect::Reset(_) => {
            (&[Tcp, Dot, Doh], "a connection", "`tcp`, `dot` or `doh`")
        }
        Effect::Cert(_) => (&[Dot, Doh], "TLS", "`dot` or `doh`"),
        Effect::Respond(_) => (&[Doh], "HTTP", "`doh`"),
        _ => return None,
    };
    if transport.is_some_and(|transport| can.contains(&transport)) {
        return None;
    }
    let problem = match transport {
        Some(transport) => {
            Problem::new(format!("`{word}` needs {what}, and `{}` has none", transport.word()))
        }
        None => Problem::new(format!("`{word}` needs {what}, and this rule is for UDP, too")),
    };
    let advice = format!("write `when: {{transport: ...}}` with {which}");
    Some(match (effect, transport) {
        (Effect::Close(_) | Effect::Reset(_), None | Some(Udp)) => {
            problem.help(advice).help("silence over UDP is `hang`")
        }
        _ => problem.help(advice),
    })
}

/// A certificate is shown before the query is read.
fn handshake(rule: &Rule) -> Option<(usize, Problem)> {
    let steps = &rule.steps.0;
    let cert = steps.iter().position(|step| matches!(step.effect, Effect::Cert(_)))?;
    let late =
        steps.iter().position(|step| matches!(step.effect, Effect::Answer(_) | Effect::Respond(_)));
    if let Some(late) = late {
        let word = steps[late].effect.word();
        let problem =
            Problem::new(format!("`{word}` is about a query, and `cert` comes before it"))
                .help("give each a rule of its own");
        return Some((late, problem));
    }
    let when = rule.when();
    let named = [
        (when.name.is_some(), "name"),
        (when.kind.is_some(), "type"),
        (when.edns.is_some(), "edns"),
        (when.attempt.is_some(), "attempt"),
    ];
    let (_, key) = named.into_iter().find(|(is, _)| *is)?;
    let problem =
        Problem::new(format!("`cert` is shown before the query is read: `{key}` is not known yet"))
            .help(format!("take `{key}` out of `when`"));
    Some((cert, problem))
}

/// Whether a rule is met in the TLS handshake of the name server.
pub(super) fn shows_cert(rule: &Rule) -> bool {
    rule.at.value == Stage::Dns
        && rule.steps.0.iter().any(|step| matches!(step.effect, Effect::Cert(_)))
}
