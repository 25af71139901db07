//! A mistake in a scenario file, and how it is shown: file, line, column, the place drawn, what
//! was expected and the nearest known word.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde_yaml::Location;

/// Where in a file, as bytes; lines and columns are worked out when it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Place {
    /// Line, from 1; 0 when unknown.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Length in characters.
    pub len: usize,
}

impl From<Location> for Place {
    fn from(at: Location) -> Self {
        Place {
            line: at.line() as usize,
            column: (at.column() as usize).max(1),
            len: (at.span().len() as usize).max(1),
        }
    }
}

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong, with the value seen.
    pub message: String,
    /// Where.
    pub place: Option<Place>,
    /// What to do: the nearest known word, what is allowed there.
    pub help: Vec<String>,
}

impl Problem {
    /// A mistake without a place yet.
    pub fn new(message: impl Into<String>) -> Self {
        Problem { message: message.into(), place: None, help: Vec::new() }
    }

    /// At this place.
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// With one more line of advice.
    pub fn help(mut self, line: impl Into<String>) -> Self {
        self.help.push(line.into());
        self
    }

    /// `word` is none of `known`: names the nearest one and lists them all.
    pub fn unknown(kind: &str, word: &str, known: &[&str]) -> Self {
        let problem = Problem::new(format!("unknown {kind} `{word}`"));
        let problem = match nearest(word, known) {
            Some(near) => problem.help(format!("did you mean `{near}`?")),
            None => problem,
        };
        match known {
            [] => problem,
            [only] => problem.help(format!("allowed here: only `{only}`")),
            _ => problem.help(format!("allowed here: {}", known.join(", "))),
        }
    }
}

/// The known word that `word` was probably meant to be.
pub fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let lower = word.to_lowercase().replace('-', "_");
    known
        .iter()
        .map(|k| (strsim::normalized_damerau_levenshtein(&lower, &k.replace('-', "_")), *k))
        .filter(|(likeness, _)| *likeness > 0.5)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, k)| k)
}

/// The mistakes of one file: never empty.
#[derive(Debug, Clone)]
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
        // A tab is one column to us and four in the drawing, a lone CR would break it.
        let text = self.text.replace("\r\n", "\n").replace('\r', " ");
        let mut out = Vec::new();
        for problem in &self.list {
            let title = Level::ERROR.primary_title(problem.message.as_str());
            let mut group: Group<'_> = match problem.place.and_then(|p| bytes_at(&text, p)) {
                Some(span) => title.element(
                    Snippet::source(text.as_str())
                        .path(self.file.as_str())
                        .line_start(1)
                        .annotation(AnnotationKind::Primary.span(span)),
                ),
                None => title.element(Level::NOTE.message(format!("in {}", self.file))),
            };
            for line in &problem.help {
                group = group.element(Level::HELP.message(line.as_str()));
            }
            out.push(renderer.render(&[group]).to_string());
        }
        out.join("\n\n")
    }
}

impl std::fmt::Display for Problems {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Problems {}

/// The bytes a place covers; at the very end of the file when it lies past it.
fn bytes_at(text: &str, place: Place) -> Option<std::ops::Range<usize>> {
    if place.line == 0 {
        return None;
    }
    let mut start = 0;
    for _ in 1..place.line {
        match text[start..].find('\n') {
            Some(n) => start += n + 1,
            None => break,
        }
    }
    let line = text[start..].split('\n').next().unwrap_or("");
    let byte = |column: usize| {
        start + line.char_indices().nth(column).map_or(line.len(), |(index, _)| index)
    };
    let from = byte(place.column - 1);
    let to = byte(place.column - 1 + place.len).max(from);
    Some(from..to)
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
    fn places_outside_the_text_are_clamped() {
        let text = "é: 1\nx";
        assert_eq!(bytes_at(text, Place { line: 1, column: 4, len: 1 }), Some(4..5));
        assert_eq!(bytes_at(text, Place { line: 9, column: 9, len: 9 }), Some(6..7).map(|r: std::ops::Range<usize>| r.end..r.end));
        assert_eq!(bytes_at(text, Place { line: 0, column: 1, len: 1 }), None);
    }
}
