//! HARNESS, UNSUPPORTED, INCONCLUSIVE: what could not be judged, and why.

use super::words::{count, many, ms, time};
use super::{Case, Ending, Finding, Word, bites, tongue};
use crate::conduct::Spot;
use crate::scenario::{Expect, Outcome, Per, Rule, Way, When};
use crate::stage::Stage;

/// Three attempts this close together have no pause between them worth the name.
const NO_BACKOFF_MS: f64 = 50.0;

pub(super) fn harness(case: &Case<'_>, found: &mut Vec<Finding>) {
    if let Some((first, more)) = case.conduct.trouble.split_first() {
        let more = match more.len() {
            0 => String::new(),
            n => format!(" (and {n} more)"),
        };
        found.push(case.finding(Word::Harness, "trouble", format!("{first}{more}"), ""));
    }
}

pub(super) fn unsupported(case: &Case<'_>, found: &mut Vec<Finding>) {
    if case.ending == Ending::Unsupported {
        let measured = "exit code 77, by which a client says that it does not support this: \
                        nothing was judged (one that means something else by it needs a wrapper \
                        that ends with another code)";
        found.push(case.finding(Word::Unsupported, "exit", measured, ""));
    }
}

pub(super) fn find(case: &Case<'_>, found: &mut Vec<Finding>) {
    let dialled = case.conduct.attempts > 0 || case.conduct.syns > 0;
    let came = dialled || case.may_not_arrive();
    let mistaken = tongue::find(case);
    // NOT-EXERCISED has said so already, or the wrong protocol says why.
    let told = (came || (case.unread() && case.way() != Way::Proxy)) && mistaken.is_none();
    let reasons = [
        mistaken,
        no_end(case),
        told.then(|| never_met(case)).flatten(),
        told.then(|| too_few(case)).flatten(),
        cut(case),
        foreign(case),
        no_way(case),
    ];
    for (rule, measured) in reasons.into_iter().flatten() {
        found.push(case.finding(Word::Inconclusive, rule, measured, ""));
    }
}

