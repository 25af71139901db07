//! What the command says: written down line by line, its beginning and its end.

use std::collections::BTreeSet;

use crate::event::What;
use crate::log::Log;
use crate::secrets::Scan;

/// What is kept of each stream for the log: so much of its beginning, as it comes, and of its end,
/// because errors stand there.
const HALF: usize = 512 * 1024;
/// The end of a text without lines waits for more, too, when it is longer than this.
const LONG: usize = 16 * 1024;
/// How much of it.
const TAIL: usize = 512;

/// The listener at one stream.
pub(super) struct Ear {
    stream: &'static str,
    log: Log,
    /// How much was kept as it came.
    kept: usize,
    /// A line that is not finished.
    waiting: Vec<u8>,
    /// The end of what came after the beginning was full.
    end: Vec<u8>,
    /// Something is missing before it.
    cut: bool,
    scan: Scan,
    seen: BTreeSet<&'static str>,
}

impl Ear {
    pub(super) fn new(stream: &'static str, log: Log) -> Self {
        Ear {
            stream,
            log,
            kept: 0,
            waiting: Vec::new(),
            end: Vec::new(),
            cut: false,
            scan: Scan::default(),
            seen: BTreeSet::new(),
        }
    }

    /// Whether a line waits for its end.
    pub(super) fn waits(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// The end of the line does not come.
    pub(super) fn waits_no_more(&mut self) {
        let line = std::mem::take(&mut self.waiting);
        self.tell(&line, BTreeSet::new());
    }

    /// It says this.
    pub(super) fn hears(&mut self, bytes: &[u8]) {
        let (first, rest) = bytes.split_at(bytes.len().min(HALF - self.kept));
        if !first.is_empty() {
            self.kept += first.len();
            self.waiting.extend_from_slice(first);
            let from = ready(&self.waiting);
            let line = self.waiting.split_off(from);
            let whole = std::mem::replace(&mut self.waiting, line);
            self.tell(&whole, BTreeSet::new());
        }
        if rest.is_empty() {
            return;
        }
        if self.end.is_empty() {
            // It goes on in what follows.
            let line = std::mem::take(&mut self.waiting);
            self.seen.extend(self.scan.feed(self.log.secrets(), &line));
            self.end.extend(line);
        }
        self.seen.extend(self.scan.feed(self.log.secrets(), rest));
        self.end.extend_from_slice(rest);
        if self.end.len() >= 2 * HALF {
            // Much at once, so that a chatty command is not copied at every line.
            self.forget();
        }
    }

    /// It has nothing more to say.
    pub(super) fn ends(mut self) {
        self.waits_no_more();
        self.forget();
        let (end, seen) = (std::mem::take(&mut self.end), std::mem::take(&mut self.seen));
        self.tell(&end, seen);
    }

    /// Of the end no more is kept than is written down.
    fn forget(&mut self) {
        let more = self.end.len().saturating_sub(HALF);
        self.cut |= more > 0;
        self.end.drain(..more);
    }

    /// Writes down what was said, in pieces where it is much; and what else was seen.
    fn tell(&self, bytes: &[u8], mut seen: BTreeSet<&'static str>) {
        let secrets = self.log.secrets();
        seen.extend(secrets.seen_in(bytes));
        let text = secrets.mask(&String::from_utf8_lossy(bytes));
        let (mut rest, mut truncated) = (text.as_str(), self.cut);
        while !rest.is_empty() {
            let at = (0..=rest.len().min(LONG)).rev().find(|at| rest.is_char_boundary(*at));
            let (piece, more) = rest.split_at(at.unwrap_or(rest.len()));
            let secret_seen = std::mem::take(&mut seen).into_iter().collect();
            let (stream, text) = (self.stream, piece.to_owned());
            self.log.note(None, What::Output { stream, text, truncated, secret_seen });
            (rest, truncated) = (more, false);
        }
    }
}

/// How much of a text need not wait for more.
fn ready(text: &[u8]) -> usize {
    match text.iter().rposition(|byte| *byte == b'\n') {
        Some(at) => at + 1,
        None if text.len() <= LONG => 0,
        None => {
            // Not inside a character.
            let end = text.len() - TAIL;
            end - (0..3).find(|back| text[end - back] & 0xC0 != 0x80).unwrap_or(0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scenario;
    use crate::secrets::{PROXY, Secrets};

    /// What is in the log of somebody who says this in pieces: the texts, whether something is
    /// missing, what was seen.
    fn heard(pieces: &[&str]) -> (String, Vec<bool>, Vec<&'static str>) {
        let log = Log::new(Secrets::new(&Scenario::healthy(), 7), 10_000);
        let mut ear = Ear::new("stderr", log.clone());
        pieces.iter().for_each(|piece| ear.hears(piece.as_bytes()));
        ear.ends();
        let (mut all, mut cut, mut seen) = (String::new(), Vec::new(), Vec::new());
        for event in log.events().0 {
            let What::Output { text, truncated, secret_seen, .. } = event.what else { panic!() };
            assert!(text.len() <= LONG);
            all += &text;
            cut.push(truncated);
            seen.extend(secret_seen);
        }
        (all, cut, seen)
    }

    #[test]
    fn a_line_in_pieces_is_one() {
        let (text, cut, _) = heard(&["ab", "c\nd", "e"]);
        assert_eq!((text.as_str(), cut), ("abc\nde", vec![false, false]));
        let long = "\u{e4}".repeat(LONG);
        assert_eq!(heard(&[&long]).0, long);
        assert!(heard(&[]).1.is_empty());
    }

    #[test]
    fn the_end_is_kept_like_the_beginning() {
        let line = "x".repeat(99) + "\n";
        for more in [0, 1, 60, 5300, 50_000] {
            let all = line.repeat(HALF / 100 + more) + "\u{e4}nd";
            for size in [97, 1_000_003] {
                let bytes = all.as_bytes().chunks(size);
                let pieces: Vec<String> =
                    bytes.map(|piece| String::from_utf8_lossy(piece).into_owned()).collect();
                let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
                let (text, cut, _) = heard(&pieces);
                assert!(text.ends_with("x\n\u{e4}nd") && text.starts_with(&line), "{more} {size}");
                assert_eq!(cut.contains(&true), all.len() > 2 * HALF, "{more} {size}");
                // Where the beginning is full a line is broken off; it belongs to the end.
                let missing = all.len().min(2 * HALF) - text.len();
                assert!(missing < line.len(), "{more} {size}: {missing}");
            }
        }
    }

    #[test]
    fn secrets_are_seen_in_all_of_it() {
        let password = Secrets::new(&Scenario::healthy(), 7).password;
        let much = "y".repeat(3 * HALF);
        let (front, back) = password.split_at(7);
        for pieces in [
            vec![&*password, &much],
            vec![&much, &password, &much],
            vec![&much, front, back, &much],
            vec![&much, front, back],
            vec![&much[..HALF - 7], front, back],
            vec![&much[..HALF - 7], front, back, &much],
        ] {
            let (text, _, seen) = heard(&pieces);
            assert_eq!(seen, [PROXY]);
            assert!(!text.contains(&password));
        }
        assert!(heard(&[&much]).2.is_empty());
    }

    #[test]
    fn whole_lines_need_not_wait() {
        assert_eq!(ready(b""), 0);
        assert_eq!(ready(b"not yet"), 0);
        assert_eq!(ready(b"one\ntwo\nthr"), 8);
        assert_eq!(ready(&[b'x'; LONG + 1]), LONG + 1 - TAIL);
        let long = "\u{20ac}".repeat(LONG);
        assert!(std::str::from_utf8(&long.as_bytes()[..ready(long.as_bytes())]).is_ok());
        assert_eq!(ready(&[0x80; LONG + 1]), LONG + 1 - TAIL);
    }
}
