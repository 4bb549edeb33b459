//! A clone is whole or it is not there, whatever interrupts it and whatever surrounds the call; and what interrupts it
//! leaves no trace in the session.

#![allow(
    clippy::unwrap_used,
    reason = "a test stops at the first broken assumption, its fixture too"
)]

mod callers;
mod concurrency;
mod failures;
mod interruptions;
mod whole_or_nothing;
