//! Files that are better made than kept: too large, not text, or changed by editors and git.

/// Name and content; without a content there is no such file.
pub const CASES: &[(&str, fn() -> Option<Vec<u8>>)] = &[
];
