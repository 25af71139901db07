//! Which answers of the origin came to the client as they were made: what of them a rule had damaged, and
//! whether they came in parts.

use std::collections::BTreeSet;

use super::astray::probes;
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
    /// It had all from the first byte on, though it came as a part.
    whole: bool,
    /// Connections whose last request was for all from the first byte on (`Range: bytes=0-`).
    from_start: BTreeSet<u64>,
    /// The client has asked for a part.
    ranged: bool,
}

impl Conduct {
    /// Whether what the client has got has a damaged answer in it: no whole one came after, that was as
    /// the origin had made it.
    pub fn took_damage(&self) -> bool {
        self.taken.last
    }

    /// Whether that one had all from the first byte on: of one version, if it is the parts that differ.
    pub fn took_all_of_it(&self) -> bool {
        self.taken.last && self.taken.whole
    }

    /// Whether the client has asked for a part of an answer, to put it together itself.
    pub fn took_parts(&self) -> bool {
        self.taken.ranged
    }

    pub(super) fn taken(&mut self, event: &Event) {
        let taken = &mut self.taken;
        let conn = event.conn.unwrap_or(0);
        let range = |headers: &[(String, String)]| {
            let mut all = headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("range"));
            all.next().map(|(_, value)| value.trim().eq_ignore_ascii_case("bytes=0-"))
        };
        match &event.what {
            What::Request { headers, .. } => taken.ranged |= range(headers) == Some(false),
            What::HttpRequest { headers, .. } => {
                let range = range(headers);
                taken.ranged |= range == Some(false);
                taken.under_way.remove(&conn);
                match range {
                    Some(true) if taken.from_start.len() < OPEN => taken.from_start.insert(conn),
                    _ => taken.from_start.remove(&conn),
                };
            }
            // Elsewhere it is not the answer that is hit, but TLS or the head of the proxy.
            What::Fault { at: Stage::Body, effect: "corrupt", .. }
                if taken.under_way.len() < OPEN =>
            {
                taken.under_way.insert(conn);
            }
            What::HttpResponse { via, method, status, nonce_served: true, .. }
                if *via != Via::Direct && !probes(method) =>
            {
                let whole = *status == 206 && taken.from_start.contains(&conn);
                if taken.under_way.remove(&conn) {
                    (taken.last, taken.whole) = (true, whole);
                } else if (200..300).contains(status) && (*status != 206 || whole) {
                    taken.last = false;
                }
            }
            _ => {}
        }
    }
}
