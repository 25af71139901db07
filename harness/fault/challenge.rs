//! `challenge`: 407.

use std::io;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use super::respond::{self, Respond, Version};
use super::{After, Cx, Fault};
use crate::auth::digest;
use crate::auth::offer::{self, Moment};
use crate::conn::Conn;
use crate::plan::Facts;
use crate::scenario::{
    Auth, Credentials, Digest, Lines, Offer, Problem, Scheme, Several, check_offers,
};
use crate::stage::Stage;

/// Answers 407 with a challenge, whatever credentials came. A first leg of NTLM or Negotiate is
/// answered with the next one, when the scheme is among those offered.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Challenge {
    /// The scheme, or a list of schemes, offered in this order. Default: the proxy's; `basic` when
    /// it asks for nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheme: Option<Several<Offer>>,
    /// Whether several challenges share a header line. Default: as the proxy does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<Lines>,
    /// The realm. Default: the proxy's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub realm: Option<String>,
    /// How Digest is offered and checked. Default: as the proxy does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Whether Digest says that the nonce was stale; from then on it is. Default: when it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale: Option<bool>,
    /// The version in the status line: 1.0 or 1.1. Default: 1.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// Header lines after the challenges, as they stand.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<String>,
    /// The body. Default: a short HTML page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

/// The body of a 407, left in the stream for the client to read past.
const BODY: &str = "<html><body><h1>407 Proxy Authentication Required</h1></body></html>\n";

impl Challenge {
    /// The 407 that is due on this connection now.
    pub(crate) fn response(&self, conn: &Conn, facts: &Facts) -> Respond {
        let mut auth = conn.scenario.proxy.auth.clone().unwrap_or_default();
        self.change(&mut auth);
        let told = facts.credentials == Some(Credentials::Stale) && auth.digest.stale;
        let mut hand = conn.handshake();
        let moment = Moment {
            stale: self.stale.unwrap_or(told),
            now: conn.log().start().elapsed(),
            scale: conn.scenario.scale.unwrap_or(1.0),
            rng: conn.rng(&format!("challenge {}", hand.offers)),
        };
        let values = offer::values(&auth, &mut conn.shared.nonces(), &mut hand, moment);
        hand.asked.offered(&values);
        conn.shared.asked().offered(&values);
        let mut headers: Vec<String> =
            values.iter().map(|value| format!("Proxy-Authenticate: {value}")).collect();
        if self.body.is_none() {
            headers.push("Content-Type: text/html".to_owned());
        }
        headers.extend(self.headers.iter().cloned());
        Respond {
            status: 407,
            headers,
            body: self.body.clone().unwrap_or_else(|| BODY.to_owned()),
            version: self.version,
            ..Respond::default()
        }
    }

    fn change(&self, auth: &mut Auth) {
        if let Some(scheme) = &self.scheme {
            auth.scheme = scheme.clone();
        }
        if let Some(realm) = &self.realm {
            auth.realm.clone_from(realm);
        }
        if let Some(digest) = &self.digest {
            auth.digest = digest.clone();
        }
        auth.lines = self.lines.unwrap_or(auth.lines);
    }
}

impl Fault for Challenge {
    const AT: &'static [Stage] = &[Stage::Auth];
    const ABOUT: &'static str = "Answers 407 with a challenge, whatever credentials came";
    const EXAMPLE: &'static str =
        "{at: auth, when: {attempt: 1-2}, do: {challenge: basic, then: close}}";

    fn bare() -> Option<Self> {
        Some(Challenge::default())
    }

    fn from_word(word: &str) -> Result<Self, Problem> {
        let scheme = Several(vec![Offer::Scheme(Scheme::from_word(word)?)]);
        Ok(Challenge { scheme: Some(scheme), ..Challenge::default() })
    }

    fn word_schema(with: &mut SchemaGenerator) -> Option<Schema> {
        Some(with.subschema_for::<Scheme>())
    }

