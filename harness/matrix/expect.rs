//! `--write-baseline`: a baseline that expects what a matrix has shown.

use std::io::Write;
use std::path::Path;

use super::amend::{self, Fate};
use super::baseline::{Baseline, Entry};
use super::{Cell, Mark, Summary};
use crate::verdict::Class;

/// The text of a baseline under which this matrix ends with 0, unless a day of `old` is over. Entries of
/// `old` that still hold, or are about no cell of this matrix, stay as they are, with their comments,
/// their issue and their day; stale ones go.
pub fn text(summary: &Summary, old: &Baseline) -> String {
    let fits = |entry: &Entry, cell: &&Cell| entry.fits(&cell.client, &cell.scenario);
    // The cells for which an entry is the first that fits.
    let own = |number: usize, entry: &Entry| -> Vec<&Cell> {
        let first = |cell: &&Cell| {
            old.find(&cell.client, &cell.scenario).is_some_and(|(first, _)| first == number)
        };
        summary.cells.iter().filter(|cell| fits(entry, cell) && first(cell)).collect()
    };
    let holds = |number: usize, entry: &Entry| {
        let absent = !summary.cells.iter().any(|cell| fits(entry, &cell));
        absent || own(number, entry).into_iter().any(|cell| stays(entry, cell))
    };
    let kept: Vec<&Entry> = old
        .entries
        .iter()
        .enumerate()
        .filter(|(number, entry)| holds(*number, entry))
        .map(|(_, entry)| entry)
        .collect();
    let (mut new, mut fates) = (Vec::new(), vec![Fate::Drop; old.entries.len()]);
    for (number, entry) in old.entries.iter().enumerate() {
        if holds(number, entry) {
            fates[number] = Fate::Keep;
        }
    }
    for cell in &summary.cells {
        let entry = kept.iter().find(|entry| fits(entry, &cell));
        if entry.is_some_and(|entry| stays(entry, cell)) || !worth(cell, entry.is_some()) {
            continue;
        }
        // The same cell under another word: its issue is still its issue.
        let exact = |entry: &Entry| entry.client == cell.client && entry.scenario == cell.scenario;
        match old.find(&cell.client, &cell.scenario).filter(|(_, entry)| exact(entry)) {
            Some((number, before)) => {
                let verdicts = expected(cell, Some(before));
                fates[number] = Fate::Change(Entry { verdicts, ..before.clone() });
            }
            None => new.push(Entry {
                client: cell.client.clone(),
                scenario: cell.scenario.clone(),
                verdicts: expected(cell, None),
                issue: None,
                until: None,
                line: 0,
            }),
        }
    }
    amend::text(old, &fates, &new)
}

/// What is expected of a cell from now on. Plays that disagreed: each of their words.
fn expected(cell: &Cell, before: Option<&Entry>) -> Vec<Mark> {
    let mut list = match cell.verdict {
        Mark::Flaky => cell.tally.keys().filter_map(|word| word.parse::<Mark>().ok()).collect(),
        mark => vec![mark],
    };
    let judged = |mark: &Mark| !matches!(mark.class(), Class::NotScored | Class::Inconclusive);
    if list.iter().filter(|mark| judged(mark)).count() > 1 {
        list.retain(judged);
    }
    if cell.verdict == Mark::Flaky && list.len() < 2 {
        return vec![Mark::Flaky];
    }
    // What may do one or the other may, with one more.
    list.extend(before.filter(|entry| entry.may_pass()).into_iter().flat_map(|e| &e.verdicts));
    list.sort_unstable();
    list.dedup();
    list
}

/// Whether an entry may stay for what this cell has shown.
fn stays(entry: &Entry, cell: &Cell) -> bool {
    entry.takes(cell)
        || entry.any()
        || matches!(cell.class, Class::NotScored | Class::Inconclusive)
        || cell.verdict == Mark::Missing
}

/// Whether a cell needs a line. One that passes does only where a wildcard says otherwise of it.
fn worth(cell: &Cell, covered: bool) -> bool {
    match cell.class {
        Class::Fail => cell.verdict != Mark::Missing,
        Class::Warning => true,
        Class::Pass => covered,
        Class::Inconclusive | Class::NotScored => false,
    }
}

impl Entry {
    /// Its line.
    pub(super) fn written(&self) -> String {
        let key = quoted(&format!("{} / {}", self.client, self.scenario));
        let verdict = self.verdict();
        if self.issue.is_none() && self.until.is_none() {
            return format!("{key}: {verdict}");
        }
        let issue = self.issue.as_ref().map(|issue| format!(", issue: {}", quoted(issue)));
        let until = self.until.map(|until| format!(", until: {until}"));
        let (issue, until) = (issue.unwrap_or_default(), until.unwrap_or_default());
        format!("{key}: {{verdict: {verdict}{issue}{until}}}")
    }
}

