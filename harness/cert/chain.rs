//! Chains: which CA issues a leaf, and what is sent with it.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DistinguishedName,
    DnType, GeneralSubtree, IsCa, Issuer, KeyUsagePurpose, NameConstraints,
};
use time::Duration;
use tokio_rustls::rustls::pki_types::CertificateDer;

use super::leaf::{serial, validity};
use super::{Authority, Flavour, Key};

type Ca = CertifiedIssuer<'static, Key>;
type Chain = Vec<CertificateDer<'static>>;

/// Issues the leaf, and gives it with the CAs above it, the root last.
pub(super) fn issue(
    authority: &Authority,
    params: &CertificateParams,
    flavour: Flavour,
) -> anyhow::Result<Chain> {
    let key = authority.leaf_key();
    let below = |cas: Vec<Ca>, root: &Ca| -> anyhow::Result<Chain> {
        let leaf = match cas.last() {
            Some(ca) => params.signed_by(key, ca)?,
            None => params.signed_by(key, root)?,
        };
        let above = cas.iter().rev().chain([root]).map(|ca| ca.der().clone());
        Ok([leaf.der().clone()].into_iter().chain(above).collect())
    };
    let root = authority.root();
    match flavour {
        Flavour::SelfSigned => Ok(vec![params.self_signed(key)?.der().clone()]),
        Flavour::UntrustedRoot => below(Vec::new(), authority.rogue()),
        Flavour::RootNotCritical => below(Vec::new(), authority.lax()),
        Flavour::IncompleteChain => {
            let chain = below(intermediates(authority, flavour, 1)?, root)?;
            Ok(chain.into_iter().take(1).collect())
        }
        Flavour::WithIntermediate
        | Flavour::ReversedChain
        | Flavour::NotACa
        | Flavour::IssuerExpired
        | Flavour::NameConstraints => below(intermediates(authority, flavour, 1)?, root),
        Flavour::PathLength => below(intermediates(authority, flavour, 2)?, root),
        Flavour::LongChain => below(intermediates(authority, flavour, 10)?, root),
        Flavour::VeryLongChain => below(intermediates(authority, flavour, 118)?, root),
        _ => below(Vec::new(), root),
    }
}

/// CAs, each issued by the one before it.
fn intermediates(authority: &Authority, flavour: Flavour, many: usize) -> anyhow::Result<Vec<Ca>> {
    let mut cas: Vec<Ca> = Vec::with_capacity(many);
    for number in 1..=many {
        let issuer: &Issuer<'static, Key> = cas.last().map_or(authority.root(), |ca| ca);
        let params = params(authority, flavour, number)?;
        cas.push(CertifiedIssuer::signed_by(params, Key::generate()?, issuer)?);
    }
    Ok(cas)
}

fn params(
    authority: &Authority,
    flavour: Flavour,
    number: usize,
) -> anyhow::Result<CertificateParams> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    let name = format!("badproxy intermediate CA {number}, this run only");
    params.distinguished_name.push(DnType::CommonName, name);
    params.serial_number = Some(serial()?);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.use_authority_key_identifier_extension = true;
    params.is_ca = match flavour {
        Flavour::NotACa => IsCa::ExplicitNoCa,
        Flavour::PathLength if number == 1 => IsCa::Ca(BasicConstraints::Constrained(0)),
        _ => IsCa::Ca(BasicConstraints::Unconstrained),
    };
    let when = if flavour == Flavour::IssuerExpired { Flavour::Expired } else { Flavour::Good };
    (params.not_before, params.not_after) = validity(when, authority.calendar.date());
    if flavour == Flavour::NameConstraints {
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![GeneralSubtree::DnsName("elsewhere.test".to_owned())],
            excluded_subtrees: Vec::new(),
        });
    }
    Ok(params)
}

/// A root whose basicConstraints are not critical, otherwise as the run's: FB070.
pub(super) fn lax(like: &CertificateParams) -> anyhow::Result<Ca> {
    let mut params = like.clone();
    params.serial_number = Some(serial()?);
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "badproxy lax test CA, this run only");
    // rcgen marks its own as critical: CA TRUE by hand.
    params.is_ca = IsCa::NoCa;
    let ca = CustomExtension::from_oid_content(&[2, 5, 29, 19], vec![0x30, 3, 1, 1, 0xff]);
    params.custom_extensions = vec![ca];
    params.not_before -= Duration::seconds(1);
    Ok(CertifiedIssuer::self_signed(params, Key::generate()?)?)
}
