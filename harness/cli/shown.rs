//! A matrix, shown: what `matrix`, `report` and `merge` have in common.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use anyhow::Context as _;

use super::{Colour, print, say};
use crate::matrix::Summary;
use crate::matrix::baseline::{self, Baseline};
use crate::matrix::expect;
use crate::matrix::outcome::{Outcome, outcome};
use crate::report::github;
use crate::report::matrix::{Form, View, render};

/// How a matrix is shown.
pub(super) struct Shown<'a> {
    pub form: Form,
    pub only_failures: bool,
    /// Where to; standard output where there is none.
    pub to: Option<&'a Path>,
    pub colour: Colour,
}

/// The baseline: the one that is named, or else the one that the matrix itself was held against. None when it
/// has mistakes, which have been printed.
pub(super) fn expected(path: Option<&Path>, summary: &Summary, colour: Colour) -> Option<Baseline> {
    let read = match (path, &summary.baseline) {
        (Some(path), _) => baseline::read_file(path),
        (None, Some(known)) => known.read(),
        (None, None) => Ok(Baseline::default()),
    };
    read.inspect_err(|problems| print(problems, colour)).ok()
}

/// A matrix held against its baseline, today. One whose warnings counted is as strict as it was.
pub(super) fn held<'a>(summary: &'a Summary, baseline: &Baseline, strict: bool) -> Outcome<'a> {
    let today = time::OffsetDateTime::now_utc().date();
    outcome(summary, baseline, today, strict || summary.strict)
}

/// Shows it. Gives the exit code that it has earned.
pub(super) fn show(
    summary: &Summary,
    outcome: &Outcome<'_>,
    how: &Shown<'_>,
) -> anyhow::Result<i32> {
    let view = View {
        summary,
        outcome,
        only_failures: how.only_failures,
        colour: how.to.is_none() && how.colour.on(&std::io::stdout()),
        width: match how.to {
            Some(_) => usize::MAX,
            None => super::width_on(&std::io::stdout()),
        },
    };
    let text = render(how.form, &view);
    match how.to {
        Some(path) => {
            expect::write(path, &text)
                .with_context(|| format!("cannot write the report to {}", path.display()))?;
        }
        None => {
            let mut out = super::stdout();
            out.write_all(text.as_bytes())?;
            out.flush()?;
        }
    }
    if how.form == Form::Github {
        step_summary(&view, how.to.is_none())?;
    }
    Ok(outcome.code)
}

/// The table for GitHub's page of the job.
fn step_summary(view: &View<'_>, printed: bool) -> anyhow::Result<()> {
    let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) else {
        if !printed {
            say("GITHUB_STEP_SUMMARY is not set: the table is not written");
            return Ok(());
        }
        // Who tries it at home wants to see it.
        say("GITHUB_STEP_SUMMARY is not set: the table is on standard output");
        let mut out = super::stdout();
        out.write_all(github::step_summary(view).as_bytes())?;
        out.flush()?;
        return Ok(());
    };
    let path = Path::new(&path);
    OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .and_then(|mut file| file.write_all(github::step_summary(view).as_bytes()))
        .with_context(|| format!("cannot write the step summary to {}", path.display()))
}
