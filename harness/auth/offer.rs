//! What a proxy offers: the values of the `Proxy-Authenticate` lines of a 407.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::header::quote;
use super::nonce::{Issued, Nonces};
use super::{Handshake, Step, ntlm};
use crate::rng::Rng;
use crate::scenario::{Algorithm, Auth, Digest, Lines, Offer, Qop, Scheme};

/// The domain that NTLM names when the scenario has none.
const DOMAIN: &str = "CORP";

/// When an offer is made.
pub struct Moment {
    /// Whether Digest says that the nonce was stale.
    pub stale: bool,
    /// Time since the run started.
    pub now: Duration,
    /// The factor of the scenario's times.
    pub scale: f64,
    /// Dice of this 407's own: nonces and challenges come from them.
    pub rng: Rng,
}

/// The values, one a line. A handshake that has begun is answered with its next leg alone, when the
/// scheme is among those offered.
pub fn values(
    auth: &Auth,
    nonces: &mut Nonces,
    hand: &mut Handshake,
    moment: Moment,
) -> Vec<String> {
    let Moment { stale, now, scale, mut rng } = moment;
    hand.offers += 1;
    if let Some(next) = next_leg(auth, hand, &mut rng) {
        return vec![next];
    }
    let mut list = Vec::new();
    for offer in &auth.scheme.0 {
        match offer {
            Offer::Verbatim(text) => list.push(text.clone()),
            Offer::Scheme(Scheme::Digest) => {
                for algorithm in &auth.digest.algorithm.0 {
                    let nonce = rng.word(32);
                    list.push(digest(&auth.realm, &auth.digest, *algorithm, &nonce, stale));
                    let lifetime = auth.digest.lifetime.map(|l| l.0.mul_f64(scale));
                    let issued = Issued {
                        realm: auth.realm.clone(),
                        algorithm: *algorithm,
                        opaque: auth.digest.opaque.clone(),
                        qop: auth.digest.qop == Qop::Auth,
                        uses: auth.digest.uses,
                        until: lifetime.map(|lifetime| now + lifetime),
                    };
                    nonces.issue(nonce, issued);
                }
            }
            Offer::Scheme(scheme @ (Scheme::Basic | Scheme::Bearer)) => {
                list.push(format!("{} realm={}", scheme.name(), quote(&auth.realm)));
            }
            Offer::Scheme(scheme) => list.push(scheme.name().to_owned()),
        }
    }
    match auth.lines {
        Lines::Several => list,
        Lines::One => vec![list.join(", ")],
    }
}

/// The next leg of a handshake that has begun.
fn next_leg(auth: &Auth, hand: &mut Handshake, rng: &mut Rng) -> Option<String> {
    let offered = |scheme| auth.scheme.0.contains(&Offer::Scheme(scheme));
    let name = |negotiate| if negotiate { Scheme::Negotiate } else { Scheme::Ntlm };
    match hand.step {
        Step::Begun { flags, negotiate } if offered(name(negotiate)) => {
            let mut challenge = [0; 8];
            rng.fill(&mut challenge);
            hand.step = Step::Challenged { challenge };
            let domain = auth.domain.as_deref().unwrap_or(DOMAIN);
            let second = STANDARD.encode(ntlm::challenge(&challenge, domain, flags));
            Some(format!("{} {second}", name(negotiate).name()))
        }
        Step::Token if offered(Scheme::Negotiate) => {
            let mut token = [0; 24];
            rng.fill(&mut token);
            let token = auth.negotiate.token.clone().unwrap_or_else(|| STANDARD.encode(token));
            Some(format!("{} {token}", Scheme::Negotiate.name()))
        }
        _ => None,
    }
}

/// RFC 7616, section 3.3: what is quoted there is quoted here.
fn digest(
    realm: &str,
    settings: &Digest,
    algorithm: Algorithm,
    nonce: &str,
    stale: bool,
) -> String {
    let mut out = format!("Digest realm={}, nonce={}", quote(realm), quote(nonce));
    if settings.qop == Qop::Auth {
        out += ", qop=\"auth\"";
    }
    if settings.qop == Qop::Auth || algorithm != Algorithm::Md5 {
        out += &format!(", algorithm={}", algorithm.name());
    }
    if let Some(opaque) = &settings.opaque {
        out += &format!(", opaque={}", quote(opaque));
    }
    if stale {
        out += ", stale=true";
    }
    out
}
