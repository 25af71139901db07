//! What clients print when they fail, and the scenarios that make them print it.
//!
//! The list is `scenarios/symptoms.tsv`: who prints it, the text, its scenarios, the most typical first. A `*`
//! in a text stands for a few words that differ each time: a port, an address, a number of bytes. A colon at the
//! end says that the text stands around another, the cause, and means little where that is there.

/// A text of an error.
#[derive(Debug, PartialEq, Eq)]
pub struct Symptom {
    /// Who prints it, e.g. `curl`, or `requests, urllib3`.
    pub client: &'static str,
    /// The text, without what stands around it.
    pub text: &'static str,
    /// Whether it stands around another, e.g. `Max retries exceeded with url`.
    around: bool,
    /// The scenarios behind which it was printed.
    pub scenarios: Vec<&'static str>,
    words: Vec<String>,
}

/// So few letters are in many texts and mean none of them.
const FEW: usize = 8;

/// A single word in more texts than this is what they are about, and means none of them: `connection`.
const MANY: usize = 3;

/// So many words stand for a `*` at most: `127.0.0.1:40000` has five.
const ANY: usize = 8;

/// What stands before a text and is no part of it; so are numbers, and the names of exceptions.
const BEFORE: &str = "aiohttp by caused client curl exceptions fatal http httpcore httpx io java javax lang net \
                      node okhttp3 requests ssl undici urllib3 wget";

/// All of them, in the order of their texts.
pub fn all() -> &'static [Symptom] {
    static ALL: std::sync::LazyLock<Vec<Symptom>> = std::sync::LazyLock::new(|| {
        let rows = include_str!("../scenarios/symptoms.tsv").lines().skip(1);
        rows.filter_map(|row| {
            let mut fields = row.split('\t');
            let (client, text) = (fields.next()?, fields.next()?);
            let scenarios = fields.next()?.split(' ').collect();
            let around = text.ends_with(':');
            let text = text.trim_end_matches(':');
            Some(Symptom { client, text, around, scenarios, words: pattern(text) })
        })
        .collect()
    });
    &ALL
}

/// Those that somebody may mean by what was typed or pasted: first those that stand in it, then those that it is a
/// part of.
pub fn meant(typed: &str) -> Vec<&'static Symptom> {
    let typed = words(typed);
    let mut stand: Vec<_> =
        all().iter().filter_map(|s| Some((last_end(&s.words, &typed)?, s))).collect();
    let whole = stand.clone();
    let cause = whole.iter().any(|(_, s)| !s.around);
    // A text that is a part of another one says less, too: `unexpected EOF` is no `EOF`.
    let less = |s: &Symptom| (cause && s.around) || whole.iter().any(|(_, other)| other.holds(s));
    stand.retain(|(_, s)| !less(s));
    // A chain of causes ends with the first of them.
    stand.sort_by_key(|(end, s)| std::cmp::Reverse((*end, s.text.len())));
    let mut found: Vec<&Symptom> = stand.into_iter().map(|(_, s)| s).collect();
    let short = without_what_stands_before(&typed);
    let parts: Vec<_> = all().iter().filter(|s| s.has(&typed) || s.has(short)).collect();
    // A name such as `NS_ERROR_` is begun, and no topic.
    let topic = short.len() == 1 && !short[0].contains('_') && parts.len() > MANY;
    let parts: Vec<_> = parts.into_iter().filter(|s| !topic && !found.contains(s)).collect();
    found.extend(parts);
    found
}

impl Symptom {
    /// Whether another, shorter one is a part of this.
    fn holds(&self, other: &Symptom) -> bool {
        self.words.len() > other.words.len() && last_end(&other.words, &self.words).is_some()
    }

    /// Whether what was typed is a part of it, the last word perhaps only begun.
    fn has(&self, typed: &[String]) -> bool {
        let starts = (0..self.words.len()).filter(|at| self.words[*at] != "*");
        starts.into_iter().any(|at| part(typed, &self.words[at..]).is_some_and(|n| n > FEW))
    }
}

