//! Whether a client's credentials are right, and which leg of what they are.

use std::time::Duration;

use super::nonce::Use;
use super::{Handshake, Malformed, Nonces, Step};
use super::{basic, bearer, digest, header, negotiate, ntlm};
use crate::scenario::{Algorithm, Answer, Auth, Credentials, Offer, Scheme};

/// What is known when a request is judged.
#[derive(Debug, Clone, Copy)]
pub struct Known<'k> {
    /// What the scenario asks for; None: any scheme will do.
    pub auth: Option<&'k Auth>,
    /// The user.
    pub user: &'k str,
    /// The password.
    pub password: &'k str,
    /// The request's method.
    pub method: &'k str,
    /// The request's target, as sent.
    pub target: &'k str,
    /// Time since the run started.
    pub now: Duration,
}

impl Known<'_> {
    /// Whether this names the user: as it is, or with the scenario's domain before it, as Windows
    /// writes it.
    fn is_user(&self, name: &str) -> bool {
        let domain = self.auth.and_then(|auth| auth.domain.as_deref());
        let in_domain = |(domain, name): (&str, &str), own: &str| {
            domain.eq_ignore_ascii_case(own) && name == self.user
        };
        name == self.user
            || domain.is_some_and(|own| name.split_once('\\').is_some_and(|n| in_domain(n, own)))
    }
}

/// What a request's credentials are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// Any but `present`.
    pub credentials: Credentials,
    /// What came; None when nothing did.
    pub leg: Option<Leg>,
}

/// Credentials that came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Leg {
    /// The scheme, as the client wrote it.
    pub scheme: String,
    /// What of it came: `credentials`, `type 1`, `type 3`, `token`.
    pub leg: &'static str,
    /// The user that it names.
    pub user: Option<String>,
    /// Why it is wrong or stale; empty when it is neither.
    pub why: String,
    /// What must not be seen elsewhere: a response, a token.
    pub secret: Option<String>,
}

/// Judges the value of a `Proxy-Authorization` header; None when there is none.
pub fn judge(
    value: Option<&[u8]>,
    known: &Known<'_>,
    nonces: &mut Nonces,
    hand: &mut Handshake,
) -> Judged {
    let Some(value) = value else {
        // A connection that is logged in stays so; an unfinished handshake is off.
        if hand.step == Step::Done {
            return Judged { credentials: Credentials::Right, leg: None };
        }
        hand.step = Step::Idle;
        return Judged { credentials: Credentials::Absent, leg: None };
    };
    let mut leg = Leg { leg: "credentials", ..Leg::default() };
    let before = std::mem::take(&mut hand.step);
    let credentials = match scheme(value, known, nonces, hand, before, &mut leg) {
        Ok(credentials) => credentials,
        Err(why) => {
            leg.why = why;
            Credentials::Wrong
        }
    };
    Judged { credentials, leg: Some(leg) }
}

/// By scheme. An error: why it is wrong.
fn scheme(
    value: &[u8],
    known: &Known<'_>,
    nonces: &mut Nonces,
    hand: &mut Handshake,
    before: Step,
    leg: &mut Leg,
) -> Result<Credentials, String> {
    let header = header::parse(value).map_err(text)?;
    leg.scheme = header.scheme.chars().take(40).collect();
    let scheme = Scheme::named(header.scheme).ok_or("there is no such scheme here")?;
    let offered = |auth: &Auth| auth.scheme.0.contains(&Offer::Scheme(scheme));
    if !known.auth.is_none_or(offered) {
        return Err("the proxy has not offered this scheme".to_owned());
    }
    match scheme {
        Scheme::Basic => {
            let basic = basic::parse(header.rest).map_err(text)?;
            leg.user = Some(short(&basic.user));
            right_unless(match (known.is_user(&basic.user), basic.password == known.password) {
                (true, true) => None,
                (true, false) => Some("wrong password"),
                (false, _) => Some("wrong user"),
            })
        }
        Scheme::Bearer => {
            let token = bearer::parse(header.rest).map_err(text)?;
            leg.leg = "token";
            // Nothing is made of the password here: the right token is the password, which is looked
            // for anyway, and a wrong one may be the origin's own, which belongs there.
            right_unless((token != known.password).then_some("wrong token"))
        }
        Scheme::Digest => {
            let answer = digest::parse(header.rest).map_err(text)?;
            leg.user = Some(short(&answer.username));
            leg.secret = Some(answer.response.clone());
            let (credentials, why) = check_digest(&answer, known, nonces)?;
            leg.why = why.to_owned();
            Ok(credentials)
        }
        Scheme::Ntlm => {
            let bytes = header::base64(header.rest).map_err(text)?;
            let message = ntlm::parse(&bytes).map_err(text)?;
            leg.secret = third(&message, header.rest);
            check_ntlm(message, false, known, hand, before, leg)
        }
        Scheme::Negotiate => {
            let token = negotiate::parse(header.rest).map_err(text)?;
            check_negotiate(token, header.rest, known, hand, before, leg)
        }
    }
}

