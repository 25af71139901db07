//! Any effect there is, by its own example: wider than [`super::Trouble`], which has what a retry loop
//! is likely to meet.

use proptest::prelude::*;
use proptest::sample::select;

use crate::fault::Effect;
use crate::scenario::{Rule, Scenario, Step, read};

/// The examples that play without the sandbox.
fn examples() -> Vec<&'static str> {
    let examples = Effect::WORDS.iter().filter_map(|word| Effect::example(word));
    examples.filter(|example| scenario(example).needs() == 0).collect()
}

fn scenario(rule: &str) -> Scenario {
    // The proxy has TLS where a rule is about it.
    let tls = if rule.contains("at: proxy_tls") { "proxy: {tls: true}\n" } else { "" };
    let yaml = format!("{tls}rules:\n  - {rule}\n");
    read(&yaml, "example").unwrap_or_else(|problems| panic!("{problems}"))
}

/// Any rule: one effect of the language at a stage where it makes sense, for every attempt.
pub fn rule() -> impl Strategy<Value = Rule> {
    select(examples()).prop_map(|example| scenario(example).rules.remove(0))
}

/// Any step: one effect with its values.
pub fn step() -> impl Strategy<Value = Step> {
    rule().prop_map(|mut rule| rule.steps.0.remove(0))
}
