//! What the proxy's own name server has said, where a rule at `resolve` chooses it; and the way to
//! the addresses in it. Pure but for the waiting: no name server is asked and nothing is dialled.

use std::net::IpAddr;
use std::time::Duration;

use crate::conn::Conn;
use crate::dns::Rcode;
use crate::event::What;
use crate::fault::answer::Answer;
use crate::scenario::Address4;

/// How long the proxy waits for each address that does not answer, before scaling.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// An address that the proxy was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// The origin's.
    Origin,
    /// One where nobody is.
    Nobody(IpAddr),
}

/// A failed look-up or dial: an error type of RFC 9209, the status that it recommends, and the
/// parameters that come with the type, e.g. `; rcode="NXDOMAIN"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Upstream {
    pub error: &'static str,
    pub status: u16,
    pub detail: String,
}

impl Upstream {
    /// Without parameters.
    pub fn plain(error: &'static str, status: u16) -> Self {
        Upstream { error, status, detail: String::new() }
    }
}

/// What comes of an answer. `turn`: which look-up of this name it is, from 1.
///
/// # Errors
///
/// `dns_error` with the RCODE and the INFO-CODE (RFC 9209, section 2.3.2) when there is no address.
pub(super) fn found(answer: &Answer, turn: u64) -> Result<Vec<Found>, Upstream> {
    let v4 = answer.a.iter().map(|address| match address {
        Address4::Ip(ip) => Found::Nobody(IpAddr::V4(*ip)),
        Address4::Origin | Address4::Proxy => Found::Origin,
    });
    let v6 = answer.aaaa.iter().map(|address| Found::Nobody(IpAddr::V6(address.0)));
    // IPv6 first, as RFC 6724 has it.
    let mut all: Vec<Found> = v6.chain(v4).collect();
    let rcode = answer.rcode.unwrap_or_default();
    if all.is_empty() || rcode != Rcode::Noerror {
        let info = answer.ede.map_or(String::new(), |code| format!("; info-code={code}"));
        let detail = format!("; rcode=\"{}\"{info}", rcode.shown());
        return Err(Upstream { error: "dns_error", status: 502, detail });
    }
    if answer.rotate {
        let turns = (turn.saturating_sub(1) % all.len() as u64) as usize;
        all.rotate_left(turns);
    }
    Ok(all)
}

/// The addresses as the log has them.
pub(super) fn shown(all: &[Found]) -> String {
    let text = |found: &Found| match found {
        Found::Origin => "origin".to_owned(),
        Found::Nobody(ip) => ip.to_string(),
    };
    all.iter().map(text).collect::<Vec<_>>().join(", ")
}

/// Dials one after the other until the origin's turn comes, as a proxy without RFC 8305 does.
///
/// # Errors
///
/// That of the last one, when the origin is not among them.
pub(super) async fn dial(conn: &Conn, all: &[Found]) -> Result<(), Upstream> {
    let mut last = Upstream::plain("destination_unavailable", 503);
    for found in all {
        let Found::Nobody(ip) = found else { return Ok(()) };
        // What leads to the proxy's own machine is refused there at once.
        let own = ip.is_unspecified() || ip.is_loopback();
        if !own {
            conn.clock().sleep(conn.scaled(PATIENCE)).await;
        }
        let (did, error) = match own {
            true => ("refused", Upstream::plain("connection_refused", 502)),
            false => ("no answer", Upstream::plain("connection_timeout", 504)),
        };
        conn.note(What::Note { text: format!("the proxy dials {ip}: {did}") });
        last = error;
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Effect;
    use crate::scenario::read;

    fn answer(yaml: &str) -> Answer {
        let yaml = format!("rules: [{{at: resolve, do: {{answer: {yaml}}}}}]\n");
        let scenario = read(&yaml, "test").unwrap_or_else(|e| panic!("{e}"));
        match &scenario.rules[0].steps.0[0].effect {
            Effect::Answer(answer) => answer.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn errors_have_their_parameters() {
        let detail = |yaml: &str| found(&answer(yaml), 1).unwrap_err().detail;
        assert_eq!(detail("nxdomain"), "; rcode=\"NXDOMAIN\"");
        assert_eq!(detail("nodata"), "; rcode=\"NOERROR\"");
        assert_eq!(detail("{rcode: refused, ede: 15}"), "; rcode=\"REFUSED\"; info-code=15");
    }

    #[test]
    fn addresses_take_turns() {
        let all = answer("{a: [192.0.2.1, origin], aaaa: ['2001:db8::1'], rotate: true}");
        let shown = |turn| shown(&found(&all, turn).unwrap());
        assert_eq!(shown(1), "2001:db8::1, 192.0.2.1, origin");
        assert_eq!(shown(3), "origin, 2001:db8::1, 192.0.2.1");
        assert_eq!(shown(4), shown(1));
    }
}
