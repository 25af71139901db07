use super::*;
use crate::scenario::read;
use proptest::prelude::*;

fn scenario(rules: &str) -> Scenario {
    read(&format!("rules:\n{rules}"), "test").unwrap()
}

#[test]
fn attempts_are_connections_and_further_requests() {
    let mut plan = Plan::new(0);
    let mut first = plan.connection();
    plan.request(&mut first, "a.test", 443);
    assert_eq!((first.attempt, first.conn, first.request, first.target), (1, 1, 1, 1));
    plan.request(&mut first, "a.test", 443);
    assert_eq!((first.attempt, first.conn, first.request, first.target), (2, 1, 2, 2));
    let second = plan.connection();
    assert_eq!((second.attempt, second.conn), (3, 2));
}

#[test]
fn a_connection_that_is_never_used_is_no_attempt() {
    let s = scenario("  - {at: accept, when: {attempt: 2}, do: reset}\n");
    let mut plan = Plan::new(0);
    let (mut idle, mut used, mut later) = (plan.connection(), plan.connection(), plan.connection());
    assert_eq!(plan.meet(&s, Stage::Accept, &mut idle), None);
    assert_eq!(plan.meet(&s, Stage::Accept, &mut used), None);
    plan.begin(&mut used);
    assert_eq!((used.attempt, used.conn), (1, 2));
    // Accepted before the first attempt began, and the second all the same.
    assert_eq!(plan.meet(&s, Stage::Accept, &mut later), Some(0));
    assert_eq!((later.attempt, later.conn), (2, 3));
    plan.begin(&mut idle);
    assert_eq!((idle.attempt, idle.conn), (3, 1));
}

#[test]
fn the_first_rule_that_matches_wins() {
    let s = scenario(
        "  - {at: reply, when: {attempt: 1-2}, do: reset}\n  - {at: reply, when: {host: 'b.*'}, do: close}\n",
    );
    let plan = Plan::new(0);
    let facts = |attempt, host: &str| Facts { attempt, host: host.into(), ..Facts::default() };
    assert_eq!(plan.pick(&s, Stage::Reply, &facts(2, "b.test")), Some(0));
    assert_eq!(plan.pick(&s, Stage::Reply, &facts(3, "b.test")), Some(1));
    assert_eq!(plan.pick(&s, Stage::Reply, &facts(3, "a.test")), None);
    assert_eq!(plan.pick(&s, Stage::Dial, &facts(1, "b.test")), None);
}

#[test]
fn headers_and_credentials() {
    let s = scenario(
        "  - {at: auth, when: {credentials: present, header: {user-agent: 'curl*'}}, do: reset}\n",
    );
    let plan = Plan::new(0);
    let mut facts = Facts {
        headers: vec![("User-Agent".into(), "curl/8".into())],
        credentials: Some(Credentials::Wrong),
        ..Facts::default()
    };
    assert_eq!(plan.pick(&s, Stage::Auth, &facts), Some(0));
    facts.credentials = Some(Credentials::Absent);
    assert_eq!(plan.pick(&s, Stage::Auth, &facts), None);
}

#[test]
fn without_a_header() {
    let s = scenario("  - {at: request, when: {without: [Range, If-Range]}, do: reset}\n");
    let plan = Plan::new(0);
    let met = |names: &[&str]| {
        let headers = names.iter().map(|n| ((*n).to_owned(), String::new())).collect();
        plan.pick(&s, Stage::Request, &Facts { headers, ..Facts::default() }).is_some()
    };
    assert!(met(&[]) && met(&["Ranges"]));
    assert!(!met(&["Accept", "range"]) && !met(&["If-Range"]));
}

#[test]
fn paths() {
    let s = scenario("  - {at: request, when: {path: '/a/*'}, do: reset}\n");
    let plan = Plan::new(0);
    let met = |path: Option<&str>| {
        let facts = Facts { path: path.map(str::to_owned), ..Facts::default() };
        plan.pick(&s, Stage::Request, &facts).is_some()
    };
    assert!(met(Some("/a/")) && met(Some("/a/b?c=/d")));
    // A CONNECT has none.
    assert!(!met(Some("/b?c=/a/")) && !met(Some("/a?/")) && !met(None));
}

/// However many others come between them, and on whichever connections.
#[test]
fn credentials_are_counted_by_their_kind() {
    use Credentials::{Absent, Right, Wrong};
    let s = scenario(
        "  - {at: auth, when: {credentials: right, attempt: 1, per: credentials}, do: reset}\n",
    );
    let mut plan = Plan::new(0);
    let mut ask = |credentials| {
        let mut facts = plan.connection();
        plan.credentials(&mut facts, credentials);
        (facts.alike, plan.pick(&s, Stage::Auth, &facts).is_some())
    };
    assert_eq!([Absent, Wrong, Absent].map(&mut ask), [(1, false), (1, false), (2, false)]);
    assert_eq!([Right, Wrong, Right].map(&mut ask), [(1, true), (2, false), (2, false)]);
    plan.restart();
    let mut facts = plan.connection();
    plan.credentials(&mut facts, Right);
    assert_eq!(facts.alike, 1);
}

/// However many others come between them, and on whichever connections.
#[test]
fn requests_are_counted_by_their_method() {
    let s =
        scenario("  - {at: request, when: {method: GET, attempt: 1, per: method}, do: reset}\n");
    let mut plan = Plan::new(0);
    let mut ask = |method| {
        let mut facts = plan.connection();
        plan.request(&mut facts, "a.test", 80);
        plan.method(&mut facts, method);
        (facts.same, plan.pick(&s, Stage::Request, &facts).is_some())
    };
    assert_eq!(["HEAD", "HEAD", "get"].map(&mut ask), [(1, false), (2, false), (1, false)]);
    assert_eq!(["GET", "HEAD", "GET"].map(&mut ask), [(1, true), (3, false), (2, false)]);
    plan.restart();
    let mut facts = plan.connection();
    plan.method(&mut facts, "GET");
    assert_eq!(facts.same, 1);
}

proptest! {
    /// Dice depend on the seed and the connection alone: not on what else was picked, nor in
    /// which order.
    #[test]
    fn dice_do_not_depend_on_order(seed: u64, mut order in Just((1u64..50).collect::<Vec<_>>()).prop_shuffle()) {
        let s = scenario("  - {at: reply, when: {probability: 0.5}, do: reset}\n");
        let plan = Plan::new(seed);
        let pick = |conn| plan.pick(&s, Stage::Reply, &Facts { conn, ..Facts::default() }).is_some();
        let shuffled: HashMap<u64, bool> = order.iter().map(|&c| (c, pick(c))).collect();
        order.sort_unstable();
        for conn in order {
            prop_assert_eq!(pick(conn), shuffled[&conn]);
        }
    }

    /// About as often as it says.
    #[test]
    fn dice_are_fair(seed: u64) {
        let s = scenario("  - {at: reply, when: {probability: 0.3}, do: reset}\n");
        let plan = Plan::new(seed);
        let hits = (1..=2000u64)
            .filter(|&conn| plan.pick(&s, Stage::Reply, &Facts { conn, ..Facts::default() }).is_some())
            .count();
        prop_assert!((450..750).contains(&hits), "{} of 2000", hits);
    }
}
