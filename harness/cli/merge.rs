//! `badproxy merge A B`

use std::path::{Component, Path, PathBuf};

use anyhow::Context as _;
use clap::Args;

use super::shown::{Shown, expected, held, show};
use super::{Colour, print, say};
use crate::matrix::gather::gather;
use crate::matrix::merge::{Named, merge};
use crate::matrix::{Known, Summary, expect, load};
use crate::report::matrix::Form;

/// Puts the parts of a divided matrix together
///
/// A cell that no part has is MISSING and fails; one that two parts have is refused. Fractions,
/// baseline and exit code are those of the whole. Into a directory, the evidence is copied; a file of
/// its own says where it is.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  badproxy merge part-1 part-2 part-3 -o all
  badproxy merge part-*/summary.json -o all.json --baseline badproxy.expected.yaml
  badproxy merge part-* -o all --format junit > junit.xml")]
pub struct Merge {
    /// `summary.json` of each part, or the directory that it is in
    #[arg(required = true)]
    parts: Vec<PathBuf>,
    /// Write the whole to this file, or as `summary.json` into this directory
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// The form of what is printed
    #[arg(long, value_enum, default_value = "human")]
    format: Form,
    /// Leave out what passed
    #[arg(long)]
    only_failures: bool,
    /// What is expected to fail [default: the parts' own baseline, where it is the same]
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Let warnings (SLOW, VAGUE, LEAK-LOG, LOCAL-DNS) count as failures
    #[arg(long)]
    strict: bool,
    /// When there are colours
    #[arg(long, value_enum, default_value = "auto")]
    color: Colour,
}

impl Merge {
    /// Takes what an earlier merge has left in a directory away, unless that is one of the parts.
    fn clear(&self, dir: &Path) {
        let same = |part: &PathBuf| {
            let own = load::path(part);
            let own = own.parent().unwrap_or(Path::new("")).join(".").canonicalize().ok();
            own.is_some() && own == dir.join(".").canonicalize().ok()
        };
        let ours = load::read(dir).is_ok() && !self.parts.iter().any(same);
        if ours {
            let _ = std::fs::remove_dir_all(dir.join("cells"));
        }
    }

    pub(super) fn run(self) -> anyhow::Result<i32> {
        let (to, into_dir) = output(&self.output);
        let mut parts: Vec<Named> = Vec::new();
        let mut wrong = false;
        for given in &self.parts {
            match load::read(given) {
                Ok(mut part) => {
                    let file = load::path(given);
                    match into_dir {
                        true => absolute(&mut part, &file),
                        false => relative(&mut part, &file, &to),
                    }
                    parts.push((file.display().to_string(), part));
                }
                // All that cannot be read, not only the first.
                Err(problems) => {
                    print(&problems, self.color);
                    wrong = true;
                }
            }
        }
        if wrong {
            return Ok(2);
        }
        let held_before = parts.iter().any(|(_, part)| part.baseline.is_some());
        let mut whole = match merge(parts) {
            Ok(whole) => whole,
            Err(problem) => {
                say(String::from(problem));
                return Ok(2);
            }
        };
        let Some(baseline) = expected(self.baseline.as_deref(), &whole, self.color) else {
            return Ok(2);
        };
        match &self.baseline {
            // What a report of the whole is held against, too.
            Some(_) => whole.baseline = Known::of(&baseline),
            None if held_before && whole.baseline.is_none() => {
                say("the parts had different baselines, so none counts: --baseline names one");
            }
            None => {}
        }
        whole.strict |= self.strict;
        if let Some(dir) = to.parent().filter(|dir| !dir.as_os_str().is_empty()) {
            std::fs::create_dir_all(dir)
                .with_context(|| format!("cannot make the directory {}", dir.display()))?;
        }
        if into_dir {
            let dir = to.parent().unwrap_or(Path::new(""));
            self.clear(dir);
            match gather(&mut whole, dir)? {
                0 => {}
                n => say(format_args!(
                    "the evidence of {n} cells is not with their parts: not copied"
                )),
            }
        }
        expect::write(&to, &whole.to_json())
            .with_context(|| format!("cannot write the summary to {}", to.display()))?;
        let how = Shown {
            form: self.format,
            only_failures: self.only_failures,
            to: None,
            colour: self.color,
        };
        show(&whole, &held(&whole, &baseline, self.strict), &how)
    }
}

/// The file, and whether it goes into a directory of its own: a name without `.json` is that of one.
fn output(given: &Path) -> (PathBuf, bool) {
    let file = given.extension().is_some_and(|ending| ending == "json") && !given.is_dir();
    if file { (given.to_owned(), false) } else { (given.join(load::FILE), true) }
}

/// Where the evidence of a part is now.
fn absolute(part: &mut Summary, from: &Path) {
    let dir = from.parent().unwrap_or(Path::new(""));
    for own in part.cells.iter_mut().filter_map(|cell| cell.dir.as_mut()) {
        let there = dir.join(&*own);
        *own = std::path::absolute(&there).unwrap_or(there).display().to_string();
    }
}

/// Lets the evidence of a part be found from where the whole is written.
fn relative(part: &mut Summary, from: &Path, to: &Path) {
    let dir = |file: &Path| file.parent().unwrap_or(Path::new("")).to_owned();
    let (from, to) = (dir(from), dir(to));
    let plain = |path: &Path| !path.components().any(|part| part == Component::ParentDir);
    for cell in &mut part.cells {
        let Some(own) = &cell.dir else { continue };
        let there = from.join(own);
        let way = if plain(&to) && there.is_relative() && to.is_relative() {
            // Out of the new directory, and into the old one.
            let mut way = PathBuf::new();
            let depth = to.components().filter(|part| matches!(part, Component::Normal(_)));
            depth.for_each(|_| way.push(".."));
            way.join(&there)
        } else {
            std::path::absolute(&there).unwrap_or(there)
        };
        cell.dir = Some(way.display().to_string());
    }
}
