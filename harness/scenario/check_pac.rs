//! What the types cannot say of rules at `pac`.

use super::{Ordinals, When};
use crate::stage::Stage;

/// Keys of `when` that say nothing at `pac`: the key, why.
pub(super) fn unknown(when: &When, stage: Stage) -> Vec<(&'static str, &'static str)> {
    if stage != Stage::Pac {
        return Vec::new();
    }
    let mut found = Vec::new();
    if when.per.is_some() && when.attempt.is_some() {
        found.push(("per", "at `pac`, `attempt` counts the requests for the file"));
    }
    if when.open.is_some_and(|open| open != Ordinals::default()) {
        found.push(("open", "it counts connections with the proxy"));
    }
    found
}
