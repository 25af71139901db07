//! Nothing that anybody can write makes the reader panic, take for ever, or write without end.

use std::time::{Duration, Instant};

use badproxy::catalogue::CATALOGUE;
use badproxy::scenario::read;
use proptest::prelude::*;

/// Far more than any of it takes, also without optimisation on a busy machine.
const LONG: Duration = Duration::from_secs(20);

/// Reads a text and draws its mistakes.
fn survives(text: &str) -> Result<(), TestCaseError> {
    let start = Instant::now();
    if let Err(problems) = read(text, "x.yaml") {
        prop_assert!(!problems.list.is_empty());
        for colour in [false, true] {
            let drawn = problems.render(colour);
            prop_assert!(drawn.contains("x.yaml"), "{drawn}");
            prop_assert!(drawn.len() < 256 * 1024, "{} bytes", drawn.len());
        }
        prop_assert!(problems.first_line().starts_with("x.yaml"));
        prop_assert!(problems.list.is_sorted_by_key(|problem| problem.place));
    }
    prop_assert!(start.elapsed() < LONG, "it took {:?}", start.elapsed());
    Ok(())
}

/// One thing that happens to a file. Numbers are taken modulo what there is.
#[derive(Debug, Clone)]
enum Harm {
    Byte(usize, u8),
    Delete(usize),
    Duplicate(usize),
    Swap(usize, usize),
    Indent(usize, usize),
    Cut(usize),
    Insert(usize, &'static str),
}

/// Characters of all widths, and what has a meaning in YAML.
const INSERTED: &[&str] = &[
    "é",
    "字",
    "💥",
    "e\u{301}",
    "👩\u{200d}👧",
    "\u{202e}",
    "\u{feff}",
    "\u{85}",
    "\u{2028}",
    "\0",
    "\x1b[31m",
    "\r",
    "\n",
    "\t",
    "---\n",
    "...\n",
    "- ",
    ": ",
    "? ",
    "#",
    " #",
    "&a ",
    "*a",
    "!!str ",
    "!x ",
    "<<: *a",
    "{",
    "}",
    "[",
    "]",
    ",",
    "'",
    "\"",
    "|\n",
    ">-\n",
    "%YAML 1.2\n",
    "~",
    "null",
    "yes",
    "-1",
    "1e999",
    ".nan",
    "0x1F",
    "18446744073709551616",
];

fn harm() -> impl Strategy<Value = Harm> {
    let n = any::<usize>;
    prop_oneof![
        (n(), any::<u8>()).prop_map(|(at, bits)| Harm::Byte(at, bits)),
        n().prop_map(Harm::Delete),
        n().prop_map(Harm::Duplicate),
        (n(), n()).prop_map(|(a, b)| Harm::Swap(a, b)),
        (n(), 0..6usize).prop_map(|(line, by)| Harm::Indent(line, by)),
        n().prop_map(Harm::Cut),
        (n(), proptest::sample::select(INSERTED)).prop_map(|(at, what)| Harm::Insert(at, what)),
    ]
}

/// Words and signs in any order.
const LIKE_YAML: &str = "([a-z]{1,4}|at|do|when|rules|reply|close|é|字|: |- |\n|\n  |\t|\r\n\
                         |[-:,&*!|>'\"%@#~?{}\\[\\] ]){0,60}";

fn harmed(text: &str, harms: &[Harm]) -> String {
    let mut text = text.to_owned();
    for harm in harms {
        text = harm_once(&text, harm);
    }
    text
}

fn harm_once(text: &str, harm: &Harm) -> String {
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    if lines.is_empty() {
        return text.to_owned();
    }
    let count = lines.len();
    match *harm {
        Harm::Byte(at, bits) => {
            let mut bytes = text.as_bytes().to_vec();
            let at = at % bytes.len();
            bytes[at] ^= bits;
            return String::from_utf8_lossy(&bytes).into_owned();
        }
        Harm::Cut(at) => return text.chars().take(at % text.len()).collect(),
        Harm::Insert(at, what) => {
            let ends: Vec<usize> = text.char_indices().map(|(index, _)| index).collect();
            let at = ends[at % ends.len()];
            return format!("{}{what}{}", &text[..at], &text[at..]);
        }
        Harm::Delete(line) => {
            lines.remove(line % count);
        }
        Harm::Duplicate(line) => lines.insert(line % count, lines[line % count].clone()),
        Harm::Swap(a, b) => lines.swap(a % count, b % count),
        Harm::Indent(line, by) => lines[line % count].insert_str(0, &" ".repeat(by)),
    }
    lines.concat()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_text(text in any::<String>()) {
        survives(&text)?;
    }

    #[test]
    fn anything_like_yaml(text in LIKE_YAML) {
        survives(&text)?;
    }

    #[test]
    fn harmed_scenarios(which in any::<usize>(), harms in proptest::collection::vec(harm(), 1..6)) {
        let text = CATALOGUE[which % CATALOGUE.len()].yaml;
        survives(&harmed(text, &harms))?;
    }

    /// What is in front of a mistake on its line does not change what the mistake is, and moves
    /// it by as many columns as there are characters.
    #[test]
    fn columns_count_characters(before in "[^\\p{C}\\p{Z}\"\\\\]{0,30}") {
        let text = format!("expect: {{explain: [\"{before}\"], outcome: sucess}}\n");
        let problems = read(&text, "x.yaml").unwrap_err();
        let place = problems.list[0].place.unwrap();
        prop_assert_eq!(problems.list.len(), 1);
        prop_assert_eq!(place.column, 34 + before.chars().count());
        let at = format!("x.yaml:1:{}", place.column);
        prop_assert!(problems.render(false).contains(&at));
    }
}
