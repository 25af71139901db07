//! What the command has written, and whether a word is in it.

use super::Conduct;

/// Half of what is kept of one output stream: the first and the last 512 KiB.
const HALF: usize = 512 * 1024;

/// One output stream, bounded: its beginning and its end, because errors stand at the end.
#[derive(Debug, Clone, Default)]
pub struct Heard {
    head: String,
    tail: String,
    /// Something between them, or after them, is missing.
    pub cut: bool,
}

impl Heard {
    pub(crate) fn add(&mut self, text: &str) {
        let room = HALF.saturating_sub(self.head.len());
        let split = if self.tail.is_empty() { boundary(text, room) } else { 0 };
        let (first, rest) = text.split_at(split);
        self.head.push_str(first);
        // What did not fit ends the head for good, or the order would be lost.
        self.tail.push_str(rest);
        if self.tail.len() > HALF {
            // Half of it at once, so that a chatty command is not copied at every line.
            let from = boundary(&self.tail, self.tail.len() - HALF / 2);
            self.tail.drain(..from);
            self.cut = true;
        }
    }

    /// The text, with a mark where something is missing.
    pub fn text(&self) -> String {
        let gap = if self.cut { "\n[...]\n" } else { "" };
        format!("{}{gap}{}", self.head, self.tail)
    }
}

/// The last place at or before byte `at` where no character is cut.
fn boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

impl Conduct {
    /// The first of these words that the command's output contains; case is ignored.
    pub fn says<'w>(&self, words: &'w [String]) -> Option<&'w str> {
        let mut wanted = words.iter().filter(|word| !word.is_empty()).peekable();
        wanted.peek()?;
        let (out, err) = (self.stdout.text().to_lowercase(), self.stderr.text().to_lowercase());
        let said = |word: &&String| {
            let word = word.to_lowercase();
            stands(&out, &word) || stands(&err, &word)
        };
        wanted.find(said).map(String::as_str)
    }
}

/// Whether a word stands in a text. One of digits alone has to stand by itself: 407 is not in
/// 40732, which may be a port.
pub(crate) fn stands(text: &str, word: &str) -> bool {
    if !word.bytes().all(|b| b.is_ascii_digit()) {
        return text.contains(word);
    }
    let beside = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    text.match_indices(word).any(|(at, _)| {
        !beside(text[..at].chars().next_back()) && !beside(text[at + word.len()..].chars().next())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_keeps_its_beginning_and_its_end() {
        let mut heard = Heard::default();
        heard.add("first\n");
        for n in 0..300_000 {
            heard.add(&format!("line {n} \u{fc}\n"));
        }
        heard.add("the error\n");
        let text = heard.text();
        assert!(heard.cut && text.starts_with("first\n") && text.ends_with("the error\n"));
        assert!(text.len() <= 2 * HALF + 10, "{}", text.len());
        assert!(text.contains("\n[...]\n"));
    }

    #[test]
    fn short_output_is_whole() {
        let mut heard = Heard::default();
        for part in ["curl: (56) Proxy", " CONNECT ", "", "aborted\n"] {
            heard.add(part);
        }
        assert_eq!(heard.text(), "curl: (56) Proxy CONNECT aborted\n");
        assert!(!heard.cut);
    }

    #[test]
    fn one_huge_event_is_cut_between_characters() {
        let mut heard = Heard::default();
        heard.add(&"\u{20ac}".repeat(2_000_000));
        assert!(heard.cut && heard.text().len() <= 2 * HALF + 10);
    }

    /// What does not fit into the first half goes into the second, which keeps its last quarter at least.
    #[test]
    fn nothing_is_cut_before_it_has_to_be() {
        let mut heard = Heard::default();
        heard.add(&"a".repeat(HALF + 1));
        assert_eq!((heard.head.len(), heard.tail.len(), heard.cut), (HALF, 1, false));
        heard.add(&"b".repeat(HALF - 1));
        assert_eq!((heard.tail.len(), heard.cut), (HALF, false));
        heard.add("c");
        assert_eq!((heard.head.len(), heard.tail.len(), heard.cut), (HALF, HALF / 2, true));
        assert!(heard.tail.ends_with("bc"));
    }

    #[test]
    fn a_boundary_is_the_last_one() {
        assert_eq!([0, 1, 2, 3, 4, 9].map(|at| boundary("a\u{20ac}b", at)), [0, 1, 1, 1, 4, 5]);
    }

    #[test]
    fn digits_stand_by_themselves_and_words_anywhere() {
        for (text, word, yes) in [
            ("status 407.", "407", true),
            ("407", "407", true),
            ("port 40732", "407", false),
            ("port 1407", "407", false),
            ("port 40732, then 407", "407", true),
            ("proxyconnect", "proxy", true),
            ("x407", "407", true),
            ("http/1.1", "1.1", true),
            ("http/1.12", "1.1", true),
            ("", "407", false),
        ] {
            assert_eq!(stands(text, word), yes, "{word} in {text:?}");
        }
    }

    #[test]
    fn either_stream_will_do() {
        let mut conduct = Conduct::default();
        conduct.stdout.add("told by the Gateway\n");
        conduct.stderr.add("error 40732\n");
        let says = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            conduct.says(&words).map(str::to_owned)
        };
        assert_eq!(says(&["407", "GATEWAY"]).as_deref(), Some("GATEWAY"));
        assert_eq!(says(&["error"]).as_deref(), Some("error"));
        assert_eq!(says(&["407"]), None);
    }
}
