//! Standard output, with errors that say what could not be written.

use std::io::{Error, Write};

/// What is said of it, before the reason.
pub(crate) const UNWRITTEN: &str = "cannot write to standard output";

/// Standard output.
pub(super) struct Stdout(std::io::StdoutLock<'static>);

/// Standard output, for this thread alone.
pub(super) fn stdout() -> Stdout {
    Stdout(std::io::stdout().lock())
}

impl Stdout {
    /// An error of it.
    pub fn unwritten(error: Error) -> Error {
        Error::new(error.kind(), format!("{UNWRITTEN}: {error}"))
    }
}

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.write(bytes).map_err(Stdout::unwritten)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush().map_err(Stdout::unwritten)
    }
}