/// A right answer with a nonce that is not good is stale; anything else that differs is wrong.
fn check_digest(
    answer: &digest::Answer,
    known: &Known<'_>,
    nonces: &mut Nonces,
) -> Result<(Credentials, &'static str), String> {
    let issued = nonces.issued(&answer.nonce).cloned();
    let named = |name: &str| {
        let all = [Algorithm::Md5, Algorithm::Md5Sess, Algorithm::Sha256, Algorithm::Sha256Sess];
        all.into_iter().find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    };
    // Without a name it is MD5 (RFC 7616, section 3.4).
    let algorithm = named(answer.algorithm.as_deref().unwrap_or("MD5"));
    let algorithm = algorithm.ok_or("an algorithm that was not offered")?;
    if let Some(issued) = &issued {
        let checks = [
            (algorithm != issued.algorithm, "another algorithm than was offered for this nonce"),
            (answer.realm != issued.realm, "wrong realm"),
            (answer.opaque != issued.opaque, "opaque is not sent back as it came"),
            (issued.qop && answer.qop.is_none(), "qop was offered and is not used"),
            (!issued.qop && answer.qop.is_some(), "qop was not offered"),
        ];
        if let Some((_, why)) = checks.iter().find(|(wrong, _)| *wrong) {
            return Err((*why).to_owned());
        }
    }
    if !known.is_user(&answer.username) {
        return Err("wrong user".to_owned());
    }
    if !digest::same_target(&answer.uri, known.target) {
        return Err(format!(
            "wrong uri: {}, the request is for {}",
            short(&answer.uri),
            known.target
        ));
    }
    let mut count = None;
    if let Some(qop) = &answer.qop {
        if !qop.eq_ignore_ascii_case("auth") {
            return Err(format!("qop {} was not offered", short(qop)));
        }
        if answer.cnonce.is_none() {
            return Err("there is no cnonce".to_owned());
        }
        let nc = answer.nc.as_deref().unwrap_or("");
        let hex = nc.len() == 8 && nc.bytes().all(|b| b.is_ascii_hexdigit());
        count = u32::from_str_radix(nc, 16).ok().filter(|n| hex && *n > 0);
        if count.is_none() {
            return Err("nc is not eight hexadecimal digits from 00000001 on".to_owned());
        }
    }
    let login = (answer.username.as_str(), known.password);
    let right = digest::response(algorithm, login, known.method, answer);
    if !right.eq_ignore_ascii_case(&answer.response) {
        return Err("wrong response: another password, or not hashed as the RFC says".to_owned());
    }
    match nonces.take(&answer.nonce, count, known.now) {
        Use::Good => Ok((Credentials::Right, "")),
        Use::Stale(why) => Ok((Credentials::Stale, why)),
        Use::Replayed => {
            let nc = answer.nc.as_deref().unwrap_or("");
            Err(format!("nc {nc} was used with this nonce before"))
        }
    }
}

fn check_ntlm(
    message: ntlm::Message,
    negotiate: bool,
    known: &Known<'_>,
    hand: &mut Handshake,
    before: Step,
    leg: &mut Leg,
) -> Result<Credentials, String> {
    match message {
        ntlm::Message::Negotiate { flags } => {
            leg.leg = "type 1";
            hand.step = Step::Begun { flags, negotiate };
            Ok(Credentials::Begun)
        }
        ntlm::Message::Challenge { .. } => Err("type 2 is the proxy's to send".to_owned()),
        ntlm::Message::Authenticate(third) => {
            leg.leg = "type 3";
            leg.user = Some(short(&third.user));
            let Step::Challenged { challenge } = before else {
                return Err("type 3 on a connection that was sent no type 2".to_owned());
            };
            let login = (known.user, known.password);
            let domain = known.auth.and_then(|auth| auth.domain.as_deref());
            let right = right_unless(ntlm::wrong(&third, &challenge, login, domain))?;
            hand.step = Step::Done;
            Ok(right)
        }
    }
}

fn check_negotiate(
    token: negotiate::Token,
    raw: &[u8],
    known: &Known<'_>,
    hand: &mut Handshake,
    before: Step,
    leg: &mut Leg,
) -> Result<Credentials, String> {
    let settings = known.auth.map(|auth| auth.negotiate.clone()).unwrap_or_default();
    leg.leg = "token";
    if before != Step::Token {
        hand.tokens = 0;
    }
    hand.tokens += 1;
    leg.secret = Some(String::from_utf8_lossy(raw).into_owned());
    match (settings.answer, token) {
        (Answer::Refuse, _) => Err("the scenario refuses every token".to_owned()),
        (Answer::Ntlm, negotiate::Token::Ntlm(message)) => {
            leg.secret = third(&message, raw);
            check_ntlm(message, true, known, hand, before, leg)
        }
        (Answer::Ntlm, _) => Err("the token is not NTLM's".to_owned()),
        (Answer::Accept, _) if hand.tokens >= settings.legs => {
            hand.step = Step::Done;
            Ok(Credentials::Right)
        }
        (Answer::Accept | Answer::Loop, _) => {
            hand.step = Step::Token;
            Ok(Credentials::Begun)
        }
    }
}

/// NTLM's third message proves the password; its first has nothing secret in it.
fn third(message: &ntlm::Message, raw: &[u8]) -> Option<String> {
    let third = matches!(message, ntlm::Message::Authenticate(_));
    third.then(|| String::from_utf8_lossy(raw).into_owned())
}

fn right_unless(wrong: Option<&'static str>) -> Result<Credentials, String> {
    wrong.map_or(Ok(Credentials::Right), |why| Err(why.to_owned()))
}

fn text(malformed: Malformed) -> String {
    malformed.0.to_owned()
}

/// What a client sent, not longer than is useful.
fn short(text: &str) -> String {
    text.chars().take(100).collect()
}

#[cfg(test)]
mod tests;
