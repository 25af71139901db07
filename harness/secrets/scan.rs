//! Looks for secrets in bytes that come in pieces: bodies, trailers, what follows a request.

use super::Secrets;

/// The longest piece of what has passed that is kept: a derived secret may be long.
const MOST: usize = 8 * 1024;

/// The search in one stream of bytes. It keeps the end of what has passed, one byte less than the
/// longest form, so that a secret is found however the bytes are cut.
#[derive(Debug, Default)]
pub struct Scan {
    tail: Vec<u8>,
}

impl Scan {
    /// Looks at the next bytes; gives the secrets in them, or at the seam with those before. One that is
    /// still in what is kept is given once more: whoever asks remembers what was told.
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
        found.sort_unstable();
        found.dedup();
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
    fn each_piece_tells_what_is_in_it() {
        let (s, mut scan) = (secrets(), Scan::default());
        assert!(scan.feed(&s, b"nothing").is_empty());
        assert_eq!(scan.feed(&s, s.password.as_bytes()), [PROXY]);
        scan.feed(&s, &[b'x'; 500]);
        assert!(scan.feed(&s, b"nothing").is_empty(), "what has passed is forgotten");
        let both = format!("{}{}", s.token, s.password);
        let mut found = scan.feed(&s, both.as_bytes());
        found.sort_unstable();
        assert_eq!(found, [ORIGIN, PROXY]);
    }

    /// What a proxy has seen meanwhile is looked for from then on, whatever its length.
    #[test]
    fn what_is_made_of_the_password_may_be_longer() {
        let (s, mut scan) = (secrets(), Scan::default());
        let token: String = (0..500).map(|n| n.to_string()).collect();
        s.remember(&token);
        let mut found = Vec::new();
        for piece in token.as_bytes().chunks(7) {
            found.extend(scan.feed(&s, piece));
        }
        found.dedup();
        assert_eq!(found, [PROXY]);
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
                found.dedup();
                prop_assert_eq!(&found, &want);
            }
        }
    }
}
