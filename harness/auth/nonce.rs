//! The nonces of Digest that a run has issued, and what each is still good for.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use crate::scenario::Algorithm;

/// Nonces that are remembered; beyond, the oldest is forgotten, and so stale.
const REMEMBERED: usize = 10_000;
/// Counts that are remembered of one nonce; beyond, it is stale.
const COUNTS: usize = 10_000;

/// What a nonce was issued with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// The realm.
    pub realm: String,
    /// The algorithm.
    pub algorithm: Algorithm,
    /// `opaque`, to be echoed.
    pub opaque: Option<String>,
    /// Whether `qop` was offered: counts are checked then.
    pub qop: bool,
    /// Right answers that it is good for. None: any number.
    pub uses: Option<u64>,
    /// From then on it is stale, as time since the run started. None: never.
    pub until: Option<Duration>,
}

/// Whether a right answer may use a nonce (again).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// It may.
    Good,
    /// It was good once, or was never issued.
    Stale(&'static str),
    /// This count has been used before.
    Replayed,
}

/// The nonces of a run.
#[derive(Debug, Default)]
pub struct Nonces {
    known: BTreeMap<String, (Issued, u64, BTreeSet<u32>)>,
    order: VecDeque<String>,
}

impl Nonces {
    /// Remembers a nonce.
    pub fn issue(&mut self, nonce: String, issued: Issued) {
        if self.order.len() >= REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        self.order.push_back(nonce.clone());
        self.known.insert(nonce, (issued, 0, BTreeSet::new()));
    }

    /// What it was issued with; None when it is not one of ours.
    pub fn issued(&self, nonce: &str) -> Option<&Issued> {
        self.known.get(nonce).map(|(issued, ..)| issued)
    }

    /// From now on it is stale, and so is each that was issued before it: nonces grow old in the order in
    /// which they came.
    pub fn retire(&mut self, nonce: &str) {
        let Some(last) = self.order.iter().rposition(|one| one == nonce) else { return };
        for old in self.order.iter().take(last + 1).rev() {
            if let Some((issued, ..)) = self.known.get_mut(old) {
                let before = issued.until.replace(Duration::ZERO);
                // Retired once, with all that is older.
                if before == Some(Duration::ZERO) {
                    return;
                }
            }
        }
    }

    /// A right answer uses a nonce, with this count. `now`: since the run started.
    pub fn take(&mut self, nonce: &str, count: Option<u32>, now: Duration) -> Use {
        let Some((issued, used, counts)) = self.known.get_mut(nonce) else {
            return Use::Stale("the nonce is not one of this proxy's");
        };
        if issued.until.is_some_and(|until| now >= until) {
            return Use::Stale("the nonce has expired");
        }
        // Before its uses: a count that comes again tells of the client, not of the nonce.
        if count.is_some_and(|count| counts.contains(&count)) {
            return Use::Replayed;
        }
        if issued.uses.is_some_and(|uses| *used >= uses) || counts.len() >= COUNTS {
            return Use::Stale("the nonce is used up");
        }
        *used += 1;
        counts.extend(count);
        Use::Good
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issued(uses: Option<u64>, until: Option<Duration>) -> Issued {
        Issued {
            realm: "r".into(),
            algorithm: Algorithm::Md5,
            opaque: None,
            qop: true,
            uses,
            until,
        }
    }

    #[test]
    fn uses_counts_and_times() {
        let mut nonces = Nonces::default();
        nonces.issue("a".into(), issued(Some(2), None));
        nonces.issue("b".into(), issued(None, Some(Duration::from_secs(1))));
        let now = Duration::ZERO;
        assert_eq!(nonces.take("a", Some(1), now), Use::Good);
        assert_eq!(nonces.take("a", Some(1), now), Use::Replayed);
        // Out of order, as over two connections.
        assert_eq!(nonces.take("a", Some(7), now), Use::Good);
        assert_eq!(nonces.take("a", Some(3), now), Use::Stale("the nonce is used up"));
        assert_eq!(nonces.take("b", None, now), Use::Good);
        assert!(matches!(nonces.take("b", None, Duration::from_secs(1)), Use::Stale(_)));
        assert!(matches!(nonces.take("c", None, now), Use::Stale(_)));
    }

    #[test]
    fn none_outlives_a_younger_one() {
        let mut nonces = Nonces::default();
        let now = Duration::ZERO;
        for name in ["a", "b", "c", "d"] {
            nonces.issue(name.into(), issued(None, None));
        }
        for (name, stale) in [("b", 2), ("none", 2), ("a", 2), ("c", 3)] {
            nonces.retire(name);
            for (n, one) in ["a", "b", "c", "d"].into_iter().enumerate() {
                let found = nonces.take(one, None, now);
                assert_eq!(matches!(found, Use::Stale(_)), n < stale, "{one}, {name} retired");
            }
        }
    }

    #[test]
    fn a_client_that_storms_costs_a_bounded_store() {
        let mut nonces = Nonces::default();
        for n in 0..REMEMBERED + 5 {
            nonces.issue(n.to_string(), issued(None, None));
        }
        assert_eq!((nonces.known.len(), nonces.order.len()), (REMEMBERED, REMEMBERED));
        assert!(nonces.issued("0").is_none() && nonces.issued("5").is_some());
    }
}
