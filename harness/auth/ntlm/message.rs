//! The three messages as bytes (MS-NLMP, section 2.2.1).

use super::proof::utf16;
use crate::auth::Malformed;

const SIGNATURE: &[u8; 8] = b"NTLMSSP\0";

const UNICODE: u32 = 0x0000_0001;
const OEM: u32 = 0x0000_0002;
const REQUEST_TARGET: u32 = 0x0000_0004;
const NTLM: u32 = 0x0000_0200;
const ALWAYS_SIGN: u32 = 0x0000_8000;
const TARGET_TYPE_DOMAIN: u32 = 0x0001_0000;
const EXTENDED_SESSION: u32 = 0x0008_0000;
const TARGET_INFO: u32 = 0x0080_0000;
const KEY_128: u32 = 0x2000_0000;
const KEY_56: u32 = 0x8000_0000;

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// The first: the client opens.
    Negotiate {
        /// What it can do.
        flags: u32,
    },
    /// The second: the server's challenge. A client never sends one.
    Challenge {
        /// What the server wants.
        flags: u32,
        /// The challenge.
        challenge: [u8; 8],
    },
    /// The third: the client's proof.
    Authenticate(Authenticate),
}

/// The third message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Authenticate {
    /// The response to the challenge: a proof of 16 bytes and its blob, in version 2.
    pub nt: Vec<u8>,
    /// The domain.
    pub domain: String,
    /// The user.
    pub user: String,
    /// The client's machine.
    pub workstation: String,
}

/// Reads a message.
///
/// # Errors
///
/// What is no message of NTLM, or points outside itself.
pub fn parse(bytes: &[u8]) -> Result<Message, Malformed> {
    if !bytes.starts_with(SIGNATURE) {
        return Err(Malformed("it does not begin with NTLMSSP"));
    }
    let flags = |at| word(bytes, at).ok_or(Malformed("it is too short"));
    match word(bytes, 8) {
        Some(1) => Ok(Message::Negotiate { flags: flags(12)? }),
        Some(2) => {
            let challenge = bytes.get(24..32).and_then(|b| b.try_into().ok());
            let challenge = challenge.ok_or(Malformed("it is too short"))?;
            Ok(Message::Challenge { flags: flags(20)?, challenge })
        }
        Some(3) => {
            // Very old clients leave the flags out; theirs are OEM names.
            let unicode = word(bytes, 60).unwrap_or(0) & UNICODE != 0;
            let name = |at| field(bytes, at).map(|bytes| text(bytes, unicode));
            Ok(Message::Authenticate(Authenticate {
                nt: field(bytes, 20)?.to_vec(),
                domain: name(28)?,
                user: name(36)?,
                workstation: name(44)?,
            }))
        }
        Some(_) => Err(Malformed("there is no message of this type")),
        None => Err(Malformed("it is too short")),
    }
}

/// The second message: a challenge, the domain's name, and information on the target, with which
/// clients answer in version 2. `client`: the first message's flags.
pub fn challenge(challenge: &[u8; 8], domain: &str, client: u32) -> Vec<u8> {
    let unicode = client & UNICODE != 0 || client & OEM == 0;
    let name = if unicode { utf16(domain) } else { domain.as_bytes().to_vec() };
    let mut info = Vec::new();
    let computer = "BADPROXY";
    let dns = format!("{}.test", domain.to_lowercase());
    let host = format!("badproxy.{dns}");
    for (id, value) in [(2u16, domain), (1, computer), (4, dns.as_str()), (3, host.as_str())] {
        let value = utf16(value);
        info.extend(id.to_le_bytes());
        info.extend(length(&value).to_le_bytes());
        info.extend(value);
    }
    info.extend([0; 4]);
    let flags = if unicode { UNICODE } else { OEM }
        | REQUEST_TARGET
        | NTLM
        | ALWAYS_SIGN
        | TARGET_TYPE_DOMAIN
        | EXTENDED_SESSION
        | TARGET_INFO
        | (client & (KEY_128 | KEY_56));
    let mut out = SIGNATURE.to_vec();
    out.extend(2u32.to_le_bytes());
    out.extend(pointer(&name, 48));
    out.extend(flags.to_le_bytes());
    out.extend(challenge);
    out.extend([0; 8]);
    out.extend(pointer(&info, 48 + u32::from(length(&name))));
    out.extend(name);
    out.extend(info);
    out
}

/// Length, room and offset of what lies further back.
fn pointer(bytes: &[u8], at: u32) -> [u8; 8] {
    let [a, b] = length(bytes).to_le_bytes();
    let [c, d, e, f] = at.to_le_bytes();
    [a, b, a, b, c, d, e, f]
}

