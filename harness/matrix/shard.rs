//! A part of a matrix, for one of several machines. Which cells it has depends on their names
//! alone: adding a scenario moves no other cell to another machine.

use std::fmt;

use ring::digest::{SHA256, digest};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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

    /// Whether this part has the cell.
    pub fn has(self, client: &str, scenario: &str) -> bool {
        // No name has a NUL in it, so no two cells are written alike.
        let hash = digest(&SHA256, format!("{client}\0{scenario}").as_bytes());
        let first = hash.as_ref().iter().take(8);
        let number = first.fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
        number % u64::from(self.of.max(1)) == u64::from(self.index.saturating_sub(1))
    }
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

    /// A cell that moved would be played by nobody, or twice, when two versions share a matrix.
    #[test]
    fn frozen() {
        let part = |client, scenario| {
            (1..=5).find(|index| Shard { index: *index, of: 5 }.has(client, scenario))
        };
        assert_eq!(part("curl", "reply/reset"), Some(FROZEN[0]));
        assert_eq!(part("curl", "reply/hang"), Some(FROZEN[1]));
        assert_eq!(part("node", "reply/hang"), Some(FROZEN[2]));
    }

    const FROZEN: [u32; 3] = [1, 1, 2];

    proptest! {
        #[test]
        fn every_cell_is_in_one_part(client in ".{0,20}", scenario in ".{0,20}", of in 1u32..20) {
            let parts = (1..=of).filter(|index| Shard { index: *index, of }.has(&client, &scenario));
            prop_assert_eq!(parts.count(), 1);
        }

        #[test]
        fn nothing_panics(text in ".{0,20}", job in proptest::option::of(".{0,20}")) {
            let _ = Shard::parse(&text, job.as_deref());
        }
    }
}
