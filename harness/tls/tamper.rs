//! Alerts where a server of TLS would send something else, encrypted as everything there.
//!
//! The cipher suites of rustls are wrapped: what is to be encrypted passes here in clear. A
//! wrapped suite has to live for ever; one is made for each alert that a scenario has, and kept.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::crypto::cipher::{
    AeadKey, Iv, KeyBlockShape, MessageDecrypter, MessageEncrypter, OutboundChunks,
    OutboundOpaqueMessage, OutboundPlainMessage, Tls12AeadAlgorithm, Tls13AeadAlgorithm,
    UnsupportedOperationError,
};
use tokio_rustls::rustls::{
    CipherSuiteCommon, ConnectionTrafficSecrets, ContentType, Error, SupportedCipherSuite,
    Tls12CipherSuite, Tls13CipherSuite,
};

/// An alert in the place of an encrypted record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tamper {
    /// 1 for a warning, 2 for a fatal one.
    pub level: u8,
    /// Its number.
    pub description: u8,
    /// In the place of the first record of data after this many bytes of it; None: of the first
    /// of the handshake.
    pub data: Option<u64>,
}

type Suites = HashMap<Tamper, Vec<SupportedCipherSuite>>;

/// The provider with its suites wrapped.
pub fn provider(mut inner: CryptoProvider, tamper: Tamper) -> CryptoProvider {
    static MADE: LazyLock<Mutex<Suites>> = LazyLock::new(Mutex::default);
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let wrapped = made.entry(tamper).or_insert_with(|| {
        let all = tokio_rustls::rustls::crypto::ring::ALL_CIPHER_SUITES;
        all.iter().map(|suite| wrap(*suite, tamper)).collect()
    });
    let wanted: Vec<_> = inner.cipher_suites.iter().map(SupportedCipherSuite::suite).collect();
    inner.cipher_suites =
        wrapped.iter().filter(|suite| wanted.contains(&suite.suite())).copied().collect();
    inner
}

fn common(of: &CipherSuiteCommon) -> CipherSuiteCommon {
    CipherSuiteCommon {
        suite: of.suite,
        hash_provider: of.hash_provider,
        confidentiality_limit: of.confidentiality_limit,
    }
}

fn wrap(suite: SupportedCipherSuite, tamper: Tamper) -> SupportedCipherSuite {
    match suite {
        SupportedCipherSuite::Tls13(of) => {
            let aead = Box::leak(Box::new(Aead13 { inner: of.aead_alg, tamper }));
            SupportedCipherSuite::Tls13(Box::leak(Box::new(Tls13CipherSuite {
                common: common(&of.common),
                hkdf_provider: of.hkdf_provider,
                aead_alg: aead,
                quic: None,
            })))
        }
        SupportedCipherSuite::Tls12(of) => {
            let aead = Box::leak(Box::new(Aead12 { inner: of.aead_alg, tamper }));
            SupportedCipherSuite::Tls12(Box::leak(Box::new(Tls12CipherSuite {
                common: common(&of.common),
                prf_provider: of.prf_provider,
                kx: of.kx,
                sign: of.sign,
                aead_alg: aead,
            })))
        }
    }
}

struct Aead13 {
    inner: &'static dyn Tls13AeadAlgorithm,
    tamper: Tamper,
}

impl Tls13AeadAlgorithm for Aead13 {
    fn encrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageEncrypter> {
        Encrypter::boxed(self.inner.encrypter(key, iv), self.tamper)
    }
    fn decrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageDecrypter> {
        self.inner.decrypter(key, iv)
    }
    fn key_len(&self) -> usize {
        self.inner.key_len()
    }
    fn extract_keys(
        &self,
        key: AeadKey,
        iv: Iv,
    ) -> Result<ConnectionTrafficSecrets, UnsupportedOperationError> {
        self.inner.extract_keys(key, iv)
    }
}

struct Aead12 {
    inner: &'static dyn Tls12AeadAlgorithm,
    tamper: Tamper,
}

impl Tls12AeadAlgorithm for Aead12 {
    fn encrypter(&self, key: AeadKey, iv: &[u8], extra: &[u8]) -> Box<dyn MessageEncrypter> {
        Encrypter::boxed(self.inner.encrypter(key, iv, extra), self.tamper)
    }
    fn decrypter(&self, key: AeadKey, iv: &[u8]) -> Box<dyn MessageDecrypter> {
        self.inner.decrypter(key, iv)
    }
    fn key_block_shape(&self) -> KeyBlockShape {
        self.inner.key_block_shape()
    }
    fn extract_keys(
        &self,
        key: AeadKey,
        iv: &[u8],
        explicit: &[u8],
    ) -> Result<ConnectionTrafficSecrets, UnsupportedOperationError> {
        self.inner.extract_keys(key, iv, explicit)
    }
}

struct Encrypter {
    inner: Box<dyn MessageEncrypter>,
    tamper: Tamper,
    data: u64,
    done: bool,
}

impl Encrypter {
    fn boxed(inner: Box<dyn MessageEncrypter>, tamper: Tamper) -> Box<dyn MessageEncrypter> {
        Box::new(Encrypter { inner, tamper, data: 0, done: false })
    }

    /// Whether the alert comes in the place of this record.
    fn now(&mut self, message: &OutboundPlainMessage<'_>) -> bool {
        let due = match self.tamper.data {
            None => message.typ == ContentType::Handshake,
            Some(after) => message.typ == ContentType::ApplicationData && self.data >= after,
        };
        if message.typ == ContentType::ApplicationData {
            self.data += message.payload.len() as u64;
        }
        let now = due && !self.done;
        self.done |= due;
        now
    }
}

impl MessageEncrypter for Encrypter {
    fn encrypt(
        &mut self,
        message: OutboundPlainMessage<'_>,
        seq: u64,
    ) -> Result<OutboundOpaqueMessage, Error> {
        if !self.now(&message) {
            return self.inner.encrypt(message, seq);
        }
        let alert = [self.tamper.level, self.tamper.description];
        let payload = OutboundChunks::Single(&alert);
        let version = message.version;
        self.inner.encrypt(OutboundPlainMessage { typ: ContentType::Alert, version, payload }, seq)
    }

    fn encrypted_payload_len(&self, payload_len: usize) -> usize {
        self.inner.encrypted_payload_len(payload_len)
    }
}
