//! What a mistake in a rule has to say of the rule's stage. An effect is read without knowing where it
//! stands; when all is read, this adds what that means: an effect that cannot be there at all, beside
//! what is wrong with its value, and of an unknown one only those that can be there.

use super::When;
use super::problem::{Problem, seen};
use super::tree::{Kind, Node};
use super::units::{Size, Word as _};
use crate::fault::Effect;
use crate::stage::Stage;

/// The list of mistakes, told with the stages of their rules.
pub(super) fn told(mut list: Vec<Problem>, tree: &Node) -> Vec<Problem> {
    let Kind::List(rules) = &tree.at("rules").kind else { return list };
    for rule in rules {
        let Some(stage) = Stage::ALL.into_iter().find(|stage| stage.word() == rule.at("at").word())
        else {
            continue;
        };
        let mut steps = Vec::new();
        let does = rule.at("do");
        if !std::ptr::eq(does, rule) {
            gather(does, &mut steps);
        }
        for (key, value) in steps {
            let word = key.word();
            if Effect::WORDS.contains(&word) {
                misplaced(word, stage, (key, value), &mut list);
            } else {
                unknown(stage, key, &mut list);
            }
            if let ("reset", Some(value)) = (word, value) {
                bytes_for_time(value, &mut list);
            }
        }
    }
    list
}

/// An effect at a stage that cannot have it.
pub(super) fn cannot(stage: Stage, effect: &Effect) -> Option<Problem> {
    (!effect.at().contains(&stage)).then(|| elsewhere(effect.word(), stage))
}

/// What comes after the end of the connection, and what was probably meant.
pub(super) fn never(effect: &Effect, ended: &Effect) -> Problem {
    let problem = Problem::new(format!("`{}` can never run", effect.word()))
        .help(format!("the connection has ended with `{}` before it", ended.word()));
    match (ended, effect) {
        // `limit` ends with a FIN; the same with a RST has a key of its own.
        (Effect::Limit(limit), Effect::Reset(_)) if limit.direction.is_none() => {
            problem.help(format!("for a RST there: `reset: {{after_bytes: {}}}`", limit.bytes))
        }
        _ => problem,
    }
}

/// CONNECT where the request inside the tunnel is asked.
pub(super) fn no_connect(when: &When, stage: Stage) -> Option<Problem> {
    let inside = matches!(stage, Stage::Response | Stage::Body);
    (inside && when.method.as_deref() == Some("CONNECT")).then(|| {
        Problem::new(format!("this rule can never match: no CONNECT is answered at `{stage}`"))
            .help(
                "what is answered there is the request inside the tunnel: write e.g. `method: GET`",
            )
            .help("CONNECT is answered at `reply`")
    })
}

/// That the effect of this word cannot happen at the stage, and what can.
fn elsewhere(word: &str, stage: Stage) -> Problem {
    let problem = Problem::new(format!("`{word}` cannot happen at `{stage}`"))
        .help(format!("`{word}` can happen at: {}", words(Effect::stages(word))));
    problem.help(here(stage).unwrap_or_else(|| format!("nothing can be played at `{stage}` yet")))
}

/// The effects that there can be at a stage, if there are any.
fn here(stage: Stage) -> Option<String> {
    let here = Effect::WORDS.iter().filter(|word| Effect::stages(word).contains(&stage));
    let here: Vec<&str> = here.copied().collect();
    (!here.is_empty()).then(|| format!("at `{stage}` there can be: {}", here.join(", ")))
}

pub(super) fn words(stages: &[Stage]) -> String {
    stages.iter().map(|s| s.word()).collect::<Vec<_>>().join(", ")
}

/// The steps below `do`: the word of each, and its value.
fn gather<'t>(node: &'t Node, steps: &mut Vec<(&'t Node, Option<&'t Node>)>) {
    match &node.kind {
        Kind::Scalar(..) => steps.push((node, None)),
        Kind::List(items) => items.iter().for_each(|item| gather(item, steps)),
        Kind::Map(entries) => {
            for (key, value) in entries {
                match key.word() {
                    "then" => gather(value, steps),
                    _ => steps.push((key, Some(value))),
                }
            }
        }
        Kind::Null => {}
    }
}

/// A value is wrong, and at this stage no value were right: that is said first.
fn misplaced(
    word: &str,
    stage: Stage,
    (key, value): (&Node, Option<&Node>),
    list: &mut Vec<Problem>,
) {
    if Effect::stages(word).contains(&stage) {
        return;
    }
    let places = list.iter().filter_map(|problem| problem.place).collect();
    if key.has(&places) || value.is_some_and(|value| value.has(&places)) {
        list.push(elsewhere(word, stage).at(key.place));
    }
}

/// Of all effects, those of the stage are enough.
fn unknown(stage: Stage, key: &Node, list: &mut [Problem]) {
    let Some(here) = here(stage) else { return };
    let said = format!("unknown effect {}", seen(key.word()));
    let mut of_it = list.iter_mut().filter(|p| p.place == Some(key.place) && p.message == said);
    if let Some(problem) = of_it.next()
        && let Some(all) = problem.help.iter_mut().find(|line| line.starts_with("allowed here: "))
    {
        *all = here;
    }
}

/// `reset: {after: 1kB}`, which has a key of its own.
fn bytes_for_time(value: &Node, list: &mut [Problem]) {
    let Kind::Map(_) = &value.kind else { return };
    let after = value.at("after");
    let word = after.word().trim();
    // `1kb` is ambiguous, and meant all the same.
    let size = Size::parse(word).is_ok()
        || (word.starts_with(|c: char| c.is_ascii_digit()) && word.to_lowercase().ends_with('b'));
    if !size {
        return;
    }
    let of_it = list.iter_mut().filter(|problem| problem.place == Some(after.place));
    for problem in of_it {
        let example = Size::parse(word).map_or("1kB".to_owned(), |_| word.to_owned());
        problem
            .help
            .push(format!("after a number of bytes instead: `reset: {{after_bytes: {example}}}`"));
    }
}
