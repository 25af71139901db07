//! The certificates that there are: one table, under badssl.com's names where it has one.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::scenario::{Problem, seen};

/// What a client has to think of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trust {
    /// It must refuse it: what it sends under it is LEAK and WRONG.
    Bad,
    /// Careful clients differ, or there is nothing wrong: only the scenario says what is expected.
    Open,
}

macro_rules! flavours {
    ($($variant:ident $word:literal $trust:ident $about:literal;)*) => {
        /// A certificate, with one defect at most.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Flavour {
            /// Without a defect: the client's CA bundle has its root.
            #[default]
            Good,
            $(#[doc = $about] $variant,)*
        }

        impl Flavour {
            /// All but the good one.
            pub const ALL: &'static [Flavour] = &[$(Flavour::$variant,)*];

            /// Its word in scenario files and events.
            pub fn word(self) -> &'static str {
                match self {
                    Flavour::Good => "good",
                    $(Flavour::$variant => $word,)*
                }
            }

            /// What is special about it.
            pub fn about(self) -> &'static str {
                match self {
                    Flavour::Good => "Without a defect.",
                    $(Flavour::$variant => $about,)*
                }
            }

            /// What a client has to think of it.
            pub fn trust(self) -> Trust {
                match self {
                    Flavour::Good => Trust::Open,
                    $(Flavour::$variant => Trust::$trust,)*
                }
            }
        }
    };
}

flavours! {
    Expired "expired" Bad "It ended yesterday.";
    NotYetValid "not-yet-valid" Bad "It begins tomorrow.";
    NotYetValid60s "not-yet-valid-60s" Bad "It begins 60 s after it was asked for first.";
    EndsIn1h "ends-in-1h" Open "It ends an hour after it was asked for first, and is `expired` then.";
    WrongHost "wrong-host" Bad "It is for another name.";
    SelfSigned "self-signed" Bad "Issued by itself.";
    UntrustedRoot "untrusted-root" Bad "Issued by a CA that the client does not have; the CA is sent.";
    IncompleteChain "incomplete-chain" Bad "Issued by an intermediate CA that is not sent.";
    ReversedChain "reversed-chain" Bad "Root, intermediate, leaf: the wrong way round.";
    WithIntermediate "with-intermediate" Open "Issued by an intermediate CA that is sent.";
    Revoked "revoked" Open "A stapled OCSP response of its issuer says that it is revoked.";
    NoCommonName "no-common-name" Open "Its subject has an organisation and no common name.";
    NoSubject "no-subject" Open "Its subject is empty, its subjectAltName critical.";
    NoSan "no-san" Open "The name is in the common name only: no subjectAltName.";
    IpSan "ip-san" Bad "Its subjectAltName has one address, 127.0.0.2, and no name.";
    IpInDnsSan "ip-in-dns-san" Bad "The address 127.0.0.1 as text in a dNSName.";
    WildcardAll "wildcard-all" Bad "For `*`.";
    WildcardTld "wildcard-tld" Bad "For `*.test`, one level above the name's parent.";
    WildcardMiddle "wildcard-middle" Bad "For `target.*.test`: the wildcard is not the first label.";
    WildcardPartial "wildcard-partial" Open "For `tar*.badproxy.test`: part of a label, which RFC 9525 no longer allows.";
    NulInName "nul-in-name" Bad "For the name, a byte of 0, and another name.";
    Sans1000 "1000-sans" Open "1,000 names: some 30 kB.";
    Sans10000 "10000-sans" Open "10,000 names: some 260 kB.";
    NoAki "no-aki" Open "Without an authority key identifier.";
    RootNotCritical "basic-constraints-not-critical" Open "Its root, which the client has, has basicConstraints that are not critical.";
    WrongEku "wrong-eku" Bad "Its extended key usage is clientAuth only.";
    WrongKeyUsage "wrong-key-usage" Open "Its key usage is contentCommitment, without digitalSignature.";
    LeafIsCa "leaf-is-ca" Open "It is a CA certificate itself.";
    NotACa "issuer-is-no-ca" Bad "Issued by a certificate that says it is no CA.";
    IssuerExpired "issuer-expired" Bad "Issued by an intermediate CA that ended yesterday.";
    NameConstraints "name-constraints" Bad "Issued by an intermediate CA that may issue for elsewhere.test only.";
    PathLength "path-length" Bad "Below two intermediate CAs, the first of which allows none under it.";
    LongChain "long-chain" Open "Below ten intermediate CAs: twelve certificates.";
    VeryLongChain "very-long-chain" Open "Below 118 intermediate CAs: 120 certificates.";
    CrlHangs "crl-hangs" Open "Its CRL is at a URL that takes an hour to answer.";
    OcspHangs "ocsp-hangs" Open "Its OCSP responder is at a URL that takes an hour to answer.";
    MustStaple "must-staple" Open "It asks for an OCSP staple (RFC 7633), and there is none.";
    UnknownCritical "unknown-critical-extension" Bad "It has a critical extension that nobody knows.";
    FlippedSignature "flipped-signature" Bad "One bit of its signature is wrong.";
    TrailingBytes "trailing-bytes" Open "Four bytes follow its DER.";
    NotDer "not-der" Bad "Not a certificate at all: 600 bytes of text.";
    EmptyChain "empty-chain" Bad "The Certificate message is empty.";
    KeyMismatch "key-mismatch" Bad "The server signs with another key than the certificate's.";
}

impl Flavour {
    /// The flavour of this word.
    pub fn of(word: &str) -> Option<Flavour> {
        let all = Flavour::ALL.iter().copied().chain([Flavour::Good]);
        all.into_iter().find(|flavour| flavour.word() == word)
    }

    /// Whether a client must not trust it.
    pub fn is_bad(self) -> bool {
        self.trust() == Trust::Bad
    }

    /// Reads the word of a certificate in a scenario file.
    pub(crate) fn parse(word: &str) -> Result<Flavour, Problem> {
        let known: Vec<&str> = Flavour::ALL.iter().map(|flavour| flavour.word()).collect();
        match Flavour::ALL.iter().find(|f| f.word() == word) {
            Some(kind) => Ok(*kind),
            None => Err(Problem::new(format!("there is no special certificate {}", seen(word)))
                .known("there are", word, &known)),
        }
    }
}

impl serde::Serialize for Flavour {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.word())
    }
}

impl<'de> serde::Deserialize<'de> for Flavour {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        crate::scenario::word(from, Flavour::parse)
    }
}

impl JsonSchema for Flavour {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Certificate".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let one = |f: &Flavour| json_schema!({"const": f.word(), "description": f.about()});
        let all: Vec<Schema> = Flavour::ALL.iter().map(one).collect();
        json_schema!({"type": "string", "description": "A special certificate", "oneOf": all})
    }
}
