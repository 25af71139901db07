use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::*;
use crate::auth::digest;
use crate::auth::ntlm::proof;
use crate::auth::offer::{Moment, values};
use crate::rng::Rng;

/// A proxy and one of its connections.
struct Desk {
    auth: Auth,
    nonces: Nonces,
    hand: Handshake,
    now: Duration,
}

impl Desk {
    fn new(yaml: &str) -> Desk {
        let text =
            format!("proxy: {{auth: {{user: alice, password: s3cret-long-enough, {yaml}}}}}\n");
        let scenario = crate::scenario::read(&text, "x").unwrap_or_else(|e| panic!("{e}"));
        let auth = scenario.proxy.auth.unwrap();
        Desk { auth, nonces: Nonces::default(), hand: Handshake::default(), now: Duration::ZERO }
    }

    fn offer(&mut self) -> Vec<String> {
        let rng = Rng::derive(7, "test", self.hand.offers);
        let moment = Moment { stale: false, now: self.now, scale: 1.0, rng };
        values(&self.auth, &mut self.nonces, &mut self.hand, moment)
    }

    fn judge(&mut self, value: &str) -> (Credentials, String) {
        let known = Known {
            auth: Some(&self.auth),
            user: "alice",
            password: "s3cret-long-enough",
            method: "CONNECT",
            target: "a.test:443",
            now: self.now,
        };
        let value = (!value.is_empty()).then_some(value.as_bytes());
        let judged = judge(value, &known, &mut self.nonces, &mut self.hand);
        (judged.credentials, judged.leg.map(|leg| leg.why).unwrap_or_default())
    }
}

/// The value of a parameter of a challenge.
fn param(challenge: &str, name: &str) -> Option<String> {
    let list = header::params(challenge.strip_prefix("Digest ").unwrap().as_bytes()).unwrap();
    list.into_iter().find(|(n, _)| n == name).map(|(_, v)| v)
}

/// What a client answers to a challenge, and may be changed before it is sent.
fn answer(
    challenge: &str,
    password: &str,
    nc: u32,
    change: impl Fn(&mut digest::Answer),
) -> String {
    let name = param(challenge, "algorithm");
    let all = [Algorithm::Md5, Algorithm::Md5Sess, Algorithm::Sha256, Algorithm::Sha256Sess];
    let known = |a: &Algorithm| Some(a.name()) == name.as_deref();
    let algorithm = all.into_iter().find(known).unwrap_or_default();
    let qop = param(challenge, "qop");
    let mut answer = digest::Answer {
        username: "alice".into(),
        realm: param(challenge, "realm").unwrap(),
        nonce: param(challenge, "nonce").unwrap(),
        uri: "a.test:443".into(),
        algorithm: name,
        opaque: param(challenge, "opaque"),
        nc: qop.is_some().then(|| format!("{nc:08x}")),
        cnonce: qop.is_some().then(|| "0a4f113b".into()),
        qop,
        ..digest::Answer::default()
    };
    change(&mut answer);
    answer.response = digest::response(algorithm, ("alice", password), "CONNECT", &answer);
    let mut out = format!(
        "Digest username=\"{}\", realm={}, nonce=\"{}\", uri=\"{}\", response=\"{}\"",
        answer.username,
        header::quote(&answer.realm),
        answer.nonce,
        answer.uri,
        answer.response
    );
    for (name, value) in [
        ("algorithm", &answer.algorithm),
        ("opaque", &answer.opaque),
        ("qop", &answer.qop),
        ("nc", &answer.nc),
        ("cnonce", &answer.cnonce),
    ] {
        if let Some(value) = value {
            out += &format!(", {name}={}", header::quote(value));
        }
    }
    out
}

const RIGHT: &str = "s3cret-long-enough";

#[test]
fn digest_in_every_form() {
    for settings in [
        "",
        "algorithm: sha-256",
        "algorithm: md5-sess",
        "algorithm: sha-256-sess, opaque: 'x\"y'",
        "qop: none",
        "qop: none, algorithm: sha-256",
    ] {
        let mut desk =
            Desk::new(&format!("scheme: digest, realm: 'a \"b\"', digest: {{{settings}}}"));
        let challenge = desk.offer().remove(0);
        let good = answer(&challenge, RIGHT, 1, |_| {});
        assert_eq!(desk.judge(&good), (Credentials::Right, String::new()), "{challenge}\n{good}");
        let bad = answer(&challenge, "other", 2, |_| {});
        assert_eq!(desk.judge(&bad).0, Credentials::Wrong, "{challenge}");
    }
}

