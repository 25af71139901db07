//! Whether the proxy has asked for the password in clear (Basic): on a connection, and in the run.

/// What the 407s of a connection, or those of a run, have offered.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asked {
    /// Whether Basic was among it; None before the first 407 with a challenge.
    basic: Option<bool>,
    /// Of a run: Basic came before the first of them. Such a client sends it on each connection, whatever
    /// it is told.
    early: bool,
}

/// A password in clear that nobody has asked for, as events call the place where it was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unasked {
    /// After other schemes were asked for: given away.
    After,
    /// Before anything was asked for: what many clients are told to do, and worth a note.
    Before,
}

impl Unasked {
    /// The words of the event.
    pub fn place(self) -> &'static str {
        match self {
            Unasked::After => "proxy that has not asked for Basic",
            Unasked::Before => "proxy before it has asked",
        }
    }
}

impl Asked {
    /// A 407 with these values of `Proxy-Authenticate` goes out.
    pub fn offered(&mut self, values: &[String]) {
        if !values.is_empty() {
            // Not parsed: a line that speaks of it in any way leaves the client an excuse.
            let basic = values.iter().any(|line| line.to_ascii_lowercase().contains("basic"));
            self.basic = Some(basic || self.basic == Some(true));
        }
    }

    /// The password comes in clear on a connection that was asked for this. `run`: what all of the
    /// run's were; `offers`: whether the healthy proxy offers Basic.
    pub fn clear(self, run: &mut Asked, offers: bool) -> Option<Unasked> {
        match (self.basic, run.basic) {
            (Some(true), _) | (None, Some(true)) => None,
            (Some(false), _) => Some(Unasked::After),
            // A leg of NTLM has been answered elsewhere, by that scheme alone.
            (None, Some(false)) if offers => None,
            // The 407 was on another connection.
            (None, Some(false)) if !run.early => Some(Unasked::After),
            (None, Some(false)) => Some(Unasked::Before),
            (None, None) => {
                run.early = true;
                (!offers).then_some(Unasked::Before)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(lines: &[&str]) -> Asked {
        let mut asked = Asked::default();
        asked.offered(&lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>());
        asked
    }

    #[test]
    fn what_the_password_in_clear_is() {
        let (nothing, other, basic) = (
            asked(&[]),
            asked(&["NTLM", "Digest realm=\"x\""]),
            asked(&["NTLM, BASIC realm=\"x\""]),
        );
        for (conn, run, want) in [
            (nothing, nothing, Some(Unasked::Before)),
            (other, other, Some(Unasked::After)),
            (nothing, other, Some(Unasked::After)),
            (basic, basic, None),
            (nothing, basic, None),
            // The last 407 counts for its own connection, all of them for others.
            (other, basic, Some(Unasked::After)),
        ] {
            assert_eq!(conn.clear(&mut run.clone(), false), want, "{conn:?} {run:?}");
        }
        assert_eq!(nothing.clear(&mut Asked::default(), true), None);
        assert_eq!(nothing.clear(&mut asked(&["NTLM TlRMTVNTUAACAAAA"]), true), None);
    }

    /// One that begins so goes on so: a 407 on another connection is no news to it.
    #[test]
    fn who_sends_it_at_once_sends_it_each_time() {
        let mut run = Asked::default();
        let fresh = Asked::default();
        assert_eq!(fresh.clear(&mut run, false), Some(Unasked::Before));
        run.offered(&["Negotiate".to_owned()]);
        assert_eq!(fresh.clear(&mut run, false), Some(Unasked::Before));
        let told = asked(&["Negotiate"]);
        assert_eq!(told.clear(&mut run, false), Some(Unasked::After), "it was told on this one");
    }

    /// One line among others, in one 407 among others.
    #[test]
    fn basic_that_was_offered_once_stays_so() {
        let basic = asked(&["Digest realm=\"x\"", "Basic realm=\"x\""]);
        assert_eq!(basic.clear(&mut Asked::default(), false), None);
        let mut asked = basic;
        asked.offered(&["Digest realm=\"x\"".to_owned()]);
        asked.offered(&[]);
        assert_eq!(asked.clear(&mut Asked::default(), false), None);
    }
}
