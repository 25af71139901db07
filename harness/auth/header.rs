//! The value of an `Authorization` or `Proxy-Authorization` field: a scheme, then one token or a
//! list of parameters (RFC 9110, section 11.4).

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Not what the scheme's grammar asks for, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

/// Scheme and rest of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header<'v> {
    /// The scheme, as sent; its case does not count (RFC 9110, section 11.1).
    pub scheme: &'v str,
    /// What follows it, without blanks around it.
    pub rest: &'v [u8],
}

/// Takes a value apart.
///
/// # Errors
///
/// A scheme that is missing or no token.
pub fn parse(value: &[u8]) -> Result<Header<'_>, Malformed> {
    let value = value.trim_ascii();
    let end = value.iter().position(|b| matches!(b, b' ' | b'\t')).unwrap_or(value.len());
    let (scheme, rest) = value.split_at(end);
    match std::str::from_utf8(scheme) {
        Ok(scheme) if !scheme.is_empty() && scheme.bytes().all(is_token) => {
            Ok(Header { scheme, rest: rest.trim_ascii() })
        }
        _ => Err(Malformed("there is no scheme")),
    }
}

/// Reads `name=value, name="value"`; names in lower case, in their order. What is quoted loses its
/// backslashes; bytes that are no UTF-8 are replaced.
///
/// # Errors
///
/// What is no such list; a name that comes twice.
pub fn params(mut bytes: &[u8]) -> Result<Vec<(String, String)>, Malformed> {
    let mut found: Vec<(String, String)> = Vec::new();
    loop {
        while let [b',' | b' ' | b'\t', rest @ ..] = bytes {
            bytes = rest;
        }
        if bytes.is_empty() {
            return Ok(found);
        }
        let (name, rest) = token(bytes).ok_or(Malformed("a parameter has no name"))?;
        let name = name.to_ascii_lowercase();
        let [b'=', rest @ ..] = rest.trim_ascii_start() else {
            return Err(Malformed("a parameter has no value"));
        };
        let rest = rest.trim_ascii_start();
        let (value, rest) = match rest {
            [b'"', rest @ ..] => quoted(rest).ok_or(Malformed("a quoted value has no end"))?,
            // `nc=` is what some clients send: an empty value.
            _ => token(rest).map_or((String::new(), rest), |(t, rest)| (t.to_owned(), rest)),
        };
        bytes = rest.trim_ascii_start();
        if !matches!(bytes, [] | [b',', ..]) {
            return Err(Malformed("there is no comma between parameters"));
        }
        if found.iter().any(|(known, _)| *known == name) {
            return Err(Malformed("a parameter comes twice"));
        }
        found.push((name, value));
    }
}

/// Reads base64, with or without its padding.
///
/// # Errors
///
/// What is not base64.
pub fn base64(bytes: &[u8]) -> Result<Vec<u8>, Malformed> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    LENIENT.decode(bytes).map_err(|_| Malformed("it is not base64"))
}

/// A text as a quoted string (RFC 9110, section 5.6.4).
pub fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// A token. Values may also have what base64 and URLs are made of, unquoted as some send it.
fn token(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let end = bytes.iter().position(|b| !is_token(*b) && !b"/:@".contains(b));
    let (token, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
    std::str::from_utf8(token).ok().filter(|t| !t.is_empty()).map(|t| (t, rest))
}

/// What is in quotes, up to the closing one.
fn quoted(bytes: &[u8]) -> Option<(String, &[u8])> {
    let mut value = Vec::new();
    let mut at = 0;
    loop {
        match bytes.get(at)? {
            b'"' => break,
            b'\\' => {
                value.push(*bytes.get(at + 1)?);
                at += 2;
            }
            byte => {
                value.push(*byte);
                at += 1;
            }
        }
    }
    Some((String::from_utf8_lossy(&value).into_owned(), &bytes[at + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn schemes_and_what_follows() {
        let got = parse(b"  NTLM \t TlRM ").unwrap();
        assert_eq!((got.scheme, got.rest), ("NTLM", &b"TlRM"[..]));
        assert_eq!(parse(b"Negotiate").unwrap().rest, b"");
        for bad in [&b""[..], b"  ", b"\"x\"", b"a=b", b"\xff x"] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn parameters_as_clients_write_them() {
        let got = params(b"A=\"x \\\"y\\\", z\" , b = c,, uri=/a/b:1 ,nc=").unwrap();
        let want = [("a", "x \"y\", z"), ("b", "c"), ("uri", "/a/b:1"), ("nc", "")];
        assert_eq!(got, want.map(|(n, v)| (n.to_owned(), v.to_owned())));
        for bad in [&b"a"[..], b"=x", b"a=\"x", b"a=\"x\\", b"a=b c=d", b"a=1,A=2"] {
            assert!(params(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn padding_does_not_count() {
        assert_eq!(base64(b"YQ==").unwrap(), b"a");
        assert_eq!(base64(b"YQ").unwrap(), b"a");
        assert!(base64(b"Y Q").is_err());
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = (parse(&bytes), params(&bytes), base64(&bytes));
        }

        /// What was quoted is read as it was.
        #[test]
        fn quoting_is_undone(text in "\\PC{0,40}") {
            let list = format!("realm={}, x=y", quote(&text));
            prop_assert_eq!(&params(list.as_bytes()).unwrap()[0].1, &text);
        }
    }
}
