use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::*;
use crate::scenario::read;
use crate::stage::Stage;
use crate::start::{Setup, start};

proptest! {
    /// What is made is valid, and reads as it was meant.
    #[test]
    fn schedules_are_scenarios(made in schedule(&Weights::default())) {
        let scenario = made.scenario();
        let ill = made.spells.iter().filter(|spell| spell.trouble.is_some()).count();
        prop_assert_eq!(scenario.rules.len(), ill);
        prop_assert_eq!(scenario.needs(), 0);
        prop_assert!(made.first_good() <= made.attempts() + 1);
    }

    #[test]
    fn rules_and_steps_are_made(rule in rule(), step in step()) {
        prop_assert!(!rule.steps.0.is_empty());
        prop_assert_eq!(step.effect.tier(), 0);
    }
}

/// What was made and the sockets refuse would be a bug.
#[tokio::test]
async fn the_sockets_take_what_is_made() {
    let mut runner = TestRunner::deterministic();
    for _ in 0..50 {
        let made = schedule(&Weights::default()).new_tree(&mut runner).unwrap().current();
        let running = start(made.scenario(), &Setup::default()).await.unwrap();
        drop(running);
    }
}

#[test]
fn weights_are_kept_to() {
    let weights = Weights { spells: 2, long: 0, short_most: 1, healthy: 0, ..Weights::default() };
    let mut runner = TestRunner::deterministic();
    for _ in 0..200 {
        let made = schedule(&weights).new_tree(&mut runner).unwrap().current();
        assert!(made.spells.len() <= 2);
        assert!(made.spells.iter().all(|spell| spell.attempts == 1 && spell.trouble.is_some()));
    }
    let all_long = Weights { long: 100, healthy: 100, ..weights };
    let made = schedule(&all_long).new_tree(&mut runner).unwrap().current();
    assert!(made.spells.iter().all(|spell| spell.trouble.is_none()));
    assert_eq!(made.attempts(), 0);
}

#[test]
fn a_schedule_is_a_file() {
    let made = Schedule::new(vec![
        Spell::new(2, Some(Trouble::Answer(503, Some(2)))),
        Spell::new(1, None),
        Spell::new(1, Some(Trouble::Reset(Stage::Tunnel))),
    ]);
    let yaml = made.to_yaml();
    assert_eq!(
        yaml,
        "name: test/schedule\nabout: A schedule of trouble that a property test has found.\nrules:\n  \
         - {at: reply, when: {attempt: 1-2}, do: {respond: {status: 503, headers: [\"Retry-After: 2\"]}}}\n  \
         - {at: tunnel, when: {attempt: 4}, do: reset}\n"
    );
    assert!(read(&yaml, "file").is_ok());
    assert_eq!((made.first_good(), made.attempts()), (3, 4));
    assert!(Schedule::default().scenario().rules.is_empty());
}

fn failure(config: &Config, property: impl Fn(&Schedule) -> Result<(), String>) -> String {
    let run = || hold(config, schedule(&Weights::default()), property);
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).unwrap_err();
    panic.downcast_ref::<String>().unwrap().clone()
}

/// The smallest schedule with two failing attempts is two attempts with the simplest trouble.
#[test]
fn what_breaks_a_property_is_made_small_and_kept() {
    let dir = tempfile::tempdir().unwrap();
    let config = Config::new("two_in_a_row").directory(dir.path()).cases(2000);
    let message = failure(&config, |made| match made.first_good() {
        1 | 2 => Ok(()),
        n => Err(format!("{} attempts fail", n - 1)),
    });
    let file = dir.path().join("two_in_a_row.yaml");
    let yaml = std::fs::read_to_string(&file).unwrap();
    // Two attempts, in one spell or two, that meet what is simplest of all that fails.
    let rules: Vec<&str> = yaml.lines().filter(|line| line.contains("- {at: ")).collect();
    let small = match rules[..] {
        [one] => one.contains("attempt: 1-2}, do: {respond: 503}"),
        [one, two] => [(one, 1), (two, 2)]
            .iter()
            .all(|(rule, n)| rule.contains(&format!("attempt: {n}}}, do: {{respond: 503}}"))),
        _ => false,
    };
    assert!(small, "{yaml}");
    assert!(message.starts_with("two_in_a_row: 2 attempts fail\n"), "{message}");
    assert!(message.contains(&yaml) && message.contains("badproxy run "), "{message}");
    // The seed is kept: the next run begins with it, and ends at once.
    let once = Config { cases: 1, ..config };
    assert!(dir.path().join("two_in_a_row.txt").exists());
    let again = failure(&once, |made| match made.first_good() {
        1 | 2 => Ok(()),
        _ => Err("again".into()),
    });
    assert!(again.contains("again"));
}

#[test]
fn a_panic_breaks_a_property_too() {
    let dir = tempfile::tempdir().unwrap();
    let config = Config::new("panics").directory(dir.path());
    let message = failure(&config, |made| {
        assert!(made.spells.is_empty(), "there is trouble");
        Ok(())
    });
    assert!(message.contains("there is trouble"), "{message}");
    assert!(message.contains("name: test/schedule"), "{message}");
}
