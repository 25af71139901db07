//! Credentials of a request: what came, and the healthy proxy's 407.

use super::head::Head;
use super::{Next, Session};
use crate::auth::{self, Known};
use crate::event::What;
use crate::fault::{After, challenge};
use crate::scenario::{Credentials, Offer, Scheme};
use crate::secrets::PROXY;

impl Session {
    /// What the request shows of credentials goes into the facts; the events for it, if any came.
    pub(super) fn learn(&mut self, head: &Head) -> Vec<What> {
        self.conn.shared.plan().method(&mut self.facts, &head.method);
        self.facts.bodyless = head.method == "HEAD";
        self.facts.closes = !head.keeps_alive();
        self.facts.headers.clone_from(&head.headers);
        self.facts.host_is_target = Some(head.host_is_target(self.conn.stream.is_some()));
        let conn = &self.conn;
        let secrets = conn.log().secrets();
        let known = Known {
            auth: conn.scenario.proxy.auth.as_ref(),
            user: &secrets.user,
            password: &secrets.password,
            method: &head.method,
            target: &head.target,
            now: conn.log().start().elapsed(),
        };
        let value = head.header("proxy-authorization").map(str::as_bytes);
        // The connection's lock before the run's, as in `Challenge::response`.
        let mut hand = conn.handshake();
        let judged = auth::judge(value, &known, &mut conn.shared.nonces(), &mut hand);
        let asked = hand.asked;
        drop(hand);
        self.conn.shared.plan().credentials(&mut self.facts, judged.credentials);
        let Some(leg) = judged.leg else { return Vec::new() };
        if let Some(secret) = &leg.secret {
            secrets.remember(secret);
        }
        let mut events = Vec::new();
        if leg.scheme.eq_ignore_ascii_case("basic") {
            let offers =
                known.auth.is_none_or(|auth| auth.scheme.0.contains(&Offer::Scheme(Scheme::Basic)));
            let right = value.is_some_and(|value| secrets.seen_in(value).contains(&PROXY));
            let unasked = if right { asked.clear(&mut conn.shared.asked(), offers) } else { None };
            if let Some(unasked) = unasked {
                let place = unasked.place();
                events.push(What::SecretSeen { place, secret_seen: vec![PROXY] });
            }
        }
        events.push(What::AuthLeg {
            scheme: leg.scheme,
            leg: leg.leg,
            credentials: judged.credentials.word(),
            user: leg.user.map(|user| secrets.mask(&user)),
            why: secrets.mask(&leg.why),
        });
        events
    }

    /// Whether the healthy proxy lets the request through.
    pub(super) fn admits(&self) -> bool {
        self.conn.scenario.proxy.auth.is_none()
            || self.facts.credentials == Some(Credentials::Right)
    }

    /// A healthy proxy's 407.
    pub(super) async fn challenge(&mut self, head: &Head) -> Next {
        let answer = challenge::Challenge::default().response(&self.conn, &self.facts);
        let closing = !head.keeps_alive();
        self.answer(&answer, closing).await;
        self.after_answer(After::Answered, head).await
    }
}
