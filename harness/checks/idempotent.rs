use std::collections::BTreeMap;

use super::{Broken, Checked};
use crate::event::{Event, Via, What};

/// Methods that may be repeated (RFC 9110, section 9.2.2). CONNECT opens a way and asks for nothing.
const REPEATABLE: &[&str] = &["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "CONNECT"];

/// The client does not send a request with a non-idempotent method again once any of it has reached
/// the proxy or the origin (RFC 9110, section 9.2.2): each path is asked for by POST (or PATCH, or a
/// method nobody knows) at most `most` times. 1 is right for a client that was asked once.
///
/// # Errors
///
/// When there is one more.
pub fn idempotent(events: &[Event], most: u64) -> Checked {
    let mut seen: BTreeMap<(String, String), u64> = BTreeMap::new();
    for event in events {
        // A forwarded request is seen twice, at the proxy and at the origin; in a tunnel only there.
        let (method, path) = match &event.what {
            What::Request { method, target, .. } => (method, target),
            What::HttpRequest { via: Via::Tunnel | Via::Direct, method, path, .. } => {
                (method, path)
            }
            _ => continue,
        };
        if REPEATABLE.contains(&method.as_str()) {
            continue;
        }
        let times = seen.entry((method.clone(), path.clone())).or_default();
        *times += 1;
        if *times > most {
            let measured = format!("{method} {path} was sent {times} times");
            let allowed = format!("at most {most}: it is not idempotent");
            return Err(Broken::new("idempotent", measured, allowed).at(event.time));
        }
    }
    Ok(())
}
