//! Text from strangers, made safe and made to fit.

use anstyle::{AnsiColor, Style};

/// How reports look: with or without colour, with or without characters beyond ASCII.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    pub colour: bool,
    pub ascii: bool,
}

/// What a part of a line is, for its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ink {
    Plain,
    Faint,
    Label,
    Bad,
    Warn,
    Good,
}

impl Look {
    /// The text in its colour, or as it is.
    pub fn paint(self, ink: Ink, text: &str) -> String {
        let style = match ink {
            Ink::Plain => return text.to_owned(),
            Ink::Faint => Style::new().dimmed(),
            Ink::Label => AnsiColor::Cyan.on_default(),
            Ink::Bad => AnsiColor::Red.on_default().bold(),
            Ink::Warn => AnsiColor::Yellow.on_default().bold(),
            Ink::Good => AnsiColor::Green.on_default().bold(),
        };
        match self.colour && !text.is_empty() {
            true => format!("{}{text}{}", style.render(), style.render_reset()),
            false => text.to_owned(),
        }
    }

    /// One of our own signs, or what stands for it in ASCII.
    pub fn sign(self, sign: &'static str) -> &'static str {
        match (self.ascii, sign) {
            (true, "✖") => "x",
            (true, "✔") => "+",
            (true, "○") => "o",
            (true, "·") => "-",
            (true, "←") => "<-",
            _ => sign,
        }
    }

    /// The text with everything escaped that could move the cursor, start a new line or turn the
    /// direction of writing.
    pub fn safe(self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            let steers = matches!(c,
                '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}');
            if c.is_control() || steers || (self.ascii && !c.is_ascii()) {
                out.extend(c.escape_default());
            } else {
                out.push(c);
            }
        }
        out
    }
}

/// A line that no CI system takes for one of its commands: GitHub's runner reads `::command::` at
/// the start of a line, blanks aside, and `##[command]` anywhere in one; Azure's `##vso[`, and
/// TeamCity's `##teamcity[`.
pub(super) fn harmless(line: &str) -> String {
    // Twice: of three in a row, the first time leaves two.
    let line = line.replace("##", "# #").replace("##", "# #");
    match line.trim_start().starts_with("::") {
        true => line.replacen("::", ": :", 1),
        false => line,
    }
}

/// A text inside an element or an attribute of XML or HTML. What XML 1.0 has no place for
/// (control characters) is escaped the way programs do it.
pub(super) fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\'' => out += "&#39;",
            '\n' => out += "&#10;",
            '\t' => out += "&#9;",
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {
                out.extend(c.escape_unicode());
            }
            c => out.push(c),
        }
    }
    out
}

/// The text, cut to `width` characters; where something is cut it ends with `...`.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if text.chars().nth(width).is_none() {
        return text.to_owned();
    }
    let keep = width.saturating_sub(3);
    let mut out: String = text.chars().take(keep).collect();
    out.extend(std::iter::repeat_n('.', width.min(3)));
    out
}

/// The text, no longer than `width`; what is left out is in its middle, since reports end with what decides.
fn squeeze(text: &str, width: usize) -> String {
    let len = text.chars().count();
    if len <= width {
        return text.to_owned();
    }
    let keep = width.saturating_sub(3);
    let start: String = text.chars().take(keep - keep / 2).collect();
    let end: String = text.chars().skip(len - keep / 2).collect();
    format!("{start}...{end}")
}

/// The text in lines of at most `width` characters, broken at spaces where there are any. What would
/// be more than some lines is shortened in the middle: strangers write as much as they like.
pub(super) fn fold(text: &str, width: usize) -> Vec<String> {
    const LINES: usize = 4;
    let text = squeeze(text, width.saturating_mul(LINES));
    if text.chars().count() <= width {
        return vec![text];
    }
    let mut out = Vec::new();
    for line in wrap(&text, width) {
        let line: Vec<char> = line.chars().collect();
        out.extend(line.chunks(width.max(1)).map(|part| part.iter().collect::<String>()));
    }
    out
}

/// The text in lines of at most `width` characters, broken at spaces. A longer word is left whole:
/// it is something to copy.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let len = word.chars().count();
        if used > 0 && used + 1 + len > width {
            lines.push(String::new());
            used = 0;
        }
        if let Some(line) = lines.last_mut() {
            if used > 0 {
                line.push(' ');
                used += 1;
            }
            line.push_str(word);
            used += len;
        }
    }
    lines
}

/// How a connection is called: `#3` with the proxy; those that are numbered apart by who is at their
/// other end, `dns 3`, in five characters while there are fewer than a hundred of them.
pub(super) fn connection(number: u64) -> String {
    let who = match number / APART {
        0 => return format!("#{number}"),
        1 => "org",
        2 => "dns",
        3 => "pac",
        _ => return format!("#{number}"),
    };
    match number % APART {
        n if n < 10 => format!("{who} {n}"),
        n => format!("{who}{n}"),
    }
}

