//! The list of field bugs that the catalogue answers to: behaviours of real proxies, gateways and
//! middleboxes that broke real clients, each with the public threads that report it.
//!
//! The list is `scenarios/field-bugs.tsv`; a scenario's `seen` names its rows as `FB052`.

/// One behaviour seen in the field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldBug {
    /// `FB001` to `FB152`.
    pub id: &'static str,
    /// What it is about: `auth`, `leak`, `connect-reply`, `tunnel`, `tls`, `http`, `pool`, `h2`,
    /// `ws`, `socks`, `dns` or `pac`.
    pub family: &'static str,
    /// Where it was reported, each as `owner/repo#number`.
    pub reports: Vec<&'static str>,
}

/// All of them, in the order of their numbers.
pub fn all() -> &'static [FieldBug] {
    static ALL: std::sync::LazyLock<Vec<FieldBug>> = std::sync::LazyLock::new(|| {
        let rows = include_str!("../scenarios/field-bugs.tsv").lines().skip(1);
        rows.filter_map(|row| {
            let mut fields = row.split('\t');
            Some(FieldBug {
                id: fields.next()?,
                family: fields.next()?,
                reports: fields.next()?.split(' ').collect(),
            })
        })
        .collect()
    });
    &ALL
}

/// The row of this number, e.g. `FB052`; neither case nor leading zeros count.
pub fn find(id: &str) -> Option<&'static FieldBug> {
    let (letters, digits) = id.split_at_checked(2)?;
    // A sign is no digit, but `parse` takes one.
    let number = letters.eq_ignore_ascii_case("FB") && digits.bytes().all(|b| b.is_ascii_digit());
    let row = digits.parse::<usize>().ok().filter(|_| number)?;
    all().get(row.checked_sub(1)?)
}

/// The page of a report: `owner/repo#7` is a thread on GitHub.
pub fn link(report: &str) -> Option<String> {
    let (repository, number) = report.split_once('#')?;
    let named = repository.split_once('/').is_some_and(|(o, r)| !o.is_empty() && !r.is_empty());
    let numbered = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    (named && numbered).then(|| format!("https://github.com/{repository}/issues/{number}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::CATALOGUE;

    /// How many rows the catalogue has to play. It only ever grows.
    const COVERED: usize = 152;

    #[test]
    fn the_list_reads() {
        assert_eq!(all().len(), 152);
        for (index, bug) in all().iter().enumerate() {
            assert_eq!(bug.id, format!("FB{:03}", index + 1));
            assert!(!bug.reports.is_empty(), "{}", bug.id);
            for report in &bug.reports {
                assert!(link(report).is_some(), "{}: {report}", bug.id);
            }
        }
        for id in ["FB052", "fb052", "Fb52", "fb00052"] {
            assert_eq!(find(id).map(|bug| bug.id), Some("FB052"), "{id}");
        }
        for id in
            ["FB999", "FB000", "FB", "FB+52", "52", "F", "", "\u{fc}52", "FB99999999999999999999"]
        {
            assert_eq!(find(id), None, "{id}");
        }
    }

    #[test]
    fn the_catalogue_covers_them() {
        let seen: Vec<String> =
            CATALOGUE.iter().flat_map(|entry| entry.scenario().unwrap().seen).collect();
        let (covered, missing): (Vec<&FieldBug>, Vec<&FieldBug>) =
            all().iter().partition(|bug| seen.iter().any(|s| s == bug.id));
        let missing: Vec<String> =
            missing.iter().map(|bug| format!("{} ({})", bug.id, bug.family)).collect();
        println!(
            "{} of {} rows are covered; missing: {}",
            covered.len(),
            all().len(),
            missing.join(", ")
        );
        assert!(
            covered.len() >= COVERED,
            "{} rows are covered, {COVERED} have to be; missing: {}",
            covered.len(),
            missing.join(", ")
        );
    }

    /// What a scenario names is on the list, or a thread that can be opened.
    #[test]
    fn what_scenarios_have_seen_can_be_looked_up() {
        for entry in CATALOGUE {
            for seen in entry.scenario().unwrap().seen {
                assert!(find(&seen).is_some() || link(&seen).is_some(), "{}: {seen}", entry.name);
            }
        }
    }
}
