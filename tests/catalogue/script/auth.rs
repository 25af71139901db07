//! Scenarios whose client logs in by more than one CONNECT with Basic.

use badproxy::scenario::{GivenCredentials, Scenario};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Client, HOST, whole_response};
use crate::arm::Connection;
use crate::login::{digest_answer, first_leg, third_leg};

/// What a request carries.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Say {
    /// No credentials.
    Nothing,
    Basic,
    /// The answer to the first Digest challenge of the last 407; its nonce count.
    Digest(u32),
    /// NTLM's first message.
    First,
    /// NTLM's third message, for the second one of the last 407.
    Third,
    /// A token that looks like Kerberos.
    Token,
    Bearer,
    /// No request: a new connection.
    Redial,
}
use Say::*;

/// The requests of a scenario's client.
fn plan(name: &str) -> Option<&'static [Say]> {
    Some(match name {
        "auth/407-wrong" => &[Basic, Nothing],
        "auth/407-body-left" | "auth/407-forward" => &[Nothing, Basic],
        "auth/407-digest" | "auth/407-digest-sha256" => &[Nothing, Digest(1)],
        "auth/407-digest-stale" => &[Nothing, Digest(1), Digest(1)],
        "auth/407-digest-new-nonce" => &[Nothing, Digest(1), Digest(1)],
        "auth/407-digest-wrong" | "auth/407-digest-forward-wrong" => {
            &[Nothing, Digest(1), Digest(1)]
        }
        "auth/407-digest-forward" => &[Nothing, Digest(1)],
        "auth/407-ntlm" => &[First, Third],
        "auth/407-ntlm-wrong" => &[First, Third],
        "auth/407-ntlm-forward" => &[Nothing, First, Third, Nothing],
        "auth/407-ntlm-leg-closed" => &[Nothing, First, Redial, Third],
        "auth/407-ntlm-first-close" => &[Nothing, Redial, First, Third],
        "auth/407-ntlm-needs-proxy-connection" => &[First, Redial, Third],
        "auth/407-always-closes" => &[Nothing, Redial, First, Redial, Third, Redial, Basic],
        "auth/407-negotiate-only" | "auth/407-negotiate-loop" => &[Nothing, Token, Token],
        "auth/407-bearer" => &[Nothing, Bearer],
        "auth/407-multi-scheme" => &[Nothing, Redial, Digest(1)],
        "auth/407-one-line" | "auth/407-unknown-scheme" => &[Nothing, Basic],
        "auth/407-only-unknown" => &[Nothing, Basic],
        "auth/ban-after-407s" => &[Basic, Redial, Nothing, Redial, Basic, Redial],
        _ => return None,
    })
}

/// Plays it; false when the scenario is not of this family.
pub(super) async fn play(client: &mut Client<'_>, scenario: &Scenario) -> bool {
    let Some(plan) = plan(&scenario.name) else { return false };
    let mut wire = dial(client).await;
    let mut last = String::new();
    for say in plan {
        if *say == Redial {
            // The end of the connection before, unless the client ends it.
            client.read(&mut wire, |_| false).await;
            wire = dial(client).await;
            continue;
        }
        last = ask(client, scenario, &mut wire, *say, &last).await;
        if last.is_empty() {
            return true;
        }
        if last.starts_with("HTTP/1.1 200 Connection established") {
            client.tunnel(wire, scenario).await;
            return true;
        }
    }
    client.read(&mut wire, |_| false).await;
    true
}

async fn dial(client: &mut Client<'_>) -> Box<dyn Connection> {
    let wire = client.dial().await.unwrap();
    client.line("SYN <- SYN-ACK");
    wire
}

/// One request, and the head of what comes back; empty when the connection has ended.
async fn ask(
    client: &mut Client<'_>,
    scenario: &Scenario,
    wire: &mut Box<dyn Connection>,
    say: Say,
    last: &str,
) -> String {
    let secrets = client.running.shared.log.secrets();
    let wrong = scenario.client.credentials == GivenCredentials::Wrong;
    let password = if wrong { "wrong" } else { &secrets.password };
    let login = (secrets.user.as_str(), password);
    let line = match scenario.target().strip_prefix("http://") {
        Some(rest) => format!("GET http://{rest}"),
        None => format!("CONNECT {HOST}:443"),
    };
    let value = match say {
        Nothing | Redial => None,
        Basic => Some(format!("Basic {}", STANDARD.encode(format!("{}:{}", login.0, login.1)))),
        Digest(nc) => Some(digest_answer(last, &line, login, nc)),
        First => Some(first_leg()),
        Third => Some(third_leg(last, login)),
        Token => Some("Negotiate YIIBAAYGKwYBBQUC".to_owned()),
        Bearer => Some(format!("Bearer {}", login.1)),
    };
    let mut text = format!("{line} HTTP/1.1\r\nHost: {HOST}\r\n");
    if let Some(value) = value {
        text += &format!("Proxy-Authorization: {value}\r\n");
    }
    text += "\r\n";
    let (method, _) = line.split_once(' ').unwrap_or_default();
    client.send(wire, &format!("{method}, {say:?}"), text.as_bytes()).await;
    let (got, ending) = client.read(wire, whole_response).await;
    if ending.is_some() { String::new() } else { String::from_utf8_lossy(&got).into_owned() }
}
