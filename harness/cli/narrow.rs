//! Explanations as wide as the terminal: texts, command lines and YAML, each broken so that it still says
//! the same when it is copied.

use crate::report::text::wrap;
use crate::scenario::{Scenario, read_named};

/// Narrower than this, a column beside another leaves no room for text.
pub(super) const COLUMNS: usize = 72;

/// A text, indented by two.
pub(super) fn text(text: &str, width: usize) -> String {
    hang(text, 2, 2, width)
}

/// A text, not indented.
pub(super) fn plain(text: &str, width: usize) -> String {
    hang(text, 0, 0, width)
}

/// A word and what it means, beside it or, where there is no room, below it. `lead`: blanks before the word.
pub(super) fn row(lead: usize, word: &str, column: usize, about: &str, width: usize) -> String {
    if width == usize::MAX {
        return format!("{:lead$}{word:<column$} {about}", "");
    }
    if width >= COLUMNS {
        let own = lead + column + 1;
        return format!("{:lead$}{word:<column$} {}", "", hang(about, 0, own, width));
    }
    let lead = lead.min(2);
    match word {
        "" => hang(about, lead + 4, lead + 4, width),
        word => format!("{:lead$}{word}\n{}", "", hang(about, lead + 4, lead + 4, width)),
    }
}

/// The lines of a text: `first` blanks before the first, `others` before the others, which is also the
/// room that the first one has not.
fn hang(text: &str, first: usize, others: usize, width: usize) -> String {
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let lines = wrap(&flat, width.saturating_sub(others));
    format!("{:first$}{}", "", lines.join(&format!("\n{:others$}", "")))
}

/// A command line, indented by two, that goes on behind a backslash. What is quoted stays in one piece.
pub(super) fn command(line: &str, width: usize) -> String {
    let (mut words, mut quoted) = (vec![String::new()], false);
    for c in line.chars() {
        quoted ^= c == '\'';
        match words.last_mut() {
            Some(word) if c != ' ' || quoted => word.push(c),
            _ => words.push(String::new()),
        }
    }
    let (mut out, mut used) = (String::new(), 0);
    for word in words.iter().filter(|word| !word.is_empty()) {
        let len = word.chars().count();
        match used {
            0 => (out, used) = (format!("  {word}"), 2 + len),
            // The backslash has its room.
            _ if used + 1 + len + 2 > width => {
                out.push_str(&format!(" \\\n    {word}"));
                used = 4 + len;
            }
            _ => {
                out.push_str(&format!(" {word}"));
                used += 1 + len;
            }
        }
    }
    out
}

/// The YAML of a scenario, indented by two, broken where it still reads as the same; as it stands where
/// it would not.
pub(super) fn yaml(yaml: &str, scenario: &Scenario, width: usize) -> String {
    let broken = lines(yaml, width.saturating_sub(2)).join("\n");
    let same = read_named(&broken, "", &scenario.name).is_ok_and(|read| read == *scenario);
    let text = if same { &broken } else { yaml };
    text.lines().map(|line| format!("  {line}").trim_end().to_owned() + "\n").collect()
}

fn lines(yaml: &str, width: usize) -> Vec<String> {
    let mut out = Vec::new();
    // The column of the key whose text is in lines of its own, and whether blanks may become line ends in it.
    let mut block: Option<(usize, bool)> = None;
    for line in yaml.lines() {
        let bare = line.trim_start();
        let indent = line.len() - bare.len();
        if let Some((_, folded)) = block.filter(|(p, _)| bare.is_empty() || indent > *p) {
            match folded {
                true => out.extend(split(line, indent, "", width)),
                false => out.push(line.to_owned()),
            }
            continue;
        }
        let key = indent + if bare.starts_with("- ") { 2 } else { 0 };
        // Of an item without a key, the text is deeper than its dash.
        let parent = if bare.starts_with("- ") && bare.len() < 5 { indent } else { key };
        let ends = |marks: &[&str]| marks.iter().any(|mark| line.ends_with(mark));
        block = match (ends(&[" >", " >-", " >+"]), ends(&[" |", " |-", " |+"])) {
            (true, _) => Some((parent, true)),
            (_, true) => Some((parent, false)),
            _ => None,
        };
        match bare.starts_with('#') {
            true => out.extend(split(line, indent, "# ", width)),
            false => out.extend(split(line, key + 2, "", width)),
        }
    }
    out
}

