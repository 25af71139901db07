//! How a client proves that it knows the password (MS-NLMP, section 3.3.2).

use hmac::{Hmac, KeyInit, Mac};
use md4::{Digest, Md4};
use md5::Md5;

/// `NTOWFv2`: the key that a password makes for a user of a domain.
pub fn key(user: &str, domain: &str, password: &str) -> [u8; 16] {
    let secret: [u8; 16] = Md4::digest(utf16(password)).into();
    keyed(&secret, &[&utf16(&(user.to_uppercase() + domain))])
}

/// `NTProofStr`: the first 16 bytes of a response of version 2; `blob` is the rest of it.
pub fn proof(key: &[u8; 16], challenge: &[u8; 8], blob: &[u8]) -> [u8; 16] {
    keyed(key, &[challenge, blob])
}

/// A text in UTF-16, little endian.
pub fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn keyed(key: &[u8; 16], parts: &[&[u8]]) -> [u8; 16] {
    // A key shorter than the block is padded with zeros (RFC 2104): so none can be refused.
    let mut block = [0; 64];
    block[..16].copy_from_slice(key);
    let mut mac = Hmac::<Md5>::new(&block.into());
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The blob of MS-NLMP, section 4.2.4.1.3: time 0, the client's challenge is 8 times 0xaa.
    pub(crate) fn blob() -> Vec<u8> {
        let mut blob = vec![1, 1, 0, 0, 0, 0, 0, 0];
        blob.extend([0; 8]);
        blob.extend([0xaa; 8]);
        blob.extend([0; 4]);
        for (id, name) in [(2, "Domain"), (1, "Server")] {
            blob.extend([id, 0, 12, 0]);
            blob.extend(utf16(name));
        }
        blob.extend([0; 8]);
        blob
    }

    /// MS-NLMP, sections 4.2.4.1.1 and 4.2.4.2.2.
    #[test]
    fn the_examples_of_the_specification() {
        let key = key("User", "Domain", "Password");
        assert_eq!(
            key,
            [
                0x0c, 0x86, 0x8a, 0x40, 0x3b, 0xfd, 0x7a, 0x93, 0xa3, 0x00, 0x1e, 0xf2, 0x2e, 0xf0,
                0x2e, 0x3f
            ]
        );
        let challenge = [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef];
        assert_eq!(
            proof(&key, &challenge, &blob()),
            [
                0x68, 0xcd, 0x0a, 0xb8, 0x51, 0xe5, 0x1c, 0x96, 0xaa, 0xbc, 0x92, 0x7b, 0xeb, 0xef,
                0x6a, 0x1c
            ]
        );
        // LMv2, section 4.2.4.2.1: the same function over the client's challenge.
        assert_eq!(
            proof(&key, &challenge, &[0xaa; 8]),
            [
                0x86, 0xc3, 0x50, 0x97, 0xac, 0x9c, 0xec, 0x10, 0x25, 0x54, 0x76, 0x4a, 0x57, 0xcc,
                0xcc, 0x19
            ]
        );
    }
}
