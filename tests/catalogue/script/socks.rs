//! Scenarios whose client speaks SOCKS.

use badproxy::scenario::{GivenCredentials, ProxyScheme, Scenario};

use super::{Client, HOST};
use crate::arm::Connection;

/// Plays it; false when the scenario is not of this family.
pub(super) async fn play(client: &mut Client<'_>, scenario: &Scenario) -> bool {
    let scheme = scenario.proxy_scheme();
    if !scheme.is_socks() {
        return false;
    }
    let Ok(mut wire) = client.dial().await else {
        client.line("SYN <- no answer");
        return true;
    };
    client.line("SYN <- SYN-ACK");
    let open = match scheme {
        ProxyScheme::Socks4a => socks4(client, &mut wire).await,
        _ => socks5(client, &mut wire, scenario).await,
    };
    let Some(open) = open else { return true };
    if !open {
        client.read(&mut wire, |_| false).await;
    } else if scenario.name == "reply/socks5-glued" {
        client.send(&mut wire, "ClientHello", super::HELLO).await;
        client.read(&mut wire, |_| false).await;
    } else if scenario.name == "ok/h2-socks5" {
        client.h2_tunnel(wire, scenario).await;
    } else {
        client.tunnel(wire, scenario).await;
    }
    true
}

/// Whether the tunnel is open; None when the connection has ended, or fallen silent.
async fn socks5(
    client: &mut Client<'_>,
    wire: &mut Box<dyn Connection>,
    s: &Scenario,
) -> Option<bool> {
    let password = s.client.credentials != GivenCredentials::None;
    let greeting: &[u8] = if password { &[5, 2, 0, 2] } else { &[5, 1, 0] };
    client.send(wire, &format!("SOCKS5 greeting, methods {:?}", &greeting[2..]), greeting).await;
    let (got, ending) = client.read(wire, |got| got.len() >= 2).await;
    if ending.is_some() {
        return None;
    }
    match got[..] {
        [5, 0] => {}
        [5, 2] => {
            let secrets = client.running.shared.log.secrets();
            let right = s.client.credentials == GivenCredentials::Right;
            let word = if right { secrets.password.clone() } else { "wrong".to_owned() };
            let mut login = vec![1, secrets.user.len() as u8];
            login.extend(secrets.user.as_bytes());
            login.push(word.len() as u8);
            login.extend(word.as_bytes());
            client.send(wire, "user and password", &login).await;
            let (got, ending) = client.read(wire, |got| got.len() >= 2).await;
            if ending.is_some() || got != [1, 0] {
                return ending.is_none().then_some(false);
            }
        }
        _ => return Some(false),
    }
    let mut request = vec![5, 1, 0, 3, HOST.len() as u8];
    request.extend(HOST.as_bytes());
    request.extend(443u16.to_be_bytes());
    client.send(wire, "SOCKS5 CONNECT by name", &request).await;
    let whole = |got: &[u8]| match got {
        [_, _, _, 3, length, ..] => got.len() >= 7 + usize::from(*length),
        [_, _, _, 4, ..] => got.len() >= 22,
        _ => got.len() >= 10,
    };
    let (got, ending) = client.read(wire, whole).await;
    ending.is_none().then(|| got.get(1) == Some(&0))
}

async fn socks4(client: &mut Client<'_>, wire: &mut Box<dyn Connection>) -> Option<bool> {
    let mut request = b"\x04\x01\x01\xbb\x00\x00\x00\x01me\x00".to_vec();
    request.extend(HOST.as_bytes());
    request.push(0);
    client.send(wire, "SOCKS4a CONNECT by name", &request).await;
    let (got, ending) = client.read(wire, |got| got.len() >= 8).await;
    ending.is_none().then(|| got.get(1) == Some(&90))
}
