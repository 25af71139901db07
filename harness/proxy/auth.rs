//! Credentials of a request: what came, and the healthy proxy's 407.

use super::head::Head;
use super::{Next, Session};
use crate::fault::{After, challenge};
use crate::scenario::Credentials;

impl Session {
    /// What the request shows of credentials goes into the facts.
    pub(super) fn learn(&mut self, head: &Head) {
        self.facts.method.clone_from(&head.method);
        self.facts.headers.clone_from(&head.headers);
        let right = self.conn.log().secrets().basic();
        // The scheme's case and the blanks after it do not count (RFC 9110, section 11.1).
        let is_right = |value: &str| {
            let (scheme, rest) = value.trim().split_once(' ').unwrap_or_default();
            scheme.eq_ignore_ascii_case("basic")
                && Some(rest.trim()) == right.strip_prefix("Basic ")
        };
        self.facts.credentials = Some(match head.header("proxy-authorization") {
            None => Credentials::Absent,
            Some(value) if is_right(value) => Credentials::Right,
            Some(_) => Credentials::Wrong,
        });
    }

    /// A healthy proxy's 407.
    pub(super) async fn challenge(&mut self, head: &Head) -> Next {
        let answer = match &self.conn.scenario.proxy.auth {
            Some(auth) => challenge::response(auth.scheme, &auth.realm),
            None => return Next::Close,
        };
        let closing = !head.keeps_alive();
        self.answer(&answer, closing).await;
        self.after_answer(After::Answered, head).await
    }
}