type Reason = Option<(&'static str, String)>;

fn no_end(case: &Case<'_>) -> Reason {
    match case.ending {
        // A note says so: whoever tests inside the client's process looks at its end himself.
        Ending::Unseen if case.conduct.process.absent => None,
        Ending::Unseen => Some(("exit", "the end of the command was not seen".to_owned())),
        Ending::Stopped => {
            let ran = ms(case.conduct.ran().unwrap_or(0.0));
            let hang = time(case.terms.hang);
            Some((
                "exit",
                format!("the command was stopped after {ran}, before its {hang} were up"),
            ))
        }
        _ => None,
    }
}

/// A fault that was armed and never met is no pass.
fn never_met(case: &Case<'_>) -> Reason {
    let rules = &case.scenario.rules;
    if case.unread() {
        let text = "the PAC file was never fetched; is the client told where it is ({pac}, \
                    BADPROXY_PAC)?";
        return Some(("never-met", text.to_owned()));
    }
    if let Some(why) = case.not_logged_in().or_else(|| case.never_limited()) {
        return Some(("never-met", why));
    }
    if case.met || rules.is_empty() {
        return None;
    }
    let (number, rule) = match rules.iter().enumerate().find(|(_, r)| r.at.value == Stage::Syn) {
        Some((index, rule)) => (index + 1, rule),
        None => (1, rules.first()?),
    };
    let which = match rules.len() {
        1 => format!("rule 1, at `{}`, was never met", rule.at.value),
        n => format!("none of the {n} rules was met; rule {number} is at `{}`", rule.at.value),
    };
    Some(("never-met", format!("{which}: {}", why_not(case, number, rule))))
}

/// Rules that were never met where another one was: one that is there for some clients only is right,
/// so it is no verdict.
fn unmet(case: &Case<'_>) -> Vec<String> {
    let all = case.scenario.rules.iter().zip(1..);
    let unmet = all.filter(|(rule, number)| {
        let seen = case.conduct.faults.contains_key(number);
        case.met && !seen && !(rule.at.value == Stage::Syn && case.met_at_syn())
    });
    let said = unmet.map(|(rule, number)| {
        let (stage, why) = (rule.at.value, why_not(case, number, rule));
        format!("never-met: rule {number}, at {stage}, was never met: {why}")
    });
    said.collect()
}

fn why_not(case: &Case<'_>, number: usize, rule: &Rule) -> String {
    let (conduct, stage) = (case.conduct, rule.at.value);
    if stage == Stage::Syn {
        if let Some(why) = case.told_of_syns() {
            return why.to_owned();
        }
        if rule.steps.0.iter().any(|step| step.effect.word() == "unreachable") {
            return "where there is no route no packet leaves, and the client does not speak of it"
                .to_owned();
        }
        if let Some(why) = bites::never_bit(rule).filter(|_| conduct.attempts > 0) {
            return why;
        }
        let refused = rule.steps.0.first().is_some_and(|step| step.effect.word() == "refuse");
        return match refused {
            true => {
                "a refused SYN leaves no trace in user space, and the client does not speak of \
                     one"
                .to_owned()
            }
            false => "no SYN was seen".to_owned(),
        };
    }
    if stage == Stage::Dns && conduct.queries == 0 {
        return "no query came to the name server; is the client told to use it \
                (`badproxy run --help`)?"
            .to_owned();
    }
    let passed = conduct.passed.get(&number);
    if passed.is_none() && conduct.unspoken.contains(&number) {
        let socks = rule.steps.0.iter().any(|step| step.effect.word().starts_with("socks"));
        return match socks {
            true => "the client did not speak SOCKS5".to_owned(),
            false => "the client did not speak HTTP/2 there: ALPN has to offer h2".to_owned(),
        };
    }
    let got_there = conduct.reached.is_some_and(|reached| reached >= stage);
    let why = case.never_until(number, rule).or_else(|| bites::never_bit(rule));
    if let Some(why) = why.filter(|_| got_there) {
        return why;
    }
    if let Some(passed) = passed {
        let words: Vec<&str> = rule.steps.0.iter().map(|step| step.effect.word()).collect();
        let times = many(*passed, "time");
        return format!(
            "it was begun ({}; {times} past a condition), then the connection ended",
            words.join(", ")
        );
    }
    if stage == Stage::Body && case.scenario.target().starts_with("ws") {
        return "the frames of a WebSocket are in no body; `at: tunnel` reaches them".to_owned();
    }
    let when = rule.when();
    if let Some(attempt) = when.attempt {
        let counted = match when.per.unwrap_or_default() {
            _ if stage == Stage::Dns => None,
            _ if stage == Stage::Pac => Some((conduct.fetches, "request")),
            Per::Attempt => Some((conduct.attempts, "attempt")),
            Per::Connection => Some((conduct.accepted, "connection")),
            Per::Request | Per::Target | Per::Credentials | Per::Method => None,
        };
        if let Some((made, thing)) = counted.filter(|(made, _)| *made < attempt.first) {
            let first = count(attempt.first);
            return format!("it is for {thing} {first} on, and there {}", were(made, thing));
        }
    }
    if let Some(why) = case.no_credentials_for(rule) {
        return why;
    }
    match conduct.reached {
        Some(reached) if reached < stage => {
            format!("the client got as far as `{reached}`")
        }
        _ if conduct.attempts > conduct.accepted && !stage.knows_request() => format!(
            "the client made {} on {}: a reused connection does not pass `{stage}` again",
            many(conduct.attempts, "attempt"),
            many(conduct.accepted, "connection")
        ),
        _ if stage == Stage::Pac => "no request was what its `when` asks for".to_owned(),
        _ if stage == Stage::Dns => "no query was what its `when` asks for".to_owned(),
        _ if !when.always() => {
            format!("no attempt was what its `when` asks for ({})", conditions(when))
        }
        _ => format!("the client had no use for `{stage}`"),
    }
}

/// As they stand in the scenario.
fn conditions(when: &When) -> String {
    let value = serde_json::to_value(when).unwrap_or_default();
    let each = value.as_object().into_iter().flatten();
    let each = each.map(|(key, value)| format!("{key}: {value}").replace('"', ""));
    each.collect::<Vec<_>>().join(", ")
}

fn were(n: u64, thing: &str) -> String {
    format!("{} {}", if n == 1 { "was" } else { "were" }, many(n, thing))
}

fn too_few(case: &Case<'_>) -> Reason {
    let (made, fewest) = (case.conduct.attempts, case.scenario.expect.attempts.fewest());
    // A client that failed where it had to succeed has earned a clearer word.
    let untold = case.conduct.process.absent && case.ending == Ending::Unseen;
    let failed = case.expects(Outcome::Success) && case.ending != Ending::Success && !untold;
    // Attempts that got no connection cannot be counted.
    let counted = !case.scenario.shut();
    (made < fewest && !failed && counted).then(|| {
        let measured =
            format!("{} made, at least {} expected", many(made, "attempt"), count(fewest));
        ("attempts", format!("{measured}: the scenario was not played to its end"))
    })
}

/// What we cut short, the client cannot have finished.
fn cut(case: &Case<'_>) -> Reason {
    let failed = matches!(case.ending, Ending::Failure(_));
    (failed && case.cut_by_us())
        .then(|| ("ceiling", format!("badproxy ended connections itself: {}", ceilings(case))))
}

/// The client may go around the proxy, and no way was seen at all.
fn no_way(case: &Case<'_>) -> Reason {
    let seen = case.conduct.went_around() || case.conduct.requests > 0;
    // Who meets the fault and gives up has reached nothing, and where each way is seen that is known.
    let gave_up = case.terms.bypass_observable && case.met && !case.expects(Outcome::Success);
    (case.way() != Way::Proxy && !seen && !gave_up).then(|| {
        let neither = "the target was reached neither through the proxy nor around it";
        let text = match case.terms.bypass_observable {
            true => neither.to_owned(),
            false => format!("{neither}; run --isolate sees each way"),
        };
        ("way", text)
    })
}

fn foreign(case: &Case<'_>) -> Reason {
    let nonces = &case.conduct.nonces;
    let unknown = case.conduct.foreign > 0 && nonces.proxied() == 0 && nonces.direct == 0;
    (unknown && case.ending == Ending::Success).then(|| {
        let text = "from a target that is not the built-in origin: whether the answer is true is \
                    unknown";
        ("nonce", format!("{}, {text}", case.exit(0)))
    })
}

impl Case<'_> {
    /// Whether a ceiling has ended connections that a good client still used. The one on
    /// connections is no such: STORM speaks of it.
    pub(super) fn cut_by_us(&self) -> bool {
        self.conduct.ceilings.keys().any(|limit| *limit != "connections")
    }
}

