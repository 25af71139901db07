//! Certificates, good and bad: minted for each run, on the spot.
//!
//! Good by default means what strict clients ask for (Python 3.13 and later refuse less): AKI, SKI,
//! critical basicConstraints, NotBefore a day back, the issuing CA sent in the chain. The root is
//! name-constrained and its key never leaves the process.

mod chain;
mod flavour;
mod key;
mod leaf;
mod ocsp;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, LazyLock, Mutex, OnceLock};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CidrSubnet, DistinguishedName, DnType,
    GeneralSubtree, IsCa, KeyUsagePurpose, NameConstraints,
};
use time::{Duration, OffsetDateTime};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{self, ServerConfig};

pub use flavour::{Flavour, Trust};
use key::{Handshakes, Key};

use crate::calendar::Calendar;
use crate::fault::tls::Tls;
use crate::scenario::Alpn;
use crate::tls::tamper::Tamper;
use crate::tls::{Plan, engine};

/// The certificate authority of one run, and another that nobody trusts. Its keys are made when the
/// first certificate is wanted: most worlds of a test that is about HTTP never come to one.
pub struct Authority {
    calendar: Calendar,
    names: Vec<String>,
    addresses: Vec<IpAddr>,
    made: OnceLock<Made>,
    rogue: OnceLock<Ca>,
    cache: Mutex<HashMap<Wanted, Cached>>,
}

/// A configuration, and until when its certificate is shown and is what it is called.
struct Cached {
    config: Arc<ServerConfig>,
    again: OffsetDateTime,
    ends: OffsetDateTime,
}

type Ca = CertifiedIssuer<'static, Key>;

struct Made {
    root: Ca,
    /// A second root that clients have, whose basicConstraints are not critical.
    lax: Ca,
    leaf_key: Key,
}

/// What does the cryptography: the same for all, and it keeps nothing.
static PROVIDER: LazyLock<Arc<CryptoProvider>> =
    LazyLock::new(|| Arc::new(ring::default_provider()));

/// What a configuration is minted for: name, flavour, protocols, terms.
type Wanted = (String, Flavour, Vec<Alpn>, Tls, Option<Tamper>);

/// Configurations kept; a client that asks for more names than this has them minted again.
const CACHED: usize = 512;

impl Authority {
    /// Of a root for names under `.test`, loopback addresses and the `names` given.
    ///
    /// # Errors
    ///
    /// When a name cannot stand in a certificate.
    pub fn new(calendar: Calendar, names: &[String], addresses: &[IpAddr]) -> anyhow::Result<Self> {
        let (names, addresses) = (names.to_vec(), addresses.to_vec());
        let made = OnceLock::new();
        if !names.is_empty() {
            // Those may be anything; without them nothing can go wrong.
            let _ = made.set(make(calendar, &names, &addresses)?);
        }
        let (rogue, cache) = (OnceLock::new(), Mutex::default());
        Ok(Authority { calendar, names, addresses, made, rogue, cache })
    }

    fn made(&self) -> &Made {
        self.made.get_or_init(|| random(make(self.calendar, &self.names, &self.addresses)))
    }

    fn root(&self) -> &Ca {
        &self.made().root
    }

    fn lax(&self) -> &Ca {
        &self.made().lax
    }

    fn leaf_key(&self) -> &Key {
        &self.made().leaf_key
    }

    /// A CA that nobody trusts.
    fn rogue(&self) -> &Ca {
        self.rogue.get_or_init(|| {
            let make = || {
                let params = self::params(self.calendar, "badproxy CA that nobody trusts", None)?;
                Ok(CertifiedIssuer::self_signed(params, Key::generate()?)?)
            };
            random(make())
        })
    }

    /// The roots that a client is to trust, as PEM.
    pub fn pem(&self) -> String {
        self.root().pem() + &self.lax().pem()
    }

    /// The roots that a client is to trust: the run's, and one like it whose basicConstraints are
    /// not critical.
    pub fn roots(&self) -> [CertificateDer<'static>; 2] {
        [self.root().der().clone(), self.lax().der().clone()]
    }

