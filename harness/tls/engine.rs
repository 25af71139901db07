//! Everything that touches the inside of rustls: how a server is configured to go by the book
//! and not by anybody's wish. rustls 0.24 moves these parts.

use std::sync::Arc;

use tokio_rustls::rustls::client::danger::HandshakeSignatureValid;
use tokio_rustls::rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::{CertificateDer, UnixTime};
use tokio_rustls::rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use tokio_rustls::rustls::server::{NoServerSessionStorage, StoresServerSessions};
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, NamedGroup, ServerConfig,
    SignatureScheme,
};

use super::{Plan, tamper};
use crate::calendar::Calendar;
use crate::fault::tls::{ClientCert, Group, Tickets, Tls, Version};

/// How to serve `shown`, with `alpn` unless the plan has its own.
///
/// # Errors
///
/// Terms that leave nothing to negotiate.
pub fn config(
    provider: &CryptoProvider,
    calendar: Calendar,
    shown: CertifiedKey,
    alpn: &[&str],
    plan: &Plan,
) -> Result<ServerConfig, Error> {
    let terms = &plan.terms;
    let provider = limited(provider, terms);
    let provider = Arc::new(match plan.alert {
        Some(alert) => tamper::provider(provider, alert),
        None => provider,
    });
    let versions = match terms.versions.as_slice() {
        [] => vec![&TLS13, &TLS12],
        some => some
            .iter()
            .map(|version| match version {
                Version::Tls12 => &TLS12,
                Version::Tls13 => &TLS13,
            })
            .collect(),
    };
    let algorithms = provider.signature_verification_algorithms;
    let builder = ServerConfig::builder_with_details(provider, Arc::new(calendar))
        .with_protocol_versions(&versions)?;
    let builder = match terms.client_cert {
        None => builder.with_no_client_auth(),
        Some(asked) => builder.with_client_cert_verifier(Arc::new(Asked { asked, algorithms })),
    };
    // By a resolver, and not with a check whether the chain makes sense.
    let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(shown)));
    config.alpn_protocols = match &terms.alpn {
        Some(own) => own.iter().map(|name| name.clone().into_bytes()).collect(),
        None => alpn.iter().map(|name| name.as_bytes().to_vec()).collect(),
    };
    config.max_fragment_size = terms.fragment.map(|size| size.0 as usize);
    match terms.tickets {
        None => {}
        Some(Tickets::None) => {
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
        }
        Some(Tickets::Refused) => config.session_storage = Arc::new(Forgetful),
    }
    Ok(config)
}

/// The provider with these cipher suites and groups alone.
fn limited(provider: &CryptoProvider, terms: &Tls) -> CryptoProvider {
    let mut provider = provider.clone();
    let ciphers = terms.cipher_numbers();
    if !ciphers.is_empty() {
        provider.cipher_suites.retain(|suite| ciphers.contains(&u16::from(suite.suite())));
    }
    let groups: Vec<NamedGroup> = terms
        .groups
        .iter()
        .map(|group| match group {
            Group::X25519 => NamedGroup::X25519,
            Group::Secp256r1 => NamedGroup::secp256r1,
            Group::Secp384r1 => NamedGroup::secp384r1,
        })
        .collect();
    if !groups.is_empty() {
        provider.kx_groups.retain(|group| groups.contains(&group.name()));
    }
    provider
}

/// Takes sessions in and gives none back, so that every ticket is refused.
#[derive(Debug)]
struct Forgetful;

impl StoresServerSessions for Forgetful {
    fn put(&self, _: Vec<u8>, _: Vec<u8>) -> bool {
        true
    }
    fn get(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }
    fn take(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }
    fn can_cache(&self) -> bool {
        true
    }
}

/// Asks for a client certificate. Whose it is does not matter, only that the client has its key.
#[derive(Debug)]
struct Asked {
    asked: ClientCert,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ClientCertVerifier for Asked {
    fn client_auth_mandatory(&self) -> bool {
        self.asked != ClientCert::Optional
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        match self.asked {
            ClientCert::Refused => Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)),
            _ => Ok(ClientCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
