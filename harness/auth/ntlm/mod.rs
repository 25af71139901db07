//! NTLM (MS-NLMP), version 2: three messages, all on one connection. The client's first opens, the
//! server's second has a challenge, the client's third proves that it knows the password.
//!
//! The third is really checked ([`wrong`]). What signs and seals later traffic is not needed over
//! HTTP, and the message integrity code (MIC) is not asked for: the second message has no time.

mod message;
pub mod proof;

pub use message::{Authenticate, Message, challenge, parse};

/// What is wrong with a client's third message; None when it is right. `domain`: the one that it
/// has to name; None takes any.
pub fn wrong(
    third: &Authenticate,
    challenge: &[u8; 8],
    (user, password): (&str, &str),
    domain: Option<&str>,
) -> Option<&'static str> {
    if third.user.is_empty() && third.nt.is_empty() {
        return Some("it is anonymous");
    }
    if third.user.to_uppercase() != user.to_uppercase() {
        return Some("wrong user");
    }
    if domain.is_some_and(|domain| third.domain.to_uppercase() != domain.to_uppercase()) {
        return Some("wrong domain");
    }
    // A response of version 1 has 24 bytes, one of version 2 at least 16 and its blob of 28.
    if third.nt.len() < 44 {
        return Some("it is not NTLM version 2");
    }
    let key = proof::key(&third.user, &third.domain, password);
    let (given, blob) = third.nt.split_at(16);
    (proof::proof(&key, challenge, blob) != *given).then_some("wrong password")
}
