//! Clones that come and go: deletion, refresh, expiry, jobs, and that a dump keeps all of it.

#![expect(
    clippy::unwrap_used,
    reason = "a test may stop at the first broken assumption, in its helpers too"
)]

mod clinic;
mod delete;
mod delete_medplum;
mod delete_others;
mod dump;
mod examples;
mod expiry;
mod files_of_refresh;
mod foreign_keys;
mod hooks;
mod job_attempts;
mod job_rights;
mod jobs;
mod large_objects;
mod refresh;
mod refresh_concurrently;
mod refresh_medplum;
mod stale_cache;
mod state;
mod store_options;