    /// How to serve TLS as `name`, with a certificate of this flavour, and what it is by now: one
    /// that has ended is [`Flavour::Expired`]. Minted once, then cached for as long as it is what
    /// it is called.
    ///
    /// # Errors
    ///
    /// When `name` cannot stand in a certificate.
    pub fn server(
        &self,
        name: &str,
        flavour: Flavour,
        alpn: &[Alpn],
        plan: &Plan,
    ) -> anyhow::Result<(Arc<ServerConfig>, Flavour)> {
        // No certificate has the dot of an absolute name (RFC 6066, 3).
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        let key = (name, flavour, alpn.to_vec(), plan.terms.clone(), plan.alert);
        let now = self.calendar.date();
        let mut cache = self.cache.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(cached) = cache.get(&key).filter(|cached| now < cached.again) {
            let by_now = if now < cached.ends { flavour } else { Flavour::Expired };
            return Ok((Arc::clone(&cached.config), by_now));
        }
        let config = Arc::new(self.mint(&key.0, flavour, alpn, plan)?);
        if cache.len() >= CACHED {
            cache.clear();
        }
        let (again, ends) = leaf::lasts(flavour, now);
        cache.insert(key, Cached { config: Arc::clone(&config), again, ends });
        Ok((config, flavour))
    }

    fn mint(
        &self,
        name: &str,
        flavour: Flavour,
        alpn: &[Alpn],
        plan: &Plan,
    ) -> anyhow::Result<ServerConfig> {
        let minted = leaf::mint(self, name, flavour)?;
        let secret = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(minted.key));
        // Not by `with_single_cert`, which refuses chains that make no sense.
        let signer = Handshakes(PROVIDER.key_provider.load_private_key(secret)?);
        let mut shown = CertifiedKey::new(minted.chain, Arc::new(signer));
        shown.ocsp = minted.ocsp;
        let names: Vec<&str> = alpn
            .iter()
            .map(|a| match a {
                Alpn::H2 => "h2",
                Alpn::Http11 => "http/1.1",
            })
            .collect();
        Ok(engine::config(&PROVIDER, self.calendar, shown, &names, plan)?)
    }

    /// A client that trusts the root of this run, and nothing else; its date is the run's.
    ///
    /// # Errors
    ///
    /// Never in practice: the root was made here.
    pub fn client(&self) -> anyhow::Result<rustls::ClientConfig> {
        let mut roots = rustls::RootCertStore::empty();
        for root in self.roots() {
            roots.add(root)?;
        }
        let (provider, calendar) = (Arc::clone(&PROVIDER), Arc::new(self.calendar));
        Ok(rustls::ClientConfig::builder_with_details(provider, calendar)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth())
    }
}

fn make(calendar: Calendar, names: &[String], addresses: &[IpAddr]) -> anyhow::Result<Made> {
    let only = Some((names, addresses));
    let params = self::params(calendar, "badproxy test CA, this run only", only)?;
    Ok(Made {
        lax: chain::lax(&params)?,
        root: CertifiedIssuer::self_signed(params, Key::generate()?)?,
        leaf_key: Key::generate()?,
    })
}

/// What can only fail where the system has no randomness: TLS is impossible there.
fn random<T>(made: anyhow::Result<T>) -> T {
    made.unwrap_or_else(|error| panic!("the system gives no randomness: {error}"))
}

/// A CA, for these names and addresses only.
fn params(
    calendar: Calendar,
    name: &str,
    only: Option<(&[String], &[IpAddr])>,
) -> anyhow::Result<CertificateParams> {
    let mut params = CertificateParams::default();
    params.serial_number = Some(leaf::serial()?);
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let now = calendar.date();
    params.not_before = now - Duration::days(1);
    // Nobody keeps the root of a simulation, and years pass there. Not many more: from 2050 on a date
    // in a certificate has two bytes more.
    let days = if calendar.is_virtual() { 20 * 365 } else { 30 };
    params.not_after = now + Duration::days(days);
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
            let name = name.trim_start_matches("*.").trim_end_matches('.');
            if !name.contains('*') && name.parse::<IpAddr>().is_err() {
                permitted.push(GeneralSubtree::DnsName(name.to_owned()));
            }
        }
        let literals = names.iter().filter_map(|name| name.parse().ok());
        for address in literals.chain(addresses.iter().copied()) {
            let bits = if address.is_ipv4() { 32 } else { 128 };
            permitted.push(GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(address, bits)));
        }
        params.name_constraints =
            Some(NameConstraints { permitted_subtrees: permitted, excluded_subtrees: Vec::new() });
    }
    Ok(params)
}
