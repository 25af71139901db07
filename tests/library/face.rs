//! What a world says and does.

use std::time::Duration;

use badproxy::event::What;
use badproxy::verdict::Word;
use badproxy::{Scenario, Stage, World};

use crate::client::{get, get_over, get_with_retries};

fn yaml(text: &str) -> Scenario {
    Scenario::from_yaml(text).unwrap_or_else(|problems| panic!("{problems}"))
}

#[tokio::test]
async fn a_healthy_proxy_serves_its_origin() {
    let world = Scenario::healthy().start().await.unwrap();
    assert_eq!(world.target_url(), "https://target.badproxy.test/");
    assert_eq!(world.proxy_url(), format!("http://{}", world.proxy_address()));
    let body = get(&world).await.unwrap();
    assert!(body.contains(&world.nonce()), "{body}");
    world.client_ended::<_, String>(Ok(()));
    let outcome = world.finish().await;
    assert_eq!((outcome.verdict.word, outcome.conduct.attempts), (Word::Pass, 1));
    outcome.assert_expectations();
}

#[tokio::test]
async fn roots_come_as_pem_der_and_a_configuration() {
    let world = Scenario::healthy().start().await.unwrap();
    let pem = world.ca_pem();
    assert_eq!(pem.matches("BEGIN CERTIFICATE").count(), 2);
    assert_eq!(world.ca_der().len(), 2);
    assert!(world.ca_der().iter().all(|der| der[0] == 0x30));
    // Another world's roots are others.
    let other = Scenario::healthy().start().await.unwrap();
    assert_ne!(other.ca_pem(), pem);
}

#[tokio::test]
async fn the_first_attempts_meet_the_rule_and_later_ones_do_not() {
    let scenario = yaml(
        "rules: [{at: reply, when: {attempt: 1-2}, do: close}]\n\
         expect: {outcome: success, attempts: {exactly: 3}}\n",
    );
    let world = scenario.start().await.unwrap();
    let result = get_with_retries(&world, 5).await;
    world.client_ended(result);
    assert_eq!(world.attempts(), 3);
    world.finish().await.assert_expectations();
}

#[tokio::test]
async fn an_event_is_waited_for_also_when_it_was() {
    let scenario = yaml("rules: [{at: reply, do: reset}]");
    let world = scenario.start().await.unwrap();
    let is_fault = |event: &badproxy::event::Event| matches!(event.what, What::Fault { .. });
    let (error, event) = tokio::join!(get(&world), world.wait_for(is_fault));
    assert_eq!(error.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
    assert_eq!(event.conn, Some(1));
    assert_eq!(world.wait_for(is_fault).await.time, event.time);
}

#[tokio::test]
async fn events_come_whole_and_in_order_and_end_with_the_world() {
    let world = yaml("rules: [{at: reply, do: close}]").start().await.unwrap();
    let mut live = world.events();
    let reader = tokio::spawn(async move {
        let mut all = Vec::new();
        while let Some(event) = live.next().await {
            all.push(format!("{event:?}"));
        }
        all
    });
    get_with_retries(&world, 3).await.unwrap_err();
    let outcome = world.finish().await;
    let kept: Vec<String> = outcome.events.iter().map(|event| format!("{event:?}")).collect();
    assert_eq!(reader.await.unwrap(), kept);
    let ends = kept.iter().filter(|event| event.contains("what: Closed")).count();
    assert_eq!(ends, 3, "{kept:#?}");
}

#[tokio::test]
async fn rules_change_while_it_runs() {
    let world = yaml("rules: [{at: reply, do: close}]").start().await.unwrap();
    get(&world).await.unwrap_err();
    world.set_rules(&Scenario::healthy()).unwrap();
    get(&world).await.unwrap();
    world.set_rules(&yaml("rules: [{at: dial, do: {upstream_error: dns_error}}]")).unwrap();
    assert_eq!(get(&world).await.unwrap_err().to_string(), "proxy: HTTP/1.1 502 Bad Gateway");
    for bad in ["{at: syn, do: refuse}", "{at: dns, do: hang}", "{at: tunnel, do: vanish}"] {
        let error = world.set_rules(&yaml(&format!("rules: [{bad}]"))).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::Unsupported, "{bad}");
    }
}

/// A hundred at once, each with a port, a seed and roots of its own.
#[tokio::test]
async fn worlds_know_nothing_of_each_other() {
    let scenario = yaml("rules: [{at: reply, when: {attempt: 1}, do: close}]");
    let mut worlds: Vec<World> = Vec::new();
    for _ in 0..100 {
        worlds.push(scenario.start().await.unwrap());
    }
    for world in &worlds {
        get(world).await.unwrap_err();
    }
    for world in &worlds {
        let body = get(world).await.unwrap();
        assert!(body.contains(&world.nonce()));
        assert_eq!(world.attempts(), 2);
    }
    let ports: std::collections::BTreeSet<_> =
        worlds.iter().map(|world| world.proxy_address().port()).collect();
    assert_eq!(ports.len(), 100);
}

