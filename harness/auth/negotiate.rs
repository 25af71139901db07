//! Negotiate (RFC 4559): tokens of SPNEGO, Kerberos or NTLM, in base64. No ticket is checked: what
//! a token leads to is the scenario's choice.

use super::header::{Malformed, base64};
use super::ntlm;

/// What a token is by its first bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// NTLM, not wrapped, as Windows sends it where there is no Kerberos.
    Ntlm(ntlm::Message),
    /// A first token of GSS-API (RFC 2743, section 3.1): Kerberos or SPNEGO.
    Initial,
    /// A later token of SPNEGO (RFC 4178, section 4.2).
    Later,
    /// Something else.
    Other,
}

/// Reads what follows the scheme.
///
/// # Errors
///
/// What is empty or not base64; a broken message of NTLM.
pub fn parse(bytes: &[u8]) -> Result<Token, Malformed> {
    let token = base64(bytes)?;
    match token.first() {
        None => Err(Malformed("there is no token")),
        Some(b'N') if token.starts_with(b"NTLMSSP\0") => ntlm::parse(&token).map(Token::Ntlm),
        Some(0x60) => Ok(Token::Initial),
        Some(0xa0 | 0xa1) => Ok(Token::Later),
        Some(_) => Ok(Token::Other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tokens_by_their_first_bytes() {
        assert_eq!(parse(b"YIIB"), Ok(Token::Initial));
        assert_eq!(parse(b"oRQw"), Ok(Token::Later));
        assert_eq!(parse(b"AAAA"), Ok(Token::Other));
        let first = b"TlRMTVNTUAABAAAABoIIAA==";
        let Ok(Token::Ntlm(ntlm::Message::Negotiate { flags })) = parse(first) else { panic!() };
        assert_eq!(flags, 0x0008_8206);
        assert!(parse(b"").is_err() && parse(b"??").is_err());
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            let _ = parse(&bytes);
        }
    }
}
