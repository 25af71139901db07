//! How a client in the same process says that it has ended.

use crate::event::What;
use crate::log::Log;

/// Writes it down, without the secrets in it.
pub(super) fn note(log: &Log, error: Option<String>) {
    let text = error.clone().unwrap_or_default();
    let secret_seen = log.secrets().seen_in(text.as_bytes());
    let text = log.secrets().mask(&text);
    log.note(None, What::ClientEnded { success: error.is_none(), text, secret_seen });
}
