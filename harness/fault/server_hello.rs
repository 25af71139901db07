//! `server_hello`: a ServerHello by hand, of versions and ciphers that no library speaks any more.

use std::io;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{After, Cx, Fault};
use crate::scenario::{Problem, seen};
use crate::stage::Stage;
use crate::tls::{Hello, hello};

/// Answers the ClientHello with a ServerHello that a client has to refuse, and a FIN unless
/// another step comes. No handshake can follow it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ServerHello {
    /// Its version. Default: tls1.2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<OldVersion>,
    /// The cipher suite it chooses, by its RFC name. Default: the first ECDHE suite of the
    /// client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cipher: Option<String>,
    /// Whether it has the extension renegotiation_info (RFC 5746). Default: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renegotiation_info: Option<bool>,
    /// The protocol that it chooses by ALPN, asked for or not. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alpn: Option<String>,
}

/// A version that a ServerHello can say in its oldest field.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub enum OldVersion {
    /// SSL 3.0 (RFC 6101), 0x0300.
    #[serde(rename = "ssl3")]
    Ssl3,
    /// TLS 1.0 (RFC 2246), 0x0301.
    #[serde(rename = "tls1.0")]
    Tls10,
    /// TLS 1.1 (RFC 4346), 0x0302.
    #[serde(rename = "tls1.1")]
    Tls11,
    /// TLS 1.2 (RFC 5246), 0x0303.
    #[default]
    #[serde(rename = "tls1.2")]
    Tls12,
}

/// Cipher suites that old servers choose, by their names at IANA.
const CIPHERS: [(&str, u16); 10] = [
    ("TLS_RSA_WITH_NULL_SHA", 0x0002),
    ("TLS_RSA_WITH_RC4_128_MD5", 0x0004),
    ("TLS_RSA_WITH_RC4_128_SHA", 0x0005),
    ("TLS_RSA_WITH_3DES_EDE_CBC_SHA", 0x000a),
    ("TLS_RSA_WITH_AES_128_CBC_SHA", 0x002f),
    ("TLS_RSA_WITH_AES_128_GCM_SHA256", 0x009c),
    ("TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", 0x009e),
    ("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", 0xc013),
    ("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", 0xc02b),
    ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", 0xc02f),
];

impl ServerHello {
    /// The record with the ServerHello (RFC 5246, section 7.4.1.3), for this hello.
    fn record(&self, hello: &hello::ClientHello, random: [u8; 32]) -> Vec<u8> {
        let version = match self.version.unwrap_or_default() {
            OldVersion::Ssl3 => 0x0300u16,
            OldVersion::Tls10 => 0x0301,
            OldVersion::Tls11 => 0x0302,
            OldVersion::Tls12 => 0x0303,
        };
        let named = self.cipher.as_ref().and_then(|n| CIPHERS.iter().find(|(name, _)| name == n));
        // The ECDHE suites: with CBC and SHA-1, which any version may have, and those of TLS 1.2.
        let (any, fallback) = match version {
            0x0303 => (0xc023..=0xc032, 0xc02f),
            _ => (0xc009..=0xc014, 0xc013),
        };
        let first = || hello.ciphers.iter().find(|id| any.contains(*id)).copied();
        let cipher = named.map(|(_, id)| *id).or_else(first).unwrap_or(fallback);
        let mut extensions = Vec::new();
        if self.renegotiation_info != Some(false) {
            extensions.extend([0xff, 1, 0, 1, 0]);
        }
        if let Some(name) = &self.alpn {
            let length = name.len() as u8;
            let size = u16::from(length);
            extensions.extend([0, 16]);
            extensions.extend((size + 3).to_be_bytes());
            extensions.extend((size + 1).to_be_bytes());
            extensions.push(length);
            extensions.extend(name.as_bytes());
        }
        let mut body = version.to_be_bytes().to_vec();
        body.extend(random);
        // No session: before TLS 1.3, echoing the client's id would resume one.
        body.push(0);
        body.extend(cipher.to_be_bytes());
        body.push(0);
        // SSL 3.0 has no extensions, and TLS none where there are none.
        if !extensions.is_empty() && version > 0x0300 {
            body.extend((extensions.len() as u16).to_be_bytes());
            body.extend(extensions);
        }
        let mut message = vec![2, 0];
        message.extend((body.len() as u16).to_be_bytes());
        message.extend(body);
        let mut record = vec![hello::HANDSHAKE];
        record.extend(version.to_be_bytes());
        record.extend((message.len() as u16).to_be_bytes());
        record.extend(message);
        record
    }

    fn words(&self) -> String {
        let version = match self.version.unwrap_or_default() {
            OldVersion::Ssl3 => "SSL 3.0",
            OldVersion::Tls10 => "TLS 1.0",
            OldVersion::Tls11 => "TLS 1.1",
            OldVersion::Tls12 => "TLS 1.2",
        };
        let mut words = format!("sent a ServerHello of {version}");
        if let Some(cipher) = &self.cipher {
            words += &format!(" with {cipher}");
        }
        if let Some(alpn) = &self.alpn {
            words += &format!(", ALPN {alpn}");
        }
        if self.renegotiation_info == Some(false) {
            words += " without renegotiation_info";
        }
        words
    }
}

impl Fault for ServerHello {
    const AT: &'static [Stage] = &[Stage::ProxyTls, Stage::Tls];
    const ABOUT: &'static str =
        "Answers with a ServerHello of an old version or cipher, then a FIN";
    const EXAMPLE: &'static str = "{at: tls, do: {server_hello: {version: tls1.0}}}";

    fn check(&self, _: Stage) -> Result<(), Problem> {
        let known: Vec<&str> = CIPHERS.iter().map(|(name, _)| *name).collect();
        if let Some(name) = self.cipher.as_ref().filter(|name| !known.contains(&name.as_str())) {
            return Err(Problem::new(format!("there is no cipher suite {} here", seen(name)))
                .about("cipher")
                .known("there are", name, &known));
        }
        if let Some(name) = self.alpn.as_ref().filter(|n| n.is_empty() || n.len() > 255) {
            return Err(Problem::new(format!("ALPN cannot name {}", seen(name)))
                .about("alpn")
                .help("a name has 1 to 255 bytes"));
        }
        Ok(())
    }

    async fn act(&self, cx: &mut Cx<'_, '_>) -> io::Result<After> {
        let hello = match hello::parse(cx.inbox) {
            Hello::Whole(hello) => hello,
            _ => hello::ClientHello::default(),
        };
        let mut random = [0; 32];
        cx.rng.fill(&mut random);
        let result = cx.send(&self.record(&hello, random)).await;
        cx.did(self.words(), true);
        result.map(|()| After::Replaced)
    }
}
