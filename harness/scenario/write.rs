//! A scenario back into the YAML that it can be read from.

use super::Scenario;

impl Scenario {
    /// The scenario as a YAML file: reading it gives an equal scenario. Defaults are left out, and
    /// values stand as people write them (`350ms`, `64KiB`, `do: reset`).
    ///
    /// What `send: {file: NAME}` sends is not in it: that file belongs beside it.
    ///
    /// ```
    /// let text = "name: mine\nrules:\n- at: reply\n  do:\n    delay: 3s\n";
    /// let scenario = badproxy::scenario::read(text, "mine.yaml").unwrap();
    /// assert_eq!(scenario.to_yaml(), text);
    /// ```
    pub fn to_yaml(&self) -> String {
        match serde_yaml::to_string(self) {
            Ok(text) => text,
            // It fails where the writer fails or a key is no word, and neither can be here.
            Err(error) => unreachable!("{error}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::super::*;
    use crate::catalogue::CATALOGUE;
    use crate::fault::{Effect, delay, send, slice};

    /// Reads back what was written.
    fn back(scenario: &Scenario) -> Scenario {
        let text = scenario.to_yaml();
        read(&text, "back.yaml").unwrap_or_else(|problems| panic!("{problems}\n{text}"))
    }

    #[test]
    fn the_catalogue_comes_back() {
        for entry in CATALOGUE {
            let scenario = read_named(entry.yaml, entry.name, entry.name).unwrap();
            assert_eq!(back(&scenario), scenario, "{}", entry.name);
            assert_eq!(back(&scenario).to_yaml(), scenario.to_yaml(), "{}", entry.name);
        }
    }

    #[test]
    fn every_example_comes_back() {
        for word in Effect::WORDS {
            let text = format!("rules:\n  - {}\n", Effect::example(word).unwrap());
            let scenario = read(&text, word).unwrap();
            assert_eq!(back(&scenario), scenario, "{word}");
        }
    }

    #[test]
    fn it_is_written_as_people_write_it() {
        let text = "\
name: x/y
proxy:
  auth:
    scheme: basic
    user: alice
  tls: {}
rules:
- when:
    attempt: 1-2
    host: \"*.corp.test\"
  at: reply
  do: reset
- when:
    attempt: 3-
  at: tunnel
  do:
  - until:
      idle: 350s
  - hang:
      discard: true
- at: dial
  do:
    upstream_error: connection_refused
expect:
  outcome: failure
  attempts:
    max: 3
limits:
  bytes: 64KiB
";
        assert_eq!(read(text, "x").unwrap().to_yaml(), text);
    }

    /// Texts that YAML readers are known to stumble over, and any others.
    fn text() -> impl Strategy<Value = String> {
        const HARD: &[&str] = &[
            "",
            " ",
            "~",
            "null",
            "true",
            "no",
            "on",
            "1.10",
            "0x1F",
            "1e3",
            ".inf",
            ".nan",
            "- a",
            "a: b",
            "a #b",
            "#",
            "*a",
            "&a",
            "!x",
            "|",
            ">",
            "%",
            "@",
            "`",
            "'",
            "\"",
            "\\",
            "{}",
            "[",
            "---",
            "...",
            "a\n",
            "\n",
            "\na",
            " a\n b\n",
            "a\n\n\nb",
            "a \nb",
            "a\r\nb",
            "\t",
            "\ta\tb",
            "\u{85}",
            "\u{2028}",
            "\u{feff}a",
            "\0",
            "\x1b[31m",
            "<<",
            "=",
            "12:30:45",
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        ];
        let long = proptest::collection::vec("[ a-z\u{e9}#:\\n\\t-]{0,30}", 0..8);
        prop_oneof![
            proptest::sample::select(HARD).prop_map(str::to_owned),
            any::<String>(),
            long.prop_map(|parts| parts.join(" ")),
        ]
    }

    fn length() -> impl Strategy<Value = Length> {
        (0u64..400 * 60_000).prop_map(|ms| Length(Duration::from_millis(ms)))
    }

    fn step() -> impl Strategy<Value = Effect> {
        let size = || (1u64..1 << 30).prop_map(Size);
        prop_oneof![
            length().prop_map(|time| {
                Effect::Delay(delay::Delay { time: Some(time), ..Default::default() })
            }),
            (text(), proptest::option::of(1u64..9)).prop_map(|(text, repeat)| {
                let repeat = repeat.filter(|_| !text.is_empty());
                let text = Some(text);
                Effect::SendBytes(send::SendBytes { text, repeat, ..Default::default() })
            }),
            (size(), proptest::option::of(length())).prop_map(|(bytes, gap)| {
                Effect::Slice(slice::Slice { bytes, gap, ..Default::default() })
            }),
        ]
    }

    fn when() -> impl Strategy<Value = When> {
        let ordinals =
            (1u64..9, 0u64..9).prop_map(|(first, more)| Ordinals { first, last: first + more });
        use proptest::option::of as some;
        let header = proptest::collection::btree_map(text(), text(), 0..3);
        (some(ordinals), some(text()), header, some(1u16..9), some(0.001f64..1.0)).prop_map(
            |(attempt, host, header, port, probability)| When {
                attempt,
                host,
                header,
                port,
                probability,
                ..When::default()
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        #[test]
        fn any_scenario_comes_back(
            which in 0..CATALOGUE.len(),
            name in "[a-z]{1,4}/[a-z]{1,9}",
            (about, wire, cannot) in (text(), proptest::collection::vec(text(), 0..3), text()),
            (seed, scale) in (any::<Option<u64>>(), proptest::option::of(0.001f64..1000.0)),
            explain in proptest::collection::vec("[a-z0-9 ]{1,9}", 0..3),
            steps in proptest::collection::vec(step(), 1..4),
            when in when(),
            limit in proptest::option::of((1u64..1 << 40).prop_map(Size)),
        ) {
            let entry = &CATALOGUE[which];
            let mut scenario = read_named(entry.yaml, entry.name, entry.name).unwrap();
            scenario = Scenario { name, about, wire, cannot, seed, scale, ..scenario };
            scenario.expect.explain = explain;
            scenario.limits.bytes = limit;
            let steps = steps.into_iter().map(|effect| Step { effect, place: Place::default() });
            let rule = Rule {
                when: Some(when.into()),
                at: Stage::Tunnel.into(),
                steps: Steps(steps.collect()),
            };
            // Two rules at one stage may exclude each other, and one before it may end all.
            let may = |rule: &Rule| rule.at.value > Stage::Tunnel || !rule.when().always();
            scenario.rules.retain(|rule| rule.at.value != Stage::Tunnel && may(rule));
            scenario.rules.push(rule);
            let text = scenario.to_yaml();
            match read(&text, "back.yaml") {
                Ok(read) => prop_assert_eq!(read, scenario),
                Err(problems) => prop_assert!(false, "{}\n{}", problems, text),
            }
        }
    }
}