/// The same within a sentence: a question to the name server has a number and no connection.
pub(crate) fn of_connection(number: u64) -> String {
    let own = number % APART;
    match number / APART {
        1 => format!("connection {own} to the origin"),
        2 => format!("DNS question {own}"),
        3 => format!("request {own} for the PAC file"),
        _ => format!("connection #{number}"),
    }
}

/// Connections to the origin around the proxy, to the name server and to the PAC file begin at the
/// first three multiples of this.
const APART: u64 = 1_000_000;

/// A command as a shell would read it back.
pub(crate) fn shell(argv: &[String]) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_=+./:,@%{}".contains(c);
    let words = argv.iter().map(|word| match !word.is_empty() && word.chars().all(plain) {
        true => word.clone(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    });
    words.collect::<Vec<_>>().join(" ")
}

/// A URL without its password.
pub(super) fn without_password(url: &str) -> String {
    let start = url.find("://").map_or(0, |at| at + 3);
    let end = url[start..].find(['/', '?', '#']).map_or(url.len(), |at| start + at);
    let Some(at) = url[start..end].rfind('@') else { return url.to_owned() };
    match url[start..start + at].find(':') {
        Some(colon) => format!("{}:****{}", &url[..start + colon], &url[start + at..]),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PLAIN: Look = Look { colour: false, ascii: false };

    #[test]
    fn control_characters_are_escaped() {
        let text = "a\u{1b}[2Jb\r\nc\u{9b}d\u{202e}e\u{7f} \u{fc}";
        assert_eq!(PLAIN.safe(text), "a\\u{1b}[2Jb\\r\\nc\\u{9b}d\\u{202e}e\\u{7f} \u{fc}");
        let ascii = Look { ascii: true, ..PLAIN };
        assert_eq!(ascii.safe("\u{fc}\u{20ac}"), "\\u{fc}\\u{20ac}");
    }

    #[test]
    fn long_text_is_cut_by_characters() {
        assert_eq!(cut("\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}", 5), "\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}");
        assert_eq!(cut("\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}", 5), "\u{fc}\u{fc}...");
        assert_eq!(cut("abc", 2), "..");
        assert_eq!(cut("abc", 0), "");
    }

    #[test]
    fn the_end_of_a_long_text_is_kept() {
        assert_eq!(fold("one  two", 8), ["one  two"]);
        assert_eq!(fold("one   two three", 9), ["one two", "three"]);
        assert_eq!(fold("abcdefgh", 3), ["abc", "def", "gh"]);
        let long = "x".repeat(500) + " the end";
        let lines = fold(&long, 20);
        assert!(
            lines.len() <= 6 && lines.iter().all(|line| line.chars().count() <= 20),
            "{lines:?}"
        );
        assert!(
            lines.concat().contains("x...x") && lines.concat().ends_with("the end"),
            "{lines:?}"
        );
    }

    #[test]
    fn lines_break_at_spaces() {
        assert_eq!(wrap("one two  three", 7), ["one two", "three"]);
        assert_eq!(wrap("https://example.test/long x", 5), ["https://example.test/long", "x"]);
        assert_eq!(wrap("", 5), [""]);
    }

    #[test]
    fn connections_have_names_of_one_width() {
        let told = [7, 1_000_001, 2_000_002, 3_000_012].map(of_connection);
        let want = [
            "connection #7",
            "connection 1 to the origin",
            "DNS question 2",
            "request 12 for the PAC file",
        ];
        assert_eq!(told, want);
        let shown = [1, 12, 1_000_001, 1_000_010, 2_000_007, 2_000_012, 3_000_001].map(connection);
        assert_eq!(shown, ["#1", "#12", "org 1", "org10", "dns 7", "dns12", "pac 1"]);
        assert!(shown.iter().all(|name| name.len() <= 5));
    }

    #[test]
    fn commands_read_back() {
        let argv = ["curl", "-H", "a: b", "", "it's"].map(str::to_owned);
        assert_eq!(shell(&argv), r"curl -H 'a: b' '' 'it'\''s'");
    }

    #[test]
    fn passwords_are_taken_out_of_urls() {
        for (url, shown) in [
            ("http://127.0.0.1:41873", "http://127.0.0.1:41873"),
            ("http://alice:s3cret@127.0.0.1:1/", "http://alice:****@127.0.0.1:1/"),
            ("http://alice@127.0.0.1:1", "http://alice@127.0.0.1:1"),
            ("http://h/a:b@c", "http://h/a:b@c"),
            ("", ""),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in any::<String>(), width in 0usize..40) {
            let safe = PLAIN.safe(&text);
            prop_assert!(!safe.chars().any(char::is_control));
            prop_assert!(cut(&safe, width).chars().count() <= width);
            prop_assert!(fold(&safe, width).iter().all(|l| l.chars().count() <= width.max(3)));
            let _ = (wrap(&text, width), without_password(&text), shell(&[text]));
        }
    }
}