#[test]
fn digest_says_why() {
    type Change = fn(&mut digest::Answer);
    let cases: [(&str, Change); 9] = [
        ("wrong user", |a| a.username = "bob".into()),
        ("wrong realm", |a| a.realm = "other".into()),
        ("wrong uri: /, the request is for a.test:443", |a| a.uri = "/".into()),
        ("opaque is not sent back as it came", |a| a.opaque = None),
        ("qop was offered and is not used", |a| a.qop = None),
        ("qop auth-int was not offered", |a| a.qop = Some("auth-int".into())),
        ("there is no cnonce", |a| a.cnonce = None),
        ("nc is not eight hexadecimal digits from 00000001 on", |a| a.nc = Some("1".into())),
        ("another algorithm than was offered for this nonce", |a| {
            a.algorithm = Some("SHA-256".into());
        }),
    ];
    for (why, change) in cases {
        let mut desk = Desk::new("scheme: digest, digest: {opaque: abc}");
        let challenge = desk.offer().remove(0);
        let got = desk.judge(&answer(&challenge, RIGHT, 1, change));
        assert_eq!(got, (Credentials::Wrong, why.to_owned()));
    }
}

#[test]
fn a_count_is_good_once_and_a_nonce_as_often_as_it_says() {
    let mut desk = Desk::new("scheme: digest, digest: {uses: 2, lifetime: 1m}");
    let challenge = desk.offer().remove(0);
    let first = answer(&challenge, RIGHT, 1, |_| {});
    assert_eq!(desk.judge(&first).0, Credentials::Right);
    let again = (Credentials::Wrong, "nc 00000001 was used with this nonce before".to_owned());
    assert_eq!(desk.judge(&first), again);
    assert_eq!(desk.judge(&answer(&challenge, RIGHT, 2, |_| {})).0, Credentials::Right);
    let third = desk.judge(&answer(&challenge, RIGHT, 3, |_| {}));
    assert_eq!(third, (Credentials::Stale, "the nonce is used up".to_owned()));
    // A wrong password is wrong, however old the nonce.
    assert_eq!(desk.judge(&answer(&challenge, "other", 4, |_| {})).0, Credentials::Wrong);
    let fresh = desk.offer().remove(0);
    assert_ne!(fresh, challenge);
    desk.now = Duration::from_secs(60);
    let late = desk.judge(&answer(&fresh, RIGHT, 1, |_| {}));
    assert_eq!(late, (Credentials::Stale, "the nonce has expired".to_owned()));
    let foreign = answer(&fresh, RIGHT, 1, |a| a.nonce = "made-up".into());
    assert_eq!(desk.judge(&foreign).0, Credentials::Stale);
}

fn first() -> String {
    format!("NTLM {}", STANDARD.encode(b"NTLMSSP\0\x01\0\0\0\x07\x82\x08\xa2"))
}

/// The third message for a second one, as `alice` of the domain writes it.
fn third(second: &str, domain: &str, password: &str) -> String {
    let bytes = header::base64(second.split(' ').nth(1).unwrap().as_bytes()).unwrap();
    let Ok(ntlm::Message::Challenge { challenge, .. }) = ntlm::parse(&bytes) else { panic!() };
    let blob = [1; 44];
    let mut nt = proof::proof(&proof::key("alice", domain, password), &challenge, &blob).to_vec();
    nt.extend(blob);
    let parts = [vec![], nt, proof::utf16(domain), proof::utf16("alice"), vec![], vec![]];
    let mut out = b"NTLMSSP\0\x03\0\0\0".to_vec();
    let mut at = 64u32;
    for part in &parts {
        let len = (part.len() as u16).to_le_bytes();
        out.extend([len, len].concat());
        out.extend(at.to_le_bytes());
        at += part.len() as u32;
    }
    out.extend(1u32.to_le_bytes());
    out.extend(parts.concat());
    format!("{} {}", second.split(' ').next().unwrap(), STANDARD.encode(out))
}

#[test]
fn ntlm_logs_a_connection_in() {
    let mut desk = Desk::new("scheme: [ntlm, basic], domain: CORP");
    assert_eq!(desk.offer(), ["NTLM", "Basic realm=\"badproxy\""]);
    assert_eq!(desk.judge(&first()).0, Credentials::Begun);
    let second = desk.offer();
    assert_eq!(second.len(), 1, "a handshake that has begun is answered with its leg alone");
    assert_eq!(desk.judge(&third(&second[0], "Corp", RIGHT)).0, Credentials::Right);
    assert_eq!(desk.judge("").0, Credentials::Right, "the connection is logged in");
}

