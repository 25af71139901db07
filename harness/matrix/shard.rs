//! A part of a matrix, for one of several machines, and which cells are in it: they are dealt out one
//! by one in the order of their names, so that parts differ by one cell at most, and cells of one stage,
//! which often take as long as each other, go to different machines. Parts of one matrix have the same
//! scenarios and clients; `merge` refuses others.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Summary;

/// The most parts that a matrix is divided into.
const MOST: u32 = 10_000;
/// In Kubernetes, the number of a pod in an Indexed Job, from 0.
pub const JOB_INDEX: &str = "JOB_COMPLETION_INDEX";

/// Part `index` of `of`, counted from 1.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub struct Shard {
    /// Which part, from 1.
    pub index: u32,
    /// How many there are.
    pub of: u32,
}

impl Shard {
    /// Reads `2/5`, or `job/5`: the part that an Indexed Job of Kubernetes has given this pod.
    /// `job_index` is the value of [`JOB_INDEX`].
    ///
    /// # Errors
    ///
    /// What is wrong with it, and what to write.
    pub fn parse(text: &str, job_index: Option<&str>) -> Result<Shard, String> {
        let shown = crate::scenario::seen(text);
        let wrong = || format!("{shown} is no shard: write e.g. 2/5, the second part of five");
        let (index, of) = text.split_once('/').ok_or_else(wrong)?;
        let of: u32 = number(of).ok_or_else(wrong)?;
        let index = match index {
            "job" => {
                let text = job_index.ok_or_else(|| {
                    format!(
                        "{shown} takes its number from {JOB_INDEX}, which is not set: that \
                         variable is there in an Indexed Job of Kubernetes"
                    )
                })?;
                let index = number(text).and_then(|index| index.checked_add(1));
                index.ok_or_else(|| {
                    let text = crate::scenario::seen(text);
                    format!("{JOB_INDEX} is {text}, and has to be a number from 0")
                })?
            }
            text => number(text).ok_or_else(wrong)?,
        };
        if of == 0 || of > MOST {
            return Err(format!("{shown}: a matrix has 1 to {MOST} parts"));
        }
        if index == 0 || index > of {
            let last = if of == 1 {
                "there is only 1/1".to_owned()
            } else {
                format!("they go from 1/{of} to {of}/{of}")
            };
            return Err(format!("there is no part {index} of {of}: {last}"));
        }
        Ok(Shard { index, of })
    }
}

/// How the cells of a matrix are dealt out to its parts.
pub struct Deal<'a> {
    clients: Vec<&'a str>,
    scenarios: Vec<&'a str>,
}

impl<'a> Deal<'a> {
    /// Of a matrix of these clients and scenarios, in any order.
    pub fn new(
        clients: impl IntoIterator<Item = &'a str>,
        scenarios: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        Deal { clients: sorted(clients), scenarios: sorted(scenarios) }
    }

    /// That of a matrix that was played.
    pub fn of(summary: &'a Summary) -> Self {
        let clients = summary.clients.iter().map(|client| client.name.as_str());
        Deal::new(clients, summary.scenarios.iter().map(String::as_str))
    }

    /// Which of `of` parts has the cell; None for a cell that is not in the matrix.
    pub fn owner(&self, client: &str, scenario: &str, of: u32) -> Option<Shard> {
        let client = self.clients.binary_search(&client).ok()?;
        let scenario = self.scenarios.binary_search(&scenario).ok()?;
        let place = client * self.scenarios.len() + scenario;
        let index = (place % of.max(1) as usize) as u32 + 1;
        Some(Shard { index, of })
    }

    /// Whether the part has the cell: a whole matrix (None) has all.
    pub fn has(&self, part: Option<Shard>, client: &str, scenario: &str) -> bool {
        part.is_none_or(|part| self.owner(client, scenario, part.of) == Some(part))
    }
}

fn sorted<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut names: Vec<&str> = names.into_iter().collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Digits alone: no sign, no blank.
fn number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_parts() {
        assert_eq!(Shard::parse("2/5", None), Ok(Shard { index: 2, of: 5 }));
        assert_eq!(Shard::parse("job/5", Some("0")), Ok(Shard { index: 1, of: 5 }));
        assert_eq!(Shard::parse("job/5", Some("4")), Ok(Shard { index: 5, of: 5 }));
        assert_eq!(Shard::parse("2/5", Some("0")), Ok(Shard { index: 2, of: 5 }));
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, job, says) in [
            ("2", None, "write e.g. 2/5"),
            ("2/", None, "write e.g. 2/5"),
            ("+2/5", None, "write e.g. 2/5"),
            ("2/99999999999", None, "write e.g. 2/5"),
            ("0/5", None, "from 1/5 to 5/5"),
            ("6/5", None, "from 1/5 to 5/5"),
            ("2/1", None, "only 1/1"),
            ("1/0", None, "1 to 10000"),
            ("1/10001", None, "1 to 10000"),
            ("job/5", None, "JOB_COMPLETION_INDEX, which is not set"),
            ("job/5", Some("x"), "`x`"),
            ("job/5", Some("5"), "no part 6 of 5"),
            ("job/5", Some("4294967295"), "a number from 0"),
        ] {
            let error = Shard::parse(text, job).unwrap_err();
            assert!(error.contains(says), "{text} {job:?}: {error}");
        }
    }

    /// Two machines have to agree, however each of them was told.
    #[test]
    fn the_order_in_which_they_are_named_does_not_matter() {
        let one = Deal::new(["b", "a"], ["x/3", "x/1", "x/2"]);
        let other = Deal::new(["a", "b"], ["x/2", "x/3", "x/1", "x/1"]);
        let owners = |deal: &Deal<'_>| -> Vec<u32> {
            let cells = ["a", "b"].into_iter().flat_map(|c| ["x/1", "x/2", "x/3"].map(|s| (c, s)));
            cells.map(|(c, s)| deal.owner(c, s, 4).unwrap().index).collect()
        };
        assert_eq!(owners(&one), [1, 2, 3, 4, 1, 2]);
        assert_eq!(owners(&other), owners(&one));
        assert_eq!(one.owner("a", "x/4", 4), None);
        assert!(one.has(None, "a", "x/1") && !one.has(Some(Shard { index: 2, of: 4 }), "a", "x/1"));
    }

    proptest! {
        #[test]
        fn every_cell_is_in_one_part_and_parts_are_as_large(
            clients in proptest::collection::btree_set(".{0,9}", 1..5),
            scenarios in proptest::collection::btree_set(".{0,9}", 1..30),
            of in 1u32..20,
        ) {
            let deal = Deal::new(
                clients.iter().map(String::as_str),
                scenarios.iter().map(String::as_str),
            );
            let mut sizes = vec![0; of as usize];
            for (client, scenario) in clients.iter().flat_map(|c| scenarios.iter().map(move |s| (c, s))) {
                let parts = (1..=of).map(|index| Shard { index, of });
                let parts: Vec<Shard> =
                    parts.filter(|part| deal.has(Some(*part), client, scenario)).collect();
                prop_assert_eq!(parts.len(), 1);
                sizes[parts[0].index as usize - 1] += 1;
            }
            let (most, least) = (sizes.iter().max().unwrap(), sizes.iter().min().unwrap());
            prop_assert!(most - least <= 1, "{sizes:?}");
        }

        #[test]
        fn nothing_panics(text in ".{0,20}", job in proptest::option::of(".{0,20}")) {
            let _ = Shard::parse(&text, job.as_deref());
        }
    }
}
