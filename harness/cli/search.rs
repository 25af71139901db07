//! What `list --search` finds: words in the names and texts of scenarios, as people look for them.

use crate::catalogue::Entry;
use crate::scenario::Scenario;

/// What somebody looks for, and the words of the catalogue that say it. Beginnings, as all words here.
const SAME: &[(&[&str], &[&str])] = &[
    (&["ssl"], &["tls"]),
    (&["intercept", "inspection", "mitm", "antivirus", "decrypt"], &["intercept", "inspect"]),
    (&["x509", "cert"], &["cert", "chain"]),
    (&["wifi", "wi-fi", "hotspot", "captive"], &["portal", "login page"]),
    (&["econnreset", "rst"], &["rst", "reset"]),
    (&["econnrefused"], &["refuse"]),
    (&["etimedout", "timeout"], &["timeout", "timed out"]),
    (&["eof", "hangup"], &["eof", "fin"]),
    (&["hang", "stall", "stuck", "freeze"], &["hang", "stall", "stuck", "silen", "for ever"]),
    (&["half-open", "vanish"], &["vanish", "path is gone", "silent-drop"]),
    (&["websocket", "wss"], &["websocket", "ws-"]),
    (&["http2", "http/2"], &["http/2", "h2"]),
    (&["kerberos", "sspi", "gssapi"], &["kerberos", "negotiate"]),
    (&["fragment", "mtu"], &["fragment", "mtu", "mss"]),
];

/// All that a scenario says, in lower case.
pub(super) fn text(entry: &Entry, scenario: &Scenario) -> String {
    let texts = [
        &scenario.about,
        &scenario.why,
        &scenario.consequence,
        &scenario.good_client,
        &scenario.cannot,
    ];
    let lists = [&scenario.wire, &scenario.seen, &scenario.expect.explain];
    let texts = texts.into_iter().chain(lists.into_iter().flatten()).map(String::as_str);
    let text = texts.chain([entry.name]).collect::<Vec<_>>().join("\n").to_lowercase();
    text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ") + "\n").collect()
}

/// Whether all these words stand in a text, in any order, or what means the same.
pub(super) fn says(text: &str, words: &str) -> bool {
    words.to_lowercase().split_whitespace().all(|word| says_one(text, word))
}

fn says_one(text: &str, word: &str) -> bool {
    let same = SAME.iter().filter(|(asked, _)| asked.iter().any(|asked| word.starts_with(asked)));
    let mut same = same.flat_map(|(_, meant)| meant.iter().copied());
    stands_in(word, text) || same.any(|word| stands_in(word, text))
}

/// Whether a word of the text begins so (`rang` finds `range-416`, `range` no stranger). A number is one as
/// a whole: `407` is not in `RFC 4074`.
fn stands_in(word: &str, text: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric();
    let digits = word.ends_with(|c: char| c.is_ascii_digit());
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        let begins = !word.starts_with(inside) || !before.is_some_and(inside);
        begins && !(digits && after.is_some_and(|c| c.is_ascii_digit()))
    })
}

/// Where nothing has all the words: how many scenarios have each of them.
pub(super) fn each<'t>(words: &[String], texts: impl Iterator<Item = &'t str> + Clone) -> String {
    let all = words.join(" ");
    let words: Vec<&str> = all.split_whitespace().collect();
    if words.len() < 2 {
        return String::new();
    }
    let count = |word: &str| texts.clone().filter(|text| says(text, word)).count();
    let counts = words.iter().map(|word| match count(word) {
        0 => format!("`{word}` none"),
        n => format!("`{word}` {n}"),
    });
    format!(" (alone, {})", counts.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_from_their_beginning() {
        for (word, text, found) in [
            ("rang", "response/range-416", true),
            ("range", "a stranger sends it", false),
            ("407", "auth/407-loop", true),
            ("407", "answers 407, then", true),
            ("407", "rfc 4074", false),
            ("407", "rfc 1407", false),
            ("407s", "many 407s", true),
            ("fb05", "seen: fb052", false),
            ("fb052", "seen: fb052", true),
            ("gzip", "content-encoding: gzip", true),
            ("chunk", "in unchunked, chunked", true),
            ("-stale", "auth/407-digest-stale", true),
            ("#38", "nodejs/undici#3897", false),
            ("\u{fc}ber", "\u{fc}berall", true),
        ] {
            assert_eq!(stands_in(word, text), found, "{word} in {text}");
        }
    }

    #[test]
    fn other_words_for_the_same_find_it() {
        for (words, text, found) in [
            ("TLS interception", "an inspecting gateway; tls", true),
            ("interception", "it intersects", false),
            ("hotspot", "a captive portal", true),
            ("ECONNRESET", "closes with a rst", true),
            ("http2", "h2-goaway", true),
            ("slow ntlm", "ntlm", false),
        ] {
            assert_eq!(says(text, words), found, "{words} in {text}");
        }
    }

    #[test]
    fn each_word_is_counted_where_all_together_find_nothing() {
        let texts = ["ntlm legs", "a hang", "silence"];
        let words = ["ntlm hang".to_owned(), "zzz".to_owned()];
        assert_eq!(each(&words, texts.into_iter()), " (alone, `ntlm` 1, `hang` 2, `zzz` none)");
        assert_eq!(each(&["ntlm".to_owned()], texts.into_iter()), "");
    }

    /// A word that is looked for and means what no scenario says would be a promise.
    #[test]
    fn every_word_finds_something() {
        let texts: Vec<String> = crate::catalogue::CATALOGUE
            .iter()
            .map(|entry| text(entry, &entry.scenario().unwrap()))
            .collect();
        for word in SAME.iter().flat_map(|(asked, _)| asked.iter()) {
            assert!(texts.iter().any(|text| says(text, word)), "{word}");
        }
        for word in SAME.iter().flat_map(|(_, meant)| meant.iter()) {
            assert!(texts.iter().any(|text| stands_in(word, text)), "{word}");
        }
    }
}
