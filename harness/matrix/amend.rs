//! A baseline in its old words: entries that hold keep their lines, with the comments in and above them.

use super::baseline::{Baseline, Entry, read};

/// What becomes of an entry.
#[derive(Debug, Clone)]
pub(super) enum Fate {
    /// It holds.
    Keep,
    /// It is stale.
    Drop,
    /// It expects something else.
    Change(Entry),
}

impl Fate {
    /// The entry, as it will be.
    pub(super) fn of<'a>(&'a self, entry: &'a Entry) -> Option<&'a Entry> {
        match self {
            Fate::Keep => Some(entry),
            Fate::Change(entry) => Some(entry),
            Fate::Drop => None,
        }
    }
}

/// The first lines of a file that has none.
const TOP: &str = "\
# What is expected to fail: `client / scenario: VERDICT`, with `*` for any characters; the first entry
# that fits a cell counts. One whose cells pass again fails the matrix until it is taken out. A cell that
# was FLAKY may do one or the other: `[HANG, PASS]` takes both, no single matrix can tell that it is over,
# and it is yours to take out.

";

/// The new text: `new` entries, which are more exact than a wildcard, before the old ones.
pub(super) fn text(old: &Baseline, fates: &[Fate], new: &[Entry]) -> String {
    let wanted: Vec<&Entry> = new
        .iter()
        .chain(old.entries.iter().zip(fates).filter_map(|(entry, fate)| fate.of(entry)))
        .collect();
    // Braces around all of it, say, or anchors: then it is written from what was read.
    let kept = in_place(old, fates, new);
    if let Some(text) = kept.filter(|text| says(text, &wanted)) {
        return text;
    }
    let top = |text: &str| -> String {
        text.lines().take_while(|l| l.starts_with('#')).map(|line| line.to_owned() + "\n").collect()
    };
    let top = Some(top(&old.text)).filter(|top| !top.is_empty());
    top.unwrap_or_else(|| TOP.to_owned()) + &lines(wanted)
}

fn lines<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> String {
    entries.into_iter().map(|entry| entry.written() + "\n").collect()
}

/// Whether a text has these entries and no others.
fn says(text: &str, wanted: &[&Entry]) -> bool {
    let alike =
        |a: &Entry, b: &Entry| Entry { line: 0, ..a.clone() } == Entry { line: 0, ..b.clone() };
    read(text, "").is_ok_and(|now| {
        now.entries.len() == wanted.len()
            && now.entries.iter().zip(wanted).all(|(a, b)| alike(a, b))
    })
}

/// Its own lines. None where entries have none of their own.
fn in_place(old: &Baseline, fates: &[Fate], new: &[Entry]) -> Option<String> {
    let all: Vec<&str> = old.text.lines().collect();
    let starts: Vec<usize> = old.entries.iter().map(|entry| entry.line.wrapping_sub(1)).collect();
    if !starts.is_sorted_by(|a, b| a < b) || starts.last().is_some_and(|last| *last >= all.len()) {
        return None;
    }
    // Between two entries are blank lines and comments: they are about what follows.
    let loose = |line: &&str| line.trim().is_empty() || line.starts_with('#') || *line == "...";
    let first = starts.first().copied().unwrap_or(all.len());
    // What is directly above the first entry is about it, when something else is above that.
    let apart = |line: &&str| line.is_empty() || !line.starts_with('#');
    let top = all[..first].iter().rposition(apart).map_or(first, |last| last + 1);
    let mut text = String::new();
    if !all[..top].iter().any(|line| line.starts_with('#')) {
        text.push_str(TOP);
    }
    push(&all[..top], &mut text);
    text.push_str(&lines(new));
    let mut from = top;
    for (number, fate) in fates.iter().enumerate() {
        let next = starts.get(number + 1).copied().unwrap_or(all.len());
        let own = &all[starts[number]..next];
        let end =
            starts[number] + own.iter().rposition(|line| !loose(line)).map_or(1, |last| last + 1);
        let above = &all[from..starts[number]];
        match fate {
            Fate::Keep => push(&all[from..end], &mut text),
            Fate::Change(entry) => {
                push(above, &mut text);
                text.push_str(&lines([entry]));
            }
            // A heading above a blank line is not about this entry alone.
            Fate::Drop => {
                let heading = above.iter().rposition(|line| line.is_empty());
                push(&above[..heading.map_or(0, |last| last + 1)], &mut text);
            }
        }
        from = end;
    }
    push(&all[from.min(all.len())..], &mut text);
    Some(text)
}

