//! The builder and YAML are two forms of the same.

use std::ops::Bound;
use std::time::Duration;

use badproxy::catalogue::CATALOGUE;
use badproxy::fault::{Direction, Effect, Fault, until::UntilStep};
use badproxy::scenario::{Length, RuleBuilder};
use badproxy::{Scenario, Stage};
use proptest::prelude::*;

/// Every effect has a method of its name.
#[test]
fn every_effect_has_a_method() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/harness/scenario/builder/effects.rs");
    let source = std::fs::read_to_string(path).unwrap();
    for word in Effect::WORDS {
        let method = |name: &str| source.contains(&format!("    pub fn {name}(self"));
        assert!(
            method(word) || method(&format!("{word}_")),
            "`{word}` has no method: write one into harness/scenario/builder/effects.rs"
        );
    }
}

#[test]
fn it_reads_like_the_yaml() {
    let built = Scenario::new()
        .name("mine")
        .expect_failure()
        .expect_attempts(..=3)
        .at(Stage::Reply)
        .attempts(1..3)
        .host("*.test")
        .delay(Duration::from_secs(3))
        .reset()
        .at(Stage::Tunnel)
        .until(UntilStep::with(|until| until.idle = Some(Length(Duration::from_secs(350)))))
        .hang()
        .at(Stage::Dial)
        .upstream_error("connection_refused")
        .build()
        .unwrap();
    let written = "name: mine\nrules:\n\
        - when: {attempt: 1-2, host: '*.test'}\n  at: reply\n  do: [delay: 3s, reset]\n\
        - {at: tunnel, do: [until: {idle: 350s}, hang]}\n\
        - {at: dial, do: {upstream_error: connection_refused}}\n\
        expect: {outcome: failure, attempts: {max: 3}}\n";
    assert_eq!(built, Scenario::from_yaml(written).unwrap());
}

#[test]
fn damage_that_can_be_noticed() {
    let built = Scenario::new().expect_damage_noticed().at(Stage::Body).corrupt(0.5).build();
    let written = "name: scenario\nrules: [{at: body, do: {corrupt: 0.5}}]\n\
                   expect: {damage: noticed}\n";
    assert_eq!(built.unwrap(), Scenario::from_yaml(written).unwrap());
}

/// What is wrong is said as `check` says it.
#[test]
fn mistakes_are_those_of_a_file() {
    type Begin = fn() -> RuleBuilder;
    let cases: &[(Begin, &str)] = &[
        (|| Scenario::new().at(Stage::Reply).respond(99), "{at: reply, do: {respond: 99}}"),
        (|| Scenario::new().at(Stage::Tunnel).refuse(), "{at: tunnel, do: refuse}"),
        (|| Scenario::new().at(Stage::Reply).reset().close(), "{at: reply, do: [reset, close]}"),
        (|| Scenario::new().at(Stage::Tls).alert("oops"), "{at: tls, do: {alert: oops}}"),
        (|| Scenario::new().at(Stage::Tls).cert("expird"), "{at: tls, do: {cert: expird}}"),
        (
            || Scenario::new().at(Stage::Reply).probability(2.0).close(),
            "{at: reply, when: {probability: 2.0}, do: close}",
        ),
        (
            || {
                Scenario::new()
                    .at(Stage::Reply)
                    .attempts((Bound::Included(3), Bound::Included(1)))
                    .close()
            },
            "{at: reply, when: {attempt: 3-1}, do: close}",
        ),
    ];
    for (begin, yaml) in cases {
        let built = begin().build().unwrap_err();
        let read = Scenario::from_yaml(&format!("rules:\n- {yaml}\n")).unwrap_err();
        let texts = |problems: &badproxy::scenario::Problems| -> Vec<(String, Vec<String>)> {
            problems.list.iter().map(|p| (p.message.clone(), p.help.clone())).collect()
        };
        assert_eq!(texts(&built), texts(&read), "{yaml}");
    }
}

#[test]
fn what_cannot_be_written_is_refused() {
    let short = Duration::from_micros(1500);
    let problems = Scenario::new().at(Stage::Reply).delay(short).close().build().unwrap_err();
    assert!(problems.to_string().contains("without a loss"), "{problems}");
}

/// Every scenario that ships can be built from its parts.
#[test]
fn the_catalogue_can_be_built() {
    for entry in CATALOGUE {
        let read = entry.scenario().unwrap();
        let mut builder = Scenario::new().with(|s| {
            *s = read.clone();
            s.rules.clear();
        });
        for rule in &read.rules {
            let mut next = builder.at(rule.at.value);
            if let Some(when) = &rule.when {
                next = next.when_also(|new| *new = when.value.clone());
            }
            builder =
                rule.steps.0.iter().fold(next, |next, step| next.step(step.effect.clone())).done();
        }
        let built = builder.build().unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(built, read, "{}", entry.name);
    }
}

/// Effects that let the next one come, and what ends a connection.
fn effect() -> impl Strategy<Value = (u8, u64)> {
    (0..6u8, 1..5000u64)
}

fn add(rule: RuleBuilder, (which, n): (u8, u64)) -> RuleBuilder {
    match which {
        0 => rule.delay(Duration::from_millis(n)),
        1 => rule.slice(n),
        2 => rule.bandwidth(n),
        3 => rule.garbage(n),
        4 => rule.corrupt(n as f64 / 5000.0),
        _ => rule.send(format!("{n}: 'x' \"y\"\r\n")),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    /// To YAML and back, and built again from what was read.
    #[test]
    fn both_forms_are_the_same(
        rules in proptest::collection::vec(
            (1..50u64, 0..50u64, any::<Option<u16>>(), any::<bool>(),
             proptest::collection::vec(effect(), 1..4), any::<bool>()),
            1..5,
        ),
        seed in any::<u64>(),
    ) {
        let mut builder = Scenario::new().seed(seed);
        for (index, (first, more, port, upstream, effects, ends)) in rules.into_iter().enumerate() {
            // Apart, so that none hides a later one.
            let first = first + 200 * index as u64;
            let range = (Bound::Included(first), Bound::Included(first + more));
            let mut rule = builder.at(Stage::Tunnel).attempts(range);
            if let Some(port) = port.filter(|port| *port > 0) {
                rule = rule.port(port);
            }
            if upstream {
                rule = rule.direction(Direction::Upstream);
            }
            rule = effects.into_iter().fold(rule, add);
            builder = if ends { rule.reset().done() } else { rule.done() };
        }
        let built = builder.build().unwrap_or_else(|problems| panic!("{problems}"));
        let read = Scenario::from_yaml(&built.to_yaml()).unwrap();
        prop_assert_eq!(&read, &built);
        prop_assert_eq!(read.to_yaml(), built.to_yaml());
    }
}
