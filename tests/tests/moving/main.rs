//! Projects that move between databases, and into files.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test stops at the first broken assumption"
)]

mod archives;
mod copying;
mod scene;
mod source_tables;
