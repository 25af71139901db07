//! A client's side of Digest and NTLM, as the RFC and MS-NLMP have it.

use badproxy::auth::{digest, header, ntlm};
use badproxy::scenario::Algorithm;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The challenges of a 407, one a line.
pub fn offers(head: &str) -> Vec<&str> {
    head.lines().filter_map(|line| line.strip_prefix("Proxy-Authenticate: ")).collect()
}

/// Answers the first Digest challenge of a 407 as RFC 7616 says.
pub fn digest_answer(head: &str, line: &str, login: (&str, &str), nc: u32) -> String {
    let offer = offers(head).into_iter().find_map(|o| o.strip_prefix("Digest ")).unwrap();
    let params = header::params(offer.as_bytes()).unwrap();
    let param = |name: &str| params.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
    let (method, uri) = line.split_once(' ').unwrap();
    let algorithm = match param("algorithm").as_deref() {
        Some("SHA-256") => Algorithm::Sha256,
        Some("SHA-256-sess") => Algorithm::Sha256Sess,
        Some("MD5-sess") => Algorithm::Md5Sess,
        _ => Algorithm::Md5,
    };
    let qop = param("qop");
    let answer = digest::Answer {
        realm: param("realm").unwrap(),
        nonce: param("nonce").unwrap(),
        uri: uri.into(),
        nc: qop.as_ref().map(|_| format!("{nc:08x}")),
        cnonce: qop.as_ref().map(|_| "0a4f113b".into()),
        qop,
        ..digest::Answer::default()
    };
    let response = digest::response(algorithm, login, method, &answer);
    let mut out = format!(
        "Digest username=\"{}\", realm=\"{}\", nonce=\"{}\", uri=\"{uri}\", response=\"{response}\"",
        login.0, answer.realm, answer.nonce,
    );
    if let Some(nc) = &answer.nc {
        out += &format!(", qop=auth, nc={nc}, cnonce=\"0a4f113b\"");
    }
    for name in ["algorithm", "opaque"] {
        if let Some(value) = param(name) {
            out += &format!(", {name}=\"{value}\"");
        }
    }
    out
}

pub fn first_leg() -> String {
    format!("NTLM {}", STANDARD.encode(b"NTLMSSP\0\x01\0\0\0\x07\x82\x08\xa2"))
}

/// NTLM's third message to the second one of a 407 (MS-NLMP, section 2.2.1.3).
pub fn third_leg(head: &str, login: (&str, &str)) -> String {
    let second = offers(head)[0].strip_prefix("NTLM ").unwrap();
    let second = STANDARD.decode(second).unwrap();
    let challenge: [u8; 8] = second[24..32].try_into().unwrap();
    let blob = [1; 44];
    let key = ntlm::proof::key(login.0, "CORP", login.1);
    let mut nt = ntlm::proof::proof(&key, &challenge, &blob).to_vec();
    nt.extend(blob);
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let parts = [vec![0; 24], nt, utf16("CORP"), utf16(login.0), utf16("PC"), vec![]];
    let mut out = b"NTLMSSP\0\x03\0\0\0".to_vec();
    let mut at = 64u32;
    for part in &parts {
        let len = (part.len() as u16).to_le_bytes();
        out.extend([len, len].concat());
        out.extend(at.to_le_bytes());
        at += part.len() as u32;
    }
    out.extend(1u32.to_le_bytes());
    out.extend(parts.concat());
    format!("NTLM {}", STANDARD.encode(out))
}
