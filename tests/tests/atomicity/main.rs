//! Atomicity: a clone is complete or does not exist, after any interruption and in any calling context; an interruption
//! does not affect the session.

#![allow(
    clippy::unwrap_used,
    reason = "a test stops at the first broken assumption, its fixture too"
)]

mod callers;
mod cancellation;
mod concurrency;
mod failures;
mod interruptions;
mod whole_or_nothing;