fn push(lines: &[&str], text: &mut String) {
    for line in lines {
        text.push_str(line);
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// `k` keeps, `d` drops, `c` makes it CRASH.
    fn amended(old: &str, fates: &str, new: &str) -> String {
        let old = read(old, "x.yaml").unwrap();
        let crash = |entry: &Entry| {
            let verdicts = vec!["CRASH".parse().unwrap()];
            Fate::Change(Entry { verdicts, ..entry.clone() })
        };
        let fates: Vec<Fate> = fates
            .chars()
            .zip(&old.entries)
            .map(|(fate, entry)| match fate {
                'k' => Fate::Keep,
                'd' => Fate::Drop,
                _ => crash(entry),
            })
            .collect();
        text(&old, &fates, &read(new, "x.yaml").unwrap().entries)
    }

    const OLD: &str = "\
# ours

# ask Ann
curl / a/a: STORM # by Friday
# both of them

# of this
\"curl / a/b\":
  verdict: [HANG, PASS]
  # inside
  issue: o/r#1

curl / a/c: SLOW
# the end
";

    #[test]
    fn what_holds_keeps_its_comments() {
        assert_eq!(amended(OLD, "kkk", ""), OLD);
        let more = amended(OLD, "kkk", "node / x/y: WRONG\n");
        assert_eq!(more, OLD.replace("# ours\n\n", "# ours\n\nnode / x/y: WRONG\n"));
        let less = amended(OLD, "dkk", "");
        assert_eq!(less, OLD.replace("# ask Ann\ncurl / a/a: STORM # by Friday\n", ""));
        let less = amended(OLD, "kdd", "");
        let want =
            "# ours\n\n# ask Ann\ncurl / a/a: STORM # by Friday\n# both of them\n\n\n# the end\n";
        assert_eq!(less, want);
        let other = amended(OLD, "ckc", "");
        let want = OLD.replace("STORM # by Friday", "CRASH").replace("SLOW", "CRASH");
        assert_eq!(other, want);
    }

    #[test]
    fn what_has_no_lines_of_its_own_is_written_anew() {
        let old = "# ours\n{curl / a/b: STORM, curl / a/c: {verdict: SLOW, issue: o/r#1}}\n";
        let want = "# ours\nnode / a/a: HANG\ncurl / a/c: {verdict: SLOW, issue: o/r#1}\n";
        assert_eq!(amended(old, "dk", "node / a/a: HANG\n"), want);
        let old = "curl / a/b: &same STORM\ncurl / a/c: *same\n";
        if read(old, "x").is_ok() {
            assert!(amended(old, "dk", "").ends_with("\ncurl / a/c: STORM\n"));
        }
        assert!(amended("{}\n", "", "node / a/a: HANG\n").ends_with("\n\nnode / a/a: HANG\n"));
        assert!(amended("", "", "node / a/a: HANG\n").starts_with("# What is expected to fail"));
    }

    proptest! {
        /// Whatever the file looks like, the new one has the entries that it has to have.
        #[test]
        fn every_entry_is_there(
            parts in prop::collection::vec((0..6usize, 0..3usize), 0..6),
            tail in "(\\.\\.\\.\\n|# end|\\n|)",
        ) {
            const FORMS: [&str; 6] = [
                "X: STORM\n", "X:   [HANG, PASS]   # why\n", "X:\n  verdict: SLOW\n  # in\n\n",
                "# above\nX: {verdict: HANG,\n  issue: o/r#1}\n", "\n# far\n\n\"X\": CRASH\r\n", "X: VAGUE\n#\n",
            ];
            let mut old = String::new();
            for (number, (form, _)) in parts.iter().enumerate() {
                old.push_str(&FORMS[*form].replace('X', &format!("c{number} / a/b")));
            }
            old.push_str(&tail);
            let fates: String = parts.iter().map(|(_, fate)| ['k', 'd', 'c'][*fate]).collect();
            let now = read(&amended(&old, &fates, "new / a/b: WRONG\n"), "x.yaml").unwrap();
            let kept = parts.iter().enumerate().filter(|(_, (_, fate))| *fate != 1);
            let want: Vec<String> = std::iter::once("new".to_owned())
                .chain(kept.map(|(number, _)| format!("c{number}")))
                .collect();
            let got: Vec<String> = now.entries.into_iter().map(|entry| entry.client).collect();
            prop_assert_eq!(got, want);
        }
    }
}
