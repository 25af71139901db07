//! One leaf, good or with a defect of its own, and what is served with it.

use std::net::{IpAddr, Ipv4Addr};

use rcgen::{
    BasicConstraints, CertificateParams, CrlDistributionPoint, CustomExtension, DistinguishedName,
    DnType, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose, SanType, SerialNumber,
};
use time::{Duration, OffsetDateTime, PrimitiveDateTime};
use tokio_rustls::rustls::pki_types::CertificateDer;

use super::{Authority, Flavour, Key, chain, ocsp};

/// What a server shows.
pub(super) struct Minted {
    /// The certificates, in the order in which they are sent.
    pub chain: Vec<CertificateDer<'static>>,
    /// The key that it signs with, PKCS #8.
    pub key: Vec<u8>,
    /// The stapled OCSP response.
    pub ocsp: Option<Vec<u8>>,
}

/// Mints what a server shows as `name`.
pub(super) fn mint(authority: &Authority, name: &str, flavour: Flavour) -> anyhow::Result<Minted> {
    let params = params(authority, name, flavour)?;
    let mut chain = chain::issue(authority, &params, flavour)?;
    damage(&mut chain, flavour);
    let key = match flavour {
        Flavour::KeyMismatch => Key::generate()?.serialize_der(),
        _ => authority.leaf_key().serialize_der(),
    };
    let ocsp = match flavour {
        Flavour::Revoked => Some(ocsp::revoked(authority, &params)?),
        _ => None,
    };
    Ok(Minted { chain, key, ocsp })
}

/// A serial of sixteen random bytes: one key signs for all names, and from the key it would be
/// made else, but it has to differ (RFC 5280).
pub(super) fn serial() -> anyhow::Result<SerialNumber> {
    let mut serial = [0; 16];
    ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut serial)
        .map_err(|_| anyhow::anyhow!("the system gives no randomness"))?;
    // Positive, and of sixteen bytes in DER.
    serial[0] = serial[0] & 0x7f | 0x40;
    Ok(SerialNumber::from_slice(&serial))
}

fn dns(name: &str) -> anyhow::Result<SanType> {
    Ok(SanType::DnsName(name.try_into()?))
}

/// The names that it is for.
fn names(name: &str, flavour: Flavour) -> anyhow::Result<Vec<SanType>> {
    let own = || match name.parse::<IpAddr>() {
        Ok(address) => Ok(SanType::IpAddress(address)),
        Err(_) => dns(name),
    };
    Ok(match flavour {
        Flavour::WrongHost => vec![dns("somewhere-else.badproxy.test")?],
        Flavour::NoSan => Vec::new(),
        Flavour::IpSan => vec![SanType::IpAddress(Ipv4Addr::new(127, 0, 0, 2).into())],
        Flavour::IpInDnsSan => vec![dns("127.0.0.1")?],
        Flavour::WildcardAll => vec![dns("*")?],
        Flavour::WildcardTld => vec![dns("*.test")?],
        Flavour::WildcardMiddle => vec![dns("target.*.test")?],
        Flavour::WildcardPartial => vec![dns("tar*.badproxy.test")?],
        Flavour::NulInName => vec![dns(&format!("{name}\0.elsewhere.test"))?],
        Flavour::Sans1000 | Flavour::Sans10000 => {
            let many = if flavour == Flavour::Sans1000 { 1_000 } else { 10_000 };
            let others = (1..many).map(|n| dns(&format!("name-{n:05}.badproxy.test")));
            others.chain([own()]).collect::<anyhow::Result<_>>()?
        }
        _ => vec![own()?],
    })
}

fn subject(name: &str, flavour: Flavour) -> DistinguishedName {
    let mut subject = DistinguishedName::new();
    match flavour {
        Flavour::NoSubject => {}
        // Without a dNSName, OpenSSL would look for one in the common name.
        Flavour::NoCommonName | Flavour::IpSan => {
            subject.push(DnType::OrganizationName, "badproxy")
        }
        Flavour::WrongHost => subject.push(DnType::CommonName, "somewhere-else.badproxy.test"),
        // A common name has at most 64 characters; an address in it is a name to OpenSSL, outside
        // the names that the root may issue for. An empty subject is right, but not to GnuTLS's
        // users: kdig ends the handshake.
        _ if name.parse::<IpAddr>().is_ok() => subject.push(DnType::OrganizationName, "badproxy"),
        _ => {
            subject.push(DnType::CommonName, name.chars().take(64).collect::<String>());
        }
    }
    subject
}

