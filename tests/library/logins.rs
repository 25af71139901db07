//! A login over plain sockets, leg by leg: what was sent decides whether the scenario was met.

use badproxy::scenario::GivenCredentials;
use badproxy::verdict::Word;
use badproxy::{Outcome, Scenario};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::login::{digest_answer, first_leg, third_leg};

/// One CONNECT's credentials.
#[derive(Debug, Clone, Copy)]
enum Say {
    Nothing,
    Basic,
    /// The answer to the Digest challenge of the 407 before.
    Digest,
    /// NTLM's first message.
    First,
    /// NTLM's third message, for the second one in the 407 before.
    Third,
    /// A token that looks like Kerberos.
    Token,
}
use Say::*;

/// The head and the body of one answer.
async fn answer(socket: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    socket.read_exact(&mut body).await.unwrap();
    head
}

/// Sends these on one connection, and fails with the last status.
async fn play(name: &str, legs: &[Say]) -> Outcome {
    let scenario = Scenario::catalogue(name).unwrap();
    let world = scenario.start().await.unwrap();
    let wrong = scenario.client.credentials == GivenCredentials::Wrong;
    let (user, right) = (world.user(), world.password());
    let login = (user.as_str(), if wrong { "wrong" } else { right.as_str() });
    let mut socket = TcpStream::connect(world.proxy_address()).await.unwrap();
    let line = "CONNECT target.badproxy.test:443";
    let mut last = String::new();
    for leg in legs {
        let value = match leg {
            Nothing => String::new(),
            Basic => "Basic YWxpY2U6d3Jvbmc=".to_owned(),
            Digest => digest_answer(&last, line, login, 1),
            First => first_leg(),
            Third => third_leg(&last, login),
            Token => "Negotiate YIIBAAYGKwYBBQUC".to_owned(),
        };
        let value = match value.as_str() {
            "" => value,
            _ => format!("Proxy-Authorization: {value}\r\n"),
        };
        let head = format!("{line} HTTP/1.1\r\nHost: target.badproxy.test\r\n{value}\r\n");
        socket.write_all(head.as_bytes()).await.unwrap();
        last = answer(&mut socket).await;
    }
    let status = last.lines().next().unwrap_or_default().to_owned();
    assert!(status.contains(" 407 "), "{name} {legs:?}: {status}");
    drop(socket);
    world.client_ended(Err::<(), _>(status));
    world.finish().await
}

#[tokio::test]
async fn a_login_is_judged_when_its_faulty_leg_has_come() {
    for (name, legs, met) in [
        ("auth/407-ntlm-wrong", &[Nothing][..], false),
        ("auth/407-ntlm-wrong", &[Nothing, Basic], false),
        ("auth/407-ntlm-wrong", &[First], false),
        ("auth/407-ntlm-wrong", &[First, Third], true),
        ("auth/407-digest-wrong", &[Nothing, Basic], false),
        ("auth/407-digest-wrong", &[Nothing, Digest], true),
        ("auth/407-negotiate-loop", &[Nothing], false),
        ("auth/407-negotiate-loop", &[Nothing, Token, Token], true),
        ("auth/407-ntlm-needs-proxy-connection", &[Nothing], false),
        ("auth/407-ntlm-needs-proxy-connection", &[Nothing, First], true),
        ("auth/407-ntlm-leg-closed", &[Nothing, First], true),
        ("auth/407-digest-new-nonce", &[Nothing], false),
        ("auth/407-digest-new-nonce", &[Nothing, Digest, Digest], true),
        // Any client meets these.
        ("auth/407-negotiate-only", &[Nothing], true),
        ("auth/407-only-unknown", &[Nothing, Nothing], true),
        ("auth/407-wrong", &[Nothing], true),
    ] {
        let outcome = play(name, legs).await;
        let found = &outcome.verdict;
        let rules: Vec<_> = found.findings.iter().map(|found| (found.word, found.rule)).collect();
        let want: &[_] = if met { &[] } else { &[(Word::Inconclusive, "never-met")] };
        assert_eq!(rules, want, "{name} {legs:?}: {found:#?}");
    }
}