/// A line in parts. Only a single blank may become the end of one: others are seen in a text.
fn split(line: &str, indent: usize, before: &str, width: usize) -> Vec<String> {
    let start = line.len() - line.trim_start().len();
    let (mut parts, mut rest) = (Vec::new(), line.to_owned());
    while rest.chars().count() > width {
        let from = if parts.is_empty() { start } else { indent + before.len() };
        let fits = |at: &usize| rest[..*at].chars().count() <= width;
        let whole = |at: &usize| {
            let (left, right) = (rest[from..*at].chars().last(), &rest[at + 1..]);
            // A `#` behind a blank begins a comment, `- ` an item, and `---` a document.
            let begins = ["#", "- ", "---"].iter().any(|mark| right.starts_with(mark));
            let blank = right.is_empty() || right.starts_with(' ') || right == "-";
            left.is_some_and(|c| c != ' ' && c != '-') && !begins && !blank
        };
        let blanks: Vec<usize> = rest.match_indices(' ').map(|(at, _)| at).collect();
        let own = |at: &usize| *at > from && whole(at);
        let at = blanks.iter().copied().rfind(|at| own(at) && fits(at));
        let Some(at) = at.or_else(|| blanks.iter().copied().find(own)) else { break };
        parts.push(rest[..at].to_owned());
        rest = format!("{:indent$}{before}{}", "", &rest[at + 1..]);
    }
    parts.push(rest);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::CATALOGUE;

    /// Every shipped scenario, broken for a narrow terminal, reads as the same and fits, words apart.
    #[test]
    fn yaml_that_is_broken_says_the_same() {
        for entry in CATALOGUE {
            let scenario = entry.scenario().unwrap();
            for width in [40, 60, 80, 120] {
                let broken = lines(entry.yaml, width).join("\n");
                let read = read_named(&broken, "", &scenario.name);
                let read = read.unwrap_or_else(|p| panic!("{} at {width}: {p}", entry.name));
                assert!(read == scenario, "{} at {width}\n{broken}", entry.name);
                for line in broken.lines().filter(|line| line.chars().count() > width) {
                    let words = line.trim_start().trim_start_matches("- ").split(' ').count();
                    // A literal block has its own lines, and a key is beside its first word.
                    let literal = entry.yaml.contains(line);
                    assert!(words < 3 || literal, "{} at {width}: {line}", entry.name);
                }
            }
        }
    }

    #[test]
    fn what_would_say_something_else_stays() {
        let text = "name: x\nabout: |\n  one two three four five six\n  seven\n";
        let scenario = read_named(text, "", "x").unwrap();
        assert_eq!(
            yaml(text, &scenario, 20),
            "  name: x\n  about: |\n    one two three four five six\n    seven\n"
        );
        assert_eq!(split("a  b #c", 2, "", 2), ["a  b #c"]);
        assert_eq!(split("# one two", 0, "# ", 5), ["# one", "# two"]);
    }

    #[test]
    fn a_command_goes_on_behind_a_backslash() {
        let line = "badproxy run a/b -- python3 -c 'import x; y' --end";
        let want = "  badproxy run a/b -- \\\n    python3 -c \\\n    'import x; y' --end";
        assert_eq!(command(line, 26), want);
        assert_eq!(command(line, 100), format!("  {line}"));
    }

    #[test]
    fn columns_become_lines_where_there_is_no_room() {
        assert_eq!(row(2, "word", 6, "one two", usize::MAX), "  word   one two");
        assert_eq!(
            row(2, "word", 64, "one two", 73),
            format!("  {:<64} one\n{:67}two", "word", "")
        );
        assert_eq!(row(9, "word", 16, "one two", 12), "  word\n      one\n      two");
        assert_eq!(row(0, "", 16, "one two", 40), "    one two");
    }
}
