//! Basic (RFC 7617): `user:password` in base64.

use super::header::{Malformed, base64};

/// User and password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Basic {
    /// The user: what comes before the first colon.
    pub user: String,
    /// The password, colons and all.
    pub password: String,
}

/// Reads what follows the scheme.
///
/// # Errors
///
/// What is not base64, or has no colon in it.
pub fn parse(bytes: &[u8]) -> Result<Basic, Malformed> {
    let pair = base64(bytes)?;
    let colon = pair.iter().position(|b| *b == b':').ok_or(Malformed("it has no colon in it"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(Basic { user: text(&pair[..colon]), password: text(&pair[colon + 1..]) })
}

/// What is wrong with it; None when it is right.
pub fn wrong(basic: &Basic, user: &str, password: &str) -> Option<&'static str> {
    match (basic.user == user, basic.password == password) {
        (true, true) => None,
        (true, false) => Some("wrong password"),
        (false, _) => Some("wrong user"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// RFC 7617, section 2.
    #[test]
    fn the_example_of_the_rfc() {
        let got = parse(b"QWxhZGRpbjpvcGVuIHNlc2FtZQ==").unwrap();
        assert_eq!(wrong(&got, "Aladdin", "open sesame"), None);
        assert_eq!(wrong(&got, "Aladdin", "sesame"), Some("wrong password"));
        assert_eq!(wrong(&got, "Ali", "open sesame"), Some("wrong user"));
        assert_eq!(parse(b"YWI").unwrap_err(), Malformed("it has no colon in it"));
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = parse(&bytes);
        }
    }
}
