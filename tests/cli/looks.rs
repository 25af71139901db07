//! Colours and widths.

use crate::CURL;
use crate::play::{Played, badproxy};

fn with(name: &str, value: &str, options: &str) -> Played {
    let words = ["run"].into_iter().chain(options.split_whitespace()).chain(["--"]);
    badproxy(words.chain(CURL.iter().copied())).env(name, value).play()
}

#[test]
fn colours_are_for_terminals_and_for_who_asks() {
    let coloured = |played: Played| {
        assert!(!played.stdout.contains(&0x1b));
        played.stderr.contains('\u{1b}')
    };
    assert!(!coloured(with("TERM", "xterm", "ok/plain")));
    assert!(!coloured(with("NO_COLOR", "1", "ok/plain")));
    assert!(!coloured(with("TERM", "xterm", "ok/plain --color never")));
    assert!(coloured(with("TERM", "xterm", "ok/plain --color always")));
    // Who says "always" has said it later than the environment.
    assert!(coloured(with("NO_COLOR", "1", "ok/plain --color always")));
    let bad = |color: &str| badproxy(["check", "--color", color, "nothing"]).play().ends(2);
    assert!(bad("always").stderr.contains('\u{1b}'));
    assert!(!bad("auto").stderr.contains('\u{1b}'));
}

/// Nothing but the text is lost without colours.
#[test]
fn the_words_are_the_same_without_colours() {
    let plain = |text: &str| {
        let mut out = String::new();
        let mut parts = text.split('\u{1b}');
        out.push_str(parts.next().unwrap());
        parts.for_each(|part| out.push_str(part.split_once('m').unwrap().1));
        out
    };
    let last = |played: Played| played.stderr.lines().last().unwrap().to_owned();
    let (bare, painted) = (
        last(with("TERM", "xterm", "reply/reset --seed 1 --quiet")),
        last(with("TERM", "xterm", "reply/reset --seed 1 --quiet --color always")),
    );
    assert_ne!(bare, painted);
    assert_eq!(bare, plain(&painted));
}

/// The first line (proxy, seed) and the last (the command) are there to be copied, and a fault is
/// pointed at whatever the room; all else fits.
#[test]
fn the_report_fits_the_terminal() {
    // A client that says nothing itself.
    let silent = ["sh", "-c", "curl -sS {target} >/dev/null 2>&1"];
    for scenario in ["reply/fin-before-reply", "tls/expired", "auth/407-loop", "ok/plain"] {
        let words = ["run", scenario, "--"].into_iter().chain(silent);
        let played = badproxy(words).env("COLUMNS", "40").play();
        let lines: Vec<&str> = played.stderr.lines().collect();
        assert!(lines.last().unwrap().trim_start().starts_with("again"), "{}", played.stderr);
        for line in &lines[1..lines.len() - 1] {
            let room = if line.ends_with("← the fault") { 50 } else { 40 };
            assert!(line.chars().count() <= room, "{line}\nin\n{}", played.stderr);
        }
    }
}

#[test]
fn widths_that_are_none() {
    for width in ["1", "0", "-1", "x", "", "99999999999999999999", "18446744073709551615"] {
        let played = with("COLUMNS", width, "ok/plain").ends(0);
        assert!(played.stderr.contains("✔ PASS"), "{width}: {}", played.stderr);
        for words in ["list", "show reply/reset", "--help", "check nothing"] {
            let words = words.split(' ');
            badproxy(words).env("COLUMNS", width).play();
        }
    }
}

/// Words apart, and what is quoted for a shell: those are whole, to be copied.
#[test]
fn lists_and_explanations_fit_the_terminal() {
    for width in [40, 60, 80, 120] {
        for words in [
            "list",
            "list --stage pac",
            "list --effects",
            "list --conditions",
            "show reply/reset",
            "show auth/407-ntlm",
            "show dns/silence",
            "show pac/slow",
            "show tls/hello-large-drop",
        ] {
            let played =
                badproxy(words.split(' ')).env("COLUMNS", &width.to_string()).play().ends(0);
            assert!(played.out().lines().count() > 10, "{words}");
            for line in played.out().lines().filter(|line| line.chars().count() > width) {
                let bare = line.trim_start().trim_start_matches("- ");
                let whole = bare.split(' ').count() < 3 || bare.contains('\'');
                assert!(whole, "{words} at {width}: {line}\n{}", played.out());
            }
        }
    }
}

/// A file keeps whole lines; on a terminal what does not fit goes on below. The word that decides is at the
/// end of a line.
#[test]
fn a_long_line_keeps_its_end() {
    let host = format!("{}.{}.badproxy.test", "a".repeat(60), "b".repeat(40));
    let url = format!("https://{host}/");
    let words = ["run", "auth/407-no-credentials", "--", "curl", "-s", &url];
    let whole = badproxy(words).play().ends(0);
    let line = format!("client   CONNECT {host}:443   no Proxy-Authorization\n");
    assert!(whole.stderr.contains(&line), "{}", whole.stderr);
    let narrow = badproxy(words).env("COLUMNS", "60").play().ends(0);
    let below = format!("\n{:23}no Proxy-Authorization\n", "");
    assert!(narrow.stderr.contains(&below), "{}", narrow.stderr);
    let fits = |line: &&str| line.chars().count() <= 60;
    assert!(narrow.stderr.lines().skip(3).filter(|l| l.contains("CONNECT")).all(|l| fits(&l)));
}

#[test]
fn conditions_fit_the_terminal() {
    let whole = badproxy(["list", "--conditions"]).play().ends(0);
    assert!(whole.out().lines().any(|line| line.chars().count() > 100), "{}", whole.out());
    let narrow = badproxy(["list", "--conditions"]).env("COLUMNS", "70").play().ends(0);
    let (keys, _) = narrow.out().split_once("\n\n").unwrap();
    let long: Vec<&str> = keys.lines().filter(|line| line.chars().count() > 70).collect();
    assert!(long.is_empty(), "{long:?}");
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(words(whole.out()), words(narrow.out()));
}