/// From when to when, if it is minted now.
pub(super) fn validity(flavour: Flavour, now: OffsetDateTime) -> (OffsetDateTime, OffsetDateTime) {
    match flavour {
        Flavour::Expired => (now - Duration::days(30), now - Duration::days(1)),
        Flavour::NotYetValid => (now + Duration::days(1), now + Duration::days(30)),
        Flavour::NotYetValid60s => (now + Duration::seconds(60), now + Duration::days(14)),
        Flavour::EndsIn1h => (now - Duration::days(1), now + Duration::hours(1)),
        _ => (now - Duration::days(1), now + Duration::days(14)),
    }
}

/// When one that is minted now is to be minted again, so that it stays what it is called; and
/// when it ends where that is not before.
pub(super) fn lasts(flavour: Flavour, now: OffsetDateTime) -> (OffsetDateTime, OffsetDateTime) {
    let never = PrimitiveDateTime::MAX.assume_utc();
    match flavour {
        // The time of this one counts from each handshake.
        Flavour::NotYetValid60s => (now, never),
        Flavour::NotYetValid => (now + Duration::hours(1), never),
        Flavour::EndsIn1h => (never, validity(flavour, now).1),
        _ => (now + Duration::days(7), never),
    }
}

fn params(
    authority: &Authority,
    name: &str,
    flavour: Flavour,
) -> anyhow::Result<CertificateParams> {
    const SLOW: &str = "http://revocation.badproxy.test/delay/1h";
    let mut params = CertificateParams::default();
    params.subject_alt_names = names(name, flavour)?;
    params.distinguished_name = subject(name, flavour);
    params.serial_number = Some(serial()?);
    (params.not_before, params.not_after) = validity(flavour, authority.calendar.date());
    params.is_ca = match flavour {
        Flavour::LeafIsCa => IsCa::Ca(BasicConstraints::Unconstrained),
        _ => IsCa::ExplicitNoCa,
    };
    params.key_usages = match flavour {
        Flavour::WrongKeyUsage => vec![KeyUsagePurpose::ContentCommitment],
        Flavour::LeafIsCa => vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyCertSign],
        _ => vec![KeyUsagePurpose::DigitalSignature],
    };
    params.extended_key_usages = vec![match flavour {
        Flavour::WrongEku => ExtendedKeyUsagePurpose::ClientAuth,
        _ => ExtendedKeyUsagePurpose::ServerAuth,
    }];
    params.use_authority_key_identifier_extension = flavour != Flavour::NoAki;
    match flavour {
        Flavour::CrlHangs => {
            let uris = vec![SLOW.to_owned()];
            params.crl_distribution_points = vec![CrlDistributionPoint { uris }];
        }
        // authorityInfoAccess: one accessMethod id-ad-ocsp, at a URI (RFC 5280, 4.2.2.1).
        Flavour::OcspHangs => {
            let method = ocsp::tlv(6, &[0x2b, 6, 1, 5, 5, 7, 0x30, 1]);
            let place = ocsp::tlv(0x86, SLOW.as_bytes());
            let access = ocsp::tlv(0x30, &[method, place].concat());
            let oid = [1, 3, 6, 1, 5, 5, 7, 1, 1];
            let content = ocsp::tlv(0x30, &access);
            params.custom_extensions = vec![CustomExtension::from_oid_content(&oid, content)];
        }
        // TLS features: [status_request].
        Flavour::MustStaple => {
            let content = vec![0x30, 3, 2, 1, 5];
            let oid = [1, 3, 6, 1, 5, 5, 7, 1, 24];
            params.custom_extensions = vec![CustomExtension::from_oid_content(&oid, content)];
        }
        Flavour::UnknownCritical => {
            // Below 2.25, where anybody may take a number (X.667).
            let oid = [2, 25, 4_242_424_242];
            let mut unknown = CustomExtension::from_oid_content(&oid, vec![5, 0]);
            unknown.set_criticality(true);
            params.custom_extensions = vec![unknown];
        }
        _ => {}
    }
    Ok(params)
}

/// What no library would make: done to the bytes.
fn damage(chain: &mut Vec<CertificateDer<'static>>, flavour: Flavour) {
    let mut bytes = chain.first().map(|leaf| leaf.to_vec()).unwrap_or_default();
    match flavour {
        Flavour::EmptyChain => return chain.clear(),
        Flavour::ReversedChain => return chain.reverse(),
        // Within the second number of the signature, far from its DER frame.
        Flavour::FlippedSignature => {
            if let Some(at) = bytes.len().checked_sub(5) {
                bytes[at] ^= 1;
            }
        }
        Flavour::TrailingBytes => bytes.extend([0xde, 0xad, 0xbe, 0xef]),
        Flavour::NotDer => bytes = b"this is no certificate\n".repeat(27)[..600].to_vec(),
        _ => return,
    }
    if let Some(leaf) = chain.first_mut() {
        *leaf = bytes.into();
    }
}