/// As YAML, with quotes where it needs some.
fn quoted(text: &str) -> String {
    let first = text.chars().next().is_some_and(|c| c.is_ascii_alphabetic());
    let plain = |c: char| c.is_ascii_alphanumeric() || " /-_.*".contains(c);
    // An issue has a `#`, which begins a comment only after a blank.
    let plain = |c: char| plain(c) || (c == '#' && !text.contains(" #"));
    let nothing = text.eq_ignore_ascii_case("null");
    match first && !nothing && text.chars().all(plain) && text.trim() == text {
        true => text.to_owned(),
        // A text of JSON is one of YAML.
        false => serde_json::Value::from(text).to_string(),
    }
}

/// Whether a file can be written there, as far as is known without trying.
///
/// # Errors
///
/// Why not, in words.
pub fn has_a_place(path: &Path) -> Result<(), String> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let why = match (std::fs::metadata(dir), path.is_dir()) {
        (_, true) => "it is a directory".to_owned(),
        (Ok(there), _) if there.is_dir() => return Ok(()),
        (Ok(_), _) => format!("{} is no directory", dir.display()),
        (Err(_), _) => format!("there is no directory {}", dir.display()),
    };
    Err(format!("cannot write {}: {why}", path.display()))
}

/// Writes a file whole or not at all. A device or a pipe is written to and stays what it is; where there
/// is a link, what it leads to is written.
///
/// # Errors
///
/// What keeps it from being written; the old file is as it was.
pub fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if std::fs::metadata(path).is_ok_and(|old| !old.is_file()) {
        return std::fs::OpenOptions::new().write(true).open(path)?.write_all(text.as_bytes());
    }
    let real = std::fs::canonicalize(path);
    let path = real.as_deref().unwrap_or(path);
    let dir = match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    };
    // Where the directory is not there, the system says so without the name of a temporary file.
    std::fs::metadata(dir)?;
    let file = tempfile::Builder::new().prefix(".badproxy-").tempfile_in(dir).map_err(system)?;
    // The file itself: what goes wrong has no word of its name.
    file.as_file().write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    #[cfg(unix)]
    {
        // Temporary files are for their owner alone; this one is to be read and committed.
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(path).map_or(0o644, |old| old.permissions().mode() & 0o777);
        file.as_file().set_permissions(std::fs::Permissions::from_mode(mode))?;
    }
    file.persist(path)?;
    Ok(())
}

