//! Words that other tools use for what has another word here: what to write instead.

/// What somebody writes, the words here that say it, and what to tell. An entry counts only where
/// all of its words are allowed, so that one word can mean something else elsewhere.
const SYNONYMS: &[(&[&str], &[&str], &str)] = &[
    // Effects.
    (&["rst", "tcp_reset", "abort"], &["reset"], "a RST is `reset`"),
    (&["fin", "eof", "shutdown", "disconnect"], &["close"], "a FIN is `close`, a RST is `reset`"),
    (
        &["drop", "timeout", "blackholed"],
        &["hang", "blackhole"],
        "an open connection that stays silent is `hang`; SYNs that nobody answers are `blackhole`, at `syn`",
    ),
    (&["stall", "silence", "freeze", "stuck"], &["hang"], "staying silent is `hang`"),
    (&["latency", "sleep", "wait", "pause", "lag"], &["delay"], "a pause is `delay`"),
    (&["throttle", "rate", "slow", "speed"], &["bandwidth"], "bytes a second are `bandwidth`"),
    (
        &["truncate", "cut", "limit_data"],
        &["limit"],
        "passing so many bytes and no more is `limit`",
    ),
    (
        &["status", "error", "reply", "answer_with"],
        &["respond"],
        "an answer of one's own is `respond`",
    ),
    (
        &["reject", "deny", "block"],
        &["refuse", "respond"],
        "a SYN that gets a RST is `refuse`, at `syn`; an answer such as 403 is `respond`",
    ),
    // Stages.
    (
        &["connect", "connection", "tcp"],
        &["accept", "request", "dial"],
        "the client's TCP handshake is `syn`, its connection before any byte `accept`, its CONNECT \
         `request`, the proxy's own connection to the target `dial`",
    ),
    (
        &["handshake", "ssl", "hello"],
        &["proxy_tls", "tls"],
        "TLS with the proxy is `proxy_tls`, with the target inside the tunnel `tls`",
    ),
    (
        &["upstream", "origin", "backend"],
        &["dial", "response"],
        "the proxy's connection to the target is `dial`, what the target answers `response`",
    ),
    (
        &["lookup", "name"],
        &["dns", "resolve"],
        "the client's look-up is `dns`, the proxy's `resolve`",
    ),
    // Conditions.
    (
        &["connection", "connections", "conn"],
        &["attempt", "per"],
        "connections are counted by `attempt: 2, per: connection`",
    ),
    (
        &["request", "requests"],
        &["attempt", "per"],
        "requests on a connection are counted by `attempt: 2, per: request`",
    ),
    (
        &["nth", "count", "times", "try", "retry"],
        &["attempt", "per"],
        "write `attempt: 2`, `1-2` or `3-`",
    ),
    (&["url", "target", "domain"], &["host", "port"], "write `host: target.badproxy.test`"),
    (&["chance", "percent", "toxicity"], &["probability"], "write `probability: 0.5`"),
];

/// What to tell somebody who has written `word` where `known` are allowed.
pub(super) fn instead(word: &str, known: &[&str]) -> Option<&'static str> {
    let word = word.to_lowercase().replace('-', "_");
    let fits = |(written, here, _): &&(&[&str], &[&str], &str)| {
        written.contains(&word.as_str()) && here.iter().all(|word| known.contains(word))
    };
    SYNONYMS.iter().find(fits).map(|(.., text)| *text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Effect;
    use crate::stage::Stage;

    /// A word that is allowed itself is never looked up, and an entry with a word that is nowhere
    /// is never found.
    #[test]
    fn every_entry_can_be_reached() {
        let stages: Vec<&str> = Stage::ALL.iter().map(|stage| stage.word()).collect();
        let schema = crate::scenario::schema();
        let when = schema["$defs"]["When"]["properties"].as_object().unwrap();
        let when: Vec<&str> = when.keys().map(String::as_str).collect();
        for (written, here, text) in SYNONYMS {
            for word in *written {
                let told = [Effect::WORDS, &stages, &when]
                    .iter()
                    .any(|known| !known.contains(word) && instead(word, known) == Some(text));
                assert!(told, "{word} -> {here:?}");
            }
        }
    }

    #[test]
    fn a_word_counts_only_where_its_stand_in_is_allowed() {
        assert_eq!(instead("RST", &["reset"]), Some("a RST is `reset`"));
        assert_eq!(instead("rst", &["close"]), None);
        assert!(instead("connection", &["attempt", "per"]).unwrap().contains("per: connection"));
    }
}
