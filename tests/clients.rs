//! Placeholder while the core settles.
fn main() {}
