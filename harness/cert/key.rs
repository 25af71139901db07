//! Keys whose signatures all have one length.
//!
//! An ECDSA signature in DER has 70, 71 or 72 bytes, by chance, and with it the certificate, the TLS
//! record and the count of bytes in the event log. What is signed is signed again until it has 71,
//! as every second signature has: so the same run has the same sizes each time.

use std::sync::Arc;

use rcgen::{KeyPair, PublicKeyData, SignatureAlgorithm as Algorithm, SigningKey};
use tokio_rustls::rustls::sign::{self, Signer};
use tokio_rustls::rustls::{Error, SignatureAlgorithm, SignatureScheme};

/// Bytes of a signature by P-256.
const LENGTH: usize = 71;
/// Tries after which any length has to do: half of them fail, so this is never reached.
const TRIES: usize = 64;

/// Signs until the signature has its length.
fn steady<E>(mut sign: impl FnMut() -> Result<Vec<u8>, E>) -> Result<Vec<u8>, E> {
    let mut signature = sign()?;
    for _ in 1..TRIES {
        if signature.len() == LENGTH {
            break;
        }
        signature = sign()?;
    }
    Ok(signature)
}

/// A key on P-256 that signs certificates.
pub(super) struct Key(KeyPair);

impl Key {
    /// A new one.
    pub fn generate() -> Result<Self, rcgen::Error> {
        KeyPair::generate().map(Key)
    }

    /// PKCS #8.
    pub fn serialize_der(&self) -> Vec<u8> {
        self.0.serialize_der()
    }
}

impl PublicKeyData for Key {
    fn der_bytes(&self) -> &[u8] {
        self.0.der_bytes()
    }

    fn algorithm(&self) -> &'static Algorithm {
        self.0.algorithm()
    }
}

impl SigningKey for Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        steady(|| self.0.sign(message))
    }
}

/// The same for handshakes: a key of rustls.
#[derive(Debug)]
pub(super) struct Handshakes(pub Arc<dyn sign::SigningKey>);

impl sign::SigningKey for Handshakes {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let signer = self.0.choose_scheme(offered)?;
        Some(Box::new(Handshake(signer)))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        self.0.algorithm()
    }

    fn public_key(&self) -> Option<tokio_rustls::rustls::pki_types::SubjectPublicKeyInfoDer<'_>> {
        self.0.public_key()
    }
}

#[derive(Debug)]
struct Handshake(Box<dyn Signer>);

impl Signer for Handshake {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        steady(|| self.0.sign(message))
    }

    fn scheme(&self) -> SignatureScheme {
        self.0.scheme()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_have_one_length() {
        let key = Key::generate().unwrap();
        for n in 0..100_u8 {
            assert_eq!(key.sign(&[n]).unwrap().len(), LENGTH);
        }
    }
}
