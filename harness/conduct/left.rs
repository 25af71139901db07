//! Whether the last thing that the client asked the target for was answered.

use super::Conduct;
use super::astray::probes;
use crate::event::{Event, Via, What};
use crate::stage::Stage;

/// What is remembered for it.
#[derive(Debug, Clone, Default)]
pub(super) struct Left {
    /// Something was asked for after the origin's last answer.
    asked: bool,
    /// A fault has met it.
    met: bool,
}

impl Conduct {
    /// Whether a request met a fault, and neither it nor a later one had the origin's answer.
    pub fn left_unanswered(&self) -> bool {
        self.left.met
    }

    pub(super) fn left(&mut self, event: &Event) {
        let left = &mut self.left;
        match &event.what {
            // A tunnel that is opened early asks for nothing yet.
            What::Request { method, .. } if method != "CONNECT" && !probes(method) => {
                left.asked = true;
            }
            What::HttpRequest { via, method, .. } if *via != Via::Direct && !probes(method) => {
                left.asked = true;
            }
            What::Fault { at, .. } if (Stage::Request..=Stage::Body).contains(at) => {
                left.met |= left.asked;
            }
            What::HttpResponse { via, method, nonce_served: true, .. }
                if *via != Via::Direct && !probes(method) =>
            {
                *left = Left::default();
            }
            _ => {}
        }
    }
}
