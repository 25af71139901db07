//! What the YAML library refuses, in our words: what is wrong, where, and what to write.

use serde_yaml::Error;
use serde_yaml::budget::BudgetBreach;
use serde_yaml::granit_parser::ErrorKind as Kind;
use serde_yaml::localizer::ExternalMessageSource;

use super::problem::{Place, Problem, seen};
use super::yaml::{DEEPEST, MOST, place as of};

/// The library's error as a mistake with its place. `text` is the file.
pub(super) fn explain(error: &Error, text: &str) -> Problem {
    let place = error.location().map(of).filter(|place| place.line > 0);
    // What is wrong with what an alias stands for is inside; the place is the alias.
    let error = match error {
        Error::AliasError { error, .. } => error,
        error => error,
    };
    let problem = match error {
        Error::ExternalMessage { source, msg, .. } => match (&**source, place) {
            (ExternalMessageSource::Parser(scan), Some(place)) => {
                return scanned(scan.kind(), msg, text, place);
            }
            _ => other(msg),
        },
        Error::UnknownAnchor { .. } => {
            let word = place.map_or("", |place| first_word(from(text, place)));
            let problem = Problem::new(format!("{} names no `&` anchor of this file", seen(word)))
                .help(format!("text that begins with `*` needs quotes: `\"{word}\"`"));
            let len = word.chars().count();
            return place.map_or(problem.clone(), |at| problem.at(Place { len, ..at }));
        }
        Error::MultipleDocuments { .. } => Problem::new("a second YAML document starts here")
            .help("one file is one scenario: put the second into a file of its own"),
        Error::UnsupportedTag { tag, .. } => {
            let word = tag.trim_start_matches('!');
            Problem::new(format!("{} is a YAML tag: badproxy uses none", seen(tag)))
                .help(format!("write `{word}: ...`; text that begins with `!` needs quotes"))
        }
        Error::MergeValueNotMapOrSeqOfMaps { .. } => {
            Problem::new("`<<` takes a map, or an alias for one")
        }
        Error::RecursiveReferencesRequireWeakTypes { .. } => {
            Problem::new("this alias is inside what it stands for")
        }
        Error::Budget { breach: BudgetBreach::Depth { .. }, .. } => deep(),
        Error::Budget { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => Problem::new("this is too much to read")
            .help(format!(
                "a scenario has at most {MOST} keys and values, with all that aliases stand for"
            )),
        _ => other(&error.to_string()),
    };
    place.map_or(problem.clone(), |place| problem.at(place))
}

fn deep() -> Problem {
    Problem::new(format!("this is nested more than {DEEPEST} deep"))
        .help("no scenario needs that: is a bracket not closed?")
}

/// What has no words of ours.
fn other(message: &str) -> Problem {
    // The library's text goes on with the place, which is drawn.
    let message = message.split(" at line ").next().unwrap_or(message);
    Problem::new(format!("this is not YAML: {message}"))
}

/// A scanner's complaint. Where it gives only the start of what the mistake is in, the mistake
/// itself is looked for.
fn scanned(kind: &Kind, message: &str, text: &str, at: Place) -> Problem {
    let rest = from(text, at);
    let mark = |offset: Option<usize>| offset.map_or(at, |n| further(at, &rest[..n]));
    match kind {
        Kind::UnexpectedCharacter { character } if character.is_control() => {
            let code = u32::from(*character);
            Problem::new(format!("the control character U+{code:04X} is here"))
                .help(format!("inside \"...\" it can be written \\x{code:02x}"))
                .at(at)
        }
        Kind::UnexpectedCharacter { character } => {
            Problem::new(format!("text cannot begin with {}", seen(&character.to_string())))
                .help("put it in quotes")
                .at(at)
        }
        Kind::RecursionLimitExceeded => deep().at(at),
        Kind::MappingValueNotAllowed | Kind::InvalidColonPlacement => colon(text, at),
        Kind::SimpleKeyExpected => {
            let len = first_word(rest).chars().count().max(1);
            known(kind, message).at(Place { len, ..at })
        }
        Kind::TabInPlainScalar => known(kind, message).at(mark(rest.find('\t'))),
        Kind::UnknownQuotedScalarEscape
        | Kind::InvalidQuotedScalarHexEscape
        | Kind::InvalidUnicodeEscape => known(kind, message).at(mark(bad_escape(rest))),
        _ => known(kind, message).at(at),
    }
}

/// What a complaint means to somebody who has never read the YAML specification.
fn known(kind: &Kind, message: &str) -> Problem {
    let (what, help) = match kind {
        Kind::TabNotAllowed
        | Kind::TabInBlockIndentation
        | Kind::TabInIndentation
        | Kind::TabAtBlockScalarStart
        | Kind::InvalidBlockEntryWhitespace
        | Kind::InvalidMappingValueWhitespace
        | Kind::TabInPlainScalar => {
            ("there is a tab here", "indent with spaces: YAML does not take tabs there")
        }
        Kind::UnclosedQuotedScalar | Kind::DocumentIndicatorInQuotedScalar => {
            ("this quote is never closed", "put the same quote at the end of the text")
        }
        Kind::InvalidTrailingSingleQuotedScalar => (
            "something follows the closing quote",
            "a quote inside '...' is written twice: 'it''s'; or a comma is missing",
        ),
        Kind::InvalidTrailingDoubleQuotedScalar => (
            "something follows the closing quote",
            "a quote inside \"...\" is written \\\"; or a comma is missing",
        ),
        Kind::UnknownQuotedScalarEscape => (
            "this is no escape that YAML knows",
            "write \\\\ for a backslash, or use '...', where a backslash is only itself",
        ),
        Kind::InvalidQuotedScalarHexEscape
        | Kind::InvalidLowSurrogateHexEscape
        | Kind::InvalidLowSurrogate
        | Kind::MissingLowSurrogate
        | Kind::UnpairedLowSurrogate
        | Kind::InvalidUnicodeEscape => (
            "this escape stands for no character",
            "\\x takes two hexadecimal digits, \\u four, \\U eight; for bytes that are no text \
             there is `send: {hex: ...}`",
        ),
        Kind::UnclosedFlowCollection { .. }
        | Kind::UnexpectedEofFlowSequence
        | Kind::UnexpectedEofFlowMapping
        | Kind::UnexpectedEofImplicitFlowMapping => (UNCLOSED, BRACKETS),
        Kind::MismatchedFlowCollectionEnd { .. } => {
            ("this bracket is closed by one of another kind", BRACKETS)
        }
        Kind::MisplacedFlowCollectionEnd => {
            ("nothing is open that this bracket could close", BRACKETS)
        }
        Kind::ExpectedFlowMappingSeparator | Kind::ExpectedFlowSequenceSeparator => {
            ("a comma or a closing bracket is missing here", "items are written `a, b`")
        }
        Kind::SimpleKeyExpected | Kind::InvalidSimpleKey => {
            ("a colon is missing after this", "lines are written `key: value`")
        }
        Kind::ExpectedBlockMappingKey | Kind::ExpectedDocumentStart => (
            "this line does not go with those above it",
            "the keys of one map begin in the same column, and so do the `- ` of one list",
        ),
        Kind::ExpectedBlockSequenceEntry => (
            "this line does not go with the list above it",
            "what belongs to an item is indented as far as the item's first key, after the `- `",
        ),
        Kind::InvalidIndentation
        | Kind::InvalidFlowScalarIndent
        | Kind::InvalidQuotedScalarIndent
        | Kind::InvalidBlockScalarIndent => (
            "this line is not indented far enough",
            "what belongs to a key is indented further than the key",
        ),
        Kind::BlockSequenceEntryNotAllowed | Kind::BlockEntryInFlowCollection => {
            ("no list can begin here", "`- ` begins a line of its own; inside a line: `[a, b]`")
        }
        Kind::ExpectedNodeContent
        | Kind::UnexpectedEofBlockSequence
        | Kind::UnexpectedEofBlockMapping
        | Kind::PlainScalarStartsWithDashFlowIndicator => {
            ("no value can begin like this", "text that begins with a sign needs quotes")
        }
        Kind::MappingKeyNotAllowed => {
            ("no key can begin here", "text that begins with `?` needs quotes")
        }
        Kind::InvalidBlockScalarHeader | Kind::ZeroBlockScalarIndent => (
            "this line has to end after `|` or `>`",
            "the text follows on lines of its own, indented; text that begins with `|` or `>` \
             needs quotes",
        ),
        Kind::CommentInterceptedScalar => {
            ("a comment is inside a text", "put the comment before the key")
        }
        Kind::ExpectedTagBang
        | Kind::InvalidTagTerminator
        | Kind::InvalidGlobalTagCharacter
        | Kind::MissingTagUri
        | Kind::UnclosedVerbatimTag
        | Kind::InvalidTagEscape
        | Kind::UndeclaredTagHandle => {
            ("this is no tag that YAML knows", "text that begins with `!` needs quotes")
        }
        Kind::CommentNotSeparated => {
            ("a comment needs a blank before its `#`", "text with a `#` in it needs quotes")
        }
        Kind::MissingAnchorOrAliasName => {
            ("a name is missing here", "text that begins with `&` or `*` needs quotes")
        }
        Kind::BomInsideDocument => {
            ("a byte order mark (U+FEFF) is here", "take it out: it can only begin a file")
        }
        Kind::UnsupportedYamlMajorVersion
        | Kind::MissingDocumentEndBeforeDirective
        | Kind::MissingYamlVersion
        | Kind::MissingYamlVersionSeparator
        | Kind::InvalidDirectiveName
        | Kind::MissingDirectiveName
        | Kind::InvalidDirectiveTerminator => {
            ("this is no `%` line that YAML knows", "take it out: a scenario needs none")
        }
        _ => return other(message),
    };
    Problem::new(what).help(help)
}

const UNCLOSED: &str = "this bracket is never closed";
const BRACKETS: &str = "`[` goes with `]`, `{` with `}`";

/// A colon where there can be none: the reason is before it.
fn colon(text: &str, at: Place) -> Problem {
    let rest = from(text, at);
    let before = &text[..text.len() - rest.len()];
    if let Some(open) = open_bracket(before) {
        let place = further(Place { line: 1, column: 1, len: 1 }, &before[..open]);
        return Problem::new(UNCLOSED).help(BRACKETS).at(place);
    }
    let (above, line) = before.rsplit_once('\n').unwrap_or(("", before));
    if line.contains(": ") {
        return Problem::new("a text with a colon and a blank in it needs quotes")
            .help("write `key: \"a text: with a colon\"`")
            .at(at);
    }
    let last = above.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("");
    let key = last.trim_start_matches([' ', '-']);
    if let Some(word) =
        key.split(' ').next().filter(|word| word.contains(':') && !word.ends_with(':'))
    {
        return Problem::new(format!("a blank is missing after the colon of {}", seen(word)))
            .help("write `key: value`")
            .at(Place {
                line: above.trim_end().lines().count(),
                column: last.chars().count() - key.chars().count() + 1,
                len: word.chars().count(),
            });
    }
    let begin = line.chars().count() - line.trim_start().chars().count();
    if begin > last.chars().count() - key.chars().count() {
        return Problem::new("this line is indented too far")
            .help("the keys of one map begin in the same column")
            .at(Place { column: begin + 1, len: line.trim().chars().count().max(1), ..at });
    }
    Problem::new("no `key: value` can be here")
        .help("a text with a colon in it needs quotes")
        .at(at)
}

/// The offset of the last bracket that is not closed.
fn open_bracket(text: &str) -> Option<usize> {
    let mut open = Vec::new();
    let mut quote = None;
    let mut last = ' ';
    for (index, c) in text.char_indices() {
        match (quote, c) {
            (Some('#'), '\n') => quote = None,
            (Some(end), c) if end == c && end != '#' && !(end == '"' && last == '\\') => {
                quote = None;
            }
            (Some(_), _) => {}
            // A quote inside a word is an apostrophe.
            (None, '"' | '\'') if !last.is_alphanumeric() => quote = Some(c),
            (None, '#') if last.is_whitespace() => quote = Some('#'),
            (None, '[' | '{') => open.push(index),
            (None, ']' | '}') => {
                open.pop();
            }
            _ => {}
        }
        last = c;
    }
    open.pop()
}

/// The offset of the first escape that YAML does not know.
fn bad_escape(text: &str) -> Option<usize> {
    let mut chars = text.char_indices();
    while let Some((index, c)) = chars.next() {
        if c != '\\' {
            continue;
        }
        let digits = match chars.next()?.1 {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            c if "0abtnvfre \"/\\N_LP\t\r\n".contains(c) => 0,
            _ => return Some(index),
        };
        let hex = chars.as_str().chars().take(digits).filter(char::is_ascii_hexdigit).count();
        if hex < digits {
            return Some(index);
        }
    }
    None
}

/// The place after `passed`, which begins at `place`.
fn further(place: Place, passed: &str) -> Place {
    let breaks = passed.matches('\n').count();
    let last = passed.rsplit('\n').next().unwrap_or("").chars().count();
    let column = if breaks == 0 { place.column + last } else { last + 1 };
    Place { line: place.line + breaks, column, len: 1 }
}

/// The text from this place on.
fn from(text: &str, place: Place) -> &str {
    let mut offset = 0;
    for _ in 1..place.line {
        match text[offset..].find('\n') {
            Some(end) => offset += end + 1,
            None => return "",
        }
    }
    let line = text[offset..].split('\n').next().unwrap_or("");
    let column = line.char_indices().nth(place.column.max(1) - 1);
    &text[offset + column.map_or(line.len(), |(index, _)| index)..]
}

fn first_word(text: &str) -> &str {
    let end = text.find(|c: char| c.is_whitespace() || ",[]{}".contains(c));
    &text[..end.unwrap_or(text.len())]
}
