//! Clients and files that try to get out of their place: whatever they say, a report has the
//! elements, rows, lines and commands that it has when they say nothing of interest.

use proptest::prelude::*;
use pulldown_cmark::{Event, Options, Parser};

use super::super::super::github;
use super::*;
use crate::matrix::baseline::Baseline;

/// What would be of use to somebody who wants out.
const TOOLS: &[&str] = &[
    "\n",
    "\r\n",
    "\u{1b}[2J",
    "\u{9b}31m",
    "\u{7}",
    "\u{0}",
    "::error::x",
    "\n::set-output a=b::c",
    "  ::stop-commands::t",
    "##[error]x",
    "##vso[task.setvariable]x",
    "##teamcity[x]",
    "]]>",
    "-->",
    "<!--",
    "<script>alert(1)</script>",
    "</td></tr></table>",
    "</section>",
    "\"",
    "'",
    "&",
    "&#10;",
    "&lt;",
    "`",
    "```",
    "````````",
    "|",
    "\\|",
    "\\",
    "* ",
    "- ",
    "# ",
    "1. ",
    "> ",
    "===",
    "---",
    "~~~",
    "[a](http://x)",
    "![a](x)",
    "<http://x>",
    "@somebody",
    "$x$",
    "_a_",
    "**a**",
    "</details>",
    "</summary>",
    "\u{202e}",
    "\u{feff}",
    "\u{fffe}",
    "{{x}}",
    "%0A::error::",
    ",line=1",
    "]]",
    "x ",
    "\t",
];

fn strange() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        4 => proptest::sample::select(TOOLS).prop_map(str::to_owned),
        1 => ".{1,3}",
    ];
    proptest::collection::vec(part, 1..6)
        .prop_map(|parts| parts.concat())
        // What is empty is left out, and so is a line with nothing in it.
        .prop_filter("blank", |text| !text.trim().is_empty())
}

/// A matrix in which every text is this one.
fn saying(text: &str) -> Summary {
    let own = || text.to_owned();
    let mut cells = vec![
        cell(text, text, Word::Storm),
        cell(text, "b/c", Mark::PASS),
        cell("the-other-client", text, Word::Harness),
        cell("the-other-client", "b/c", Word::Vague),
    ];
    for cell in &mut cells {
        cell.stage = own();
        cell.consequence = own();
        cell.summary = own();
        cell.again = own();
        cell.dir = Some(own());
        cell.notes = vec![own()];
        for finding in &mut cell.findings {
            for field in [
                &mut finding.rule,
                &mut finding.measured,
                &mut finding.limit,
                &mut finding.proxy_did,
                &mut finding.client_did,
                &mut finding.good_client,
            ] {
                *field = own();
            }
            finding.fix = Some(own());
        }
        let more = cell.findings.clone();
        cell.findings.extend(more);
        cell.tally.insert(own(), 1);
    }
    let mut summary = summary(cells);
    summary.suite.name = own();
    summary.badproxy = own();
    summary.started = own();
    summary.host.os = own();
    (summary.partial, summary.partial_why) = (true, Some(own()));
    for client in &mut summary.clients {
        client.argv = vec![own(), own()];
    }
    for control in &mut summary.controls {
        (control.passed, control.name, control.why) = (false, own(), own());
    }
    summary
}

