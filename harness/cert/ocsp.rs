//! An OCSP response by hand (RFC 6960), to be stapled: the certificate is revoked.

use rcgen::{CertificateParams, PublicKeyData, SigningKey};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use time::{Duration, OffsetDateTime};

use super::Authority;

/// A value of DER: tag, length, content.
pub(super) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut out = vec![tag];
    match length {
        0..=127 => out.push(length as u8),
        128..=255 => out.extend([0x81, length as u8]),
        _ => out.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    out.extend_from_slice(content);
    out
}

fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

fn time(at: OffsetDateTime) -> Vec<u8> {
    let (date, time) = (at.date(), at.time());
    let text = format!(
        "{:04}{:02}{:02}{:02}{:02}{:02}Z",
        date.year(),
        u8::from(date.month()),
        date.day(),
        time.hour(),
        time.minute(),
        time.second()
    );
    tlv(0x18, text.as_bytes())
}

/// The response of the run's root: revoked an hour ago, for keyCompromise.
pub(super) fn revoked(authority: &Authority, leaf: &CertificateParams) -> anyhow::Result<Vec<u8>> {
    let now = authority.calendar.date();
    let root = authority.root().key();
    let hash = |bytes: &[u8]| tlv(4, digest(&SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref());
    let sha1 = sequence(&[tlv(6, &[0x2b, 0x0e, 3, 2, 0x1a]), tlv(5, &[])]);
    let serial = leaf.serial_number.as_ref().map(|s| s.to_bytes()).unwrap_or_default();
    let id = sequence(&[
        sha1,
        hash(&subject(authority.root().der())?),
        hash(root.der_bytes()),
        tlv(2, &serial),
    ]);
    let status = tlv(0xa1, &[time(now - Duration::hours(1)), tlv(0xa0, &tlv(0x0a, &[1]))].concat());
    let single = sequence(&[
        id,
        status,
        time(now - Duration::hours(1)),
        tlv(0xa0, &time(now + Duration::days(14))),
    ]);
    let responder = tlv(0xa2, &hash(root.der_bytes()));
    let data = sequence(&[responder, time(now), sequence(&[single])]);
    // ecdsa-with-SHA256; a BIT STRING without unused bits.
    let algorithm = sequence(&[tlv(6, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2])]);
    let signature = tlv(3, &[vec![0], root.sign(&data)?].concat());
    let basic = sequence(&[data, algorithm, signature]);
    let kind = tlv(6, &[0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1]);
    let bytes = sequence(&[kind, tlv(4, &basic)]);
    Ok(sequence(&[tlv(0x0a, &[0]), tlv(0xa0, &bytes)]))
}

/// The subject of a certificate of ours, as DER: the sixth part of what is signed.
fn subject(der: &[u8]) -> anyhow::Result<Vec<u8>> {
    let part = |bytes: &[u8]| -> Option<(usize, usize)> {
        let first = usize::from(*bytes.get(1)?);
        let (head, length) = match first {
            0..=127 => (2, first),
            0x81 => (3, usize::from(*bytes.get(2)?)),
            0x82 => (4, usize::from(*bytes.get(2)?) << 8 | usize::from(*bytes.get(3)?)),
            _ => return None,
        };
        (bytes.len() >= head + length).then_some((head, length))
    };
    let found = || {
        let (certificate, _) = part(der)?;
        let signed = &der[certificate..];
        let (head, length) = part(signed)?;
        let mut rest = &signed[head..head + length];
        // Version, serial, algorithm, issuer, validity.
        for _ in 0..5 {
            let (head, length) = part(rest)?;
            rest = &rest[head + length..];
        }
        let (head, length) = part(rest)?;
        Some(rest[..head + length].to_vec())
    };
    found().ok_or_else(|| anyhow::anyhow!("the run's own root cannot be read"))
}