/// Without a process nothing is said to have crashed or hung, and what was not told is called so.
#[tokio::test]
async fn what_cannot_be_seen_is_not_judged() {
    let scenario = yaml("rules: [{at: reply, do: close}]\nexpect: {outcome: failure}");
    let world = scenario.start().await.unwrap();
    get(&world).await.unwrap_err();
    let outcome = world.finish().await;
    assert_eq!(outcome.verdict.word, Word::Pass, "{}", outcome.report());
    let notes = outcome.verdict.notes.join("\n");
    assert!(notes.contains("not observable: how the client ended"), "{notes}");
}

#[tokio::test]
async fn success_where_there_is_none_to_be_had_is_wrong() {
    let scenario = yaml("rules: [{at: reply, do: close}]\nexpect: {outcome: failure}");
    let world = scenario.start().await.unwrap();
    get(&world).await.unwrap_err();
    world.client_ended::<_, String>(Ok(()));
    // The first word counts.
    world.client_ended(Err::<(), _>("late"));
    let outcome = world.finish().await;
    assert_eq!(outcome.verdict.word, Word::Wrong);
    assert!(!outcome.is_pass());
}

/// The password in an error text would end up in somebody's log.
#[tokio::test]
async fn a_secret_in_the_clients_error_is_a_warning_and_is_masked() {
    let scenario = Scenario::catalogue("auth/407-loop").unwrap();
    let world = scenario.start().await.unwrap();
    let text = format!("cannot log in with {}", world.password());
    world.client_ended(Err::<(), _>(&text));
    let outcome = world.finish().await;
    let words: Vec<Word> = outcome.verdict.findings.iter().map(|f| f.word).collect();
    assert!(words.contains(&Word::LeakLog), "{words:?}");
    let shown = format!("{:?}", outcome.events);
    assert!(shown.contains("cannot log in with ****") && !shown.contains(&text), "{shown}");
}

#[tokio::test]
async fn what_needs_the_sandbox_is_not_played_as_something_weaker() {
    let scenario = Scenario::catalogue("request/vanish").unwrap();
    let error = scenario.start().await.err().unwrap();
    assert_eq!(error.kind(), std::io::ErrorKind::Unsupported);
    assert!(error.to_string().contains("sandbox"), "{error}");
}

#[test]
fn a_name_that_is_not_there_is_answered_with_the_nearest() {
    let problems = Scenario::catalogue("fin-before-reply").unwrap_err();
    let text = problems.to_string();
    assert!(text.contains("did you mean `reply/fin-before-reply`?"), "{text}");
    let problems = Scenario::from_yaml("rules: [{at: reply, do: clsoe}]").unwrap_err();
    assert!(problems.to_string().contains("did you mean `close`?"), "{problems}");
}

#[tokio::test(start_paused = true)]
async fn a_world_in_memory_has_the_same_face() {
    let scenario = yaml("rules: [{at: reply, do: close}]");
    let world = scenario.simulate().unwrap();
    assert!(world.is_simulated() && world.scenario().touches(Stage::Reply));
    let wire = world.dialler().proxy().await.unwrap();
    get_over(&world, wire).await.unwrap_err();
    let outcome = world.finish().await;
    assert_eq!((outcome.verdict.word, outcome.conduct.attempts), (Word::Pass, 1));
}

/// A SYN that is refused never becomes an attempt, and the client's own words show that it met it.
#[tokio::test]
async fn a_refused_syn_is_seen_in_the_clients_words() {
    let world = Scenario::catalogue("syn/refuse").unwrap().start().await.unwrap();
    let error = get(&world).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
    world.client_ended(Err::<(), _>(error));
    world.finish().await.assert_expectations();
}

#[tokio::test]
async fn a_wait_that_is_given_up_harms_nothing() {
    let world = Scenario::healthy().start().await.unwrap();
    let never = tokio::time::timeout(Duration::from_millis(5), world.wait_for(|_| false)).await;
    assert!(never.is_err());
    get(&world).await.unwrap();
}

/// curl, or any client with sockets of its own: in memory there is nothing that it could connect to.
#[tokio::test(start_paused = true)]
async fn a_client_with_sockets_is_told_why_it_met_nothing() {
    assert!(not_exercised(yaml("rules: []").simulate().unwrap()).await);
}

#[tokio::test]
async fn over_sockets_there_is_no_such_excuse() {
    assert!(!not_exercised(yaml("rules: []").start().await.unwrap()).await);
}

/// Whether a client that never came is told of sockets.
async fn not_exercised(world: World) -> bool {
    world.client_ended(Err::<(), _>("connection refused"));
    let outcome = world.finish().await;
    assert_eq!(outcome.verdict.word, Word::NotExercised);
    outcome.verdict.notes.iter().any(|note| note.contains("sockets of its own"))
}