fn view<T>(summary: &Summary, with: impl FnOnce(&View<'_>) -> T) -> T {
    let expected = Baseline::default();
    let today = time::Date::MIN;
    let mut outcome = outcome(summary, &expected, today, false);
    let text = summary.suite.name.clone();
    outcome.stale.push(crate::matrix::outcome::Stale {
        file: text.clone(),
        line: 1,
        text: text.clone(),
    });
    outcome.notes.push(text.clone());
    outcome.why = Some(text);
    with(&View { summary, outcome: &outcome, only_failures: false, colour: false, width: 60 })
}

fn form(form: Form, summary: &Summary) -> String {
    view(summary, |view| render(form, view))
}

/// The names and attributes' names of all elements, in order.
fn elements(text: &str) -> Vec<String> {
    let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
    let document = roxmltree::Document::parse_with_options(text, options)
        .unwrap_or_else(|error| panic!("{error}\n{text}"));
    let elements = document.descendants().filter(roxmltree::Node::is_element);
    elements
        .map(|element| {
            let attributes: Vec<&str> = element.attributes().map(|a| a.name()).collect();
            format!("{} {attributes:?}", element.tag_name().name())
        })
        .collect()
}

/// What Markdown makes of it, without the words.
fn blocks(text: &str) -> Vec<String> {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_MATH
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_TASKLISTS;
    let mut out = Vec::new();
    for event in Parser::new_ext(text, options) {
        match event {
            Event::Text(_) => {}
            // Our own, between a sign and a name.
            Event::InlineHtml(text) if &*text == "<!-- -->" => {}
            Event::Html(text) | Event::InlineHtml(text) => {
                let text = text.replace("<!-- -->", "");
                let tags = text.split('<').skip(1).filter_map(|rest| rest.split('>').next());
                out.extend(tags.map(|tag| format!("<{tag}>")));
            }
            other => out.push(format!("{other:?}")),
        }
    }
    out
}

/// A workflow command as GitHub's runner reads it: its name and its properties' names.
fn command(line: &str) -> (String, Vec<String>) {
    let rest = line.strip_prefix("::").unwrap_or_else(|| panic!("no command: {line}"));
    let (head, _) = rest.split_once("::").unwrap();
    let (name, properties) = head.split_once(' ').unwrap_or((head, ""));
    let names = properties.split(',').map(|p| p.split('=').next().unwrap().to_owned());
    (name.to_owned(), names.collect())
}

/// What no line of a log may be.
fn quiet(text: &str) {
    for line in text.lines() {
        assert!(!line.chars().any(char::is_control), "{line:?}");
        assert!(!line.trim_start().starts_with("::"), "{line:?}");
        assert!(!line.contains("##"), "{line:?}");
    }
}

#[test]
fn the_watchers_see_what_they_are_for() {
    assert_ne!(elements("<a><b/></a>"), elements("<a/>"));
    assert_ne!(blocks("| a |\n| - |\n| b |\n"), blocks("| a |\n| - |\n| b | c |\n\nd\n"));
    assert_ne!(blocks("a `b`"), blocks("a b"));
    assert_ne!(blocks("<b>a</b>"), blocks("a"));
    assert_eq!(command("::error file=a,line=1::x::y").1, ["file", "line"]);
    assert!(std::panic::catch_unwind(|| quiet(" ::error::x")).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn nothing_gets_out_of_its_place(text in strange()) {
        let (strange, plain) = (saying(&text), saying("word"));
        let of = |what: Form| (form(what, &strange), form(what, &plain));

        let (got, want) = of(Form::Junit);
        prop_assert_eq!(elements(&got), elements(&want));
        let (got, want) = of(Form::Html);
        prop_assert_eq!(elements(&got), elements(&want));

        let (got, want) = of(Form::Md);
        prop_assert_eq!(blocks(&got), blocks(&want), "{}", got);
        let (got, want) = (view(&strange, github::step_summary), view(&plain, github::step_summary));
        prop_assert_eq!(blocks(&got), blocks(&want));

        let (got, want) = of(Form::Github);
        let commands = |text: &str| text.lines().map(command).collect::<Vec<_>>();
        prop_assert_eq!(commands(&got), commands(&want), "{}", got);
        prop_assert!(!got.contains(['\r', '\x1b']), "{}", got);

        quiet(&form(Form::Human, &strange));

        let (got, want) = of(Form::Jsonl);
        prop_assert_eq!(got.lines().count(), want.lines().count());
        for line in got.lines() {
            prop_assert!(serde_json::from_str::<serde_json::Value>(line).is_ok());
        }
    }
}

#[test]
fn a_page_for_github_is_never_too_large() {
    let long = "x".repeat(2000);
    let cells = (0..2000).map(|n| {
        let mut cell = cell("curl", &format!("a/{n}"), Word::Storm);
        cell.findings[0].client_did.clone_from(&long);
        cell
    });
    let summary = summary(cells.collect());
    let page = view(&summary, github::step_summary);
    assert!(page.len() < 1024 * 1024, "{}", page.len());
    assert!(page.len() > 900 * 1024, "{}", page.len());
    assert!(page.contains("more are not shown here"), "{}", &page[page.len() - 200..]);
    let huge = (0..60_000).map(|n| cell("curl", &format!("a/{n}"), Mark::PASS));
    let mut huge = super::summary(Vec::from_iter(huge.take(1)));
    huge.scenarios = vec![huge.scenarios[0].clone()];
    huge.cells[0].scenario = "y".repeat(2 * 1024 * 1024);
    huge.scenarios[0] = huge.cells[0].scenario.clone();
    let page = view(&huge, github::step_summary);
    assert!(page.len() < 1024 * 1024 && page.contains("too large"), "{}", page.len());
}

#[test]
fn annotations_are_ten_at_most() {
    let commands = form(Form::Github, &everything());
    assert!((1..=10).contains(&commands.lines().count()), "{commands}");
    assert!(commands.contains("more kinds of failures"), "{commands}");
}
