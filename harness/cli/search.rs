//! What `list --search` finds: texts that clients print, and words in the names and texts of scenarios.

use serde_json::{Value, json};

use crate::catalogue::Entry;
use crate::scenario::Scenario;
use crate::symptoms::{self, Symptom};

/// A scenario that was asked for.
pub(super) struct Hit<'a> {
    pub entry: &'static Entry,
    pub scenario: &'a Scenario,
    /// By what it was found, where something was looked for.
    pub why: Option<Why>,
}

/// By what a scenario was found.
#[derive(Clone, Copy)]
pub(super) enum Why {
    /// A client prints this behind it.
    Says(&'static Symptom),
    /// The words stand in it as they were written.
    Phrase,
    /// All of the words stand in it, or what means the same.
    Words,
}

impl Why {
    /// What is said above those that were found by it.
    pub fn heading(self) -> String {
        match self {
            Why::Says(Symptom { client, text, .. }) => {
                let say = if client.contains(", ") { "say" } else { "says" };
                format!("{client} {say} \"{}\" behind:", text.replace('*', "..."))
            }
            Why::Phrase => "by the words as they stand:".to_owned(),
            Why::Words => "by the words, wherever they stand:".to_owned(),
        }
    }

    /// The same for programs.
    pub fn json(self) -> Value {
        match self {
            Why::Says(symptom) => {
                json!({"by": "symptom", "client": symptom.client, "text": symptom.text})
            }
            Why::Phrase => json!({"by": "phrase"}),
            Why::Words => json!({"by": "words"}),
        }
    }
}

/// Those of these scenarios that were looked for, the likeliest first; all as they are, where nothing was.
pub(super) fn hits<'a>(
    these: impl Iterator<Item = &'a (&'static Entry, Scenario)>,
    words: &[String],
) -> Vec<Hit<'a>> {
    let words = words.join(" ");
    if words.trim().is_empty() {
        return these.map(|(entry, scenario)| Hit { entry, scenario, why: None }).collect();
    }
    let symptoms = symptoms::meant(&words);
    let phrase = symptoms::words(&words);
    let mut hits: Vec<_> = these
        .filter_map(|(entry, scenario)| {
            let (rank, why) = look(entry, scenario, &words, &symptoms, &phrase)?;
            Some((rank, Hit { entry, scenario, why: Some(why) }))
        })
        .collect();
    hits.sort_by_key(|(rank, _)| *rank);
    hits.into_iter().map(|(_, hit)| hit).collect()
}

/// Whether a scenario is found, by what, and how far down.
fn look(
    entry: &Entry,
    scenario: &Scenario,
    words: &str,
    symptoms: &[&'static Symptom],
    phrase: &[String],
) -> Option<((usize, usize, usize), Why)> {
    let behind = symptoms.iter().enumerate().find_map(|(which, symptom)| {
        let place = symptom.scenarios.iter().position(|name| *name == entry.name)?;
        Some(((0, which, place), Why::Says(symptom)))
    });
    let all = text(entry, scenario);
    behind
        .or_else(|| {
            let explain = scenario.expect.explain.join("\n");
            let parts = [entry.name, scenario.about.as_str(), &explain, &all];
            let part = parts.iter().position(|part| symptoms::begins_in(phrase, part))?;
            Some(((1, part, 0), Why::Phrase))
        })
        .or_else(|| says(&all, words).then_some(((2, 0, 0), Why::Words)))
}

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
fn says(text: &str, words: &str) -> bool {
    let words = words.to_lowercase();
    let mut words = bare(&words).peekable();
    words.peek().is_some() && words.all(|word| says_one(text, word))
}

/// The words without what stands around them in a sentence; `-stale` and `#38` are words.
fn bare(words: &str) -> impl Iterator<Item = &str> {
    let words = words.split_whitespace().map(|word| {
        let word = word.trim_start_matches(['"', '\'', '`', '(', '[', '{', '<']);
        word.trim_end_matches(|c: char| !c.is_alphanumeric())
    });
    words.filter(|word| !word.is_empty())
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
    let words: Vec<&str> = bare(&all).collect();
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
    fn what_stands_around_a_word_in_a_sentence_is_no_part_of_it() {
        for (words, text, found) in [
            ("failed:", "it has failed", true),
            ("(407),", "answers 407", true),
            ("\"stale\"!", "stale=true", true),
            ("undici#38", "nodejs/undici#3897", false),
            (": -> ...", "anything: -> ...", false),
            ("", "anything", false),
        ] {
            assert_eq!(says(text, words), found, "{words} in {text}");
        }
    }

    fn found(words: &str) -> Vec<(&'static str, Option<String>)> {
        let all: Vec<_> = crate::catalogue::CATALOGUE
            .iter()
            .map(|entry| (entry, entry.scenario().unwrap()))
            .collect();
        let hits = hits(all.iter(), &[words.to_owned()]);
        hits.iter().map(|hit| (hit.entry.name, hit.why.map(Why::heading))).collect()
    }

    #[test]
    fn the_likeliest_comes_first() {
        let hang_up = found("socket hang up");
        let heading = |at: usize| hang_up[at].1.as_deref().unwrap();
        assert_eq!(hang_up[0].0, "reply/fin-before-reply");
        assert_eq!(heading(0), "Node.js says \"socket hang up\" behind:");
        assert_eq!(heading(hang_up.len() - 1), "by the words, wherever they stand:");
        // A name before what it is about, and that before the rest.
        let goaway = found("goaway").into_iter().map(|(name, _)| name.contains("goaway"));
        assert!(goaway.is_sorted_by(|before, after| before >= after));
        let captive = found("captive portal");
        assert_eq!(captive[0].0, "request/captive-portal");
        assert_eq!(captive[0].1.as_deref(), Some("by the words as they stand:"));
        // Each once, however many texts lead to it.
        let mut names: Vec<_> = found("timed out").into_iter().map(|(name, _)| name).collect();
        let many = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), many);
        assert!(found(" ").iter().all(|(_, why)| why.is_none()));
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
