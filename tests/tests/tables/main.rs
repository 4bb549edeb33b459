//! Tables as they are, not as they were: what changes beside a run, which types a role fits, where rows really are, which
//! table a name means.

#![allow(
    clippy::unwrap_used,
    reason = "a test stops at the first broken assumption, its fixture too"
)]

mod changes_beside;
mod changes_within;
mod elsewhere;
mod engine;
mod indexes_beside;
mod names;
mod options;
mod read_only;
mod roles;
mod rows;
