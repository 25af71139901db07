//! Every form of a small matrix is kept in `tests/reports/`; nothing in any form gets out of its
//! place.
//!
//! `UPDATE=1 cargo test --lib report::matrix` writes the kept ones anew; read the difference.

use super::*;
use crate::matrix::baseline::read;
use crate::matrix::example::{cell, everything, summary};
use crate::matrix::outcome::outcome;
use crate::matrix::{Control, Mark};
use crate::verdict::Word;

fn shown(
    form: Form,
    summary: &Summary,
    baseline: &str,
    only_failures: bool,
    width: usize,
) -> String {
    let baseline = read(baseline, "badproxy.expected.yaml").unwrap();
    let today = time::Date::from_calendar_date(2026, time::Month::November, 26).unwrap();
    let outcome = outcome(summary, &baseline, today, false);
    render(form, &View { summary, outcome: &outcome, only_failures, colour: false, width })
}

fn holds(name: &str, got: &str) {
    let path = format!("{}/tests/reports/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(std::path::Path::new(&path).parent().unwrap()).unwrap();
        std::fs::write(&path, got).unwrap();
    }
    let want = std::fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
    assert!(want == got, "{name}\n--- kept\n{want}\n--- now\n{got}");
}

/// One client, with some of everything.
fn one() -> Summary {
    let mut cells = vec![
        cell("./client", "auth/407-no-credentials", Mark::PASS),
        cell("./client", "auth/407-loop", Word::Vague),
        cell("./client", "reply/fin-before-reply", Word::Storm),
        cell("./client", "reply/hang", Mark::PASS),
        cell("./client", "reply/reset", Mark::Flaky),
        cell("./client", "tls/expired", Word::Inconclusive),
        cell("./client", "tls/self-signed", Word::Hang),
    ];
    cells[4].tally = [("PASS".to_owned(), 2), ("STORM".to_owned(), 1)].into();
    cells[4].notes.push("a note".to_owned());
    cells[2].dir = Some("cells/client/reply.fin-before-reply".to_owned());
    summary(cells)
}

