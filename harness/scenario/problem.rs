//! A mistake in a scenario file, and how it is shown: file, line, column, the place drawn, what
//! was expected and the nearest known word.

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::synonyms;

/// Mistakes of one file that are drawn; more are only counted.
const DRAWN: usize = 20;
/// Characters of a value that are shown in a message.
const SHOWN: usize = 60;

/// Where in a file, as characters; what a drawing needs is worked out when it is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[non_exhaustive]
pub struct Place {
    /// Line, from 1; 0 when unknown.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Length in characters.
    pub len: usize,
}

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// What is wrong, with the value seen.
    pub message: String,
    /// Where.
    pub place: Option<Place>,
    /// What to do: the nearest known word, what is allowed there.
    pub help: Vec<String>,
    /// While its place is not known yet: the key it is about, below what is being checked.
    pub key: String,
}

impl Problem {
    /// A mistake without a place yet.
    pub fn new(message: impl Into<String>) -> Self {
        Problem { message: message.into(), place: None, help: Vec::new(), key: String::new() }
    }

    /// At this place.
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// About the value of this key of an effect's map, e.g. `after`, `uniform.to` or `headers.0`.
    pub fn about(mut self, key: impl Into<String>) -> Self {
        self.key = key.into();
        self
    }

    /// With one more line of advice.
    pub fn help(mut self, line: impl Into<String>) -> Self {
        self.help.push(line.into());
        self
    }

    /// `word` is none of `known`: names the nearest one and lists them all.
    pub fn unknown(kind: &str, word: &str, known: &[&str]) -> Self {
        Problem::new(format!("unknown {kind} {}", seen(word))).known("allowed here", word, known)
    }

    /// With the word of `known` that is nearest to `word`, and all of them.
    pub fn known(self, what: &str, word: &str, known: &[&str]) -> Self {
        let problem = match (synonyms::instead(word, known), nearest(word, known)) {
            (Some(text), _) => self.help(text),
            (None, Some(near)) => self.help(format!("did you mean `{near}`?")),
            (None, None) => self,
        };
        match known {
            [] => problem,
            [only] => problem.help(format!("{what}: only `{only}`")),
            _ => problem.help(format!("{what}: {}", known.join(", "))),
        }
    }
}

/// In one line, for command lines.
impl From<Problem> for String {
    fn from(problem: Problem) -> String {
        let mut lines = vec![problem.message];
        lines.extend(problem.help);
        lines.join(": ")
    }
}

/// A value as messages show it: in one line, without what would garble a terminal, not too long.
pub fn seen(value: &str) -> String {
    if value.is_empty() {
        return "an empty text".to_owned();
    }
    let mut shown = String::from("`");
    for c in value.chars().take(SHOWN) {
        match c {
            // Invisible, or it turns the direction of the text around.
            '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}' => {
                shown.extend(c.escape_unicode());
            }
            c if c.is_control() => shown.extend(c.escape_debug()),
            c => shown.push(c),
        }
    }
    if value.chars().nth(SHOWN).is_some() {
        shown += "...";
    }
    shown + "`"
}

/// The known word that `word` was probably meant to be.
pub fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let lower = word.to_lowercase().replace('-', "_");
    // Nobody misspells a word by this much, and the comparison takes time.
    if lower.len() > 100 {
        return None;
    }
    let likeness = |known: &str| {
        let known = known.replace('-', "_");
        // An abbreviation (`down`), or more than the word (`username`).
        let part = lower.len().min(known.len()) > 1;
        let part = part && (lower.starts_with(&known) || known.starts_with(&lower));
        strsim::normalized_damerau_levenshtein(&lower, &known) + f64::from(u8::from(part)) * 0.4
    };
    known
        .iter()
        .map(|k| (likeness(k), *k))
        .filter(|(likeness, _)| *likeness > 0.5)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, k)| k)
}

/// The mistakes of one file: never empty.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Problems {
    /// How the file is called in messages.
    pub file: String,
    /// Its text, to draw the places.
    pub text: String,
    /// In the order they stand in the file.
    pub list: Vec<Problem>,
}

