//! Clones that come and go: deletion, refresh, expiry, jobs, and that a dump keeps all of it.

mod clinic;
mod delete;
mod delete_medplum;
mod dump;
mod expiry;
mod foreign_keys;
mod job_rights;
mod jobs;
mod refresh;
mod refresh_concurrently;
mod refresh_medplum;
mod state;
