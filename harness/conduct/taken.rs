//! Which answers of the origin came to the client as they were made: what of them a rule had damaged, and
//! whether they came in parts.

use std::collections::BTreeSet;

use super::{Conduct, OPEN};
use crate::event::{Event, Via, What};
use crate::stage::Stage;

/// What is remembered for it.
#[derive(Debug, Clone, Default)]
pub(super) struct Taken {
    /// Connections whose answer on its way is damaged.
    under_way: BTreeSet<u64>,
    /// A damaged answer came after the last whole one that was not.
    last: bool,
    /// The client has asked for a part.
    ranged: bool,
}

impl Conduct {
    /// Whether what the client has got has a damaged answer in it: no whole one came after, that was as
    /// the origin had made it.
    pub fn took_damage(&self) -> bool {
        self.taken.last
    }

    /// Whether the client has asked for a part of an answer, to put it together itself.
    pub fn took_parts(&self) -> bool {
        self.taken.ranged
    }

    pub(super) fn taken(&mut self, event: &Event) {
        let taken = &mut self.taken;
        let conn = event.conn.unwrap_or(0);
        let ranged = |headers: &[(String, String)]| {
            headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("range"))
        };
        match &event.what {
            What::Request { headers, .. } => taken.ranged |= ranged(headers),
            What::HttpRequest { headers, .. } => {
                taken.ranged |= ranged(headers);
                taken.under_way.remove(&conn);
            }
            // Elsewhere it is not the answer that is hit, but TLS or the head of the proxy.
            What::Fault { at: Stage::Body, effect: "corrupt", .. }
                if taken.under_way.len() < OPEN =>
            {
                taken.under_way.insert(conn);
            }
            What::HttpResponse { via, status, nonce_served: true, .. } if *via != Via::Direct => {
                if taken.under_way.remove(&conn) {
                    taken.last = true;
                } else if (200..300).contains(status) && *status != 206 {
                    taken.last = false;
                }
            }
            _ => {}
        }
    }
}
