//! Which scenarios of a suite are played.

use crate::catalogue::{CATALOGUE, Entry, near};
use crate::scenario::{glob, nearest};

/// Why there is nothing to play.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoMatch {
    /// The pattern that met nothing; None when all that was met is left out.
    pub pattern: Option<String>,
    /// The name that was probably meant.
    pub near: Option<String>,
}

/// Those that any of `wanted` meets (all, when there is none) and no pattern of `skipped`.
///
/// # Errors
///
/// When a pattern of `wanted` meets nothing, or nothing is left.
pub fn choose(
    all: Vec<&'static Entry>,
    wanted: &[String],
    skipped: &[String],
) -> Result<Vec<&'static Entry>, NoMatch> {
    for pattern in wanted {
        if !all.iter().any(|scenario| meets(pattern, scenario)) {
            let near = meant(pattern, &all);
            return Err(NoMatch { pattern: Some(pattern.clone()), near });
        }
    }
    let kept = |scenario: &&Entry| {
        let asked = wanted.is_empty() || wanted.iter().any(|pattern| meets(pattern, scenario));
        asked && !skipped.iter().any(|pattern| meets(pattern, scenario))
    };
    let left: Vec<_> = all.into_iter().filter(kept).collect();
    match left.is_empty() {
        true => Err(NoMatch { pattern: None, near: None }),
        false => Ok(left),
    }
}

/// A pattern of `skipped` that meets no scenario of the catalogue. One that is not in the suite is no slip:
/// the same line is to be good for every suite.
pub fn skips_nothing(skipped: &[String]) -> Option<String> {
    let nothing = |pattern: &&String| !CATALOGUE.iter().any(|scenario| meets(pattern, scenario));
    let pattern = skipped.iter().find(nothing)?;
    let near = meant(pattern, &CATALOGUE.iter().collect::<Vec<_>>());
    let near = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
    Some(format!("no scenario matches `--skip {pattern}`: {near}`badproxy list` shows all"))
}

fn meets(pattern: &String, scenario: &Entry) -> bool {
    // A stage alone is all of it.
    glob(pattern, scenario.name) || glob(&format!("{pattern}/*"), scenario.name)
}

/// The name, or all of a stage, that a pattern without a match was probably meant to be.
fn meant(pattern: &str, all: &[&Entry]) -> Option<String> {
    let (stage, rest) = pattern.split_once('/').unwrap_or((pattern, ""));
    if !rest.is_empty() && rest != "*" {
        return near(pattern).map(str::to_owned);
    }
    let stages: Vec<&str> = all.iter().filter_map(|s| Some(s.name.split_once('/')?.0)).collect();
    match nearest(stage, &stages) {
        Some(stage) => Some(format!("{stage}/*")),
        None => near(pattern).map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(wanted: &[&str], skipped: &[&str]) -> Result<Vec<&'static str>, NoMatch> {
        let owned = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
        let left = choose(CATALOGUE.iter().collect(), &owned(wanted), &owned(skipped))?;
        Ok(left.into_iter().map(|scenario| scenario.name).collect())
    }

    #[test]
    fn patterns_and_stages() {
        assert_eq!(names(&[], &[]).unwrap().len(), CATALOGUE.len());
        assert_eq!(names(&["reply/hang"], &[]).unwrap(), ["reply/hang"]);
        let stage = names(&["reply"], &[]).unwrap();
        assert_eq!(stage, names(&["reply/*"], &[]).unwrap());
        assert!(stage.len() > 10);
        assert_eq!(names(&["reply"], &["reply/h*"]).unwrap().len(), {
            stage.iter().filter(|name| !name.starts_with("reply/h")).count()
        });
    }

    #[test]
    fn what_skips_nothing() {
        let skips = |pattern: &str| skips_nothing(&[pattern.to_owned()]);
        for pattern in ["reply/hang", "reply", "reply/h*", "*"] {
            assert_eq!(skips(pattern), None, "{pattern}");
        }
        assert!(skips("reply/hagn").unwrap().contains("did you mean `reply/hang`?"));
    }

    #[test]
    fn nothing_to_play() {
        let missed = names(&["reply/hang", "reply/hagn"], &[]).unwrap_err();
        assert_eq!(missed.pattern.as_deref(), Some("reply/hagn"));
        assert_eq!(missed.near.as_deref(), Some("reply/hang"));
        for (pattern, meant) in
            [("repl/", "reply/*"), ("reply/", "reply/*"), ("tunel/*", "tunnel/*")]
        {
            let missed = names(&[pattern], &[]).unwrap_err();
            assert_eq!(missed.near.as_deref(), Some(meant), "{pattern}");
        }
        let none = NoMatch { pattern: None, near: None };
        assert_eq!(names(&["reply"], &["*"]).unwrap_err(), none);
    }
}
