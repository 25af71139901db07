//! Any events at all.

use crate::stage::Stage;
use proptest::prelude::*;

use super::*;

fn any_event() -> impl Strategy<Value = (f64, u64, What)> {
    let via = prop_oneof![Just(Via::Tunnel), Just(Via::Forward), Just(Via::Direct)];
    let side = prop_oneof![Just(Side::Client), Just(Side::Upstream), Just(Side::Direct)];
    let who = prop_oneof![Just(Who::Client), Just(Who::Us), Just(Who::Upstream)];
    let stage = proptest::sample::select(Stage::ALL.to_vec());
    let secrets = proptest::sample::subsequence(vec![PROXY, ORIGIN], 0..=2);
    let text = "[a-z\\PC]{0,8}";
    let what = prop_oneof![
        (side.clone(), any::<Option<u64>>()).prop_map(|(side, attempt)| What::Accepted {
            side,
            src: String::new(),
            attempt
        }),
        (side.clone(), text).prop_map(|(side, dst)| What::Connected { side, dst }),
        Just(What::SynSeen { listener: "proxy", state: "x" }),
        (side, who.clone()).prop_map(|(side, by)| What::Closed {
            side,
            by,
            how: How::Rst,
            bytes_in: 0,
            bytes_out: 0
        }),
        (any::<u64>(), text, secrets.clone()).prop_map(|(attempt, agent, secret_seen)| {
            What::Request {
                attempt,
                method: "CONNECT".into(),
                target: agent.clone(),
                version: String::new(),
                headers: vec![("user-agent".into(), agent)],
                raw: String::new(),
                secret_seen,
            }
        }),
        any::<u16>().prop_map(|status| What::Reply { status, bytes: 0, raw: String::new() }),
        text.prop_map(|cert| What::Established {
            version: String::new(),
            cipher: String::new(),
            alpn: None,
            cert
        }),
        (text, any::<u64>()).prop_map(|(cert, bytes)| What::AppData { cert, bytes }),
        (via.clone(), any::<Option<u64>>(), secrets.clone()).prop_map(
            |(via, attempt, secret_seen)| What::HttpRequest {
                via,
                attempt,
                method: String::new(),
                path: String::new(),
                version: String::new(),
                headers: vec![],
                secret_seen
            }
        ),
        (via, any::<bool>()).prop_map(|(via, nonce_served)| What::HttpResponse {
            via,
            method: "GET".into(),
            status: 200,
            bytes: 1,
            nonce_served
        }),
        (0usize..4, stage.clone(), any::<bool>()).prop_map(|(rule, at, audible)| What::Fault {
            rule,
            at,
            effect: "close",
            did: "FIN".into(),
            audible
        }),
        (who, stage).prop_map(|(who, at)| What::Silence { who, at, reads: false }),
        any::<u64>().prop_map(|bytes| What::SilenceEnded { bytes }),
        (text, secrets).prop_map(|(text, secret_seen)| What::Output {
            stream: "stdout",
            text,
            truncated: false,
            secret_seen
        }),
        proptest::sample::select(vec!["connections", "bytes"])
            .prop_map(|limit| What::Ceiling { limit, value: 1 }),
    ];
    (-1.0..1e7f64, 0u64..9, what)
}

const ANY: [&str; 7] = [
    FIN,
    HANG,
    ONCE,
    WELL,
    "rules: [{at: syn, do: refuse}]\nexpect: {explain: [a]}\n",
    "scale: 0.5\nrules: [{at: body, do: reset}, {when: {attempt: 2-}, at: reply, do: close}]\n\
     expect: {gap: {min: 1s}, within: 1s, attempts: {min: 1}}\n",
    "rules: [{at: syn, do: blackhole}]\n",
];

proptest! {
    #[test]
    fn nothing_panics_and_exit_0_without_an_answer_never_passes(
        yaml in proptest::sample::select(ANY.to_vec()),
        events in proptest::collection::vec(any_event(), 0..40),
        code in prop_oneof![Just(Some(0)), any::<Option<i32>>()],
        signal in proptest::option::weighted(0.1, any::<i32>()),
        killed in proptest::bool::weighted(0.1),
        lag in prop_oneof![Just(0.0), any::<f64>()],
        seconds in prop_oneof![Just(15), any::<u64>()],
        flags in any::<(bool, bool)>(),
    ) {
        let mut conduct = Conduct::default();
        let exit = What::Exited { code, signal, killed_by_us: killed };
        let answered = events.iter().any(|(_, _, what)| {
            matches!(what, What::HttpResponse { nonce_served: true, .. })
        });
        let last = (9e6, 0, exit);
        for (time, conn, what) in events.into_iter().chain([last]) {
            conduct.note(&crate::event::Event { time, conn: Some(conn).filter(|c| *c > 0), what });
        }
        let hang = Duration::from_secs(seconds);
        let terms = Terms {
            timeout: hang,
            hang,
            lag_max_ms: lag,
            bypass_observable: flags.0,
            no_timeout: flags.1,
            syns: Syns::Waiting,
        };
        let verdict = judge(&scenario(yaml), &conduct, &terms);
        prop_assert_eq!(verdict.word == Word::Pass, verdict.findings.is_empty());
        if code == Some(0) && signal.is_none() && !answered {
            prop_assert_ne!(verdict.word.class(), Class::Pass);
        }
        for finding in &verdict.findings {
            prop_assert!(!finding.measured.is_empty() && !finding.client_did.is_empty());
        }
    }
}
