//! `proxy: auth:` the credentials that the proxy asks for, and how.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::collect::{self, Several};
use super::{Length, Problem, seen};

/// Credentials that the proxy asks for.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Auth {
    /// The scheme, or a list of schemes, offered in this order.
    pub scheme: Several<Offer>,
    /// Whether several challenges share a header line. Default: `several`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub lines: Lines,
    /// The realm shown to the user. Default: `badproxy`.
    #[serde(default = "default_realm", skip_serializing_if = "is_default_realm")]
    pub realm: String,
    /// The user. Default: drawn from the seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The password; Bearer takes it as the token. Default: drawn from the seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// The domain, which the client has to name with NTLM, and may before the user with Basic and
    /// Digest (`CORP\alice`). Default: any will do for NTLM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// How Digest is offered and checked.
    #[serde(default, skip_serializing_if = "is_default")]
    pub digest: Digest,
    /// What becomes of tokens of Negotiate.
    #[serde(default, skip_serializing_if = "is_default")]
    pub negotiate: Negotiate,
}

impl Default for Auth {
    fn default() -> Self {
        Auth {
            scheme: Several(vec![Offer::Scheme(Scheme::Basic)]),
            lines: Lines::default(),
            realm: default_realm(),
            user: None,
            password: None,
            domain: None,
            digest: Digest::default(),
            negotiate: Negotiate::default(),
        }
    }
}

fn default_realm() -> String {
    "badproxy".to_owned()
}

fn is_default_realm(realm: &String) -> bool {
    *realm == default_realm()
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// An authentication scheme.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Scheme {
    /// RFC 7617.
    #[default]
    Basic,
    /// RFC 7616.
    Digest,
    /// MS-NTHT.
    Ntlm,
    /// RFC 4559.
    Negotiate,
    /// RFC 6750.
    Bearer,
}

impl Scheme {
    /// The words of all schemes, as a scenario names them.
    pub const WORDS: &'static [&'static str] = &["basic", "digest", "ntlm", "negotiate", "bearer"];
    const ALL: [Scheme; 5] =
        [Scheme::Basic, Scheme::Digest, Scheme::Ntlm, Scheme::Negotiate, Scheme::Bearer];

    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Scheme::Basic => "Basic",
            Scheme::Digest => "Digest",
            Scheme::Ntlm => "NTLM",
            Scheme::Negotiate => "Negotiate",
            Scheme::Bearer => "Bearer",
        }
    }

    /// The scheme of this name, whatever its case.
    pub fn named(name: &str) -> Option<Scheme> {
        Scheme::ALL.into_iter().find(|scheme| scheme.name().eq_ignore_ascii_case(name))
    }

    /// The scheme of this word of a scenario.
    pub(crate) fn from_word(word: &str) -> Result<Scheme, Problem> {
        let found = Scheme::WORDS.iter().position(|known| *known == word);
        found.map(|index| Scheme::ALL[index]).ok_or_else(|| {
            Problem::new(format!("there is no scheme {}", seen(word)))
                .known("there are", &word.to_lowercase(), Scheme::WORDS)
                .help("others are sent as they stand: `{verbatim: 'Hawk realm=\"x\"'}`")
        })
    }
}

/// One challenge: a scheme that the proxy knows, or a text that is sent as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Offer {
    /// A scheme; its parameters come from what goes with it.
    Scheme(Scheme),
    /// The challenge as it stands, e.g. `Hawk realm="x"`. No answer to it is right.
    Verbatim(String),
}

impl Default for Offer {
    fn default() -> Self {
        Offer::Scheme(Scheme::default())
    }
}

/// A challenge that is sent as it stands.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Verbatim {
    /// The challenge, e.g. `Hawk realm="x"`. No answer to it is right.
    verbatim: String,
}

/// As read: a word or a map.
#[derive(Default)]
struct Read(Offer);

impl<'de> Deserialize<'de> for Read {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Verbatim::deserialize(from).map(|v| Read(Offer::Verbatim(v.verbatim)))
    }
}

impl<'de> Deserialize<'de> for Offer {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let short = |word: &str| Scheme::from_word(word).map(|s| Read(Offer::Scheme(s)));
        let advice = "write a scheme, e.g. `digest`, or `{verbatim: 'Hawk realm=\"x\"'}`";
        collect::word_or_map::<D, Read>(from, short, advice).map(|read| read.0)
    }
}

impl Serialize for Offer {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Offer::Scheme(scheme) => scheme.serialize(to),
            Offer::Verbatim(text) => Verbatim { verbatim: text.clone() }.serialize(to),
        }
    }
}

impl JsonSchema for Offer {
    fn schema_name() -> Cow<'static, str> {
        "Offer".into()
    }
    fn json_schema(with: &mut SchemaGenerator) -> Schema {
        let (word, map) = (with.subschema_for::<Scheme>(), with.subschema_for::<Verbatim>());
        json_schema!({"description": "One challenge.", "anyOf": [word, map]})
    }
}

/// How several challenges are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Lines {
    /// A header line each.
    #[default]
    Several,
    /// All in one header line, with commas between them.
    One,
}

/// How Digest is offered and checked.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Digest {
    /// The algorithm, or a list: one challenge each. Default: `md5`.
    #[serde(default = "md5", skip_serializing_if = "is_md5")]
    pub algorithm: Several<Algorithm>,
    /// The quality of protection that is offered. Default: `auth`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub qop: Qop,
    /// How many right answers a nonce is good for. Default: any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub uses: Option<u64>,
    /// How long a nonce is good. Default: for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<Length>,
    /// Whether a right answer with an old nonce is told so, by `stale=true`. Default: true.
    #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
    pub stale: bool,
    /// Data that the client has to send back. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opaque: Option<String>,
}

