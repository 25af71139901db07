//! Digest (RFC 7616, and RFC 2069 where no `qop` is offered): a hash over user, realm, password,
//! the server's nonce, the method and the target.

use std::fmt::Write as _;

use md5::{Digest as _, Md5};

use super::header::{Malformed, params};
use crate::scenario::Algorithm;

/// What a client answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The user.
    pub username: String,
    /// The realm, echoed.
    pub realm: String,
    /// The nonce, echoed.
    pub nonce: String,
    /// The request target that was hashed.
    pub uri: String,
    /// The hash, in hexadecimal.
    pub response: String,
    /// The algorithm, echoed as it was written.
    pub algorithm: Option<String>,
    /// `opaque`, echoed.
    pub opaque: Option<String>,
    /// The quality of protection that was chosen; None as in RFC 2069.
    pub qop: Option<String>,
    /// The nonce count as sent: eight hexadecimal digits.
    pub nc: Option<String>,
    /// The client's own nonce.
    pub cnonce: Option<String>,
}

/// Reads what follows the scheme.
///
/// # Errors
///
/// What is no list of parameters, or lacks one that is always needed.
pub fn parse(bytes: &[u8]) -> Result<Answer, Malformed> {
    let list = params(bytes)?;
    let find = |name: &str| list.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
    let needed = |name: &str, or: &'static str| find(name).ok_or(Malformed(or));
    if find("userhash").is_some_and(|v| v.eq_ignore_ascii_case("true")) {
        return Err(Malformed("it hashes the user, which was not offered"));
    }
    Ok(Answer {
        username: needed("username", "there is no username")?,
        realm: needed("realm", "there is no realm")?,
        nonce: needed("nonce", "there is no nonce")?,
        uri: needed("uri", "there is no uri")?,
        response: needed("response", "there is no response")?,
        algorithm: find("algorithm"),
        opaque: find("opaque"),
        qop: find("qop"),
        nc: find("nc"),
        cnonce: find("cnonce"),
    })
}

/// The response that is right for an answer's nonce, uri and counts (RFC 7616, section 3.4.1).
pub fn response(
    algorithm: Algorithm,
    (user, password): (&str, &str),
    method: &str,
    answer: &Answer,
) -> String {
    let (nonce, cnonce) = (&answer.nonce, answer.cnonce.as_deref().unwrap_or(""));
    let hash = |text: String| hash(algorithm, text.as_bytes());
    let mut a1 = hash(format!("{user}:{}:{password}", answer.realm));
    if algorithm.is_session() {
        a1 = hash(format!("{a1}:{nonce}:{cnonce}"));
    }
    let a2 = hash(format!("{method}:{}", answer.uri));
    match &answer.qop {
        None => hash(format!("{a1}:{nonce}:{a2}")),
        Some(qop) => {
            let nc = answer.nc.as_deref().unwrap_or("");
            hash(format!("{a1}:{nonce}:{nc}:{cnonce}:{qop}:{a2}"))
        }
    }
}

/// Whether `uri` means the request target. A proxy sees the absolute form, and clients hash that
/// or the path alone (RFC 7616, section 3.4.6).
pub fn same_target(uri: &str, target: &str) -> bool {
    uri == target
        || crate::proxy::head::absolute(target).is_some_and(|(_, _, path)| {
            uri == path || crate::proxy::head::absolute(uri).is_some_and(|(_, _, p)| p == path)
        })
}

fn hash(algorithm: Algorithm, bytes: &[u8]) -> String {
    if algorithm.is_md5() {
        return hex(&Md5::digest(bytes));
    }
    hex(ring::digest::digest(&ring::digest::SHA256, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(out, "{byte:02x}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rfc7616() -> Answer {
        Answer {
            username: "Mufasa".into(),
            realm: "http-auth@example.org".into(),
            nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v".into(),
            uri: "/dir/index.html".into(),
            qop: Some("auth".into()),
            nc: Some("00000001".into()),
            cnonce: Some("f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ".into()),
            ..Answer::default()
        }
    }

    /// RFC 7616, section 3.9.1.
    #[test]
    fn the_examples_of_rfc_7616() {
        let mufasa = ("Mufasa", "Circle of Life");
        assert_eq!(
            response(Algorithm::Md5, mufasa, "GET", &rfc7616()),
            "8ca523f5e9506fed4657c9700eebdbec"
        );
        assert_eq!(
            response(Algorithm::Sha256, mufasa, "GET", &rfc7616()),
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
        );
    }

    /// RFC 2617, section 3.5.
    #[test]
    fn the_example_of_rfc_2617() {
        let header = br#"username="Mufasa", realm="testrealm@host.com",
            nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", uri="/dir/index.html", qop=auth, nc=00000001,
            cnonce="0a4f113b", response="6629fae49393a05397450978507c4ef1",
            opaque="5ccc069c403ebaf9f0171e9517f40e41""#;
        let header: Vec<u8> = header.iter().map(|b| if *b == b'\n' { b' ' } else { *b }).collect();
        let answer = parse(&header).unwrap();
        let right = response(Algorithm::Md5, ("Mufasa", "Circle Of Life"), "GET", &answer);
        assert_eq!(right, answer.response);
    }

    /// RFC 2069, section 2.4, with the value of its erratum 749.
    #[test]
    fn the_example_of_rfc_2069() {
        let answer = Answer {
            realm: "testrealm@host.com".into(),
            nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093".into(),
            uri: "/dir/index.html".into(),
            ..Answer::default()
        };
        assert_eq!(
            response(Algorithm::Md5, ("Mufasa", "CircleOfLife"), "GET", &answer),
            "1949323746fe6a43ef61f9606e7febea"
        );
    }

    /// Worked out with Python's hashlib: the RFC has no example of these.
    #[test]
    fn session_keys() {
        let answer = rfc7616();
        assert_eq!(
            response(Algorithm::Md5Sess, ("Mufasa", "Circle of Life"), "GET", &answer),
            "e783283f46242139c486a698fec7211d"
        );
        assert_eq!(
            response(Algorithm::Sha256Sess, ("Mufasa", "Circle of Life"), "GET", &answer),
            "2fd51b3a77ad75bad6afad6003e818d767133c46d9e2749e7f5232ae1ea3efd7"
        );
    }

    #[test]
    fn targets() {
        assert!(same_target("a.test:443", "a.test:443"));
        assert!(same_target("/x?y", "http://a.test/x?y"));
        assert!(same_target("http://A.test:80/x?y", "http://a.test/x?y"));
        assert!(!same_target("/", "a.test:443"));
        assert!(!same_target("/y", "http://a.test/x"));
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200), list in "[a-z=\", \\\\]{0,60}") {
            let _ = (parse(&bytes), parse(list.as_bytes()));
        }
    }
}
