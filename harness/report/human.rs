//! For people: the conversation as it happens, then the verdict.

use std::collections::BTreeMap;
use std::io::Write;

use super::fold::{Few, Fold};
use super::lines::{Actor, Line, Seen, line};
use super::text::{Ink, Look, connection, cut, fold, without_password, wrap};
use crate::event::{Event, Side, What};
use crate::matrix::Mark;
use crate::verdict::{Class, Verdict, Word};

/// Connections shown as they happen, unless more are asked for; later ones are folded.
const LIVE: usize = 5;
/// Connections that are followed at the same time, however many are asked for.
const FOLLOWED: usize = 10_000;
/// Connections around the proxy are shown beside those, as many as this.
const LIVE_DIRECT: usize = 3;
/// Queries to the name server and requests for the PAC file that are shown one by one.
const LIVE_QUERIES: usize = 20;
/// The width of the verdict's labels.
const LABEL: usize = 17;
/// Rules whose first fault is pointed at; far above what a scenario has.
const RULES: usize = 1000;

/// The report for people, on a terminal or in a file.
pub struct Human {
    out: Box<dyn Write + Send>,
    look: Look,
    width: usize,
    whole: bool,
    quiet: bool,
    live: usize,
    shown: BTreeMap<u64, Seen>,
    /// Connections shown so far: with the proxy, and around it.
    proxied: usize,
    direct: usize,
    asked: usize,
    fold: Fold,
    /// The state for events without a connection.
    general: Seen,
    last_accept: Option<f64>,
    rules: Vec<usize>,
    syns: Few,
    lone_faults: Few,
    notes: Few,
}

impl Human {
    /// A report written to `out`. `width`: in characters; longer lines of the conversation go
    /// on below. `quiet`: the verdict alone.
    pub fn new(out: Box<dyn Write + Send>, colour: bool, width: usize, quiet: bool) -> Self {
        Human {
            out,
            look: Look { colour, ascii: false },
            width: width.max(40),
            whole: false,
            quiet,
            live: LIVE,
            shown: BTreeMap::new(),
            proxied: 0,
            direct: 0,
            asked: 0,
            fold: Fold::default(),
            general: Seen::default(),
            last_accept: None,
            rules: Vec::new(),
            syns: Few::default(),
            lone_faults: Few::default(),
            notes: Few::default(),
        }
    }

    /// With ASCII characters alone, for terminals that have no others.
    pub fn ascii(mut self, ascii: bool) -> Self {
        self.look.ascii = ascii;
        self
    }

    /// Leaves each line of the conversation in one piece, however long it is: for files and pipes.
    pub fn whole_lines(mut self, whole: bool) -> Self {
        self.whole = whole;
        self
    }

    /// Shows this many connections before it folds the later ones, instead of 5. For a proxy that
    /// is served and never ends: `usize::MAX`.
    pub fn fold_after(mut self, connections: usize) -> Self {
        self.live = connections;
        self
    }

    /// The first lines: what is played, and the names of the columns.
    pub fn header(&mut self, scenario_name: &str, proxy_url: &str, seed: u64) {
        if self.quiet {
            return;
        }
        let dot = self.look.sign("·");
        let (name, url) = (self.look.safe(scenario_name), without_password(proxy_url));
        let url = self.look.safe(&url);
        let version = env!("CARGO_PKG_VERSION");
        self.put(&format!("badproxy {version} {dot} {name} {dot} proxy {url} {dot} seed {seed}"));
        self.faint("    ms  conn  who");
        let _ = self.out.flush();
    }

    /// One event, as it happens.
    pub fn event(&mut self, event: &Event) {
        if self.quiet {
            return;
        }
        let shown = match &event.what {
            What::Killed { .. } | What::Exited { .. } => {
                self.folded();
                true
            }
            What::Fault { .. } if event.conn.is_none() => self.lone_faults.admit(),
            What::SynSeen { .. } => self.syns.admit(),
            What::Note { .. } => self.notes.admit(),
            _ => true,
        };
        if shown {
            self.show(event);
        }
        let _ = self.out.flush();
    }

    /// The verdict, at the end. `again`: the command that plays this run once more.
    pub fn verdict(&mut self, verdict: &Verdict, again: &str) {
        if !self.quiet {
            self.folded();
            self.put("");
        }
        let storm = verdict.word == Word::Storm;
        let (told, notes): (Vec<&String>, Vec<&String>) =
            verdict.notes.iter().partition(|note| storm && note.starts_with("no-backoff:"));
        self.headline(verdict, !told.is_empty());
        match verdict.findings.split_first() {
            Some((first, others)) => {
                self.labelled("proxy did", &first.proxy_did);
                self.labelled("client did", &first.client_did);
                self.labelled("a good client", &first.good_client);
                self.labelled("likely fix", first.fix.as_deref().unwrap_or(""));
                for other in others {
                    self.labelled("also", &format!("{}: {}", other.word, other.summary()));
                }
            }
            None => {
                self.labelled("proxy did", &verdict.proxy_did);
                self.labelled("client did", &verdict.client_did);
                self.labelled("a good client", &verdict.good_client);
            }
        }
        for note in notes {
            self.labelled("note", note);
        }
        // Not wrapped: it is there to be copied.
        let label = self.look.paint(Ink::Label, "again");
        let again = self.look.safe(again);
        self.put(&format!("  {label}{:pad$}{again}", "", pad = LABEL - 7));
        let _ = self.out.flush();
    }

