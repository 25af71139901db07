//! Results on disk: whole at every moment, and there while the matrix is still being played.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::Summary;
use super::summary::SCHEMA;

/// Between two writings of results that are not complete, at least.
const PAUSE: Duration = Duration::from_secs(1);

/// One matrix at a time: two would take each other's files away. The directory itself is what is
/// locked, so that nothing is left in it.
fn lock(out: &Path) -> std::io::Result<Option<File>> {
    // Where directories cannot be opened (Windows) or locked (some file systems), there is none.
    let Ok(dir) = File::open(out) else { return Ok(None) };
    match dir.try_lock() {
        Err(TryLockError::WouldBlock) => Err(std::io::Error::new(
            std::io::ErrorKind::ResourceBusy,
            "another matrix is being played into it; give this one another --out",
        )),
        _ => Ok(Some(dir)),
    }
}

/// The directory of a matrix.
pub(super) struct Store {
    out: PathBuf,
    next: Instant,
    /// Held while the matrix is played; the system lets go of it with this process, however it ends.
    _lock: Option<File>,
}

impl Store {
    /// Makes the directory. What an earlier matrix has left in it goes.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(super) fn open(out: &Path) -> std::io::Result<Store> {
        std::fs::create_dir_all(out)?;
        let lock = lock(out)?;
        let before = std::fs::read_to_string(out.join("summary.json"));
        // Somebody else's files are not ours to take away.
        if before.is_ok_and(|text| text.contains(SCHEMA)) {
            let cells = out.join("cells");
            if cells.exists() {
                std::fs::remove_dir_all(cells)?;
            }
        }
        Ok(Store { out: out.to_owned(), next: Instant::now(), _lock: lock })
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The second one would take the first one's cells away.
    #[cfg(unix)]
    #[test]
    fn one_matrix_at_a_time_writes_into_a_directory() {
        let dir = tempfile::tempdir().unwrap();
        let first = Store::open(dir.path()).unwrap();
        let second = Store::open(dir.path()).err().unwrap();
        assert_eq!(second.kind(), std::io::ErrorKind::ResourceBusy);
        assert!(second.to_string().contains("another --out"), "{second}");
        drop(first);
        Store::open(dir.path()).unwrap();
    }
}
