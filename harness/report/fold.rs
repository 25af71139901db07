//! What is folded: connections beyond the first few, and lines that come too often.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::text::connection;
use crate::event::What;
use crate::verdict::words::{count, ms};

/// Connections of which something is remembered.
const REMEMBERED: usize = 10_000;

/// Connections that are not shown one by one.
#[derive(Default)]
pub(super) struct Fold {
    /// What happened on each connection, shown or not, as one number: kinds of events and their
    /// outcomes, no times. Two alike connections have the same.
    shapes: BTreeMap<u64, u64>,
    first: u64,
    last: u64,
    count: u64,
    gaps: Vec<f64>,
}

impl Fold {
    /// Remembers an event of a connection. True when the connection is new.
    pub fn note(&mut self, conn: u64, what: &What) -> bool {
        // How much of it was on its way at the end differs between connections that are alike.
        if matches!(what, What::AfterClose { .. }) {
            return false;
        }
        let new = !self.shapes.contains_key(&conn);
        if new && self.shapes.len() >= REMEMBERED {
            return matches!(what, What::Accepted { .. });
        }
        let shape = self.shapes.entry(conn).or_default();
        let mut hash = DefaultHasher::new();
        (*shape, std::mem::discriminant(what)).hash(&mut hash);
        match what {
            What::Accepted { side, .. } => (*side as u8).hash(&mut hash),
            What::Request { method, target, .. } => (method, target).hash(&mut hash),
            What::Reply { status, .. } | What::HttpResponse { status, .. } => {
                status.hash(&mut hash);
            }
            What::Closed { by, how, .. } => (*by as u8, *how as u8).hash(&mut hash),
            What::Fault { rule, effect, .. } => (rule, effect).hash(&mut hash),
            What::Established { cert, .. } | What::ProxyEstablished { cert, .. } => {
                cert.hash(&mut hash);
            }
            What::TlsFailed { reason, .. } | What::ProxyTlsFailed { reason, .. } => {
                reason.hash(&mut hash);
            }
            _ => {}
        }
        *shape = hash.finish();
        new
    }

    /// A connection is not shown; `pause`: since the one before it.
    pub fn add(&mut self, conn: u64, pause: Option<f64>) {
        self.first = if self.count == 0 { conn } else { self.first.min(conn) };
        self.last = self.last.max(conn);
        self.count += 1;
        if let Some(pause) = pause.filter(|_| self.gaps.len() < REMEMBERED) {
            self.gaps.push(pause);
        }
    }

    /// The line for those that were not shown, and begins anew. `shown` tells which were.
    pub fn take(&mut self, shown: impl Fn(u64) -> bool) -> Option<String> {
        if self.count == 0 {
            return None;
        }
        let (first, last) = (self.first, self.last);
        let known: Vec<u64> =
            self.shapes.iter().filter(|(conn, _)| shown(**conn)).map(|(_, shape)| *shape).collect();
        let folded = self.shapes.range(first..=last).filter(|(conn, _)| !shown(**conn));
        let alike = folded.filter(|(_, shape)| known.contains(shape)).count() as u64;
        let which = match first == last {
            true => connection(first),
            false => format!("{}-{}", connection(first), connection(last)),
        };
        let more = count(self.count);
        let like = match alike {
            n if n >= self.count => format!("{more} more like these"),
            0 => format!("{more} more, unlike these"),
            n => format!("{more} more, {} of them like these", count(n)),
        };
        self.gaps.sort_by(f64::total_cmp);
        let gap = self.gaps.get(self.gaps.len() / 2);
        let gap = gap.map(|gap| format!(", median gap {}", ms(*gap))).unwrap_or_default();
        (self.first, self.last, self.count) = (0, 0, 0);
        self.gaps.clear();
        Some(format!("{which}  {like}{gap}"))
    }
}

/// Lines of one kind, of which the first few are shown.
#[derive(Default)]
pub(super) struct Few {
    seen: u64,
    told: u64,
}

impl Few {
    const SHOWN: u64 = 10;

    /// One more; whether it is shown.
    pub fn admit(&mut self) -> bool {
        self.seen += 1;
        self.seen <= Self::SHOWN
    }

    /// `12 more lines of output`, when some were not shown since it was last told.
    pub fn rest(&mut self, one: &str, several: &str) -> Option<String> {
        let hidden = self.seen.saturating_sub(Self::SHOWN.max(self.told));
        self.told = self.seen;
        let thing = if hidden == 1 { one } else { several };
        (hidden > 0).then(|| format!("{} more {thing}", count(hidden)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{How, Side, Who};

    fn accepted() -> What {
        What::Accepted { side: Side::Client, src: "x".into(), attempt: Some(1) }
    }

    fn closed(by: Who) -> What {
        What::Closed { side: Side::Client, by, how: How::Fin, bytes_in: 0, bytes_out: 0 }
    }

    #[test]
    fn only_alike_connections_are_called_alike() {
        let mut fold = Fold::default();
        for conn in 1..=4 {
            assert!(fold.note(conn, &accepted()));
            assert!(!fold.note(conn, &closed(if conn == 4 { Who::Client } else { Who::Us })));
        }
        for conn in 2..=4 {
            fold.add(conn, Some(conn as f64));
        }
        let line = fold.take(|conn| conn == 1).unwrap();
        assert_eq!(line, "#2-#4  3 more, 2 of them like these, median gap 3.0 ms");
        assert_eq!(fold.take(|conn| conn == 1), None);
        fold.note(5, &accepted());
        fold.add(5, None);
        assert_eq!(fold.take(|conn| conn == 1).unwrap(), "#5  1 more, unlike these");
    }

    #[test]
    fn memory_is_bounded() {
        let mut fold = Fold::default();
        for conn in 0..30_000 {
            assert!(fold.note(conn, &accepted()));
            fold.add(conn, Some(1.0));
        }
        assert_eq!((fold.shapes.len(), fold.gaps.len()), (REMEMBERED, REMEMBERED));
    }

    #[test]
    fn the_rest_is_told_once() {
        let mut few = Few::default();
        assert_eq!((0..12).filter(|_| few.admit()).count(), 10);
        assert_eq!(few.rest("note", "notes").as_deref(), Some("2 more notes"));
        assert_eq!(few.rest("note", "notes"), None);
        few.admit();
        assert_eq!(few.rest("note", "notes").as_deref(), Some("1 more note"));
    }
}
