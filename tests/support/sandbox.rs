//! Whether this system has the sandbox, for the targets that play in it.

use std::sync::OnceLock;

use crate::badproxy;

/// Whether this system has the sandbox. Where it forbids it, that is said and the test is skipped;
/// with CI=true it fails.
pub fn allowed() -> bool {
    static ALLOWED: OnceLock<bool> = OnceLock::new();
    *ALLOWED.get_or_init(|| {
        let played = badproxy(["run", "ok/plain", "--isolate", "--", "true"]).play();
        if played.code == 3 {
            let ci = std::env::var("CI").as_deref() == Ok("true");
            assert!(!ci, "CI has to allow the sandbox: {}", played.stderr);
            eprintln!("skipped: {}", played.stderr);
        }
        played.code != 3
    })
}