/// What could not be seen did not go well: it was not tried.
#[test]
fn a_control_that_could_not_be_seen_is_not_counted() {
    let mut two = summary(vec![cell("a", "x/y", Mark::PASS), cell("b", "x/y", Mark::PASS)]);
    let direct = |control: &Control| Control {
        name: "control/direct".to_owned(),
        why: "a way around the proxy cannot be seen here".to_owned(),
        ms: 0.0,
        ..control.clone()
    };
    let more: Vec<Control> = two.controls.iter().map(direct).collect();
    two.controls.extend(more);
    let line = |summary: &Summary| {
        let text = shown(Form::Human, summary, "", false, 100);
        text.lines().filter(|line| line.contains("control")).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(line(&two), "control   ✔ 2 of 2 went well, 2 not observable (direct)");
    two.isolate = true;
    assert_eq!(line(&two), "control   ✔ 2 of 2 went well");
    let mut one = two.clone();
    (one.isolate, one.clients) = (false, one.clients[..1].to_vec());
    one.cells.truncate(1);
    one.controls.retain(|control| control.client == "a");
    let lines = line(&one);
    assert!(lines.contains("✔ plain") && lines.contains("○ direct"), "{lines}");
}

/// Of many cells that were never played the first are named, and none is explained.
#[test]
fn many_gaps_are_one_line() {
    let gaps = |n: usize| {
        let gaps = (0..n).map(|at| cell("a", &format!("x/{at}"), Mark::Missing));
        let mut cells: Vec<Cell> = gaps.collect();
        cells.push(cell("a", "reply/hang", Word::Hang));
        summary(cells)
    };
    let line = "MISSING in 40 cells: x/0, x/1, x/2 and 37 more";
    let all = shown(Form::Human, &gaps(40), "", true, 100);
    assert_eq!(all.matches("✖ MISSING   ").count(), 0, "{all}");
    assert_eq!(all.matches("✖ HANG   ").count(), 1, "{all}");
    assert!(all.contains(line), "{all}");
    let page = shown(Form::Md, &gaps(40), "", false, 100);
    assert_eq!(page.matches("<details>").count(), 1, "{page}");
    assert!(page.contains("MISSING in 40 cells: x/0, x/1, x/2 and 37 more"), "{page}");
    // Few are told one by one.
    let few = shown(Form::Human, &gaps(5), "", true, 100);
    assert_eq!(few.matches("✖ MISSING   ").count(), 5, "{few}");
    assert_eq!(shown(Form::Md, &gaps(5), "", false, 100).matches("<details>").count(), 6);
}

const BASELINE: &str = "\"./client / tls/self-signed\": {verdict: HANG, issue: a/b#1}\n\
                        \"./client / reply/hang\": HANG\n";

#[test]
fn forms_of_one_client() {
    let summary = one();
    for (form, name) in [
        (Form::Human, "one.txt"),
        (Form::Md, "one.md"),
        (Form::Github, "one.github"),
        (Form::Junit, "one.xml"),
        (Form::Jsonl, "one.jsonl"),
        (Form::Html, "one.html"),
    ] {
        holds(name, &shown(form, &summary, BASELINE, false, 100));
    }
    holds("one-failures.md", &shown(Form::Md, &summary, BASELINE, true, 100));
    holds("one-failures.txt", &shown(Form::Human, &summary, BASELINE, true, 60));
    assert_eq!(shown(Form::Json, &summary, "", false, 100), summary.to_json());
}

/// Seven clients.
fn seven() -> Summary {
    let names =
        ["curl", "requests", "httpx", "aiohttp", "undici7", "java17", "a-client-with-a-name"];
    let cells = names.iter().enumerate().flat_map(|(at, name)| {
        let word = if at == 4 { Mark::Word(Word::Storm) } else { Mark::PASS };
        let vague = if at % 2 == 0 { Mark::Word(Word::Vague) } else { Mark::PASS };
        [
            cell(name, "auth/407-no-credentials", Mark::PASS),
            cell(name, "reply/fin-before-reply", word),
            cell(name, "reply/garbage", vague),
        ]
    });
    summary(cells.collect())
}

#[test]
fn forms_of_many_clients() {
    let summary = seven();
    holds("many.txt", &shown(Form::Human, &summary, "", false, 100));
    holds("many-narrow.txt", &shown(Form::Human, &summary, "", false, 50));
    holds("many.xml", &shown(Form::Junit, &summary, "", false, 100));
    holds("many.md", &shown(Form::Md, &summary, "", false, 100));
}

#[test]
fn an_empty_matrix_and_one_of_everything_are_shown() {
    for form in <Form as clap::ValueEnum>::value_variants() {
        for summary in [&summary(vec![]), &everything()] {
            for only in [false, true] {
                for width in [0, 40, 500] {
                    shown(*form, summary, "", only, width);
                }
            }
        }
    }
}

#[path = "matrix_hostile.rs"]
mod hostile;

/// What both schemas that CI systems use (Jenkins' xunit plugin, junit-10; Maven Surefire's
/// report) ask for: the elements, their order, the attributes.
#[test]
fn junit_is_what_its_readers_ask_for() {
    for summary in [one(), seven(), everything(), summary(vec![])] {
        let text = shown(Form::Junit, &summary, "", false, 100);
        let document = roxmltree::Document::parse(&text).unwrap();
        for element in document.descendants().filter(roxmltree::Node::is_element) {
            let name = element.tag_name().name();
            let (required, allowed, inside): (&[&str], &[&str], &[&str]) = match name {
                "testsuites" => {
                    (&[], &["name", "tests", "failures", "errors", "time"], &["testsuite"])
                }
                "testsuite" => (
                    &["name", "tests", "failures", "errors", "skipped"],
                    &["time"],
                    &["properties", "testcase"],
                ),
                "properties" => (&[], &[], &["property"]),
                "property" => (&["name", "value"], &[], &[]),
                // In this order.
                "testcase" => (
                    &["name", "time"],
                    &["classname"],
                    &["failure", "skipped", "error", "system-out"],
                ),
                "failure" | "error" => (&["type"], &["message"], &[]),
                "skipped" => (&[], &["message"], &[]),
                "system-out" => (&[], &[], &[]),
                other => panic!("<{other}>"),
            };
            for attribute in required {
                assert!(element.has_attribute(*attribute), "<{name}> has no {attribute}");
            }
            for attribute in element.attributes() {
                let known =
                    required.contains(&attribute.name()) || allowed.contains(&attribute.name());
                assert!(known, "<{name} {}=>", attribute.name());
                if attribute.name() == "time" {
                    let (whole, part) = attribute.value().split_once('.').unwrap();
                    assert!(whole.bytes().chain(part.bytes()).all(|b| b.is_ascii_digit()));
                    assert_eq!(part.len(), 3);
                }
            }
            let children = element.children().filter(roxmltree::Node::is_element);
            let places: Vec<usize> = children
                .map(|child| {
                    let child = child.tag_name().name();
                    inside
                        .iter()
                        .position(|n| *n == child)
                        .unwrap_or_else(|| panic!("<{name}><{child}>"))
                })
                .collect();
            assert!(places.is_sorted(), "<{name}>: {places:?}");
        }
        let count = |name: &str| document.descendants().filter(|n| n.has_tag_name(name)).count();
        let said = |name: &str| document.root_element().attribute(name).unwrap().to_owned();
        assert_eq!(said("tests"), count("testcase").to_string());
        assert_eq!(said("failures"), count("failure").to_string());
        assert_eq!(said("errors"), count("error").to_string());
    }
}
