//! The spellings in which a secret is looked for: pure.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use memchr::memmem::Finder;

/// What is looked for in a body has this many bytes at least.
pub(super) const LONG: usize = 8;

/// All forms of these, the longest first, so that masking takes a padded form before its unpadded
/// part.
pub(super) fn finders(secrets: &[&str]) -> Vec<Finder<'static>> {
    let mut all: Vec<Vec<u8>> = secrets.iter().flat_map(|secret| forms(secret)).collect();
    all.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    all.dedup();
    all.iter().map(|form| Finder::new(form).into_owned()).collect()
}

fn forms(secret: &str) -> Vec<Vec<u8>> {
    // Shorter than this, a match would be chance.
    if secret.len() < 4 {
        return Vec::new();
    }
    let mut all = encoded(secret.as_bytes());
    // Names of hosts come in lower case.
    all.extend([secret.to_owned(), secret.to_lowercase()]);
    all.extend(escaped(secret));
    let mut all: Vec<Vec<u8>> = all.into_iter().map(String::into_bytes).collect();
    // RFC 7617 leaves the charset open, and old clients take this one.
    if let Some(latin) = latin1(secret) {
        all.extend(encoded(&latin).into_iter().map(String::into_bytes));
        all.push(latin);
    }
    all
}

/// Base64 and hex.
fn encoded(bytes: &[u8]) -> Vec<String> {
    let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    let whole = [
        STANDARD.encode(bytes),
        STANDARD_NO_PAD.encode(bytes),
        URL_SAFE_NO_PAD.encode(bytes),
        hex.to_uppercase(),
        hex,
    ];
    let parts = (0..3).flat_map(|before| {
        [inner(&STANDARD_NO_PAD, bytes, before), inner(&URL_SAFE_NO_PAD, bytes, before)]
    });
    whole.into_iter().chain(parts.flatten()).collect()
}

/// What base64 always makes of `bytes` that have `before` others in front of them, whatever they
/// and those behind are; None where that is too little to be told from chance.
fn inner(engine: &impl Engine, bytes: &[u8], before: usize) -> Option<String> {
    let whole = engine.encode([&[0; 2][..before], bytes].concat());
    // A character stands for six bits: the first that is of `bytes` alone, and the last.
    let (from, to) = ((before * 8).div_ceil(6), (before + bytes.len()) * 8 / 6);
    (to - from >= LONG).then(|| whole[from..to].to_owned())
}

/// For a URL, a form or JSON. What has to be escaped in a URL depends on the place, and everything
/// may be (RFC 3986, section 2.4).
fn escaped(secret: &str) -> Vec<String> {
    let unreserved = "-._~";
    let kept = [
        None,
        Some(unreserved),
        // As it stands in a path, a user of a URL (RFC 3986, section 3.2.1), a whole URL.
        Some("-._~/"),
        Some("-._~!$&'()*+,;="),
        Some("-._~!$&'()*+,;=:/?#@"),
        // What JavaScript's encodeURIComponent and forms keep.
        Some("-._~!'()*"),
        Some("-._*"),
    ];
    let mut all = Vec::new();
    for kept in kept {
        for lower in [true, false] {
            let text = percent(secret, kept, lower);
            all.push(text.replace("%20", "+"));
            all.push(text);
        }
    }
    let json = serde_json::Value::from(secret).to_string();
    let json = json[1..json.len() - 1].to_owned();
    // Python writes ASCII, PHP that and the solidus escaped.
    for text in [ascii(&json), json] {
        all.push(text.replace('/', "\\/"));
        all.push(text);
    }
    all
}

/// JSON of the same text without a character outside of ASCII.
fn ascii(json: &str) -> String {
    let mut units = [0; 2];
    let mut out = String::new();
    for c in json.chars() {
        match c.is_ascii() {
            true => out.push(c),
            false => out.extend(c.encode_utf16(&mut units).iter().map(|u| format!("\\u{u:04x}"))),
        }
    }
    out
}

/// Percent-encoded but for letters, digits and these; all of it where there are none to keep.
fn percent(secret: &str, kept: Option<&str>, lower: bool) -> String {
    let each = secret.bytes().map(|byte| match (kept, lower) {
        (Some(kept), _) if byte.is_ascii_alphanumeric() || kept.as_bytes().contains(&byte) => {
            char::from(byte).to_string()
        }
        (_, true) => format!("%{byte:02x}"),
        (_, false) => format!("%{byte:02X}"),
    });
    each.collect()
}

/// The bytes in ISO 8859-1, where they are others than in UTF-8.
fn latin1(secret: &str) -> Option<Vec<u8>> {
    let bytes: Option<Vec<u8>> = secret.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
    bytes.filter(|bytes| bytes != secret.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(secret: &str, text: &[u8]) -> bool {
        finders(&[secret]).iter().any(|form| form.find(text).is_some())
    }

    #[test]
    fn signs_are_escaped_in_many_ways() {
        let secret = "p/a+s s\"w:\u{f6}@rd";
        for text in [
            "p/a+s s\"w:\u{f6}@rd",
            // .NET, Python's quote, encodeURI, encodeURIComponent, a form, a user of a URL.
            "p%2fa%2bs%20s%22w%3a%c3%b6%40rd",
            "p%2Fa%2Bs%20s%22w%3A%C3%B6%40rd",
            "p/a%2Bs%20s%22w%3A%C3%B6%40rd",
            "p/a+s%20s%22w:%C3%B6@rd",
            "p%2Fa%2Bs+s%22w%3A%C3%B6%40rd",
            "p%2Fa+s%20s%22w%3A%C3%B6%40rd",
            // JSON; Python's, PHP's.
            "p/a+s s\\\"w:\\u00f6@rd",
            "p\\/a+s s\\\"w:\\u00f6@rd",
            "p/a+s s\\\"w:\u{f6}@rd",
            "p\\/a+s s\\\"w:\u{f6}@rd",
        ] {
            assert!(found(secret, format!("x={text}&").as_bytes()), "{text}");
        }
        let latin = b"p/a+s s\"w:\xf6@rd";
        assert!(found(secret, latin));
        assert!(found(secret, STANDARD.encode(latin).as_bytes()));
        assert!(!found(secret, b"p/a+s s\"w:\xc3\xb7@rd"));
    }

    /// What has no signs has few forms: each is looked for in all that passes.
    #[test]
    fn letters_are_not_escaped() {
        let all = finders(&["abcdefgh12345678wxyz"]);
        // Raw, all escaped in two cases, hex, hex in capitals; base64 with and without its padding, at
        // two more places.
        let texts: Vec<_> = all.iter().map(|form| String::from_utf8_lossy(form.needle())).collect();
        assert_eq!(all.len(), 10, "{texts:?}");
        assert!(finders(&["abc"]).is_empty());
    }
}
