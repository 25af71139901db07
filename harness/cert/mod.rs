//! Certificates, good and bad: minted for each run, on the spot.
//!
//! Good by default means what strict clients ask for (Python 3.13 and later refuse less): AKI, SKI,
//! critical basicConstraints, NotBefore a day back, the issuing CA sent in the chain. The root is
//! name-constrained and its key never leaves the process.

mod leaf;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CidrSubnet, DistinguishedName, DnType,
    GeneralSubtree, IsCa, KeyPair, KeyUsagePurpose, NameConstraints,
};
use schemars::JsonSchema;
use serde::Deserialize;
use time::{Duration, OffsetDateTime};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{self, ServerConfig};

use crate::scenario::Alpn;

/// A certificate's one defect, under badssl.com's name for it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Flavour {
    /// None: the client's CA bundle has its root.
    #[default]
    Good,
    /// Issued by a CA that the client does not have.
    UntrustedRoot,
    /// Issued by itself.
    SelfSigned,
    /// It ended yesterday.
    Expired,
    /// It begins tomorrow.
    NotYetValid,
    /// It is for another name.
    WrongHost,
}

impl Flavour {
    /// The bad ones.
    pub const BAD: [Flavour; 5] = [
        Flavour::UntrustedRoot,
        Flavour::SelfSigned,
        Flavour::Expired,
        Flavour::NotYetValid,
        Flavour::WrongHost,
    ];

    /// The flavour of this word.
    pub fn of(word: &str) -> Option<Flavour> {
        let all = Flavour::BAD.into_iter().chain([Flavour::Good]);
        all.into_iter().find(|flavour| flavour.word() == word)
    }

    /// Whether a client must not trust it.
    pub fn is_bad(self) -> bool {
        self != Flavour::Good
    }

    /// Its word in scenario files and events.
    pub fn word(self) -> &'static str {
        match self {
            Flavour::Good => "good",
            Flavour::UntrustedRoot => "untrusted-root",
            Flavour::SelfSigned => "self-signed",
            Flavour::Expired => "expired",
            Flavour::NotYetValid => "not-yet-valid",
            Flavour::WrongHost => "wrong-host",
        }
    }
}

/// The certificate authority of one run, and another that nobody trusts.
pub struct Authority {
    root: CertifiedIssuer<'static, KeyPair>,
    rogue: CertifiedIssuer<'static, KeyPair>,
    leaf_key: KeyPair,
    provider: Arc<CryptoProvider>,
    cache: Mutex<HashMap<Key, Arc<ServerConfig>>>,
}

/// What a configuration is minted for: name, flavour, protocols.
type Key = (String, Flavour, Vec<Alpn>);

/// Configurations kept; a client that asks for more names than this has them minted again.
const CACHED: usize = 512;

impl Authority {
    /// Mints a root for names under `.test`, loopback addresses and the `names` given.
    ///
    /// # Errors
    ///
    /// When the system gives no randomness, or a name cannot stand in a certificate.
    pub fn new(names: &[String], addresses: &[IpAddr]) -> anyhow::Result<Self> {
        let root = issuer("badproxy test CA, this run only", Some((names, addresses)))?;
        let rogue = issuer("badproxy CA that nobody trusts", None)?;
        Ok(Authority {
            root,
            rogue,
            leaf_key: KeyPair::generate()?,
            provider: Arc::new(ring::default_provider()),
            cache: Mutex::default(),
        })
    }

    /// The root as PEM.
    pub fn pem(&self) -> String {
        self.root.pem()
    }

    /// The root as DER.
    pub fn der(&self) -> CertificateDer<'static> {
        self.root.der().clone()
    }

    /// How to serve TLS as `name`, with a certificate of this flavour; minted once, then cached.
    ///
    /// # Errors
    ///
    /// When `name` cannot stand in a certificate.
    pub fn server(
        &self,
        name: &str,
        flavour: Flavour,
        alpn: &[Alpn],
    ) -> anyhow::Result<Arc<ServerConfig>> {
        let key = (name.to_ascii_lowercase(), flavour, alpn.to_vec());
        let mut cache = self.cache.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(config) = cache.get(&key) {
            return Ok(Arc::clone(config));
        }
        let chain = leaf::mint(self, &key.0, flavour)?;
        let secret = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.leaf_key.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, secret)?;
        config.alpn_protocols = alpn
            .iter()
            .map(|a| match a {
                Alpn::H2 => b"h2".to_vec(),
                Alpn::Http11 => b"http/1.1".to_vec(),
            })
            .collect();
        let config = Arc::new(config);
        if cache.len() >= CACHED {
            cache.clear();
        }
        cache.insert(key, Arc::clone(&config));
        Ok(config)
    }

    /// A client that trusts the root of this run, and nothing else.
    ///
    /// # Errors
    ///
    /// Never in practice: the root was made here.
    pub fn client(&self) -> anyhow::Result<rustls::ClientConfig> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.der())?;
        Ok(rustls::ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth())
    }
}

fn issuer(
    name: &str,
    only: Option<(&[String], &[IpAddr])>,
) -> anyhow::Result<CertifiedIssuer<'static, KeyPair>> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let now = OffsetDateTime::now_utc();
    params.not_before = now - Duration::days(1);
    params.not_after = now + Duration::days(30);
    if let Some((names, addresses)) = only {
        let mut permitted = vec![
            GeneralSubtree::DnsName("test".into()),
            GeneralSubtree::DnsName("localhost".into()),
            GeneralSubtree::IpAddress(CidrSubnet::from_v4_prefix([127, 0, 0, 0], 8)),
            GeneralSubtree::IpAddress(CidrSubnet::from_v6_prefix(
                std::net::Ipv6Addr::LOCALHOST.octets(),
                128,
            )),
        ];
        for name in names {
            // `*.corp` and `corp` are the same subtree in X.509.
            let name = name.trim_start_matches("*.");
            if !name.contains('*') {
                permitted.push(GeneralSubtree::DnsName(name.to_owned()));
            }
        }
        for address in addresses {
            let bits = if address.is_ipv4() { 32 } else { 128 };
            permitted.push(GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(*address, bits)));
        }
        params.name_constraints =
            Some(NameConstraints { permitted_subtrees: permitted, excluded_subtrees: Vec::new() });
    }
    Ok(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?)
}
