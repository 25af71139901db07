//! What is kept of a cell: its events and the command's output, bounded, so that a storm does not
//! fill the disk.

use std::fmt::Write as _;
use std::mem::Discriminant;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::conduct::Heard;
use crate::event::{Event, What};
use crate::log::Log;
use crate::report::jsonl;

/// Bytes of events that are kept; later ones are counted. With the two streams below, and what is
/// always kept, a cell stays under 2 MiB.
const EVENTS: usize = 1 << 20;
/// Bytes of events that are kept whatever came before: ends, findings, ceilings.
const ENDS: usize = 128 << 10;
/// Bytes of each of the command's streams: the first and the last half of it.
const STREAM: usize = 384 << 10;

/// The events of one cell, as they will be written.
#[derive(Default)]
pub(super) struct Evidence {
    lines: String,
    folded: Vec<(Discriminant<What>, String, u64)>,
    last: f64,
    ends: String,
}

impl Evidence {
    /// Listens to a log. What has happened so far comes first.
    pub(super) fn listen(header: &str, log: &Log) -> Arc<Mutex<Evidence>> {
        let mut evidence = Evidence { lines: format!("{header}\n"), ..Evidence::default() };
        log.events().0.iter().for_each(|event| evidence.take(event));
        let evidence = Arc::new(Mutex::new(evidence));
        let ear = Arc::clone(&evidence);
        log.listen(Box::new(move |event| lock(&ear).take(event)));
        evidence
    }

    fn take(&mut self, event: &Event) {
        let whole = self.folded.is_empty();
        if whole && self.lines.len() < EVENTS {
            let line = jsonl::line(event);
            if self.lines.len() + line.len() < EVENTS {
                self.lines += &line;
                self.lines.push('\n');
                return;
            }
        }
        let ends =
            matches!(event.what, What::Exited { .. } | What::Ceiling { .. } | What::Trouble { .. })
                || matches!(event.what, What::Killed { .. } | What::Leftover { .. })
                || matches!(event.what, What::Finding { .. } | What::RunEnded { .. });
        if ends && self.ends.len() < ENDS {
            self.ends += &jsonl::line(event);
            self.ends.push('\n');
            return;
        }
        self.last = event.time;
        let kind = std::mem::discriminant(&event.what);
        match self.folded.iter_mut().find(|(known, ..)| *known == kind) {
            Some((_, _, times)) => *times += 1,
            None => self.folded.push((kind, event.what.name(), 1)),
        }
    }

    /// The text of the event file.
    pub(super) fn text(&self) -> String {
        let mut out = self.lines.clone();
        if !self.folded.is_empty() {
            let mut text = String::from("folded, to keep the file small:");
            for (index, (_, name, times)) in self.folded.iter().enumerate() {
                let comma = if index == 0 { "" } else { "," };
                let _ = write!(text, "{comma} {times} {name}");
            }
            let note = Event { time: self.last, conn: None, what: What::Note { text } };
            out += &jsonl::line(&note);
            out.push('\n');
        }
        out + &self.ends
    }
}

/// Locks it; a panic of somebody else does not matter here.
pub(super) fn lock(evidence: &Mutex<Evidence>) -> MutexGuard<'_, Evidence> {
    evidence.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One of the command's streams, as it is written.
pub(super) fn stream(heard: &Heard) -> String {
    let text = heard.text();
    if text.len() <= STREAM {
        return text;
    }
    let (mut head, mut tail) = (STREAM / 2, text.len() - STREAM / 2);
    while !text.is_char_boundary(head) {
        head -= 1;
    }
    while !text.is_char_boundary(tail) {
        tail += 1;
    }
    format!("{}\n[...]\n{}", &text[..head], &text[tail..])
}

/// What one play of a cell has left.
pub(super) struct Files {
    /// Of `events.jsonl`.
    pub events: String,
    /// Of `stdout`.
    pub stdout: String,
    /// Of `stderr`.
    pub stderr: String,
}

impl Files {
    /// Writes them into a directory, which is made.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(super) fn write(&self, dir: &Path) -> std::io::Result<()> {
        std::fs::create_dir_all(dir)?;
        std::fs::write(dir.join("events.jsonl"), &self.events)?;
        std::fs::write(dir.join("stdout"), &self.stdout)?;
        std::fs::write(dir.join("stderr"), &self.stderr)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{How, Side, Who};

    fn closed(time: f64) -> Event {
        let (by, how) = (Who::Client, How::Fin);
        let what = What::Closed { side: Side::Client, by, how, bytes_in: 1, bytes_out: 2 };
        Event { time, conn: Some(1), what }
    }

    #[test]
    fn a_storm_is_folded_and_its_end_is_kept() {
        let mut evidence = Evidence::default();
        for time in 0..100_000 {
            evidence.take(&closed(f64::from(time)));
        }
        let (code, signal) = (Some(1), None);
        let what = What::Exited { code, signal, killed_by_us: false };
        evidence.take(&Event { time: 100_000.0, conn: None, what });
        let text = evidence.text();
        assert!(text.len() < EVENTS + ENDS, "{}", text.len());
        let last: Vec<&str> = text.lines().rev().take(2).collect();
        assert!(last[0].contains("proc:exited"), "{}", last[0]);
        let kept = text.lines().filter(|l| l.contains("\"tcp:closed\"")).count();
        assert!(last[1].contains(&format!(" {} tcp:closed", 100_000 - kept)), "{}", last[1]);
    }

    #[test]
    fn a_long_stream_is_cut_in_the_middle() {
        let mut heard = Heard::default();
        assert_eq!(stream(&heard), "");
        heard.add(&format!("first {} last", "\u{20ac}".repeat(300_000)));
        let text = stream(&heard);
        assert!(text.starts_with("first ") && text.ends_with(" last"));
        assert!(text.len() <= STREAM + 10 && text.contains("[...]"));
    }
}
