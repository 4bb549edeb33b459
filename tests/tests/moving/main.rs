//! Projects that move between databases, and into files.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test stops at the first broken assumption"
)]

mod archives;
mod copying;
mod files;
mod interruptions;
mod medplum;
mod memory;
mod newer_major;
mod passwords;
mod scene;
mod source_tables;
mod two_servers;
mod without_extension;
