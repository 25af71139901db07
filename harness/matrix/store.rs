//! Results on disk: whole at every moment, and there while the matrix is still being played.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::Summary;
use super::summary::SCHEMA;

/// Between two writings of results that are not complete, at least.
const PAUSE: Duration = Duration::from_secs(1);

/// The directory of a matrix.
pub(super) struct Store {
    out: PathBuf,
    next: Instant,
}

impl Store {
    /// Makes the directory. What an earlier matrix has left in it goes.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(super) fn open(out: &Path) -> std::io::Result<Store> {
        std::fs::create_dir_all(out)?;
        let before = std::fs::read_to_string(out.join("summary.json"));
        // Somebody else's files are not ours to take away.
        if before.is_ok_and(|text| text.contains(SCHEMA)) {
            let cells = out.join("cells");
            if cells.exists() {
                std::fs::remove_dir_all(cells)?;
            }
        }
        Ok(Store { out: out.to_owned(), next: Instant::now() })
    }

    /// Writes the summary, unless that was done a moment ago.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(super) fn now_and_then(
        &mut self,
        summary: impl FnOnce() -> Summary,
    ) -> std::io::Result<()> {
        let now = Instant::now();
        if now < self.next {
            return Ok(());
        }
        let result = self.write(&summary());
        // A large one is written less often.
        self.next = Instant::now() + PAUSE.max(now.elapsed() * 20);
        result
    }

    /// Writes the summary.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(super) fn write(&self, summary: &Summary) -> std::io::Result<()> {
        let text = summary.to_json();
        let (new, path) = (self.out.join("summary.json.new"), self.out.join("summary.json"));
        std::fs::write(&new, text).and_then(|()| std::fs::rename(&new, path)).inspect_err(|_| {
            // Half of it helps nobody.
            let _ = std::fs::remove_file(&new);
        })
    }
}
