//! The files that make a client trust the run's CA: most variables replace the client's store, so
//! the bundle has the system's roots too.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

use crate::cert::Authority;

/// A directory with the files; gone when dropped.
pub struct Trust {
    dir: tempfile::TempDir,
}

/// The run's root alone; the system's roots and the run's; the same for Java.
const FILES: [&str; 3] = ["ca.pem", "bundle.pem", "truststore.jks"];

impl Drop for Trust {
    /// By name, which needs no descriptor: a client may have taken all that there are. What else is in
    /// the directory, it looks for when it is dropped itself.
    fn drop(&mut self) {
        for name in FILES {
            let _ = std::fs::remove_file(self.dir.path().join(name));
        }
        let _ = std::fs::remove_dir(self.dir.path());
    }
}

/// The password that every Java installation gives its own trust store.
pub const JAVA_PASSWORD: &str = "changeit";

impl Trust {
    /// Writes the files.
    ///
    /// # Errors
    ///
    /// When the temporary directory cannot be written.
    pub fn write(authority: &Authority) -> std::io::Result<Trust> {
        let dir = tempfile::Builder::new().prefix("badproxy-").tempdir()?;
        // Roots that cannot be read are not there for the client either.
        let mut roots: Vec<Vec<u8>> =
            rustls_native_certs::load_native_certs().certs.iter().map(|c| c.to_vec()).collect();
        roots.extend(authority.roots().iter().map(|root| root.to_vec()));
        let bundle: String = roots.iter().map(|der| pem(der)).collect();
        let trust = Trust { dir };
        std::fs::write(trust.ca(), authority.pem())?;
        std::fs::write(trust.bundle(), bundle)?;
        std::fs::write(trust.java(), jks(&roots))?;
        Ok(trust)
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The run's root alone.
    pub fn ca(&self) -> PathBuf {
        self.dir.path().join(FILES[0])
    }

    /// The system's roots and the run's.
    pub fn bundle(&self) -> PathBuf {
        self.dir.path().join(FILES[1])
    }

    /// The same for Java.
    pub fn java(&self) -> PathBuf {
        self.dir.path().join(FILES[2])
    }
}

fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut out = String::from("-----BEGIN CERTIFICATE-----\n");
    for line in text.as_bytes().chunks(64) {
        let _ = writeln!(out, "{}", String::from_utf8_lossy(line));
    }
    out + "-----END CERTIFICATE-----\n"
}

/// A Java key store of trusted certificates. The JKS format is older than PKCS #12 and far
/// simpler; Java reads both whatever the type says (`keystore.type.compat`).
fn jks(certificates: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend_from_slice(&0xFEED_FEED_u32.to_be_bytes());
    out.extend_from_slice(&2u32.to_be_bytes());
    out.extend_from_slice(&(certificates.len() as u32).to_be_bytes());
    let text = |out: &mut Vec<u8>, s: &str| {
        out.extend_from_slice(&(s.len() as u16).to_be_bytes());
        out.extend_from_slice(s.as_bytes());
    };
    for (index, der) in certificates.iter().enumerate() {
        // A trusted certificate: alias, date, type, bytes.
        out.extend_from_slice(&2u32.to_be_bytes());
        text(&mut out, &format!("root{index}"));
        out.extend_from_slice(&0u64.to_be_bytes());
        text(&mut out, "X.509");
        out.extend_from_slice(&(der.len() as u32).to_be_bytes());
        out.extend_from_slice(der);
    }
    // The checksum: SHA-1 over the password in UTF-16, these words, and the content.
    let mut sum: Vec<u8> = JAVA_PASSWORD.encode_utf16().flat_map(u16::to_be_bytes).collect();
    sum.extend_from_slice(b"Mighty Aphrodite");
    sum.extend_from_slice(&out);
    out.extend_from_slice(digest(&SHA1_FOR_LEGACY_USE_ONLY, &sum).as_ref());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_are_there_and_go_away() {
        let authority = Authority::new(crate::calendar::Calendar::Real, &[], &[]).unwrap();
        let trust = Trust::write(&authority).unwrap();
        let dir = trust.dir().to_owned();
        let bundle = std::fs::read_to_string(trust.bundle()).unwrap();
        let ours = std::fs::read_to_string(trust.ca()).unwrap();
        let flat = |s: &str| s.replace(['\r', '\n'], "");
        assert!(flat(&bundle).ends_with(&flat(&ours)));
        assert_eq!(std::fs::read(trust.java()).unwrap()[..4], [0xFE, 0xED, 0xFE, 0xED]);
        drop(trust);
        assert!(!dir.exists());
    }
}
