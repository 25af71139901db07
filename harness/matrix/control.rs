//! The control cells: a healthy proxy, before anything is judged and again at the end. A client
//! that does not get through one cannot be blamed for what it does behind a broken one.

use super::Control;
use super::take::Take;
use crate::scenario::{Scenario, read};
use crate::stage::Stage;
use crate::verdict::Word;

/// The scenarios that are played.
pub(super) const PLAIN: &str = "control/plain";
/// The same at the end.
pub(crate) const AGAIN: &str = "control/plain-again";
/// The same with a proxy that wants a password, which the client is given.
pub(super) const AUTH: &str = "control/auth";
/// The origin around the proxy.
pub(crate) const DIRECT: &str = "control/direct";

/// A healthy proxy.
pub(super) fn plain() -> Scenario {
    named("name: control/plain\nexpect: {outcome: success}\n")
}

/// A healthy proxy that wants a password.
pub(super) fn auth() -> Scenario {
    named(
        "name: control/auth\nclient: {credentials: right}\nproxy: {auth: {scheme: basic}}\n\
         expect: {outcome: success}\n",
    )
}

fn named(yaml: &str) -> Scenario {
    read(yaml, "control").unwrap_or_else(|_| unreachable!("a test reads it"))
}

/// Whether one of these asks for a password.
pub(super) fn wants_auth(scenarios: &[Scenario]) -> bool {
    scenarios.iter().any(|s| s.proxy.auth.is_some() || s.touches(Stage::Auth))
}

/// Whether it worked: the origin's answer through the proxy, and exit code 0.
pub(super) fn works(take: &Take) -> bool {
    take.answers > 0 && take.exit.is_some_and(|exit| exit.code == Some(0) && !exit.killed_by_us)
}

/// What is written down of it.
pub(super) fn row(client: &str, name: &str, take: &Take) -> Control {
    let passed = works(take);
    let why = match (passed, take.verdict.word) {
        (true, _) => String::new(),
        (false, Word::Harness) => take.verdict.summary.clone(),
        (false, Word::Inconclusive) if take.late() => take.verdict.summary.clone(),
        (false, _) => {
            let mut why = reason(take).to_owned();
            if !take.last_words.is_empty() {
                why = format!("{why}\nit said: {}", take.last_words);
            }
            why
        }
    };
    Control { client: client.to_owned(), name: name.to_owned(), passed, why, ms: take.ms }
}

/// Why it did not.
fn reason(take: &Take) -> &'static str {
    let killed = take.exit.is_some_and(|exit| exit.killed_by_us);
    // One that came has not found something that it needs: curl ends with 77 without its CA file.
    if take.attempts == 0 && take.exit.is_some_and(|exit| exit.code == Some(77)) {
        return "it exits with 77, which says that it does not support even a healthy proxy: a client that \
                means something else by 77 needs a wrapper";
    }
    match (take.attempts, take.answers) {
        (0, _) if killed => {
            "it had not come to the proxy when its time was over: it needs a longer --timeout, or reads \
             none of the proxy variables (`badproxy run --help`)"
        }
        (0, _) => {
            "it never came to the proxy: it reads none of the proxy variables \
             (`badproxy run --help`), or needs {proxy} in its command"
        }
        (_, 0) if killed => "it came to the proxy, and did not end in its time",
        (_, 0) => {
            "it came to the proxy and did not get the origin's answer: most likely it does not trust \
             {cacert}, or does not fetch {target}"
        }
        _ if killed => "it came, got the origin's answer, and did not end in its time",
        _ => "it came, got the origin's answer, and exits with a code other than 0 all the same",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_read() {
        assert_eq!(plain().name, PLAIN);
        assert_eq!(auth().name, AUTH);
        assert!(!wants_auth(&[plain()]));
        assert!(wants_auth(&[plain(), auth()]));
    }
}
