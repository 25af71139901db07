//! One leaf, good or with one defect.

use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose,
};
use time::{Duration, OffsetDateTime};
use tokio_rustls::rustls::pki_types::CertificateDer;

use super::{Authority, Flavour};

/// The chain to send: the leaf first, then the CA that issued it.
pub(super) fn mint(
    authority: &Authority,
    name: &str,
    flavour: Flavour,
) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let subject = match flavour {
        Flavour::WrongHost => "somewhere-else.badproxy.test",
        _ => name,
    };
    let mut params = CertificateParams::new(vec![subject.to_owned()])?;
    params.distinguished_name = DistinguishedName::new();
    // A common name has at most 64 characters; an address in it is a name to OpenSSL, outside the
    // names that the root may issue for.
    if subject.parse::<std::net::IpAddr>().is_err() {
        let name: String = subject.chars().take(64).collect();
        params.distinguished_name.push(DnType::CommonName, name);
    }
    // One key signs for all names; the serial, else made from the key, has to differ (RFC 5280).
    let mut serial = [0; 16];
    ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut serial)
        .map_err(|_| anyhow::anyhow!("the system gives no randomness"))?;
    serial[0] &= 0x7f;
    params.serial_number = Some(rcgen::SerialNumber::from_slice(&serial));
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let now = OffsetDateTime::now_utc();
    (params.not_before, params.not_after) = match flavour {
        Flavour::Expired => (now - Duration::days(30), now - Duration::days(1)),
        Flavour::NotYetValid => (now + Duration::days(1), now + Duration::days(30)),
        _ => (now - Duration::days(1), now + Duration::days(14)),
    };
    let key = &authority.leaf_key;
    Ok(match flavour {
        Flavour::SelfSigned => vec![params.self_signed(key)?.der().clone()],
        Flavour::UntrustedRoot => {
            let leaf = params.signed_by(key, &authority.rogue)?;
            vec![leaf.der().clone(), authority.rogue.der().clone()]
        }
        _ => {
            let leaf = params.signed_by(key, &authority.root)?;
            vec![leaf.der().clone(), authority.root.der().clone()]
        }
    })
}
