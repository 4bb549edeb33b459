//! `pg_clone copy`, `export` and `import`.

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
mod registry;
mod scene;
mod source_tables;
mod standby;
mod two_servers;
mod without_extension;