    fn check(&self, _: Stage) -> Result<(), Problem> {
        let offers = self.scheme.iter().flat_map(check_offers);
        let below = |p: Problem| Problem { key: format!("digest.{}", p.key), ..p };
        let digest = self.digest.iter().flat_map(Digest::check).map(below);
        if let Some(problem) = offers.chain(digest).next() {
            return Err(problem);
        }
        respond::line("the realm", self.realm.as_deref()).map_err(|p| p.about("realm"))?;
        respond::lines(&self.headers)
    }

    async fn act(&self, cx: &mut Cx<'_, '_>) -> io::Result<After> {
        if self.stale == Some(true) {
            retire(cx.conn, cx.facts);
        }
        let answer = self.response(cx.conn, cx.facts);
        let result = cx.send(&answer.answer(cx.facts, cx.closing())).await;
        cx.did(said(&answer), true);
        result.map(|()| After::Answered)
    }
}

/// What is called stale is stale: the nonce of this request is not good any more.
fn retire(conn: &Conn, facts: &Facts) {
    let values = facts.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case("proxy-authorization"));
    for (scheme, answer) in values.filter_map(|(_, value)| value.trim().split_once(' ')) {
        let digest = scheme.eq_ignore_ascii_case("digest");
        if let Some(answer) = digest.then(|| digest::parse(answer.as_bytes()).ok()).flatten() {
            conn.shared.nonces().retire(&answer.nonce);
        }
    }
}

/// What was offered, by the names of its schemes.
fn said(answer: &Respond) -> String {
    let lines = answer.headers.iter().filter_map(|line| line.strip_prefix("Proxy-Authenticate: "));
    let names: Vec<String> = lines.flat_map(names).collect();
    let what = match names.as_slice() {
        [one] if one.contains(' ') => one.clone(),
        [one] if one.starts_with(['A', 'E', 'I', 'N', 'O', 'X']) && one != "Negotiate" => {
            format!("an {one} challenge")
        }
        [one] => format!("a {one} challenge"),
        all => format!("challenges of {}", all.join(", ")),
    };
    let version = if answer.version == Some(Version::Http10) { " in HTTP/1.0" } else { "" };
    let stale = if answer.headers.iter().any(|l| l.contains("stale=true")) { ", stale" } else { "" };
    format!("answered 407 with {what}{stale}{version}")
}

/// The schemes of one line: the first words of its parts that are no parameter.
fn names(line: &str) -> Vec<String> {
    let mut names = Vec::new();
    for part in line.split(", ").map(str::trim) {
        let (word, rest) = part.split_once(' ').unwrap_or((part, ""));
        let token = !rest.is_empty() && !rest.contains("=\"");
        match word {
            "" => {}
            word if word.contains(['=', '"']) => {}
            "NTLM" if token => names.push("NTLM type 2".to_owned()),
            "Negotiate" if token => names.push("Negotiate and a token".to_owned()),
            word => names.push(word.to_owned()),
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_offered_in_words() {
        let said = |lines: &[&str]| {
            let headers = lines.iter().map(|l| format!("Proxy-Authenticate: {l}")).collect();
            said(&Respond { headers, ..Respond::default() })
        };
        assert_eq!(said(&["Basic realm=\"x\""]), "answered 407 with a Basic challenge");
        assert_eq!(said(&["NTLM"]), "answered 407 with an NTLM challenge");
        assert_eq!(said(&["NTLM TlRM="]), "answered 407 with NTLM type 2");
        let line = "NTLM, Digest realm=\"a\", nonce=\"b\", qop=\"auth\", Basic realm=\"a\"";
        assert_eq!(said(&[line]), "answered 407 with challenges of NTLM, Digest, Basic");
        assert_eq!(said(&["Negotiate", "Hawk"]), "answered 407 with challenges of Negotiate, Hawk");
    }
}
