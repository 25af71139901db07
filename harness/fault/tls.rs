//! `tls`: a server of TLS that is right, and not what the client would like.

use std::io;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{After, Cx, Effect, Fault};
use crate::scenario::{Alpn, Problem, Size, seen};
use crate::stage::Stage;
use crate::tls::hello::{self, Hello};

/// The terms of the handshake: what the server offers, asks for and refuses. TLS itself goes by
/// the book.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Tls {
    /// The versions that it speaks. Default: `[tls1.2, tls1.3]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<Version>,
    /// The protocols that it takes by ALPN, whatever they are; `[]` for a server without ALPN.
    /// Default: the ones of the proxy or the origin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alpn: Option<Vec<String>>,
    /// What the origin speaks inside, whatever ALPN has said. Default: what ALPN has said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speaks: Option<Alpn>,
    /// The cipher suites that it takes, by their RFC names. Default: nine with AES-GCM and
    /// ChaCha20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ciphers: Vec<String>,
    /// The groups for the key exchange that it takes: a client that has sent no share of them
    /// gets a HelloRetryRequest. Default: `[x25519, secp256r1, secp384r1]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<Group>,
    /// What becomes of session tickets. Default: two are sent and taken once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tickets: Option<Tickets>,
    /// Whether the client is asked for a certificate. Default: not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_cert: Option<ClientCert>,
    /// The most bytes in a record. From 32B to 16384B. Default: 16384B.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fragment: Option<Size>,
    /// Whether the session ends with close_notify; false: only with a FIN, which the origin sends
    /// after its first answer. Default: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub close_notify: Option<bool>,
}

/// A version that is spoken to the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub enum Version {
    /// RFC 5246.
    #[serde(rename = "tls1.2")]
    Tls12,
    /// RFC 8446.
    #[serde(rename = "tls1.3")]
    Tls13,
}

/// A group for the key exchange, by its RFC 8446 name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Group {
    /// Curve25519.
    X25519,
    /// P-256.
    Secp256r1,
    /// P-384.
    Secp384r1,
}

/// What becomes of session tickets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Tickets {
    /// None are sent.
    None,
    /// They are sent and never taken: each connection has a whole handshake.
    Refused,
}

/// Whether the client is asked for a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ClientCert {
    /// Asked; without one it goes on.
    Optional,
    /// Asked; without one: certificate_required (116). Any is taken whose key the client has.
    Required,
    /// Asked; any is refused: unknown_ca (48). Without one as `required`.
    Refused,
}

/// The cipher suites that can be chosen, by their RFC names.
pub(crate) const CIPHERS: [(&str, u16); 9] = [
    ("TLS_AES_256_GCM_SHA384", 0x1302),
    ("TLS_AES_128_GCM_SHA256", 0x1301),
    ("TLS_CHACHA20_POLY1305_SHA256", 0x1303),
    ("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", 0xc02c),
    ("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", 0xc02b),
    ("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", 0xcca9),
    ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", 0xc030),
    ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", 0xc02f),
    ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", 0xcca8),
];

impl Tls {
    /// The numbers of the cipher suites; empty for all.
    pub fn cipher_numbers(&self) -> Vec<u16> {
        let number = |name: &String| CIPHERS.iter().find(|(n, _)| n == name).map(|(_, id)| *id);
        self.ciphers.iter().filter_map(number).collect()
    }

    /// Whether the server speaks HTTP/2 whatever was agreed on.
    pub(crate) fn speaks_h2(&self) -> bool {
        self.speaks == Some(Alpn::H2)
    }

    /// What it says on one line.
    fn words(&self) -> String {
        let mut words = Vec::new();
        let list = |some: &[String]| some.join(" ");
        if !self.versions.is_empty() {
            let versions = self.versions.iter().map(|v| match v {
                Version::Tls12 => "1.2",
                Version::Tls13 => "1.3",
            });
            words.push(format!("TLS {} only", versions.collect::<Vec<_>>().join(" and ")));
        }
        match self.alpn.as_deref() {
            None => {}
            Some([]) => words.push("no ALPN".to_owned()),
            Some(some) => words.push(format!("ALPN {}", list(some))),
        }
        match self.speaks {
            None => {}
            Some(Alpn::H2) => words.push("speaks h2 inside".to_owned()),
            Some(Alpn::Http11) => words.push("speaks http/1.1 inside".to_owned()),
        }
        if !self.ciphers.is_empty() {
            words.push(list(&self.ciphers));
        }
        if !self.groups.is_empty() {
            words.push(format!("groups {:?}", self.groups).to_lowercase());
        }
        match self.tickets {
            None => {}
            Some(Tickets::None) => words.push("sends no session tickets".to_owned()),
            Some(Tickets::Refused) => words.push("takes no session tickets".to_owned()),
        }
        match self.client_cert {
            None => {}
            Some(ClientCert::Optional) => words.push("asks for a client certificate".to_owned()),
            Some(ClientCert::Required) => words.push("requires a client certificate".to_owned()),
            Some(ClientCert::Refused) => words.push("refuses any client certificate".to_owned()),
        }
        if let Some(Size(n)) = self.fragment {
            words.push(format!("records of at most {n} bytes"));
        }
        match self.close_notify {
            None => {}
            Some(true) => words.push("ends with close_notify".to_owned()),
            Some(false) => words.push("ends without close_notify".to_owned()),
        }
        words.join(", ")
    }
}