fn ceilings(case: &Case<'_>) -> String {
    let all: Vec<String> = case
        .conduct
        .ceilings
        .iter()
        .map(|(limit, value)| format!("the ceiling on {limit} ({}) was reached", count(*value)))
        .collect();
    all.join(", ")
}

/// What a success cannot show, because it is in no byte that was seen here.
fn untold(case: &Case<'_>, word: Word) -> Option<&'static str> {
    if word != Word::Pass || case.ending != Ending::Success || !case.met {
        return None;
    }
    if case.took_damage() {
        return Some(
            "damage: what the client got is wrong; let the command compare it with a checksum",
        );
    }
    case.conduct.took_parts().then_some(
        "parts: whether the client put them together rightly is not seen here; let the command \
         compare its file",
    )
}

/// What is worth knowing and no finding.
pub(super) fn notes(case: &Case<'_>, word: Word) -> Vec<String> {
    let conduct = case.conduct;
    let mut notes = Vec::new();
    if conduct.process.absent {
        let told = case.ending != Ending::Unseen;
        notes.push(match told {
            true => "not observable: whether the client hung or crashed; it runs in this process",
            false => {
                "not observable: how the client ended, so neither its outcome nor its words were \
                 judged; tell it with `client_ended`"
            }
        }
        .to_owned());
    }
    // The legs of a login that goes well are no retries.
    let faulty = !conduct.faults.is_empty();
    let no_backoff = |gap: &f64| faulty && *gap < NO_BACKOFF_MS && conduct.attempts >= 3;
    if let Some(gap) = conduct.median_gap().filter(no_backoff) {
        notes.push(format!("no-backoff: the median pause between attempts is {}", ms(gap)));
    }
    if conduct.sights.iter().any(|sight| sight.spot == Spot::ProxyEarly) {
        notes.push(
            "password: the client sent it in clear (Basic) before the proxy had asked, which does \
             not offer Basic"
                .to_owned(),
        );
    }
    let scale = case.scenario.scale.unwrap_or(1.0);
    let within = case.scenario.expect.within.map(|within| within.0.mul_f64(scale));
    if let Some(within) = within.filter(|within| *within > case.terms.timeout)
        && word == Word::Failed
        && !case.terms.no_timeout
    {
        notes.push(format!(
            "timeout: the answer may take {} here, and the client was told to wait for {}",
            time(within),
            time(case.terms.timeout)
        ));
    }
    notes.extend(case.note_unasked(word));
    notes.extend(untold(case, word).map(str::to_owned));
    notes.extend(case.never_moved().map(str::to_owned));
    for to in &conduct.elsewhere {
        notes.push(format!("egress: sent a datagram to {to} around the proxy"));
    }
    if conduct.process.exit.is_some_and(|exit| exit.leftover) {
        notes
            .push("leftover: the command left processes behind; those found were ended".to_owned());
    }
    if !conduct.ceilings.is_empty() {
        notes.push(format!("ceiling: {}", ceilings(case)));
    }
    notes.extend(unmet(case));
    let unsaid = case.scenario.expect == Expect::default() && case.expects(Outcome::Either);
    if word == Word::Pass && unsaid && case.conduct.process.exit.is_some() {
        notes.push("expect: no `expect`: any quick end passes".to_owned());
    }
    if case.way() != Way::Proxy {
        let around = case.conduct.direct.max(case.conduct.origin.direct) + conduct.egress;
        let ways = [
            (
                conduct.requests,
                format!("through the proxy ({})", many(conduct.requests, "request")),
            ),
            (around, format!("around the proxy ({})", many(around, "connection"))),
        ];
        let ways = ways.into_iter().filter_map(|(n, text)| (n > 0).then_some(text));
        let ways: Vec<String> = ways.collect();
        if !ways.is_empty() {
            notes.push(format!("way: the client went {}", ways.join(" and ")));
        }
    } else if !case.terms.bypass_observable && !case.bypassed() {
        notes.push(match conduct.went_around() {
            true => "bypass: the origin was reached around the proxy; it is not judged where a \
                     client may be right to do so"
                .to_owned(),
            false => {
                "bypass: a way around the proxy could not be seen here (run --isolate sees each one)"
                    .to_owned()
            }
        });
    }
    notes
}
