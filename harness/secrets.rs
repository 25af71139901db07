//! The secrets of one run, how to find them in bytes, and how to hide them.

mod forms;
mod scan;

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use memchr::memmem::Finder;

pub use scan::Scan;

use self::forms::{LONG, finders};
use crate::rng::Rng;
use crate::scenario::Scenario;

/// What must not be seen where it does not belong.
#[derive(Debug, Clone)]
pub struct Secrets {
    /// The proxy's user.
    pub user: String,
    /// The proxy's password.
    pub password: String,
    /// A token meant for the origin alone.
    pub token: String,
    /// Each secret's forms, to be hidden: the longest first.
    forms: Vec<(&'static str, Vec<Finder<'static>>)>,
    /// Those of them that have no other one inside, searched in every request head: the searchers
    /// are made once.
    needles: Vec<(&'static str, Finder<'static>)>,
    /// What the password was turned into: responses of Digest, messages of NTLM, tokens.
    derived: Arc<Mutex<VecDeque<Finder<'static>>>>,
    /// The length of the longest form that there has been.
    longest: Arc<AtomicUsize>,
}

/// Derived secrets that are remembered: the last ones that came.
const DERIVED: usize = 32;

/// How the proxy's credentials are called in events.
pub const PROXY: &str = "proxy_credentials";
/// How the origin's token is called in events.
pub const ORIGIN: &str = "origin_token";

impl Secrets {
    /// The scenario's credentials, or ones drawn from the seed.
    pub fn new(scenario: &Scenario, seed: u64) -> Self {
        let mut rng = Rng::derive(seed, "secrets", 0);
        let (user, password, token) = (rng.word(6), rng.word(20), rng.word(24));
        let auth = scenario.proxy.auth.as_ref();
        let user = auth.and_then(|a| a.user.clone()).unwrap_or(user);
        let password = auth.and_then(|a| a.password.clone()).unwrap_or(password);
        let pair = format!("{user}:{password}");
        let forms = vec![(PROXY, finders(&[&password, &pair])), (ORIGIN, finders(&[&token]))];
        let needles = forms.iter().flat_map(|(name, all)| {
            let short = all.iter().enumerate().filter(|(n, form)| {
                // Shorter ones come later.
                !all[n + 1..].iter().any(|other| other.find(form.needle()).is_some())
            });
            short.map(|(_, form)| (*name, form.clone()))
        });
        let needles: Vec<(&'static str, Finder<'static>)> = needles.collect();
        let longest = needles.iter().map(|(_, form)| form.needle().len()).max().unwrap_or(0);
        let longest = Arc::new(AtomicUsize::new(longest));
        Secrets { user, password, token, forms, needles, derived: Arc::default(), longest }
    }

    /// The value of a Proxy-Authorization header that the proxy takes.
    pub fn basic(&self) -> String {
        format!("Basic {}", STANDARD.encode(format!("{}:{}", self.user, self.password)))
    }

    /// Something came to the proxy that only the password can make: a response of Digest, the
    /// third message of NTLM, a token. Seen elsewhere, it is the proxy's credentials.
    pub fn remember(&self, made: &str) {
        // Shorter than this, a match would be chance.
        if made.len() < 16 {
            return;
        }
        let mut derived = self.derived();
        if derived.iter().any(|known| known.needle() == made.as_bytes()) {
            return;
        }
        if derived.len() == DERIVED {
            derived.pop_front();
        }
        derived.push_back(Finder::new(made).into_owned());
        self.longest.fetch_max(made.len(), Ordering::Relaxed);
    }

    fn derived(&self) -> MutexGuard<'_, VecDeque<Finder<'static>>> {
        self.derived.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Which secrets occur in `bytes`: what was remembered as it stands, the others raw, base64 (at
    /// any place in what is encoded), base64url, in hex, or escaped for a URL, a form or JSON.
    pub fn seen_in(&self, bytes: &[u8]) -> Vec<&'static str> {
        self.seen(bytes, 0)
    }

    /// Which secrets occur in bytes of any kind and number, where a form of few bytes would be a
    /// match by chance.
    fn within(&self, bytes: &[u8]) -> Vec<&'static str> {
        self.seen(bytes, LONG)
    }

    fn seen(&self, bytes: &[u8], least: usize) -> Vec<&'static str> {
        let all = || self.needles.iter().filter(|(_, form)| form.needle().len() >= least);
        let made = || self.derived().iter().any(|form| form.find(bytes).is_some());
        let has = |name: &str| {
            let mut own = all().filter(|(of, _)| *of == name);
            own.any(|(_, form)| form.find(bytes).is_some()) || (name == PROXY && made())
        };
        [PROXY, ORIGIN].into_iter().filter(|name| has(name)).collect()
    }

    /// The length of the longest form that is, or was, looked for.
    fn longest(&self) -> usize {
        self.longest.load(Ordering::Relaxed)
    }

    /// The text with every secret hidden, and the value of any header that carries credentials.
    pub fn mask(&self, text: &str) -> String {
        let mut out = text.to_owned();
        let derived = self.derived();
        for form in self.forms.iter().flat_map(|(_, forms)| forms).chain(derived.iter()) {
            if form.find(out.as_bytes()).is_some() {
                out = out.replace(&*String::from_utf8_lossy(form.needle()), "****");
            }
        }
        mask_lines(&out)
    }
}

/// The text without what any line of a head may give away, whosever it is: the value of a header
/// that carries credentials, the user of a URL. Enough where none of the run's own secrets occurs.
pub fn mask_lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        mask_userinfo(&mask_header(line), &mut out);
    }
    out
}

