//! The `pgclone` command.
fn main() {}