#[test]
fn ntlm_legs_in_the_wrong_places() {
    let mut desk = Desk::new("scheme: ntlm, domain: CORP");
    desk.judge(&first());
    let second = desk.offer().remove(0);
    let right = third(&second, "CORP", RIGHT);
    let other = &mut Desk::new("scheme: ntlm, domain: CORP");
    let split = (Credentials::Wrong, "type 3 on a connection that was sent no type 2".to_owned());
    assert_eq!(other.judge(&right), split, "on another connection");
    let wrong = desk.judge(&third(&second, "CORP", "other"));
    assert_eq!(wrong, (Credentials::Wrong, "wrong password".to_owned()));
    assert_eq!(desk.judge(&right), split, "a challenge is good once");
    desk.judge(&first());
    let second = desk.offer().remove(0);
    assert_eq!(desk.judge("").0, Credentials::Absent);
    assert_eq!(desk.judge(&third(&second, "CORP", RIGHT)), split, "another request came between");
    desk.judge(&first());
    let second = desk.offer().remove(0);
    let lab = desk.judge(&third(&second, "LAB", RIGHT));
    assert_eq!(lab, (Credentials::Wrong, "wrong domain".to_owned()));
}

#[test]
fn negotiate_does_what_the_scenario_says() {
    let token = "Negotiate YIIBAAAA";
    let mut desk = Desk::new("scheme: [negotiate, basic]");
    assert_eq!(desk.judge(token).0, Credentials::Wrong);
    assert_eq!(desk.offer().len(), 2);
    let mut desk =
        Desk::new("scheme: negotiate, negotiate: {answer: accept, legs: 2, token: b2s=}");
    assert_eq!(desk.judge(token).0, Credentials::Begun);
    assert_eq!(desk.offer(), ["Negotiate b2s="]);
    assert_eq!(desk.judge(token).0, Credentials::Right);
    assert_eq!(desk.judge("").0, Credentials::Right);
    let mut desk = Desk::new("scheme: negotiate, negotiate: {answer: loop}");
    for _ in 0..5 {
        assert_eq!(desk.judge(token).0, Credentials::Begun);
        assert_eq!(desk.offer().len(), 1);
    }
    let mut desk = Desk::new("scheme: negotiate, negotiate: {answer: ntlm}");
    let begun = desk.judge(&first().replace("NTLM", "Negotiate"));
    assert_eq!(begun.0, Credentials::Begun);
    let second = desk.offer().remove(0);
    assert!(second.starts_with("Negotiate TlRMTVNTUAAC"), "{second}");
    assert_eq!(desk.judge(&third(&second, "X", RIGHT)).0, Credentials::Right);
}

#[test]
fn a_user_may_name_the_domain() {
    let basic = |user: &str| format!("Basic {}", STANDARD.encode(format!("{user}:{RIGHT}")));
    let mut desk = Desk::new("scheme: basic, domain: CORP");
    assert_eq!(desk.judge(&basic("alice")).0, Credentials::Right);
    assert_eq!(desk.judge(&basic("corp\\alice")).0, Credentials::Right);
    assert_eq!(desk.judge(&basic("LAB\\alice")).1, "wrong user");
    let mut desk = Desk::new("scheme: basic");
    assert_eq!(desk.judge(&basic("CORP\\alice")).1, "wrong user");
}

#[test]
fn schemes_that_are_not_offered_are_wrong() {
    let mut desk = Desk::new("scheme: [digest, {verbatim: Hawk}], lines: one");
    let offer = desk.offer();
    assert!(offer.len() == 1 && offer[0].ends_with(", Hawk"), "{offer:?}");
    let basic = format!("Basic {}", STANDARD.encode(format!("alice:{RIGHT}")));
    assert_eq!(desk.judge(&basic).1, "the proxy has not offered this scheme");
    assert_eq!(desk.judge("Hawk id=1").1, "there is no such scheme here");
    assert_eq!(desk.judge("Digest x").1, "a parameter has no value");
    let mut desk = Desk::new("scheme: bearer");
    assert_eq!(desk.judge(&format!("bearer {RIGHT}")).0, Credentials::Right);
    assert_eq!(desk.judge("Bearer x").1, "wrong token");
}

proptest! {
    #[test]
    fn nothing_panics(
        scheme in prop_oneof![Just("Basic"), Just("Digest"), Just("NTLM"), Just("Negotiate"), Just("Bearer"), Just("X")],
        rest in proptest::collection::vec(any::<u8>(), 0..100),
        encode: bool,
    ) {
        let mut desk = Desk::new(
            "scheme: [basic, digest, ntlm, negotiate, bearer], negotiate: {answer: ntlm}",
        );
        let known = Known {
            auth: Some(&desk.auth), user: "a", password: "b", method: "GET", target: "/", now: desk.now,
        };
        let mut value = scheme.as_bytes().to_vec();
        value.push(b' ');
        value.extend(if encode { STANDARD.encode(&rest).into_bytes() } else { rest });
        let judged = judge(Some(&value), &known, &mut desk.nonces, &mut desk.hand);
        prop_assert_ne!(judged.credentials, Credentials::Right);
    }
}