impl Problems {
    /// `file:line:column: message` for the first, for logs that want one line.
    pub fn first_line(&self) -> String {
        let Some(first) = self.list.first() else { return self.file.clone() };
        match first.place.filter(|p| p.line > 0) {
            Some(p) => format!("{}:{}:{}: {}", self.file, p.line, p.column, first.message),
            None => format!("{}: {}", self.file, first.message),
        }
    }

    /// All of them drawn, the way compilers do; with colours if `colour`.
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let lines = lines(&self.text);
        let drawn = self.list.iter().take(DRAWN);
        let mut out: Vec<String> =
            drawn.map(|problem| renderer.render(&[self.group(problem, &lines)])).collect();
        if self.list.len() > DRAWN {
            let more = match self.list.len() - DRAWN {
                1 => "1 more mistake is not shown".to_owned(),
                more => format!("{more} more mistakes are not shown"),
            };
            let more = Level::ERROR.primary_title(more).element(Origin::path(&*self.file));
            out.push(renderer.render(&[more]));
        }
        out.join("\n\n")
    }

    fn group<'a>(&'a self, problem: &'a Problem, lines: &[&'a str]) -> Group<'a> {
        let title = Level::ERROR.primary_title(&*problem.message);
        let mut group = match problem.place.filter(|place| place.line > 0) {
            Some(place) => {
                let index = place.line.min(lines.len()) - 1;
                let snippet = Snippet::source(lines[index]).path(&*self.file);
                let mark = AnnotationKind::Primary.span(bytes(lines[index], place));
                title.element(snippet.line_start(index + 1).annotation(mark))
            }
            None => title.element(Origin::path(&*self.file)),
        };
        for line in &problem.help {
            group = group.element(Level::HELP.message(&**line));
        }
        group
    }
}

impl std::fmt::Display for Problems {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Problems {}

/// The lines of a text as YAML counts them: a lone CR ends one, too. There is at least one.
fn lines(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text;
    while let Some(end) = rest.find(['\r', '\n']) {
        lines.push(&rest[..end]);
        let both = rest[end..].starts_with("\r\n");
        rest = &rest[end + 1 + usize::from(both)..];
    }
    lines.push(rest);
    lines
}

/// The bytes of a line that a place covers: none, at its end, where the place lies past it.
fn bytes(line: &str, place: Place) -> std::ops::Range<usize> {
    let byte =
        |column: usize| line.char_indices().nth(column).map_or(line.len(), |(index, _)| index);
    let first = place.column.max(1) - 1;
    byte(first)..byte(first.saturating_add(place.len.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_found() {
        assert_eq!(nearest("rset", &["reset", "delay"]), Some("reset"));
        assert_eq!(nearest("Proxy-TLS", &["proxy_tls"]), Some("proxy_tls"));
        assert_eq!(nearest("qqq", &["reset", "delay"]), None);
    }

    #[test]
    fn a_part_of_a_word_is_recognised() {
        assert_eq!(nearest("down", &["upstream", "downstream"]), Some("downstream"));
        assert_eq!(nearest("username", &["password", "user"]), Some("user"));
    }

    #[test]
    fn lines_end_as_in_yaml() {
        assert_eq!(lines("a\r\nb\rc\nd"), ["a", "b", "c", "d"]);
        assert_eq!(lines("a\n"), ["a", ""]);
        assert_eq!(lines(""), [""]);
    }

    #[test]
    fn places_outside_the_text_are_clamped() {
        let place = |column, len| Place { line: 1, column, len };
        assert_eq!(bytes("\u{e9}: 1", place(4, 1)), 4..5);
        assert_eq!(bytes("\u{e9}: 1", place(1, 2)), 0..3);
        assert_eq!(bytes("\u{e9}: 1", place(9, 9)), 5..5);
        assert_eq!(bytes("\u{e9}: 1", place(0, usize::MAX)), 0..5);
    }

    #[test]
    fn values_are_shown_in_one_line() {
        assert_eq!(seen("a\nb\u{202e}c"), r"`a\nb\u{202e}c`");
        assert_eq!(seen(&"x".repeat(99)).len(), SHOWN + 5);
    }
}
