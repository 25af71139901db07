//! Bearer (RFC 6750): a token that is good for whoever has it. The proxy takes its password as one.

use super::header::Malformed;

/// Reads what follows the scheme: the token.
///
/// # Errors
///
/// What is no `b64token` (RFC 6750, section 2.1).
pub fn parse(bytes: &[u8]) -> Result<&str, Malformed> {
    let letter = |b: &u8| b.is_ascii_alphanumeric() || b"-._~+/=".contains(b);
    match std::str::from_utf8(bytes) {
        Ok("") => Err(Malformed("there is no token")),
        Ok(token) if bytes.iter().all(letter) => Ok(token),
        _ => Err(Malformed("it is no token")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tokens() {
        assert_eq!(parse(b"mF_9.B5f-4.1JqM=="), Ok("mF_9.B5f-4.1JqM=="));
        assert!(parse(b"").is_err() && parse(b"a b").is_err() && parse(b"\xff").is_err());
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = parse(&bytes);
        }
    }
}
