//! What people see while a matrix is played: one line a cell.

use std::io::Write;

use super::{Cell, Control, Live, Mark, Tell};
use crate::report::text::{Ink, Look, cut};
use crate::verdict::Class;
use crate::verdict::words::ms;

/// Writes lines.
pub struct Screen {
    out: Box<dyn Write + Send>,
    look: Look,
    width: usize,
    /// The width of the clients' names; 0 when there is one client.
    client: usize,
    /// The width of the scenarios' names.
    scenario: usize,
    live: Live,
}

/// A word is this long at most.
const WORD: usize = 13;

impl Screen {
    /// Lines on `out`, `width` characters wide, above the `live` line.
    pub fn new(out: Box<dyn Write + Send>, colour: bool, width: usize, live: Live) -> Self {
        let look = Look { colour, ascii: false };
        Screen { out, look, width: width.max(40), client: 0, scenario: 0, live }
    }

    /// With room for these names.
    pub fn names(mut self, clients: &[&str], scenarios: &[&str]) -> Self {
        let longest = |names: &[&str]| names.iter().map(|n| n.chars().count()).max().unwrap_or(0);
        self.client = if clients.len() > 1 { longest(clients) } else { 0 };
        // The control cells have names, too.
        let longest = longest(scenarios).max(super::control::AGAIN.len());
        self.scenario = longest.min(self.width / 3);
        self
    }

    /// A line as it is, cut to the width.
    pub fn line(&mut self, text: &str) {
        let text = cut(&self.look.safe(text), self.width);
        self.put(&text);
    }

    /// Lines that somebody else has made ready, for these colours and this width.
    pub fn lines(&mut self, text: impl FnOnce(bool, usize) -> String) {
        let text = text(self.look.colour, self.width);
        self.put(text.trim_end());
    }

    fn put(&mut self, text: &str) {
        self.live.clear();
        let _ = writeln!(self.out, "{text}");
        let _ = self.out.flush();
    }

    /// The sign and its colour.
    fn sign(&self, mark: Mark, class: Class) -> (&'static str, Ink) {
        let ink = match (mark, class) {
            (Mark::NotRun, _) => Ink::Faint,
            (_, Class::Fail) => Ink::Bad,
            (_, Class::Pass) => Ink::Good,
            (_, Class::Warning | Class::Inconclusive | Class::NotScored) => Ink::Warn,
        };
        (self.look.sign(mark.sign()), ink)
    }

    /// A name, padded, with a blank behind it; nothing where there is no room for any.
    fn name(&self, name: &str, width: usize) -> String {
        if width == 0 {
            return String::new();
        }
        format!("{:width$} ", cut(&self.look.safe(name), width))
    }
}

impl Tell for Screen {
    fn control(&mut self, control: &Control) {
        let client = self.name(&control.client, self.client);
        let (sign, ink) = match control.passed {
            // Nothing was tried: it is something to know.
            true if control.name == super::control::DIRECT => {
                self.sign(Mark::NotRun, Class::NotScored)
            }
            true => self.sign(Mark::PASS, Class::Pass),
            false => self.sign(Mark::Missing, Class::Fail),
        };
        let time = if control.ms > 0.0 { ms(control.ms) } else { String::new() };
        let mut lines = control.why.lines();
        let first = self.look.safe(lines.next().unwrap_or_default());
        let text = [time, first].into_iter().filter(|t| !t.is_empty()).collect::<Vec<_>>();
        let name = self.name(&control.name, self.scenario);
        let sign = self.look.paint(ink, sign);
        self.put(&format!("{sign} {client}{name} {}", text.join("   ")));
        for line in lines {
            let line = self.look.safe(line);
            self.put(&format!("    {line}"));
        }
    }

    fn cell(&mut self, cell: &Cell) {
        let (sign, ink) = self.sign(cell.verdict, cell.class);
        let client = self.name(&cell.client, self.client);
        let scenario = self.name(&cell.scenario, self.scenario);
        let confirmed = cell.confirmed.filter(|_| cell.class != Class::Pass);
        let confirmed = confirmed.map(|c| format!(" ({}/{})", c.same, c.runs)).unwrap_or_default();
        let word = format!("{sign} {client}{scenario}{:WORD$}", cell.verdict.shown());
        let used = word.chars().count() + 1;
        let room = self.width.saturating_sub(used + confirmed.chars().count()).max(10);
        let text = cut(&self.look.safe(&cell.summary), room);
        let word = self.look.paint(ink, &word);
        self.put(&format!("{word} {text}{confirmed}"));
    }

    fn say(&mut self, text: &str) {
        self.live.clear();
        crate::cli::say(text);
    }
}
