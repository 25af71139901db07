//! The evidence of a merged matrix: copied from its parts, so that it is where the summary is.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Error, Read as _, Result};
use std::path::{Path, PathBuf};

use super::Summary;

/// What a cell's directory has.
const FILES: [&str; 3] = ["events.jsonl", "stdout", "stderr"];
/// Bytes that are copied of a cell: all of what a matrix keeps.
const MOST: u64 = 2 << 20;

/// Copies the evidence of each cell to under `to`, and lets the summary say so. `dir` of a cell is
/// where it is now, or None. Gives the number of those whose evidence is not there.
///
/// # Errors
///
/// What the system says, with the name of the directory.
pub fn gather(summary: &mut Summary, to: &Path) -> Result<usize> {
    let (mut taken, mut gone) = (BTreeSet::new(), 0);
    for cell in &mut summary.cells {
        let Some(from) = cell.dir.take().map(PathBuf::from) else { continue };
        if !from.is_dir() {
            gone += 1;
            continue;
        }
        let mut name = dir(&cell.client, &cell.scenario);
        while !taken.insert(name.clone()) {
            name.as_mut_os_string().push("-");
        }
        let place = to.join(&name);
        let real = |path: &Path| path.canonicalize().ok();
        if real(&from) != real(&place) {
            copy(&from, &place).map_err(|error| {
                // Half of it helps nobody, and somebody needs the room.
                let _ = std::fs::remove_dir_all(&place);
                let text =
                    format!("cannot copy {} to {}: {error}", from.display(), place.display());
                Error::new(error.kind(), text)
            })?;
        }
        cell.dir = Some(name.display().to_string());
    }
    Ok(gone)
}

/// The directory of a cell, under that of its matrix.
pub(super) fn dir(client: &str, scenario: &str) -> PathBuf {
    let safe = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '.' };
    let name = |text: &str| -> String {
        let name: String = text.chars().map(safe).collect();
        // Nothing of dots alone, which would lead elsewhere.
        if name.bytes().all(|byte| byte == b'.') { format!("-{name}") } else { name }
    };
    PathBuf::from("cells").join(name(client)).join(name(scenario))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    if to.exists() {
        std::fs::remove_dir_all(to)?;
    }
    std::fs::create_dir_all(to)?;
    let mut room = MOST;
    for name in FILES {
        let path = from.join(name);
        // Pipes and devices are none of ours.
        if path.is_file() {
            room -= std::io::copy(
                &mut File::open(path)?.take(room),
                &mut File::create(to.join(name))?,
            )?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::Mark;
    use crate::matrix::example::{cell, summary};

    #[test]
    fn a_name_leads_nowhere_else() {
        for (client, scenario, want) in [
            ("curl", "reply/reset", "cells/curl/reply.reset"),
            ("..", "../../x", "cells/-../......x"),
            ("a/b", "", "cells/a.b/-"),
        ] {
            assert_eq!(dir(client, scenario), Path::new(want));
        }
    }

    #[test]
    fn evidence_is_copied_and_bounded() {
        let (old, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let at = |name: &str| {
            let dir = old.path().join(name);
            std::fs::create_dir(&dir).unwrap();
            std::fs::write(dir.join("events.jsonl"), name).unwrap();
            std::fs::write(dir.join("stdout"), vec![b'x'; 3 << 20]).unwrap();
            std::fs::write(dir.join("other"), "x").unwrap();
            dir.display().to_string()
        };
        // Two names that are the same on disk, one whose evidence is gone, one that has none.
        let names = ["x/y", "x.y", "x/gone", "x/none"];
        let mut all = summary(names.map(|name| cell("curl", name, Mark::PASS)).to_vec());
        let dirs = [Some(at("one")), Some(at("two")), Some("/no/such".to_owned()), None];
        all.cells.iter_mut().zip(dirs).for_each(|(cell, dir)| cell.dir = dir);
        assert_eq!(gather(&mut all, new.path()).unwrap(), 1);
        let dirs: Vec<_> = all.cells.iter().map(|cell| cell.dir.as_deref()).collect();
        assert_eq!(dirs, [Some("cells/curl/x.y"), Some("cells/curl/x.y-"), None, None]);
        for (dir, text) in [("cells/curl/x.y", "one"), ("cells/curl/x.y-", "two")] {
            let dir = new.path().join(dir);
            assert_eq!(std::fs::read_to_string(dir.join("events.jsonl")).unwrap(), text);
            assert_eq!(std::fs::metadata(dir.join("stdout")).unwrap().len(), MOST - 3);
            assert!(!dir.join("other").exists());
        }
        // Where it is already, it stays.
        let there = |name: &str| new.path().join(name).display().to_string();
        let dirs = [Some(there("cells/curl/x.y")), Some(there("cells/curl/x.y-")), None, None];
        all.cells.iter_mut().zip(dirs).for_each(|(cell, dir)| cell.dir = dir);
        assert_eq!(gather(&mut all, new.path()).unwrap(), 0);
        assert!(new.path().join("cells/curl/x.y/events.jsonl").exists());
    }
}