/// Names come from a scenario, which has at most a mebibyte: none is that long in earnest.
fn length(bytes: &[u8]) -> u16 {
    u16::try_from(bytes.len()).unwrap_or(u16::MAX)
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)
}

/// What the pointer at this place points to.
fn field(bytes: &[u8], at: usize) -> Result<&[u8], Malformed> {
    let pointer = bytes.get(at..at + 8).ok_or(Malformed("it is too short"))?;
    let len = usize::from(u16::from_le_bytes([pointer[0], pointer[1]]));
    let from = word(pointer, 4).unwrap_or(0) as usize;
    if len == 0 {
        return Ok(&[]);
    }
    let end = from.checked_add(len).ok_or(Malformed("a part of it lies outside"))?;
    bytes.get(from..end).ok_or(Malformed("a part of it lies outside"))
}

fn text(bytes: &[u8], unicode: bool) -> String {
    if !unicode {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    let units: Vec<u16> =
        bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    String::from_utf16_lossy(&units)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::ntlm::{proof, wrong};
    use proptest::prelude::*;

    /// A third message, as a client of MS-NLMP writes it.
    fn third(user: &str, domain: &str, nt: &[u8]) -> Vec<u8> {
        let parts: [Vec<u8>; 6] =
            [vec![0; 24], nt.to_vec(), utf16(domain), utf16(user), utf16("PC"), Vec::new()];
        let mut out = SIGNATURE.to_vec();
        out.extend(3u32.to_le_bytes());
        let mut at = 64;
        for part in &parts {
            out.extend(pointer(part, at));
            at += part.len() as u32;
        }
        out.extend(UNICODE.to_le_bytes());
        out.extend(parts.concat());
        out
    }

    #[test]
    fn a_second_message_reads_back() {
        for flags in [UNICODE | OEM | KEY_128, OEM] {
            let bytes = challenge(b"12345678", "CORP", flags);
            let Ok(Message::Challenge { challenge, .. }) = parse(&bytes) else { panic!() };
            assert_eq!(&challenge, b"12345678");
            let name = field(&bytes, 12).unwrap();
            assert_eq!(text(name, flags & UNICODE != 0), "CORP");
            // The list of names ends with an empty one.
            assert!(field(&bytes, 40).unwrap().ends_with(&[0; 4]));
        }
    }

    #[test]
    fn a_third_message_is_checked() {
        let server = *b"12345678";
        let key = proof::key("alice", "CORP", "s3cret");
        let blob = [7; 40];
        let mut nt = proof::proof(&key, &server, &blob).to_vec();
        nt.extend(blob);
        let Ok(Message::Authenticate(good)) = parse(&third("alice", "CORP", &nt)) else { panic!() };
        let check = |third: &Authenticate, password, domain| {
            wrong(third, &server, ("Alice", password), domain)
        };
        assert_eq!(check(&good, "s3cret", Some("corp")), None);
        assert_eq!(check(&good, "s3cret", None), None);
        assert_eq!(check(&good, "other", None), Some("wrong password"));
        assert_eq!(check(&good, "s3cret", Some("LAB")), Some("wrong domain"));
        assert_eq!(wrong(&good, b"87654321", ("alice", "s3cret"), None), Some("wrong password"));
        let bob = Authenticate { user: "bob".into(), ..good.clone() };
        assert_eq!(check(&bob, "s3cret", None), Some("wrong user"));
        let old = Authenticate { nt: vec![0; 24], ..good.clone() };
        assert_eq!(check(&old, "s3cret", None), Some("it is not NTLM version 2"));
        let nobody = Authenticate::default();
        assert_eq!(check(&nobody, "s3cret", None), Some("it is anonymous"));
    }

    #[test]
    fn what_points_outside_is_refused() {
        let mut bytes = third("alice", "CORP", &[0; 44]);
        bytes[24..28].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(parse(&bytes), Err(Malformed("a part of it lies outside")));
        assert_eq!(parse(b"NTLMSSP\0\x03\0\0\0"), Err(Malformed("it is too short")));
        assert!(parse(b"NTLMSSP").is_err() && parse(b"NTLMSSP\0\x09\0\0\0").is_err());
    }

    proptest! {
        #[test]
        fn nothing_panics(kind in 0u8..5, rest in proptest::collection::vec(any::<u8>(), 0..120)) {
            let mut bytes = SIGNATURE.to_vec();
            bytes.extend([kind, 0, 0, 0]);
            bytes.extend(&rest);
            let _ = (parse(&bytes), parse(&rest));
        }
    }
}