/// The words of a text, in lower case and without what stands between them. A name such as `UND_ERR_SOCKET` is one.
pub(crate) fn words(text: &str) -> Vec<String> {
    let text = text.to_lowercase();
    let between = |c: char| !(c.is_alphanumeric() || c == '_');
    text.split(between).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// The words of a text of the list, each `*` among them.
fn pattern(text: &str) -> Vec<String> {
    let pieces: Vec<_> = text.split('*').map(words).collect();
    pieces.join(&["*".to_owned()][..])
}

/// Whether these words stand in a text one after the other, the last perhaps only begun. A number is one as a whole.
pub(crate) fn begins_in(these: &[String], text: &str) -> bool {
    let Some((last, before)) = these.split_last() else { return false };
    let digits = last.ends_with(|c: char| c.is_ascii_digit());
    words(text).windows(these.len()).any(|here| {
        let rest = here[before.len()].strip_prefix(last.as_str());
        here.starts_with(before)
            && rest.is_some_and(|r| !(digits && r.starts_with(|c: char| c.is_ascii_digit())))
    })
}

/// Where a text that stands in another ends, the last time that it does.
fn last_end(text: &[String], inside: &[String]) -> Option<usize> {
    (0..inside.len()).rev().find_map(|at| Some(at + reach(text, &inside[at..])?))
}

/// How many words the text takes up that these begin with.
fn reach(text: &[String], these: &[String]) -> Option<usize> {
    let Some((word, rest)) = text.split_first() else { return Some(0) };
    if word == "*" {
        return (1..=ANY.min(these.len())).find_map(|n| Some(n + reach(rest, &these[n..])?));
    }
    let (first, others) = these.split_first()?;
    if first == word { Some(1 + reach(rest, others)?) } else { None }
}

/// How long what was typed is, where a text begins with it; blanks count, what a `*` stands for does not.
fn part(typed: &[String], text: &[String]) -> Option<usize> {
    let Some((word, rest)) = typed.split_first() else { return Some(0) };
    let (first, others) = text.split_first()?;
    if first == "*" {
        return (1..=ANY.min(typed.len())).find_map(|n| part(&typed[n..], others));
    }
    let begun = rest.is_empty() && first.starts_with(word.as_str());
    if begun || first == word { Some(word.len() + 1 + part(rest, others)?) } else { None }
}

fn without_what_stands_before(typed: &[String]) -> &[String] {
    let before = |word: &&String| {
        BEFORE.split(' ').any(|before| before == word.as_str())
            || word.ends_with("error")
            || word.ends_with("exception")
            || word.bytes().all(|b| b.is_ascii_digit())
    };
    &typed[typed.iter().take_while(before).count()..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(typed: &str) -> Vec<&'static str> {
        meant(typed).iter().map(|symptom| symptom.text).collect()
    }

    /// In their order, so that whoever adds one sees whether it is there.
    #[test]
    fn the_list_is_in_order_and_has_each_text_once() {
        assert!(all().len() > 100);
        let texts: Vec<String> = all().iter().map(|symptom| symptom.text.to_lowercase()).collect();
        assert!(texts.is_sorted(), "{:?}", texts.windows(2).find(|two| two[0] > two[1]));
        for two in all().iter().flat_map(|s| all().iter().map(move |other| (s, other))) {
            let same = two.0.words == two.1.words && !std::ptr::eq(two.0, two.1);
            assert!(!same, "{} and {}", two.0.text, two.1.text);
        }
        let rows = include_str!("../scenarios/symptoms.tsv").lines().count() - 1;
        assert_eq!(all().len(), rows, "a row without three fields");
    }

    #[test]
    fn every_symptom_leads_to_scenarios() {
        for Symptom { client, text, scenarios, words, .. } in all() {
            assert!(!client.is_empty() && words.iter().any(|word| word != "*"), "{text}");
            for (at, name) in scenarios.iter().enumerate() {
                assert!(crate::catalogue::find(name).is_some(), "{text}: no scenario `{name}`");
                assert!(!scenarios[..at].contains(name), "{text}: `{name}` twice");
            }
        }
    }

    #[test]
    fn every_text_finds_itself_first() {
        for symptom in all() {
            let typed = symptom.text.replace('*', "7");
            assert_eq!(texts(&typed).first(), Some(&symptom.text), "{typed}");
            let pasted = format!("Error: it said \"{typed}\"!");
            assert_eq!(texts(&pasted).first(), Some(&symptom.text), "{pasted}");
        }
    }

    #[test]
    fn a_line_that_was_pasted_has_the_text_in_it() {
        for (pasted, text) in [
            (
                "curl: (56) Recv failure: Connection reset by peer",
                "Recv failure: Connection reset by peer",
            ),
            (
                "curl: (18) transfer closed with 40000 bytes remaining to read",
                "transfer closed with * bytes remaining to read",
            ),
            (
                "curl: (7) Failed to connect to 127.0.0.1 port 39427 after 0 ms: Couldn't connect to server",
                "Couldn't connect to server",
            ),
            (
                "read tcp 127.0.0.1:46912->127.0.0.1:43747: read: connection reset by peer",
                "Connection reset by peer",
            ),
            // The cause stands last.
            (
                "requests.exceptions.ProxyError: HTTPSConnectionPool(host='a.test', port=443): Max retries exceeded with url: / (Caused by ProxyError('Unable to connect to proxy', OSError('Tunnel connection failed: 407 Proxy Authentication Required')))",
                "Proxy Authentication Required",
            ),
            (
                "ProxyError('Unable to connect to proxy', RemoteDisconnected('Remote end closed connection without response'))",
                "Remote end closed connection without response",
            ),
            (
                "context deadline exceeded (Client.Timeout or context cancellation while reading body)",
                "Client.Timeout or context cancellation while reading body",
            ),
            (
                "TypeError: fetch failed <- SocketError: other side closed (UND_ERR_SOCKET)",
                "UND_ERR_SOCKET",
            ),
            ("Page load failed: net::ERR_EMPTY_RESPONSE", "ERR_EMPTY_RESPONSE"),
        ] {
            assert_eq!(texts(pasted).first(), Some(&text), "{pasted}");
        }
        let refused = "Max retries exceeded with url: / (Caused by ProxyError('Unable to connect to proxy', \
                       NewConnectionError(\"Failed: [Errno 111] Connection refused\")))";
        assert_eq!(texts(refused), ["Connection refused"]);
        // One text within another is not meant.
        assert!(!texts("unexpected EOF").contains(&"EOF"));
        assert!(
            !texts("curl: (56) Recv failure: Connection reset by peer")
                .contains(&"Connection reset by peer")
        );
    }

    #[test]
    fn a_part_of_a_text_will_do_from_eight_letters_on() {
        for (typed, text) in [
            ("curl: (56) Recv failure", Some("Recv failure: Connection reset by peer")),
            ("OSError: Tunnel connec", Some("Tunnel connection failed")),
            (
                "transfer closed with 40000 bytes",
                Some("transfer closed with * bytes remaining to read"),
            ),
            ("java.net.SocketException", Some("java.net.SocketException: Connection reset")),
            ("net::ERR_CONTENT_DEC", Some("ERR_CONTENT_DECODING_FAILED")),
            ("deadline", Some("context deadline exceeded")),
            ("hang up", None),
            ("connection", None),
            ("to whatever it is", None),
            ("curl: (56)", None),
            ("7 * 8", None),
            ("", None),
        ] {
            assert_eq!(texts(typed).first().copied(), text, "{typed}");
        }
        assert!(texts("NS_ERROR_").len() > MANY);
    }

    #[test]
    fn words_stand_in_a_text_one_after_the_other() {
        for (words_of, text, found) in [
            ("range", "response/range-416", true),
            ("range-41", "response/range-416", false),
            ("rang", "a stranger", false),
            ("Connection clo", "`Connection: close`, then a FIN", true),
            ("close connection", "Connection: close", false),
            ("", "anything", false),
        ] {
            assert_eq!(begins_in(&words(words_of), text), found, "{words_of} in {text}");
        }
    }
}
