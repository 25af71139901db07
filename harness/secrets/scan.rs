//! Looks for secrets in bytes that come in pieces: bodies, trailers, what follows a request.

use super::Secrets;

/// The longest piece of what has passed that is kept: a derived secret may be long.
const MOST: usize = 8 * 1024;

/// The search in one stream of bytes. It keeps the end of what has passed, one byte less than the
/// longest form, so that a secret is found however the bytes are cut.
#[derive(Debug, Default)]
pub struct Scan {
    tail: Vec<u8>,
    seen: Vec<&'static str>,
}

impl Scan {
    /// Looks at the next bytes; gives the secrets that were not seen in this stream before.
    pub fn feed(&mut self, secrets: &Secrets, bytes: &[u8]) -> Vec<&'static str> {
        if bytes.is_empty() {
            return Vec::new();
        }
        let keep = secrets.longest().saturating_sub(1).min(MOST);
        // What begins in an earlier piece ends within `keep` bytes.
        let mut found = match self.tail.is_empty() {
            true => Vec::new(),
            false => {
                self.tail.extend_from_slice(&bytes[..bytes.len().min(keep)]);
                secrets.within(&self.tail)
            }
        };
        found.extend(secrets.within(bytes));
        match bytes.len() {
            n if n >= keep => {
                self.tail.clear();
                self.tail.extend_from_slice(&bytes[n - keep..]);
            }
            // All of it has been put there already, unless it was empty.
            _ if self.tail.is_empty() => self.tail.extend_from_slice(bytes),
            _ => drop(self.tail.drain(..self.tail.len().saturating_sub(keep))),
        }
        found.retain(|name| !self.seen.contains(name));
        found.dedup();
        self.seen.extend(&found);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ORIGIN, PROXY};
    use super::*;
    use crate::scenario::Scenario;
    use proptest::prelude::*;

    fn secrets() -> Secrets {
        Secrets::new(&Scenario::healthy(), 7)
    }

    #[test]
    fn each_secret_is_told_once() {
        let (s, mut scan) = (secrets(), Scan::default());
        assert!(scan.feed(&s, b"nothing").is_empty());
        assert_eq!(scan.feed(&s, s.password.as_bytes()), [PROXY]);
        assert!(scan.feed(&s, s.password.as_bytes()).is_empty());
        assert_eq!(scan.feed(&s, format!("{}{}", s.password, s.token).as_bytes()), [ORIGIN]);
    }

    /// A password that is a word is no secret in a text: `pass` stands in every other form.
    #[test]
    fn what_is_short_is_not_looked_for() {
        let yaml = "proxy: {auth: {scheme: basic, user: me, password: pass}}\n";
        let scenario = crate::scenario::read_named(yaml, "t", "t").unwrap();
        let s = Secrets::new(&scenario, 7);
        assert!(Scan::default().feed(&s, b"<input type=password>").is_empty());
        assert_eq!(s.seen_in(b"X: pass"), [PROXY], "in a head it is");
        assert!(Scan::default().feed(&s, b"bWU6cGFzcw==").contains(&PROXY), "the pair");
    }

    proptest! {
        /// However the bytes are cut, the secret is found; without it, nothing is.
        #[test]
        fn cuts_change_nothing(
            before in 0usize..300, after in 0usize..300, cuts in proptest::collection::vec(1usize..200, 1..9),
        ) {
            let s = secrets();
            let bytes = format!("{}{}{}", "x".repeat(before), s.password, "y".repeat(after));
            for (bytes, want) in [(bytes.clone(), vec![PROXY]), (bytes.replace(&s.password, &s.password[1..]), vec![])] {
                let (mut scan, mut rest, mut found) = (Scan::default(), bytes.as_bytes(), Vec::new());
                for cut in cuts.iter().cycle() {
                    let (piece, left) = rest.split_at(rest.len().min(*cut));
                    found.extend(scan.feed(&s, piece));
                    rest = left;
                    if rest.is_empty() {
                        break;
                    }
                }
                prop_assert_eq!(&found, &want);
            }
        }
    }
}