/// What the system says, without the name of a temporary file, of which nobody knows.
fn system(error: std::io::Error) -> std::io::Error {
    let inner = error.get_ref().and_then(std::error::Error::source);
    let inner = inner.and_then(|error| error.downcast_ref::<std::io::Error>());
    match inner.and_then(std::io::Error::raw_os_error) {
        Some(code) => std::io::Error::from_raw_os_error(code),
        None => error.kind().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::baseline::read;
    use crate::matrix::example::{cell, everything, summary};
    use crate::matrix::outcome::outcome;
    use crate::verdict::Word;
    use proptest::prelude::*;
    use time::{Date, Month};

    #[test]
    fn no_error_names_a_temporary_file() {
        let error = tempfile::Builder::new().prefix(".badproxy-").tempfile_in("/no/such/directory");
        let error = error.unwrap_err();
        assert!(error.to_string().contains(".badproxy-"), "{error}");
        let told = system(error);
        assert_eq!(told.kind(), std::io::ErrorKind::NotFound);
        assert!(!told.to_string().contains(".badproxy-"), "{told}");
    }

    fn today() -> Date {
        Date::from_calendar_date(2026, Month::November, 26).unwrap()
    }

    fn body(summary: &Summary, old: &str) -> Vec<String> {
        let old = read(old, "x.yaml").unwrap();
        let text = text(summary, &old);
        let plain = |line: &&str| !line.starts_with('#') && !line.is_empty();
        text.lines().filter(plain).map(str::to_owned).collect()
    }

    #[test]
    fn what_fails_is_expected() {
        let cells = vec![
            cell("curl", "a/b", Mark::PASS),
            cell("curl", "a/c", Word::Storm),
            cell("* odd: \"one\"", "a/c", Word::Slow),
            cell("curl", "a/d", Word::Inconclusive),
            cell("curl", "a/e", Mark::Missing),
        ];
        let want = ["curl / a/c: STORM", "\"* odd: \\\"one\\\" / a/c\": SLOW"];
        assert_eq!(body(&summary(cells), ""), want);
    }

    #[test]
    fn issues_and_days_stay_and_what_is_stale_goes() {
        let old = "# by hand\ncurl / a/b: {verdict: STORM, issue: o/r#1, until: 2027-01-02}\n\
                   curl / a/c: {verdict: STORM, issue: \"see #2\"}\ncurl / a/d: HANG\n\
                   other / a/b: {verdict: HANG, issue: o/r#3}\n";
        let cells = vec![
            cell("curl", "a/b", Word::Storm),
            cell("curl", "a/c", Word::Hang),
            cell("curl", "a/d", Mark::PASS),
        ];
        let summary = summary(cells);
        let want = [
            "curl / a/b: {verdict: STORM, issue: o/r#1, until: 2027-01-02}",
            "curl / a/c: {verdict: HANG, issue: \"see #2\"}",
            "other / a/b: {verdict: HANG, issue: o/r#3}",
        ];
        assert_eq!(body(&summary, old), want);
        assert!(text(&summary, &read(old, "x").unwrap()).starts_with("# by hand\n"));
    }

    /// What was FLAKY is not frozen as such: each of its words is fine from now on, and a pass does not
    /// make it stale.
    #[test]
    fn what_disagreed_may_do_either() {
        let flaky = |words: &[&str]| {
            let mut cell = cell("curl", "a/b", Mark::Flaky);
            cell.tally = words.iter().map(|word| ((*word).to_owned(), 1)).collect();
            summary(vec![cell])
        };
        let once = flaky(&["PASS", "INCONCLUSIVE", "HANG"]);
        assert_eq!(body(&once, ""), ["curl / a/b: [HANG, PASS]"]);
        let new = read(&text(&once, &Baseline::default()), "x").unwrap();
        for mark in [Mark::Word(Word::Hang), Mark::PASS] {
            let next = summary(vec![cell("curl", "a/b", mark)]);
            assert_eq!(outcome(&next, &new, today(), true).code, 0, "{mark}");
            assert_eq!(text(&next, &new), new.text, "{mark}");
        }
        let old = "curl / a/b: {verdict: [HANG, PASS], issue: o/r#1}\n";
        let other = summary(vec![cell("curl", "a/b", Word::Crash)]);
        let want = ["curl / a/b: {verdict: [HANG, CRASH, PASS], issue: o/r#1}"];
        assert_eq!(body(&other, old), want);
        assert_eq!(
            body(&flaky(&["PASS", "INCONCLUSIVE"]), ""),
            ["curl / a/b: [INCONCLUSIVE, PASS]"]
        );
        assert_eq!(body(&flaky(&[]), ""), ["curl / a/b: FLAKY"]);
    }

    #[test]
    fn under_what_is_written_the_matrix_ends_well_and_it_is_written_again_alike() {
        let mut all = everything();
        // Those that no baseline can excuse.
        all.cells.retain(|cell| {
            !matches!(cell.class, Class::NotScored | Class::Inconclusive)
                && cell.verdict != Mark::Missing
        });
        for old in ["", "\"* / reply/*\": STORM\n", "\"* / *\": SLOW\n", "node / *: FLAKY\n"] {
            let old = read(old, "x.yaml").unwrap();
            let first = text(&all, &old);
            let new = read(&first, "x.yaml").unwrap();
            let out = outcome(&all, &new, today(), true);
            assert_eq!(out.code, 0, "{first}\n{:?} {:?}", out.unexpected, out.stale);
            assert_eq!(text(&all, &new), first);
        }
    }

    #[test]
    fn a_file_is_written_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("b.yaml");
        write(&path, "one").unwrap();
        write(&path, "two").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "two");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
        assert!(write(&dir.path().join("no/b.yaml"), "x").is_err());
        assert!(write(dir.path(), "x").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_not_made_one() {
        use std::os::unix::fs::FileTypeExt as _;
        let dir = tempfile::tempdir().unwrap();
        let (path, link) = (dir.path().join("b.yaml"), dir.path().join("link"));
        write(&path, "one").unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        write(&link, "two").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "two");
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
        let fifo = dir.path().join("fifo");
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        let from = fifo.clone();
        let reader = std::thread::spawn(move || std::fs::read_to_string(from).unwrap());
        write(&fifo, "three").unwrap();
        assert!(std::fs::metadata(&fifo).unwrap().file_type().is_fifo());
        assert_eq!(reader.join().unwrap(), "three");
    }

    proptest! {
        #[test]
        fn any_name_reads_back(client in "\\PC{1,12}", issue in "\\PC{1,12}") {
            let entry = Entry {
                client: client.trim().to_owned(),
                scenario: "a/b".to_owned(),
                verdicts: vec![Mark::PASS],
                issue: Some(issue),
                until: None,
                line: 1,
            };
            prop_assume!(!entry.client.is_empty());
            let back = read(&entry.written(), "x.yaml").unwrap();
            prop_assert_eq!(&back.entries[0], &entry);
        }
    }
}
