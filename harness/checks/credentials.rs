use super::{Broken, Checked};
use crate::conduct::Conduct;
use crate::event::Event;

/// Secrets are seen only where they belong: the proxy's password at the proxy, the origin's token at
/// the origin; neither in clear where TLS is due, nor under a certificate that is not to be trusted,
/// nor in a server name.
///
/// # Errors
///
/// At the first one elsewhere.
pub fn credentials(events: &[Event]) -> Checked {
    let mut conduct = Conduct::default();
    for event in events {
        conduct.note(event);
    }
    match conduct.sights.iter().find(|sight| !sight.belongs()) {
        None => Ok(()),
        Some(sight) => {
            let measured =
                format!("{}: seen {} times at: {}", sight.secret, sight.times, sight.spot.words());
            Err(Broken::new("credentials", measured, "where it belongs"))
        }
    }
}