impl Default for Digest {
    fn default() -> Self {
        Digest {
            algorithm: md5(),
            qop: Qop::default(),
            uses: None,
            lifetime: None,
            stale: true,
            opaque: None,
        }
    }
}

fn yes() -> bool {
    true
}

fn md5() -> Several<Algorithm> {
    Several(vec![Algorithm::Md5])
}

fn is_md5(value: &Several<Algorithm>) -> bool {
    *value == md5()
}

/// A hash of Digest. The `-sess` forms hash the first nonces into the key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[non_exhaustive]
pub enum Algorithm {
    /// MD5.
    #[default]
    #[serde(rename = "md5")]
    Md5,
    /// MD5 with a session key.
    #[serde(rename = "md5-sess")]
    Md5Sess,
    /// SHA-256.
    #[serde(rename = "sha-256")]
    Sha256,
    /// SHA-256 with a session key.
    #[serde(rename = "sha-256-sess")]
    Sha256Sess,
}

impl Algorithm {
    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Md5 => "MD5",
            Algorithm::Md5Sess => "MD5-sess",
            Algorithm::Sha256 => "SHA-256",
            Algorithm::Sha256Sess => "SHA-256-sess",
        }
    }

    /// Whether the hash is MD5.
    pub fn is_md5(self) -> bool {
        matches!(self, Algorithm::Md5 | Algorithm::Md5Sess)
    }

    /// Whether it is a `-sess` form.
    pub fn is_session(self) -> bool {
        matches!(self, Algorithm::Md5Sess | Algorithm::Sha256Sess)
    }
}

/// Quality of protection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Qop {
    /// `qop="auth"`: the client has to use it, and to count.
    #[default]
    Auth,
    /// No `qop`, as in RFC 2069.
    None,
}

/// What becomes of tokens of Negotiate.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Negotiate {
    /// What a token leads to. Default: `refuse`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub answer: Answer,
    /// With `accept`: how many tokens it takes; each but the last is answered with a 407 and a
    /// token. Default: 1.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    #[schemars(range(min = 1))]
    pub legs: u64,
    /// The token in a 407, as it stands. Default: 24 bytes from the seed, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

impl Default for Negotiate {
    fn default() -> Self {
        Negotiate { answer: Answer::default(), legs: 1, token: None }
    }
}

fn one() -> u64 {
    1
}

fn is_one(value: &u64) -> bool {
    *value == 1
}

/// What a token of Negotiate leads to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Answer {
    /// A 407 with the whole offer: wrong.
    #[default]
    Refuse,
    /// It is right, whatever is in it.
    Accept,
    /// A 407 with a token, for ever.
    Loop,
    /// What NTLM's messages lead to, under the name of Negotiate.
    Ntlm,
}

impl Auth {
    /// What the types cannot say: the key it is about, and what is wrong with it.
    pub(crate) fn check(&self) -> Vec<Problem> {
        let mut found = check_offers(&self.scheme);
        if self.realm.contains(['\r', '\n']) {
            found.push(line_end("the realm").about("realm"));
        }
        let below = |p: Problem| Problem { key: format!("digest.{}", p.key), ..p };
        found.extend(self.digest.check().into_iter().map(below));
        if self.negotiate.legs == 0 {
            found.push(
                Problem::new("`legs` cannot be 0")
                    .help("write how many tokens it takes, 1 or more")
                    .about("negotiate.legs"),
            );
        }
        if self.negotiate.token.as_ref().is_some_and(|t| t.contains(['\r', '\n'])) {
            found.push(line_end("the token").about("negotiate.token"));
        }
        found
    }
}

/// What is wrong with the list of challenges.
pub(crate) fn check_offers(offers: &Several<Offer>) -> Vec<Problem> {
    if offers.0.is_empty() {
        let problem = Problem::new("`scheme` names none").help(format!(
            "write one of {}, or a list of them; a proxy without `auth` asks for nothing",
            Scheme::WORDS.join(", ")
        ));
        return vec![problem.about("scheme")];
    }
    let one = offers.0.len() == 1;
    let bad = |(index, offer): (usize, &Offer)| match offer {
        Offer::Verbatim(text) if text.contains(['\r', '\n']) => {
            let key =
                if one { "scheme.verbatim".into() } else { format!("scheme.{index}.verbatim") };
            Some(line_end("this challenge").about(key))
        }
        _ => None,
    };
    offers.0.iter().enumerate().filter_map(bad).collect()
}

impl Digest {
    /// As [`Auth::check`].
    pub(crate) fn check(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        if self.algorithm.0.is_empty() {
            let problem = Problem::new("`algorithm` names none");
            let help = "write one of md5, md5-sess, sha-256, sha-256-sess, or a list of them";
            found.push(problem.help(help).about("algorithm"));
        }
        if self.uses == Some(0) {
            let problem = Problem::new("a nonce with `uses: 0` is never good");
            let help = "write `uses: 1` for a new nonce each time; to refuse all, use `challenge`";
            found.push(problem.help(help).about("uses"));
        }
        if self.opaque.as_ref().is_some_and(|text| text.contains(['\r', '\n'])) {
            found.push(line_end("`opaque`").about("opaque"));
        }
        found
    }
}

fn line_end(what: &str) -> Problem {
    Problem::new(format!("{what} has a line end in it"))
        .help("a challenge is a part of one line; for other bytes there is `send`")
}
