//! The baseline that a matrix was held against, as it was then: it goes into the results, so that a report
//! made of them later says what the matrix has said.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::baseline::{Baseline, read};
use crate::scenario::Problems;

/// A baseline, as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Known {
    /// The file, as it was called.
    pub file: String,
    /// Its text.
    pub text: String,
}

impl Known {
    /// This one; None where none was named.
    pub fn of(baseline: &Baseline) -> Option<Known> {
        let named = !baseline.file.is_empty();
        named.then(|| Known { file: baseline.file.clone(), text: baseline.text.clone() })
    }

    /// Read again.
    ///
    /// # Errors
    ///
    /// Its mistakes, where somebody else has written it.
    pub fn read(&self) -> Result<Baseline, Problems> {
        read(&self.text, &self.file)
    }
}
