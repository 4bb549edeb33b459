//! Clones that come and go: deletion, refresh, expiry, jobs, and that a dump keeps all of it.

#![expect(
    clippy::unwrap_used,
    reason = "a test may stop at the first broken assumption, in its helpers too"
)]

mod callers;
mod clinic;
mod delete;
mod dump;
mod examples;
mod expiry;
mod folded_ids;
mod hooks;
mod jobs;
mod refresh;
mod stale_cache;
mod state;
mod store_options;
