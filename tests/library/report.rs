//! What a person reads whose test has failed.

use badproxy::Scenario;
use badproxy::start::Setup;

use crate::client::get_with_retries;

#[tokio::test]
async fn a_failed_test_says_what_happened_and_how_to_play_it_again() {
    let scenario = Scenario::catalogue("reply/fin-before-reply").unwrap();
    let setup = Setup::new().seed(7);
    let world = scenario.start_with(&setup).await.unwrap();
    let error = get_with_retries(&world, 9).await.unwrap_err();
    world.client_ended(Err::<(), _>(error));
    let outcome = world.finish().await;
    let panicked = std::panic::catch_unwind(|| outcome.assert_expectations()).unwrap_err();
    let text = panicked.downcast_ref::<String>().unwrap();
    for part in [
        "reply/fin-before-reply: STORM\n",
        "STORM   9 attempts in ",
        "  proxy did      close at reply of connection #1: ",
        "  client did     made 9 attempts, a median of ",
        "  a good client  ",
        "  again          badproxy serve reply/fin-before-reply --seed 7\n",
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
}

#[tokio::test]
async fn a_scenario_of_ones_own_is_printed_whole() {
    let text =
        "name: mine\nrules:\n- at: reply\n  do: close\nexpect:\n  attempts:\n    exactly: 2\n";
    let world = Scenario::from_yaml(text).unwrap().start().await.unwrap();
    get_with_retries(&world, 1).await.unwrap_err();
    let outcome = world.finish().await;
    assert!(!outcome.is_pass());
    let report = outcome.report();
    assert!(report.ends_with(&format!("with this in FILE:\n\n{text}")), "{report}");
}