/// Whether a client's hello offers to go on with an earlier session.
fn offers_session(inbox: &[u8]) -> bool {
    matches!(hello::parse(inbox), Hello::Whole(hello) if hello.resumes())
}

impl Fault for Tls {
    const AT: &'static [Stage] = &[Stage::ProxyTls, Stage::Tls];
    const ABOUT: &'static str =
        "Sets terms of the handshake: versions, ALPN, ciphers, groups, tickets, client certificate";
    const EXAMPLE: &'static str = "{at: tls, do: {tls: {versions: [tls1.2], alpn: []}}}";

    fn check(&self, stage: Stage) -> Result<(), Problem> {
        if *self == Tls::default() {
            return Err(Problem::new("`tls` does not say what is to be different")
                .help("write e.g. `{versions: [tls1.2]}` or `{client_cert: required}`"));
        }
        let known: Vec<&str> = CIPHERS.iter().map(|(name, _)| *name).collect();
        if let Some(name) = self.ciphers.iter().find(|name| !known.contains(&name.as_str())) {
            return Err(Problem::new(format!("there is no cipher suite {}", seen(name)))
                .about("ciphers")
                .known("there are", name, &known));
        }
        let fits = |version| {
            self.cipher_numbers().iter().any(|id| (*id >> 8 == 0x13) == (version == Version::Tls13))
        };
        if !self.ciphers.is_empty()
            && !self.versions.is_empty()
            && !self.versions.iter().any(|version| fits(*version))
        {
            return Err(Problem::new("none of these cipher suites is of these versions")
                .about("ciphers")
                .help("TLS_AES_... and TLS_CHACHA20_... are of TLS 1.3, the others of TLS 1.2"));
        }
        if let Some(Size(n)) = self.fragment.filter(|Size(n)| !(32..=16_384).contains(n)) {
            return Err(Problem::new(format!("a record cannot have {n} bytes at most here"))
                .about("fragment")
                .help("write a size from 32B to 16384B"));
        }
        let long = |name: &&String| name.is_empty() || name.len() > 255;
        if let Some(name) = self.alpn.iter().flatten().find(long) {
            return Err(Problem::new(format!("ALPN cannot name {}", seen(name)))
                .about("alpn")
                .help("a name has 1 to 255 bytes; `[]` is a server without ALPN"));
        }
        if self.speaks.is_some() && stage == Stage::ProxyTls {
            return Err(Problem::new("the proxy speaks HTTP/1.1 inside, whatever ALPN has said")
                .about("speaks")
                .help("`speaks` can be used at: tls"));
        }
        Ok(())
    }

    async fn act(&self, cx: &mut Cx<'_, '_>) -> io::Result<After> {
        cx.choice.tls.terms = self.clone();
        // What is refused has to be offered first.
        let refused = Tls { tickets: Some(Tickets::Refused), ..Tls::default() };
        if *self == refused && !offers_session(cx.inbox) {
            cx.passed("takes no session tickets; none was offered");
            return Ok(After::Go);
        }
        // What does not come is missed by who would have used it.
        let none = Tls { tickets: Some(Tickets::None), ..Tls::default() };
        let name = cx.facts.sni.as_deref();
        if *self == none && !cx.conn.shared.plan().has_session(cx.stage, name) {
            cx.passed("sends no session tickets; there was no session before");
            return Ok(After::Go);
        }
        // Beside `tls_record` they are there for its sake: the record is what is to be met.
        let steps = &cx.conn.scenario.rules[cx.rule() - 1].steps.0;
        if steps.iter().any(|step| matches!(step.effect, Effect::TlsRecord(_))) {
            cx.passed(self.words());
            return Ok(After::Go);
        }
        cx.did(self.words(), true);
        Ok(After::Go)
    }
}