    fn headline(&mut self, verdict: &Verdict, no_backoff: bool) {
        let look = self.look;
        let ink = match verdict.word.class() {
            Class::Fail => Ink::Bad,
            Class::Pass => Ink::Good,
            Class::Warning | Class::Inconclusive | Class::NotScored => Ink::Warn,
        };
        let word = format!("{} {}", look.sign(Mark::from(verdict.word).sign()), verdict.word);
        let mut summary = look.safe(&verdict.summary);
        if no_backoff {
            summary += &format!(" {} no backoff", look.sign("·"));
        }
        let indent = word.chars().count() + 3;
        for (index, part) in wrap(&summary, self.width - indent).into_iter().enumerate() {
            match index {
                0 => self.put(&format!("{}   {part}", look.paint(ink, &word))),
                _ => self.put(&format!("{:indent$}{part}", "")),
            }
        }
    }

    /// The line of an event whose connection is shown.
    fn show(&mut self, event: &Event) {
        let pause = match event.what {
            What::Accepted { side: Side::Client, .. } => {
                self.last_accept.replace(event.time).map(|before| (event.time - before).max(0.0))
            }
            _ => None,
        };
        let seen = match event.conn {
            None => &mut self.general,
            Some(conn) => {
                if self.fold.note(conn, &event.what) {
                    self.arrived(conn, &event.what, pause);
                }
                let Some(seen) = self.shown.get_mut(&conn) else { return };
                seen
            }
        };
        let Some(line) = line(&event.what, event.time, seen, pause) else { return };
        // The first fault of each rule is the one to look at.
        let note = match &event.what {
            What::Fault { rule, .. } if !self.rules.contains(rule) && self.rules.len() < RULES => {
                self.rules.push(*rule);
                format!("   {} the fault", self.look.sign("←"))
            }
            _ => String::new(),
        };
        self.say(event.time, event.conn, &line, &note);
    }

    /// A new connection: shown while there is room, else folded.
    fn arrived(&mut self, conn: u64, what: &What, pause: Option<f64>) {
        let direct = matches!(what, What::Accepted { side: Side::Direct, .. });
        let asks = matches!(what, What::DnsQuery { .. } | What::PacRequest { .. });
        let room = match direct {
            _ if asks => self.asked < LIVE_QUERIES,
            true => self.direct < LIVE_DIRECT,
            false => self.proxied < self.live,
        };
        if room {
            self.direct += usize::from(direct);
            self.asked += usize::from(asks);
            self.proxied += usize::from(!direct && !asks);
            if self.shown.len() >= FOLLOWED {
                self.shown.pop_first();
            }
            self.shown.insert(conn, Seen::default());
        } else {
            self.fold.add(conn, pause);
        }
    }

    /// Lines for what was not shown so far.
    fn folded(&mut self) {
        let rests = [
            self.syns.rest("SYN", "SYNs"),
            self.lone_faults.rest("fault", "faults"),
            self.notes.rest("note", "notes"),
            self.fold.take(|conn| self.shown.contains_key(&conn)),
        ];
        for rest in rests.into_iter().flatten() {
            self.faint(&format!("        {rest}"));
        }
    }

    /// A line of the conversation: time, connection, who, what; what is too long goes on below.
    fn say(&mut self, time: f64, conn: Option<u64>, line: &Line, note: &str) {
        let look = self.look;
        let conn = conn.map_or_else(String::new, connection);
        let (time, conn) = (format!("{time:>6.0}"), format!("{conn:<5}"));
        // A healthy proxy is a proxy like any other; one that breaks is the one to look at.
        let breaks = line.marked && line.actor == Actor::Proxy;
        let who = if breaks { "PROXY" } else { line.actor.word() };
        let mark = if line.marked { look.sign("✖") } else { " " };
        let who = format!("{who:<6} {mark} ");
        let used: usize = [&time, &conn, &who].iter().map(|part| part.chars().count()).sum();
        let room = self.width.saturating_sub(used + 3 + note.chars().count()).max(10);
        let text = look.safe(&line.text);
        let parts = if self.whole { vec![text] } else { fold(&text, room) };
        let (text, more) =
            parts.split_first().map_or(("", &[][..]), |(t, more)| (t.as_str(), more));
        let ink = if line.marked { Ink::Bad } else { Ink::Plain };
        self.put(&format!(
            "{}  {} {}{}{}",
            look.paint(Ink::Faint, &time),
            look.paint(Ink::Label, &conn),
            look.paint(ink, &who),
            look.paint(ink, text),
            look.paint(Ink::Bad, note)
        ));
        for part in more {
            self.put(&format!("{:indent$}{}", "", look.paint(ink, part), indent = used + 3));
        }
    }

    /// One line of the verdict: a label, and a text that is wrapped.
    fn labelled(&mut self, label: &str, text: &str) {
        if text.is_empty() {
            return;
        }
        let painted = self.look.paint(Ink::Label, label);
        let pad = LABEL.saturating_sub(2 + label.chars().count());
        let text = self.look.safe(text);
        for (index, part) in wrap(&text, self.width - LABEL).into_iter().enumerate() {
            match index {
                0 => self.put(&format!("  {painted}{:pad$}{part}", "")),
                _ => self.put(&format!("{:LABEL$}{part}", "")),
            }
        }
    }

    fn faint(&mut self, text: &str) {
        let width = if self.whole { usize::MAX } else { self.width };
        let text = self.look.paint(Ink::Faint, &cut(text, width));
        self.put(&text);
    }

    /// A report that cannot be written must not end the run: its exit code still tells.
    fn put(&mut self, text: &str) {
        let _ = writeln!(self.out, "{text}");
    }
}

#[cfg(test)]
mod tests;
