//! Rules that set something up first, and are met when the client comes to it: what it has not done where
//! they were not.

use crate::fault::h2::Waits;
use crate::fault::tls::{Tickets, Tls};
use crate::fault::until::UntilStep;
use crate::fault::{Direction, Effect};
use crate::scenario::{Length, Rule};

use super::Case;
use super::words::time;

impl Case<'_> {
    /// Why a limit of the proxy, which is the scenario, was not met.
    pub(super) fn never_limited(&self) -> Option<String> {
        let limit = self.scenario.proxy.head_limit.filter(|_| self.scenario.rules.is_empty())?;
        let met = self.conduct.replies.contains_key(&431);
        (!met).then(|| {
            format!(
                "no request head was longer than the limit of {limit}, so the proxy refused none (for \
                 curl: --proxy-header with a long value)"
            )
        })
    }

    /// What a GOAWAY that leaves the answer alone cannot show of a client that then had nothing to ask.
    pub(super) fn never_moved(&self) -> Option<&'static str> {
        let mut rules = self.scenario.rules.iter().zip(1..);
        let met = rules.any(|(rule, number)| {
            let polite =
                |effect: &Effect| matches!(effect, Effect::Goaway(goaway) if goaway.is_polite());
            self.conduct.faults.contains_key(&number)
                && rule.steps.0.iter().any(|step| polite(&step.effect))
        });
        (met && self.conduct.accepted + self.conduct.direct < 2).then_some(
            "goaway: the client made no connection after it: whether its next request goes over a new \
             one was not seen; let the command make two requests",
        )
    }

    /// Why a rule that lets bytes pass for a while has waited in vain.
    pub(super) fn never_until(&self, number: usize, rule: &Rule) -> Option<String> {
        if !rule.when().always() || self.conduct.passed.contains_key(&number) {
            return None;
        }
        let Effect::UntilStep(until) = &rule.steps.0.first()?.effect else { return None };
        let stage = rule.at.value;
        let (scaled, plain) = (self.scenario.scale.is_some(), " (`scale:` shortens times)");
        let told = |asked: Length| match scaled {
            true => format!("{} ({asked}, scaled)", time(self.scenario.scaled(asked.0))),
            false => format!("{asked}{plain}"),
        };
        match until {
            UntilStep { idle: Some(t), bytes: None, elapsed: None, end: None, .. } => {
                Some(format!("`{stage}` was never idle for {}", told(*t)))
            }
            UntilStep { elapsed: Some(t), bytes: None, idle: None, end: None, .. } => {
                Some(format!("`{stage}` did not last {}", told(*t)))
            }
            UntilStep { bytes: Some(n), idle: None, elapsed: None, end: None, .. } => {
                Some(format!("fewer than {n} passed at `{stage}`"))
            }
            _ => None,
        }
    }
}

/// Why such a rule was not met; None for any other.
pub(super) fn never_bit(rule: &Rule) -> Option<String> {
    rule.steps.0.iter().find_map(|step| match &step.effect {
        Effect::UntilStep(UntilStep { end: Some(Direction::Upstream), unanswered, .. }) => {
            let unanswered = *unanswered == Some(true);
            let before = if unanswered { " before it had an answer" } else { "" };
            Some(format!("the client did not half-close: it sent no FIN{before}"))
        }
        Effect::Corrupt(corrupt) => Some(match corrupt.at.iter().min_by_key(|at| at.0) {
            Some(first) if corrupt.chance.is_none() => {
                format!("no byte was hit: what passed ended before byte {} of it", first.0)
            }
            _ => "no byte was hit: of those that passed, the dice chose none".to_owned(),
        }),
        Effect::Tls(Tls { tickets: Some(Tickets::None), .. }) => Some(
            "the client came back to no server that it had a TLS session with, so it missed no \
             ticket: it has to connect twice"
                .to_owned(),
        ),
        Effect::Lose(lose) => {
            let why = match (lose.first, lose.every, lose.chance.unwrap_or_default()) {
                (Some(_), ..) => "the client sent none in that direction".to_owned(),
                (_, Some(every), _) => {
                    format!("no connection had {every} in one direction: send more")
                }
                (.., chance) => format!(
                    "each with a chance of {chance}: play it again, with another --seed, or send more"
                ),
            };
            Some(format!("no packet was lost; {why}"))
        }
        Effect::Tls(Tls { tickets: Some(Tickets::Refused), .. }) => Some(
            "the client offered no session ticket, so none was refused: it has to connect twice and \
             keep its TLS session in between"
                .to_owned(),
        ),
        Effect::TlsRecord(record) => Some(record.waits_for()),
        Effect::H2(h2) => Some(match h2.waits_for()? {
            Waits::Streams(most) => {
                let s = if most == 1 { "" } else { "s" };
                format!(
                    "the client never asked for more than {most} stream{s} of HTTP/2, so the cap kept \
                     it from nothing: it has to make more requests, best at once"
                )
            }
            Waits::Upload => "the client never uploaded so much in HTTP/2 that its window had to be \
                              replenished: it has to send more than 65,535 bytes"
                .to_owned(),
            Waits::Ping => "the client sent no PING of HTTP/2 that had to be answered".to_owned(),
        }),
        _ => None,
    })
}
