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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// RFC 7617, section 2.
    #[test]
    fn the_example_of_the_rfc() {
        let got = parse(b"QWxhZGRpbjpvcGVuIHNlc2FtZQ==").unwrap();
        assert_eq!((got.user.as_str(), got.password.as_str()), ("Aladdin", "open sesame"));
        assert_eq!(parse(b"YWI").unwrap_err(), Malformed("it has no colon in it"));
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = parse(&bytes);
        }
    }
}