/// Hides user and password of every URL in a line, whosever they are.
fn mask_userinfo(line: &str, out: &mut String) {
    let mut rest = line;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        *out += before;
        // The authority ends where a path, a query or the text around the URL begins.
        let ends = |c: char| c.is_whitespace() || "/?#\"'<>".contains(c);
        let authority = &after[..after.find(ends).unwrap_or(after.len())];
        match authority.rsplit_once('@') {
            Some((_, host)) => {
                *out += "****@";
                *out += host;
            }
            None => *out += authority,
        }
        rest = &after[authority.len()..];
    }
    *out += rest;
}

/// Hides the credentials of a header line, whatever they are: a client may send its own.
fn mask_header(line: &str) -> Cow<'_, str> {
    let Some((name, value)) = line.split_once(':') else { return Cow::Borrowed(line) };
    let is = |header: &str| name.trim().eq_ignore_ascii_case(header);
    let has_scheme = if is("proxy-authorization") || is("authorization") {
        value.trim().contains(' ')
    } else if is("cookie") || is("set-cookie") {
        false
    } else {
        return Cow::Borrowed(line);
    };
    let body = value.trim_end_matches(['\r', '\n']);
    let end = &value[body.len()..];
    let scheme = body.trim_start().split(' ').next().unwrap_or("");
    let shown = if has_scheme { format!(" {scheme} ****") } else { " ****".to_owned() };
    Cow::Owned(format!("{name}:{shown}{end}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    fn secrets() -> Secrets {
        Secrets::new(&Scenario::healthy(), 7)
    }

    #[test]
    fn every_form_is_found_and_hidden() {
        let s = secrets();
        let pair = format!("{}:{}", s.user, s.password);
        let hex: String = s.password.bytes().map(|b| format!("{b:02x}")).collect();
        let all: String = s.password.bytes().map(|b| format!("%{b:02x}")).collect();
        let forms =
            [s.password.clone(), STANDARD.encode(&pair), STANDARD.encode(&s.password), hex, all];
        for form in forms {
            let text = format!("x={form}&y");
            assert_eq!(s.seen_in(text.as_bytes()), [PROXY], "{form}");
            assert!(s.mask(&text).contains("****"), "{form}");
            assert!(s.seen_in(s.mask(&text).as_bytes()).is_empty());
        }
        assert_eq!(s.seen_in(s.token.as_bytes()), [ORIGIN]);
        assert!(s.seen_in(b"nothing here").is_empty());
    }

    /// Whatever stands before and behind it in what is encoded.
    #[test]
    fn base64_is_found_at_any_place() {
        let s = secrets();
        for (before, after) in [("", ""), ("a", ""), ("ab", "?"), ("abc", "?>"), (":", "~~~")] {
            for secret in [format!("{}:{}", s.user, s.password), s.password.clone()] {
                let text = format!("{before}{secret}{after}");
                for text in [STANDARD.encode(&text), URL_SAFE_NO_PAD.encode(&text)] {
                    assert_eq!(s.seen_in(text.as_bytes()), [PROXY], "{before}{secret}{after}");
                    assert!(s.seen_in(s.mask(&text).as_bytes()).is_empty(), "{text}");
                }
            }
        }
        let other = STANDARD.encode(format!("{}:{}", s.user, &s.password[1..]));
        assert!(s.seen_in(other.as_bytes()).is_empty());
    }

    #[test]
    fn foreign_credentials_are_hidden_too() {
        let text =
            "GET / HTTP/1.1\r\nAuthorization: Bearer abc\r\nCookie: a=b; c=d\r\nHost: x\r\n\r\n";
        assert_eq!(
            secrets().mask(text),
            "GET / HTTP/1.1\r\nAuthorization: Bearer ****\r\nCookie: ****\r\nHost: x\r\n\r\n"
        );
    }

    /// A response of Digest that came to the proxy is known again in a tunnel.
    #[test]
    fn what_the_password_was_turned_into_is_found_too() {
        let s = secrets();
        let text = "Proxy-Authorization: Digest response=\"8ca523f5e9506fed4657c9700eebdbec\"";
        assert!(s.seen_in(text.as_bytes()).is_empty());
        s.remember("8ca523f5e9506fed4657c9700eebdbec");
        s.remember("short");
        assert_eq!(s.seen_in(text.as_bytes()), [PROXY]);
        assert!(s.seen_in(b"short").is_empty());
        assert_eq!(s.mask("x 8ca523f5e9506fed4657c9700eebdbec"), "x ****");
        for n in 0..DERIVED {
            s.remember(&format!("{n:032}"));
        }
        assert!(s.seen_in(text.as_bytes()).is_empty(), "it is bounded");
    }

    #[test]
    fn users_of_urls_are_hidden() {
        for (text, masked) in [
            ("GET http://me:pw@a.test/x?u=b@c HTTP/1.1", "GET http://****@a.test/x?u=b@c HTTP/1.1"),
            ("Referer: https://me@a.test", "Referer: https://****@a.test"),
            ("a://me:p@h 'x://u:p@h'", "a://****@h 'x://****@h'"),
            ("no user: http://a.test/@b ://", "no user: http://a.test/@b ://"),
        ] {
            assert_eq!(secrets().mask(text), masked);
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_secrets() {
        assert_eq!(secrets().password, secrets().password);
        assert_eq!(secrets().basic(), secrets().basic());
    }
}
